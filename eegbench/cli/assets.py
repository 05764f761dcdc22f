"""The verbs about what is there: parts, packages, captions, weight files."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from eegbench.cli.options import AsJson, DataSet, DataSettings, Device, Offline, Subject, built_dataset, go_offline
from eegbench.cli.output import terminal
from eegbench.cli.verbs import app, captions, weights
from eegbench.errors import CheckFailed, MissingError, UsageError


@app.command("list")
def list_(
    kind: Annotated[str, typer.Argument(help="methods, datasets, metrics or backbones.")],
    card: Annotated[str | None, typer.Option(help="Of metrics and methods: all about this one.")] = None,
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
    go_offline(offline)
    from eegbench.backbones.telling import telling
    from eegbench.benchmark import captions as making

    if check is not None:
        if (output, endpoint, local) != (None, None, None):
            raise UsageError("--check makes nothing: leave out --output, --endpoint and --local")
        found = making.check(check, built_dataset(dataset, settings), subject, images)
        print(f"{check}: ten captions for each of {len(found.entries)} training images, by {', '.join(found.models)}")
        return
    if output is None:
        raise UsageError("where are the captions to go? Give a file with -o, or one to look at with --check")
    progress = terminal()
    with telling(progress):
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
    wanted = making.training_images(built_dataset(dataset, settings), subject, images)
    made = making.make(wanted, output, captioner, progress=progress)
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

    chosen = list(published.PUBLISHED) if names == ["all"] else names
    for name in chosen:
        published.entry_of(name)
    if offline and (absent := [name for name in chosen if published.locate(name) is None]):
        raise MissingError(f"{absent[0]} is not here, and --offline opens no connection; leave it out to fetch")
    failed = 0
    for name in chosen:
        try:
            print(f"{name}: {published.fetch(name, progress=terminal())}")
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
