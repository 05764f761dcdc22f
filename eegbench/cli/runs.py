"""The verbs that make runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.benchmark.options import Options
from eegbench.cli.options import (
    MANY,
    Also,
    AsJson,
    Audit,
    Average,
    Calibration,
    CaptionsFile,
    Channels,
    Config,
    DataSet,
    Device,
    Half,
    MethodName,
    NwayJudge,
    Offline,
    Others,
    Protocol,
    Runs,
    Scale,
    Seed,
    Sessions,
    Settings,
    Subject,
    Suite,
    Track,
    TrainOn,
    TrainRepetitions,
    TrainStimuli,
    Unverified,
    Window,
    go_offline,
    run_options,
    words,
)
from eegbench.cli.output import heading, say, say_json, say_lines, show_sheet, terminal
from eegbench.cli.screen import width
from eegbench.cli.verbs import RUN, app
from eegbench.runs.protocol import words_of


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
    average: Average = "all",
    train_on: TrainOn = "own",
    calibration: Calibration = 0,
    others: Others = 0,
    scale: Scale = "training",
    window: Window = None,
    channels: Channels = None,
    train_stimuli: TrainStimuli = None,
    train_repetitions: TrainRepetitions = None,
    sessions: Sessions = None,
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
    audit: Audit = True,
    references: Annotated[
        bool, typer.Option("--references/--no-references", help="Bring floors and ceilings beside the run.")
    ] = True,
    also: Also = None,
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
        "dataset": dataset,
        "track": track,
        "seed": seed,
        "samples": samples,
        "average": average,
        "train_on": train_on,
        "calibration": calibration,
        "others": others,
        "scale": scale,
        "window": window,
        "channels": channels,
        "train_stimuli": train_stimuli,
        "train_repetitions": train_repetitions,
        "sessions": sessions,
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
        show_preflight(evaluating.examine(method, subject=subject, **chosen), as_json=as_json)
        return
    run = evaluating.evaluate(method, subject=subject, **chosen, progress=terminal())
    if as_json:
        sys.stdout.write(run.sheet.to_json())
        return
    title = heading(
        run,
        method,
        dataset=dataset,
        subject=subject,
        track=track,
        seed=seed,
        columns=width(),
        protocol=words_of(evaluating.options_of(method, **chosen)),
    )
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
    method: Annotated[str, typer.Option(metavar="NAME,NAME", help="One method, or several in one figure.")],
    over: Annotated[
        str,
        typer.Option(
            metavar="AXIS",
            help="average, window, channels, train-stimuli, train-repetitions, subjects (how many others are trained "
            "on), calibration, or a key of the data set or the method, as snr.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="A folder for curve.csv, curve.svg and curve.png.")
    ],
    values: Annotated[
        str | None,
        typer.Option(metavar="VALUE,VALUE", help="With commas between them; else the usual ones of the axis."),
    ] = None,
    step: Annotated[
        float, typer.Option(metavar="S", help="Of --over window: by how many s windows grow or slide.")
    ] = 0.1,
    width: Annotated[
        float | None, typer.Option(metavar="S", help="Of --over window: windows of so many s slide; else they grow.")
    ] = None,
    panels: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="The metrics that are drawn; the table has all.")
    ] = None,
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    seed: Seed = 0,
    average: Average = "all",
    train_on: TrainOn = "own",
    calibration: Calibration = 0,
    others: Others = 0,
    scale: Scale = "training",
    window: Window = None,
    channels: Channels = None,
    train_stimuli: TrainStimuli = None,
    train_repetitions: TrainRepetitions = None,
    sessions: Sessions = None,
    config: Config = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    also: Also = None,
    audit: Audit = True,
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate methods over one axis of their protocol, and draw it: windows, channels, people, amounts of data."""
    go_offline(offline)
    from eegbench.api import curve as drawing

    drawn = drawing.curve(
        words(method),
        subject=subject,
        over=over,
        values=words(values),
        output=output,
        step=step,
        width=width,
        panels=words(panels) or None,
        progress=terminal(),
        dataset=dataset,
        track=track,
        seed=seed,
        average=average,
        train_on=train_on,
        calibration=calibration,
        others=others,
        scale=scale,
        window=window,
        channels=channels,
        train_stimuli=train_stimuli,
        train_repetitions=train_repetitions,
        sessions=sessions,
        config=config,
        settings=settings or (),
        captions=captions_file,
        runs=runs,
        device=device,
        also=words(also),
        audit=audit,
        offline=offline,
        allow_unverified_weights=allow_unverified_weights,
    )
    if as_json:
        say_json(drawn.result.rows())
        return
    say(drawn.title)
    for name, worse in drawn.result.falls().items():
        say(f"{name}, worse somewhere by more than the intervals: {', '.join(worse) or 'nothing'}")
    say_lines(f"Table:    {drawn.table}", *(f"Picture:  {picture}" for picture in drawn.pictures))


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
    also: Also = None,
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
    from eegbench.studies import ablation

    options = run_options(
        method,
        config,
        settings,
        Options(
            dataset=dataset,
            track=track,
            seed=seed,
            captions=captions_file,
            also=tuple(words(also)),
            runs=runs,
            device=device,
            offline=offline,
            allow_unverified_weights=allow_unverified_weights,
        ),
    )
    points = ablation.ablate(method, subject, options, terminal())
    if as_json:
        say_json(ablation.rows(points))
        return
    say(heading(points[0], method, dataset=dataset, subject=subject, track=track, seed=seed, columns=width()))
    columns = dict.fromkeys((*registry.find("method", method).ablated, *options.also))
    table = show_ablation({p.label: p.sheet for p in points}, list(columns), width())
    print(table, end="")
