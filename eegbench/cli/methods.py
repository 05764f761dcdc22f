"""The verbs that examine a method, a data set or a metric."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.benchmark.options import Options
from eegbench.cli.options import (
    MANY,
    SUBJECTS,
    AsJson,
    CaptionsFile,
    Config,
    DataSet,
    DataSettings,
    Device,
    MethodName,
    Offline,
    Seed,
    Settings,
    Subject,
    Track,
    check_no_view,
    choice,
    data_table,
    go_offline,
    run_options,
)
from eegbench.cli.output import heading, say, say_json, say_lines, terminal
from eegbench.cli.screen import width
from eegbench.cli.verbs import CHECK, RUN, app
from eegbench.errors import CheckFailed


@app.command(group=RUN)
def explain(
    method: MethodName,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="A folder for explain.csv and the pictures.")
    ],
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    seed: Seed = 0,
    config: Config = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    device: Device = "auto",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Draw what a fitted method goes by, over scalp and time, and how its heads do on held-out training concepts."""
    go_offline(offline)
    from eegbench.assets import catalogue
    from eegbench.studies import explain as explaining

    chosen = Options(dataset, seed=seed, captions=captions_file, device=device, offline=offline)
    options = run_options(method, config, settings, chosen)
    explained = explaining.explain(method, subject, options, terminal())
    title = heading(explained, method, dataset=dataset, subject=subject, seed=seed)
    files = explaining.write(explained, output, title=title)
    if as_json:
        say_json(explaining.heads(explained))
        return
    say(heading(explained, method, dataset=dataset, subject=subject, seed=seed, columns=width()))
    print(catalogue.text(explaining.heads(explained), width()))
    say_lines(*map(str, files))


@app.command("check-method", group=CHECK)
def check_method(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="A name of `eegbench list methods`.")],
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    config: Config = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    device: Device = "auto",
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Ask a method on four items whether it keeps the contract."""
    go_offline(offline)
    from eegbench.backbones.environment import resolve_device
    from eegbench.benchmark.plan import plan
    from eegbench.checks import check_method as contract

    chosen = Options(dataset, track=track, captions=captions_file, device=device, offline=offline)
    options = run_options(method, config, settings, chosen)
    findings = contract.check(plan(method, subject, options, device=resolve_device(device)), progress=terminal())
    _show(method, findings, as_json)


@app.command("check-dataset", group=CHECK)
def check_dataset(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of `eegbench list datasets`.")],
    subject: Annotated[
        list[int] | None,
        typer.Option(
            "--subject",
            min=0,
            max=SUBJECTS,
            metavar="N",
            help="Whose data, again for more; the first and the last if none.",
        ),
    ] = None,
    settings: DataSettings = None,
    as_json: AsJson = False,
) -> None:
    """Ask a data set for all that it has, and say whether it keeps the contract."""
    from eegbench.checks import check_dataset as contract

    _show(name, contract.check(name, data_table(settings), subject or (), progress=terminal()), as_json)


@app.command("check-metric", group=CHECK)
def check_metric(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of `eegbench list metrics`.")],
    as_json: AsJson = False,
) -> None:
    """Try a metric on seeded pictures, and say whether it keeps the contract."""
    from eegbench.checks import check_metric as contract

    _show(name, contract.check(name, progress=terminal()), as_json)


def _show(name: str, findings: Sequence[Any], as_json: bool) -> None:
    """Print the findings clause by clause; raises CheckFailed where a clause is broken."""
    if as_json:
        say_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            warning = getattr(finding, "warning", "")
            say_lines(f"{'BAD' if finding.problem else '!  ' if warning else 'ok '}  {finding.clause}")
            if problem := finding.problem or warning:
                say_lines(f"     {problem}")
    if broken := sum(bool(finding.problem) for finding in findings):
        raise CheckFailed(f"{name} breaks {broken} of {len(findings)} clauses of the contract")


@app.command(group=CHECK)
def rehearse(
    method: MethodName,
    config: Config = Path("paper"),
    settings: Settings = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, max=MANY, metavar="N", help="Of every stage and of the sampler; else 1 on a CPU, 4 and all on a GPU."
        ),
    ] = None,
    recording: Annotated[
        str | None,
        choice(
            "recording", "things-eeg2", "eegcvpr", "sim-things", about="Whose size the EEG has; else that of the paper."
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A weight file to compare keys and shapes with.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Build a method's networks at full size with random weights; check shapes and keys; time steps on a GPU.

    With --device cpu it times them on a CPU: one step of batch 1 of every stage, but for what --steps and --set say.
    """
    import dataclasses

    from eegbench.configuration import read_tables, shipped

    given = read_tables(None, settings or [])
    check_no_view(given)
    table, set_values = read_tables(shipped(config, method), [])["method"], given["method"]
    progress = terminal()
    with progress.bar("load torch and its libraries", 1) as advance:
        from eegbench.checks import rehearse as rehearsing

        advance(1)
    report = rehearsing.rehearse(
        method,
        table,
        settings=set_values,
        steps=steps,
        device=device,
        progress=progress,
        recording=recording,
        checkpoint=checkpoint,
    )
    if as_json:
        say_json(dataclasses.asdict(report))
    else:
        sys.stdout.write(rehearsing.text(report))
