"""The verbs that make runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.benchmark.options import Options
from eegbench.cli.options import (
    MANY,
    AsJson,
    CaptionsFile,
    Config,
    DataSet,
    Device,
    Half,
    MethodName,
    NwayJudge,
    Offline,
    Protocol,
    Runs,
    Seed,
    Settings,
    Subject,
    Suite,
    Track,
    Unverified,
    go_offline,
    run_options,
    words,
)
from eegbench.cli.output import heading, say, say_json, say_lines, show_sheet, terminal
from eegbench.cli.screen import width
from eegbench.cli.verbs import RUN, app


@app.command(group=RUN)
def evaluate(
    method: MethodName,
    subject: Subject,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    seed: Seed = 0,
    samples: Annotated[
        int, typer.Option(min=1, max=MANY, metavar="N", help="Images per stimulus; a score is their mean.")
    ] = 1,
    average: Annotated[str, typer.Option(metavar="all|N", help="Repetitions of test EEG that are averaged.")] = "all",
    suite: Suite = "auto",
    protocol: Protocol = "sal512",
    config: Config = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=MANY, metavar="N", help="Images made at once; changes no image.")
    ] = None,
    audit: Annotated[
        bool,
        typer.Option(
            "--audit/--no-audit",
            help="Test whether the EEG contributes, also with permuted EEG. A run that was audited stays so.",
        ),
    ] = True,
    references: Annotated[
        bool, typer.Option("--references/--no-references", help="Bring floors and ceilings beside the run.")
    ] = True,
    also: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Metrics beside the usual ones, as retrieval50_top1.")
    ] = None,
    nway_judge: NwayJudge = None,
    half: Half = False,
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only look whether all that the run needs is there, and say what is not.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fit a method if it must be, reconstruct the test images, score and audit them, write the run."""
    go_offline(offline)
    from eegbench.api import evaluate as evaluating

    chosen: dict[str, Any] = {
        "subject": subject,
        "dataset": dataset,
        "track": track,
        "seed": seed,
        "samples": samples,
        "average": average,
        "suite": suite,
        "protocol": protocol,
        "config": config,
        "settings": settings or (),
        "captions": captions_file,
        "runs": runs,
        "device": device,
        "batch_size": batch_size,
        "audit": audit,
        "references": references,
        "also": words(also),
        "nway_judge": nway_judge,
        "half": half,
        "offline": offline,
        "allow_unverified_weights": allow_unverified_weights,
    }
    if check:
        show_preflight(evaluating.examine(method, **chosen), as_json=as_json)
        return
    run = evaluating.evaluate(method, **chosen, progress=terminal())
    if as_json:
        sys.stdout.write(run.sheet.to_json())
        return
    title = heading(run, method, dataset=dataset, subject=subject, track=track, seed=seed, columns=width())
    show_sheet(run.sheet, title, run)
    say("Seconds: " + ", ".join(f"{stage} {value:.1f}" for stage, value in run.seconds.items()))
    say_lines(f"Record:  {run.folder / 'run.json'}", f"Picture: {run.picture}")


def show_preflight(preflight: Any, *, as_json: bool) -> None:
    """Print the list of all that a run needs; exits with the code of the first point that is not there."""
    if as_json:
        say_json([{"subject": p.subject, "good": p.error is None, "state": p.state} for p in preflight.points])
    else:
        say_lines(*(f"{'BAD' if p.error else 'ok '}  {p.subject:<15} {p.state}" for p in preflight.points))
    if preflight.failed:
        raise typer.Exit(preflight.failed[0].code)


@app.command(group=RUN)
def curve(
    method: MethodName,
    over: Annotated[str, typer.Option(metavar="KEY", help="A key of the data set or the method, as snr.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="A folder for curve.csv and curve.png.")
    ],
    values: Annotated[
        str | None, typer.Option(metavar="VALUE,VALUE", help="With commas between them; else 0 to 4 times its own.")
    ] = None,
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    seed: Seed = 0,
    config: Config = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate a method at several values of one key: does the score rise with the signal?"""
    go_offline(offline)
    from eegbench.studies import vary

    options = run_options(
        method,
        config,
        settings,
        Options(
            dataset=dataset,
            track=track,
            seed=seed,
            captions=captions_file,
            runs=runs,
            device=device,
            offline=offline,
            allow_unverified_weights=allow_unverified_weights,
        ),
    )
    points = vary.curve(method, subject, over, words(values), options, terminal())
    title = heading(points[0], method, dataset=dataset, subject=subject, track=track, seed=seed)
    table, picture = vary.write(points, over, output, title=title)
    if as_json:
        say_json(vary.rows(points))
        return
    say(heading(points[0], method, dataset=dataset, subject=subject, track=track, seed=seed, columns=width()))
    worse = vary.falls(points)
    say(f"Worse somewhere by more than the intervals: {', '.join(worse) or 'nothing'}")
    say_lines(f"Table:   {table}", f"Picture: {picture}")


@app.command(group=RUN)
def ablate(
    method: MethodName,
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    seed: Seed = 0,
    config: Config = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate the rows of a paper's own ablation, and print its table."""
    go_offline(offline)
    from eegbench.api.report import show_ablation
    from eegbench.plugins import registry
    from eegbench.studies import vary

    options = run_options(
        method,
        config,
        settings,
        Options(
            dataset=dataset,
            track=track,
            seed=seed,
            captions=captions_file,
            runs=runs,
            device=device,
            offline=offline,
            allow_unverified_weights=allow_unverified_weights,
        ),
    )
    points = vary.ablate(method, subject, options, terminal())
    if as_json:
        say_json(vary.rows(points))
        return
    say(heading(points[0], method, dataset=dataset, subject=subject, track=track, seed=seed, columns=width()))
    table = show_ablation({p.label: p.sheet for p in points}, registry.find("method", method).ablated, width())
    print(table, end="")
