"""The verbs that examine a method."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from eegbench.cli.options import (
    AsJson,
    CaptionsFile,
    Config,
    DataSet,
    Device,
    MethodName,
    Seed,
    Settings,
    Subject,
    Track,
    run_options,
)
from eegbench.cli.output import heading, terminal
from eegbench.cli.verbs import app
from eegbench.errors import CheckFailed


@app.command()
def explain(
    method: MethodName,
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder for explain.csv and the pictures.")],
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    seed: Seed = 0,
    config: Config = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    device: Device = "auto",
) -> None:
    """Draw what a fitted method goes by, over scalp and time, and how its heads do on held-out training concepts."""
    from eegbench.benchmark import catalogue
    from eegbench.benchmark import explain as asking

    options = run_options(method, config, settings, dataset=dataset, seed=seed, captions=captions_file, device=device)
    explained = asking.explain(method, subject, options, terminal())
    title = heading(explained, method, subject, options)
    files = asking.write(explained, output, title=title)
    print(f"{title}\n{catalogue.text(asking.heads(explained))}")
    print("\n".join(str(file) for file in files))


@app.command("check-method")
def check_method(
    method: Annotated[str, typer.Argument(help="A name of `eegbench list methods`.")],
    subject: Subject = 8,
    dataset: DataSet = "sim-things",
    track: Track = "eeg",
    config: Config = None,
    settings: Settings = None,
    captions_file: CaptionsFile = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Ask a method on four images whether it keeps the contract."""
    from eegbench.backbones.environment import resolve_device
    from eegbench.benchmark import check_method as asking
    from eegbench.benchmark.plan import plan

    options = run_options(method, config, settings, dataset=dataset, track=track, captions=captions_file, device=device)
    findings = asking.check(plan(method, subject, options, device=resolve_device(device)), progress=terminal())
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
    steps: Annotated[
        int | None, typer.Option(min=1, help="Of every stage and of the sampler; else 1 on a CPU, 4 and all on a GPU.")
    ] = None,
    recording: Annotated[str | None, typer.Option(help="Whose size the EEG has; else that of the paper.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A weight file to compare keys and shapes with.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Build a method's networks at full size with random weights; check shapes and keys; time steps on a GPU.

    With --device cpu it times them on a CPU: one step of batch 1 of every stage, but for what --steps and --set say.
    """
    import dataclasses

    from eegbench.configuration import read_tables, shipped

    table, told = read_tables(shipped(config, method), [])["method"], read_tables(None, settings or [])["method"]
    progress = terminal()
    with progress.bar("load torch and its libraries", 1) as advance:
        from eegbench.benchmark import rehearse as rehearsing

        advance(1)
    report = rehearsing.rehearse(
        method, table, settings=told, steps=steps, device=device, progress=progress, recording=recording,
        checkpoint=checkpoint,
    )  # fmt: skip
    sys.stdout.write(json.dumps(dataclasses.asdict(report), indent=1) + "\n" if as_json else rehearsing.text(report))
