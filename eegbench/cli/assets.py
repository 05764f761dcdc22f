"""The verbs that list and check what is there: methods, metrics and the like, packages, captions, weight files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from eegbench.cli.options import (
    AllowPlugins,
    AsJson,
    DataSet,
    DataSettings,
    Device,
    FollowLinks,
    Offline,
    Subject,
    built_dataset,
    go_offline,
)
from eegbench.cli.output import complain, note, say_json, say_lines, terminal
from eegbench.cli.screen import narrow
from eegbench.cli.verbs import CHECK, RUN, app, captions, weights
from eegbench.errors import CheckFailed, MissingError, UsageError


@app.command("list", group=RUN)
def list_(
    kind: Annotated[str, typer.Argument(metavar="methods|datasets|metrics|backbones", help="What to list.")],
    card: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of metrics and methods: all about this one.")
    ] = None,
    allow_plugins: AllowPlugins = False,
    as_json: AsJson = False,
) -> None:
    """List what there is. Of plug-ins that are not imported, only name and package are known."""
    from eegbench.assets import catalogue

    if card is not None:
        sys.stdout.write(catalogue.card(kind, card))
        return
    rows = catalogue.rows(kind, allow_plugins=allow_plugins)
    show_rows(rows, as_json)


def show_rows(rows: list[dict[str, object]], as_json: bool) -> None:
    from eegbench.assets import catalogue

    if as_json:
        say_json(rows)
    else:
        sys.stdout.write(catalogue.text(rows, narrow()))


@app.command(group=CHECK)
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, what is missing, and what to do about it."""
    from eegbench.assets.doctor import examine

    findings = examine()
    if as_json:
        say_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            say_lines(f"{'ok ' if finding.good else 'BAD'}  {finding.subject:<20} {finding.state}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(MissingError.exit_code)


@captions.command("make")
def captions_make(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The file to make, or to add what it lacks to."),
    ] = None,
    dataset: DataSet = "sim-things",
    subject: Subject = 8,
    settings: DataSettings = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="A folder of training images, in place of the data set's; ids are their paths."
        ),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="As https://api.openai.com/v1; with --model.")
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="The endpoint's name for the model.")] = None,
    api_key_env: Annotated[str | None, typer.Option(metavar="VAR", help="The variable that holds the API key.")] = None,
    parallel: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Images that the endpoint is asked about at once.")
    ] = 4,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Seconds to wait for a whole answer.")] = 120.0,
    local: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A BLIP or GIT captioner in a folder, in place of an endpoint."),
    ] = None,
    device: Device = "auto",
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Make nothing; say whether this file is sound and whole.")
    ] = None,
    follow_links: FollowLinks = False,
    offline: Offline = False,
) -> None:
    """Have a model write ten captions of each training image, or check a file of them.

    Test images are never captioned: a method that retrieves captions would find the answer among them. The same
    command takes up what was interrupted; images that have captions are not asked about again. `--captions FILE` of
    `evaluate` trains on them.
    """
    go_offline(offline)
    from eegbench.assets import captions as making
    from eegbench.backbones.telling import telling

    if check is not None:
        if (output, endpoint, local) != (None, None, None):
            raise UsageError("--check makes nothing: leave out --output, --endpoint and --local")
        data = built_dataset(dataset, settings)
        captions_file = making.check(check, data, subject, images, follow_links=follow_links, note=note)
        say_lines(
            f"{check}: ten captions for each of {len(captions_file.entries)} training images, "
            f"by {', '.join(captions_file.models)}"
        )
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
        note(captioner.note)
    data = built_dataset(dataset, settings)
    wanted = making.training_images(data, subject, images, follow_links=follow_links, note=note)
    made = making.make(wanted, output, captioner, progress=progress)
    say_lines(f"{output}: ten captions for each of {made.images} training images, {made.new} of them new")


@weights.command("list")
def weights_list(as_json: AsJson = False) -> None:
    """Say of each published weight file who uses it, where it comes from, where it lies and whether it is the one."""
    from eegbench.backbones import published

    rows = [published.state(name) for name in published.PUBLISHED]
    show_rows(rows, as_json)


@weights.command("fetch")
def weights_fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of `eegbench weights list`, or all.")],
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
            say_lines(f"{name}: {published.fetch(name, progress=terminal())}")
        except MissingError as error:
            failed += 1
            complain(str(error))
    if failed:
        raise typer.Exit(MissingError.exit_code)


@weights.command("verify")
def weights_verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Names of `eegbench weights list`; those here if none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the digests of weight files with the known ones."""
    from eegbench.backbones import published

    chosen = names or [name for name in published.PUBLISHED if published.locate(name) is not None]
    if not chosen:
        raise MissingError("no published weight file is here; `eegbench weights list` says where they are looked for")
    states = {name: str(published.state(name)["state"]) for name in chosen}
    if as_json:
        say_json(states)
    else:
        say_lines(*(f"{name:<20} {state}" for name, state in states.items()))
    if published.DIFFERS in states.values():
        raise typer.Exit(CheckFailed.exit_code)
    if published.ABSENT in states.values():
        raise typer.Exit(MissingError.exit_code)
