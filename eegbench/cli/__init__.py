"""The command line: a verb parses, calls one function, prints. Heavy imports wait for the verb that needs them."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from eegbench.errors import CheckFailed, EegbenchError, MissingError, UsageError, unknown
from eegbench.places import FULL, writing

INTERRUPTED = 130  # the shell's own code for it


class Verbs(TyperGroup):
    """Runs a verb; what goes wrong on purpose, or for want of disk or rights, is one line and an exit code."""

    def make_context(self, *words: Any, **options: Any) -> Any:
        try:
            return super().make_context(*words, **options)
        except TyperException as error:
            _misused(error)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise unknown("verb", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            outcome = super().invoke(ctx)
            sys.stdout.flush()
        except TyperException as error:
            _misused(error)
        except EegbenchError as error:
            _leave(str(error), error.exit_code)
        except KeyboardInterrupt:
            _leave("interrupted; the same command takes it up again", INTERRUPTED)
        except BrokenPipeError:
            raise  # whoever read our output has seen enough: typer ends quietly
        except ImportError as error:
            _leave(f"a package cannot be imported ({error}); `eegbench doctor` says what to do", MissingError.exit_code)
        except OSError as error:
            _leave(*_of_the_system(error))
        except RuntimeError as error:
            if "torchvision::" not in str(error):  # raised at the import of torchvision by a torch that is not its own
                raise
            _leave(f"torch and torchvision do not fit ({error}); see `eegbench doctor`", MissingError.exit_code)
        return outcome


app = typer.Typer(
    cls=Verbs,
    help="Benchmark of methods that reconstruct the picture a person saw from their EEG.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
datasets = typer.Typer(cls=Verbs, help="The data sets.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(datasets, name="datasets")
weights = typer.Typer(cls=Verbs, help="The published weight files.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(weights, name="weights")
captions = typer.Typer(cls=Verbs, help="Captions of training images.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(captions, name="captions")

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:<number> or mps.")]
Protocol = Annotated[str, typer.Option(help="How images reach the judges: sal512 or me256.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
Offline = Annotated[bool, typer.Option("--offline", help="Open no connection.")]
Unverified = Annotated[
    bool, typer.Option("--allow-unverified-weights", help="Use weights of unknown digest; their numbers are marked.")
]
Half = Annotated[bool, typer.Option("--half", help="Judges in half precision: the numbers' versions say so.")]
NwayJudge = Annotated[str | None, typer.Option(help="vit_h_14, as published, or vit_b_16: another metric, marked.")]
Subject = Annotated[int, typer.Option(help="The subject's number.")]
DataSet = Annotated[str, typer.Option(help="A name of `eegbench list datasets`.")]
Track = Annotated[str, typer.Option(help="eeg: EEG alone; oracle: a hint from the true image too.")]
Seed = Annotated[int, typer.Option(help="Decides all that is drawn by lot.")]
Runs = Annotated[Path, typer.Option(help="Where run folders go.")]
CaptionsFile = Annotated[
    Path | None, typer.Option("--captions", help="Train on this file's captions, not the data set's own.")
]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="As rank=8 or dataset.snr=0.")]
DataSettings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="As snr=0.")]


@app.command()
def evaluate(
    method: Annotated[str, typer.Option(help="A name of `eegbench list methods`.")],
    subject: Subject,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    seed: Seed = 0,
    samples: Annotated[int, typer.Option(help="Images per stimulus; a score is their mean.")] = 1,
    suite: Annotated[str, typer.Option(help="The judges: auto, micro or reference.")] = "auto",
    protocol: Protocol = "sal512",
    config: Annotated[
        Path | None, typer.Option(help="paper, micro, or a TOML file with tables [method] and [dataset].")
    ] = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    batch_size: Annotated[int | None, typer.Option(help="Images made at once; changes no image.")] = None,
    audit: Annotated[bool, typer.Option("--audit/--no-audit", help="Also run on permuted EEG.")] = True,
    nway_judge: NwayJudge = None,
    half: Half = False,
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
    as_json: AsJson = False,
) -> None:
    """Fit a method if it must be, reconstruct the test images, score and audit them, write the run."""
    _go_offline(offline)
    from eegbench.benchmark import evaluate as pipeline
    from eegbench.configuration import read_tables, shipped
    from eegbench.progress import Terminal

    tables = read_tables(shipped(config, method), settings or [])
    options = pipeline.Options(
        dataset=dataset,
        track=track,
        seed=seed,
        samples=samples,
        suite=suite,
        protocol=protocol,
        method_table=tables["method"],
        dataset_table=tables["dataset"],
        captions=captions_file,
        runs=runs,
        device=device,
        audit=audit,
        nway_judge=nway_judge,
        half=half,
        offline=offline,
        allow_unverified_weights=allow_unverified_weights,
        batch_size=batch_size,
    )
    outcome = pipeline.evaluate(method, subject, options, Terminal())
    for note in outcome.notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        sys.stdout.write(outcome.sheet.to_json())
        return
    _show(outcome.sheet, _heading(outcome.simulated, method, subject, options), outcome)
    print("Seconds: " + ", ".join(f"{stage} {value:.1f}" for stage, value in outcome.seconds.items()))
    print(f"Record:  {outcome.run_folder / 'run.json'}\nPicture: {outcome.picture}")


@app.command()
def score(
    truth: Annotated[Path, typer.Option(help="A folder of true images, PNG or JPEG.")],
    reconstructions: Annotated[Path, typer.Option(help="A folder with the same names below it.")],
    suite: Annotated[str, typer.Option(help="The judges: micro or reference; auto is micro here.")] = "auto",
    protocol: Protocol = "sal512",
    metrics: Annotated[str | None, typer.Option(help="Names, with commas between them; all if not given.")] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", help="JSON to this file; - for JSON alone on stdout.")
    ] = None,
    device: Device = "auto",
    nway_judge: NwayJudge = None,
    half: Half = False,
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
) -> None:
    """Score a folder of reconstructions against a folder of true images, joined by path."""
    _go_offline(offline)
    from eegbench.backbones.environment import resolve_device
    from eegbench.benchmark.score import score_folders
    from eegbench.progress import Terminal

    sheet = score_folders(
        truth,
        reconstructions,
        suite="micro" if suite == "auto" else suite,  # a folder does not say what its images show
        protocol=protocol,
        metrics=_metrics(metrics),
        progress=Terminal(),
        device=resolve_device(device),
        nway_judge=nway_judge,
        half=half,
        allow_unverified=allow_unverified_weights,
    )
    if json_file == "-":
        sys.stdout.write(sheet.to_json())
        return
    _show(sheet, f"{reconstructions} against {truth}")
    if json_file:
        _write(Path(json_file), sheet.to_json(), "--json")


@app.command()
def leaderboard(
    runs: Annotated[Path, typer.Argument(help="A folder of runs.")] = Path("runs"),
    form: Annotated[str, typer.Option("--format", help="md, csv or json.")] = "md",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="To this file, not to stdout.")] = None,
) -> None:
    """Write the leaderboard of a folder of runs."""
    from eegbench.leaderboard import collect, render

    text = render(collect(runs), form)
    if output:
        _write(output, text, "--output")
    else:
        sys.stdout.write(text)


@app.command("list")
def list_(
    kind: Annotated[str, typer.Argument(help="methods, datasets, metrics or backbones.")],
    card: Annotated[str | None, typer.Option(help="Of metrics: all about this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what there is."""
    from eegbench.benchmark import catalogue

    if card is not None:
        sys.stdout.write(catalogue.card(kind, card))
        return
    rows = catalogue.rows(kind)
    sys.stdout.write(json.dumps(rows, indent=1) + "\n" if as_json else catalogue.text(rows))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, what is missing, and what to do about it."""
    from eegbench.benchmark.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{'ok ' if finding.good else 'BAD'}  {finding.subject:<20} {finding.state}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(MissingError.exit_code)


@app.command()
def curve(
    method: Annotated[str, typer.Option(help="A name of `eegbench list methods`.")],
    over: Annotated[str, typer.Option(help="A key of the data set or the method, as snr.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder for curve.csv and curve.png.")],
    values: Annotated[str | None, typer.Option(help="With commas between them; else 0 to 4 times the default.")] = None,
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    seed: Seed = 0,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    runs: Runs = Path("runs"),
    device: Device = "auto",
) -> None:
    """Evaluate a method at several values of one key: does the score rise with the signal?"""
    from eegbench.benchmark import vary

    options = _options(dataset, track, seed, settings, runs, device, captions_file)
    points = vary.curve(method, subject, over, _words(values), options, _terminal())
    title = _heading(points[0].simulated, method, subject, options)
    table, picture = vary.write(points, over, output, title=title)
    print(title)
    worse = vary.falls(points)
    print(f"Worse somewhere by more than the intervals: {', '.join(worse) or 'nothing'}")
    print(f"Table:   {table}\nPicture: {picture}")


@app.command()
def ablate(
    method: Annotated[str, typer.Option(help="A name of `eegbench list methods`.")],
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    seed: Seed = 0,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    runs: Runs = Path("runs"),
    device: Device = "auto",
) -> None:
    """Evaluate the rows of a paper's own ablation, and print its table."""
    from eegbench.benchmark import plugins, vary
    from eegbench.report import show_ablation

    options = _options(dataset, track, seed, settings, runs, device, captions_file)
    points = vary.ablate(method, subject, options, _terminal())
    print(_heading(points[0].simulated, method, subject, options))
    show_ablation({p.label: p.sheet for p in points}, plugins.find("method", method).ablated, _console())


@app.command()
def explain(
    method: Annotated[str, typer.Option(help="A name of `eegbench list methods`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder for explain.csv and the pictures.")],
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    seed: Seed = 0,
    settings: Settings = None,
    device: Device = "auto",
) -> None:
    """Draw what a fitted method goes by, over scalp and time, and how its heads do on held-out training concepts."""
    from eegbench.benchmark import catalogue
    from eegbench.benchmark import explain as asking

    options = _options(dataset, "eeg", seed, settings, Path("runs"), device)
    explained = asking.explain(method, subject, options, _terminal())
    title = _heading(explained.simulated, method, subject, options)
    files = asking.write(explained, output, title=title)
    print(f"{title}\n{catalogue.text(asking.heads(explained))}")
    print("\n".join(str(file) for file in files))


@app.command("check-method")
def check_method(
    method: Annotated[str, typer.Argument(help="A name of `eegbench list methods`.")],
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Ask a method on four images whether it keeps the contract."""
    from eegbench.backbones.environment import resolve_device
    from eegbench.benchmark import check_method as asking
    from eegbench.benchmark.plan import plan

    options = _options(dataset, track, 0, settings, Path("runs"), device, captions_file)
    findings = asking.check(plan(method, subject, options, device=resolve_device(device)), progress=_terminal())
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{'BAD' if finding.problem else 'ok '}  {finding.clause}")
            if finding.problem:
                print(f"     {finding.problem}")
    if broken := sum(bool(finding.problem) for finding in findings):
        raise CheckFailed(f"{method} breaks {broken} of {len(findings)} clauses of the contract")


@app.command()
def rehearse(
    method: Annotated[str, typer.Option(help="A method that has a configuration at full size.")],
    config: Annotated[Path, typer.Option(help="paper, micro, or a TOML file with a table [method].")] = Path("paper"),
    settings: Settings = None,
    recording: Annotated[str | None, typer.Option(help="Whose size the EEG has; else that of the paper.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A weight file to compare keys and shapes with.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Build a method's networks at full size with random weights; check shapes and keys; time steps on a GPU."""
    import dataclasses

    from eegbench.benchmark import rehearse as rehearsing
    from eegbench.configuration import read_tables, shipped

    table = read_tables(shipped(config, method), settings or [])["method"]
    report = rehearsing.rehearse(
        method, table, device=device, progress=_terminal(), recording=recording, checkpoint=checkpoint
    )
    sys.stdout.write(json.dumps(dataclasses.asdict(report), indent=1) + "\n" if as_json else rehearsing.text(report))


@datasets.command("info")
def datasets_info(
    name: Annotated[str, typer.Argument(help="A name of `eegbench list datasets`.")],
    picture: Annotated[Path | None, typer.Option(help="Draw scenes, captions and mean EEG to this PNG.")] = None,
    subject: Annotated[int, typer.Option(help="Whose EEG the picture shows.")] = 8,
    settings: DataSettings = None,
) -> None:
    """Say what a data set is, and draw it."""
    from eegbench.benchmark import catalogue

    dataset = _dataset(name, settings)
    for key, value in catalogue.facts(dataset).items():
        print(f"{key:<10} {value}")
    if picture is not None:
        catalogue.draw(dataset, subject, picture)
        print(f"{'picture':<10} {picture}")


@captions.command("make")
def captions_make(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to make, or to add what it lacks to.")
    ] = None,
    dataset: DataSet = "sim-things",
    subject: Subject = 8,
    settings: DataSettings = None,
    images: Annotated[
        Path | None, typer.Option(help="A folder of training images, in place of the data set's; ids are their paths.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="As https://api.openai.com/v1; with --model.")] = None,
    model: Annotated[str | None, typer.Option(help="The endpoint's name for the model.")] = None,
    api_key_env: Annotated[str | None, typer.Option(metavar="VAR", help="The variable that holds the API key.")] = None,
    parallel: Annotated[int, typer.Option(help="Images that the endpoint is asked about at once.")] = 4,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.")] = 120.0,
    local: Annotated[
        Path | None, typer.Option(help="A BLIP or GIT captioner in a folder, in place of an endpoint.")
    ] = None,
    device: Device = "auto",
    check: Annotated[Path | None, typer.Option(help="Make nothing; say whether this file is sound and whole.")] = None,
    offline: Offline = False,
) -> None:
    """Have a model write ten captions of each training image, or check a file of them.

    Test images are never captioned: a method that retrieves captions would find the answer among them. The same
    command takes up what was interrupted; images that have captions are not asked about again. `--captions FILE` of
    `evaluate` trains on them.
    """
    _go_offline(offline)
    from eegbench.benchmark import captions as making

    if check is not None:
        if (output, endpoint, local) != (None, None, None):
            raise UsageError("--check makes nothing: leave out --output, --endpoint and --local")
        found = making.check(check, _dataset(dataset, settings), subject, images)
        print(f"{check}: ten captions for each of {len(found.entries)} training images, by {', '.join(found.models)}")
        return
    if output is None:
        raise UsageError("where are the captions to go? Give a file with -o, or one to look at with --check")
    captioner = making.captioner(
        endpoint=endpoint,
        model=model,
        api_key_env=api_key_env,
        local=local,
        parallel=parallel,
        timeout=timeout,
        device=device,
        offline=offline,
    )
    if captioner.note:
        print(f"note: {captioner.note}", file=sys.stderr)
    wanted = making.training_images(_dataset(dataset, settings), subject, images)
    made = making.make(wanted, output, captioner, progress=_terminal())
    print(f"{output}: ten captions for each of {made.images} training images, {made.new} of them new")


@weights.command("list")
def weights_list(as_json: AsJson = False) -> None:
    """Say of each published weight file who uses it, where it comes from, where it lies and whether it is the one."""
    from eegbench.backbones import published
    from eegbench.benchmark import catalogue

    rows = [published.state(name) for name in published.PUBLISHED]
    sys.stdout.write(json.dumps(rows, indent=1) + "\n" if as_json else catalogue.text(rows))


@weights.command("fetch")
def weights_fetch(
    names: Annotated[list[str], typer.Argument(help="Names of `eegbench weights list`, or all.")],
    offline: Offline = False,
) -> None:
    """Download published weight files to where their ecosystem keeps them."""
    from eegbench.backbones import published
    from eegbench.progress import Terminal

    chosen = list(published.PUBLISHED) if names == ["all"] else names
    for name in chosen:
        published.entry_of(name)
    if offline and (absent := [name for name in chosen if published.locate(name) is None]):
        raise MissingError(f"{absent[0]} is not here, and --offline opens no connection; leave it out to fetch")
    failed = 0
    for name in chosen:
        try:
            print(f"{name}: {published.fetch(name, progress=Terminal())}")
        except MissingError as error:
            failed += 1
            print(f"eegbench: {error}", file=sys.stderr)
    if failed:
        raise typer.Exit(MissingError.exit_code)


@weights.command("verify")
def weights_verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of `eegbench weights list`; those here if none.")
    ] = None,
) -> None:
    """Compare the digests of weight files with the known ones."""
    from eegbench.backbones import published

    chosen = names or [name for name in published.PUBLISHED if published.locate(name) is not None]
    if not chosen:
        raise MissingError("no published weight file is here; `eegbench weights list` says where they are looked for")
    states = {name: str(published.state(name)["state"]) for name in chosen}
    for name, state in states.items():
        print(f"{name:<20} {state}")
    if published.DIFFERS in states.values():
        raise typer.Exit(CheckFailed.exit_code)
    if published.ABSENT in states.values():
        raise typer.Exit(MissingError.exit_code)


def _options(
    dataset: str,
    track: str,
    seed: int,
    settings: list[str] | None,
    runs: Path,
    device: str,
    captions_file: Path | None = None,
) -> Any:
    from eegbench.benchmark.plan import Options
    from eegbench.configuration import read_tables

    tables = read_tables(None, settings or [])
    return Options(
        dataset=dataset,
        track=track,
        seed=seed,
        runs=runs,
        device=device,
        method_table=tables["method"],
        dataset_table=tables["dataset"],
        captions=captions_file,
    )


def _dataset(name: str, settings: list[str] | None) -> Any:
    """A data set with its options, which need no `dataset.` before them where there is no method."""
    from eegbench.benchmark import plugins
    from eegbench.configuration import build, read_tables

    words = [word if word.startswith("dataset.") else f"dataset.{word}" for word in settings or []]
    return build(plugins.find("dataset", name), read_tables(None, words)["dataset"])


def _heading(simulated: bool, method: str, subject: int, options: Any) -> str:
    """What stands above every table and picture of scores."""
    kind = "SIMULATED EEG: comparable with no paper" if simulated else "recorded EEG"
    return f"{kind}\n{method} on {options.dataset}, subject {subject}, track {options.track}, seed {options.seed}"


def _terminal() -> Any:
    from eegbench.progress import Terminal

    return Terminal()


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _go_offline(offline: bool) -> None:
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"  # read by the hub's client when it is imported, further below


def _metrics(names: str | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    if not chosen:
        raise UsageError("--metrics names no metric; leave it out for all of them")
    return chosen


def _show(sheet: Any, title: str, outcome: Any = None) -> None:
    """The table of a score sheet on stdout, beside the floors and ceilings of its outcome."""
    from eegbench.report import show

    floors, ceilings = ({}, {}) if outcome is None else (outcome.floors, outcome.ceilings)
    show(sheet, title=title, floors=floors, ceilings=ceilings, console=_console())


def _console() -> Any:
    """stdout, as wide as the terminal that it is."""
    from rich.console import Console

    from eegbench.report import WIDTH

    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    return console


def _write(path: Path, text: str, option: str) -> None:
    from eegbench.records import write_text

    with writing(path, mend=f"choose another file with {option}"):
        write_text(path, text)


def _of_the_system(error: OSError) -> tuple[str, int]:
    place = error.filename or "a file"
    if error.errno in FULL:
        return f"{place}: no space left on the disk; free some, then run the same command again", MissingError.exit_code
    reason = error.strerror or type(error).__name__
    return f"{place}: cannot be used ({reason}); mend that, or choose another place", UsageError.exit_code


def _misused(error: TyperException) -> NoReturn:
    if type(error).__name__ == "NoArgsIsHelpError":  # nothing was asked: typer shows the help
        raise error
    context = getattr(error, "ctx", None)
    verb = context.command_path if context else "eegbench"
    _leave(f"{error.format_message().rstrip('.')}; see `{verb} --help`", UsageError.exit_code)


def _leave(message: str, code: int) -> NoReturn:
    print("eegbench: " + " ".join(message.split()), file=sys.stderr)
    raise typer.Exit(code) from None
