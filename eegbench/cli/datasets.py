"""The verbs about data sets."""

from pathlib import Path
from typing import Annotated

import typer

from eegbench.cli.options import SUBJECTS, AsJson, DataSettings, Offline, built_dataset, data_table, default_subject
from eegbench.cli.output import note, say_json, say_lines, terminal
from eegbench.cli.verbs import datasets
from eegbench.errors import CheckFailed, MissingError

Name = Annotated[str, typer.Argument(metavar="DATASET", help="A name of `eegbench list datasets`.")]
Root = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="The folder of the published files; EEGBENCH_DATA/NAME if not given."),
]
Origin = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Which published files: nice, official or raw of things-eeg2, 5_95, 14_70, 55_95 or raw of eegcvpr.",
    ),
]
Subjects = Annotated[
    list[int] | None,
    typer.Option(
        "--subject",
        min=0,
        max=SUBJECTS,
        metavar="N",
        help="Whose, again for more; all if not given, or all that are prepared.",
    ),
]


@datasets.command("info")
def datasets_info(
    name: Name,
    picture: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", "--picture", metavar="FILE", help="Draw scenes, captions and mean EEG to this PNG."
        ),
    ] = None,
    subject: Annotated[
        int | None, typer.Option(min=0, max=SUBJECTS, metavar="N", help="Whose EEG the picture shows.")
    ] = None,
    settings: DataSettings = None,
    as_json: AsJson = False,
) -> None:
    """Say what a data set is, and draw it."""
    from eegbench.assets import catalogue

    dataset = built_dataset(name, settings)
    facts = catalogue.facts(dataset)
    if picture is not None:
        catalogue.draw(dataset, default_subject() if subject is None else subject, picture)
        facts["picture"] = str(picture)
    if as_json:
        say_json(facts)
        return
    for key, value in facts.items():
        say_lines(*f"{key:<10} {value}".split("\n"))  # findings on signals have a line each


@datasets.command("fetch")
def datasets_fetch(
    name: Name,
    origin: Origin = None,
    subject: Subjects = None,
    root: Root = None,
    settings: DataSettings = None,
    offline: Offline = False,
) -> None:
    """Download the published files that are public, and say which others go where.

    The same command takes up what was cut short. Sizes and kinds are checked, digests kept in fetched.lock.json.
    """
    from eegbench.assets import recordings
    from eegbench.datasets.remote import FOLDER, ByHand

    dataset = recordings.find(name, data_table(settings), root=root, origin=origin)
    try:
        paths = recordings.fetch(dataset, subject, progress=terminal(), offline=offline)
    except ByHand as error:
        for file in error.files:
            place = f"{dataset.root / file.path}{'/' if file.kind == FOLDER else ''}"
            say_lines(place, f"    {file.about}", f"    from {file.page}")
        raise MissingError(
            f"{len(error.files)} files were not fetched ({error.why}); put each where the list says, under its name"
        ) from None
    for path in paths:
        say_lines(str(dataset.root / path))


@datasets.command("prepare")
def datasets_prepare(
    name: Name, origin: Origin = None, subject: Subjects = None, root: Root = None, settings: DataSettings = None
) -> None:
    """Make of the published files what is read fast: arrays that are memory-mapped, with the digests of all.

    The same command takes up what was interrupted; what is prepared already from the same files is left. Flat, copied
    and clipped channels and silent trials are noted on stderr; EEG of which nothing is left is refused.
    """
    from eegbench.assets import recordings

    dataset = recordings.find(name, data_table(settings), root=root, origin=origin)
    for folder in recordings.prepare(dataset, subject, progress=terminal()):
        say_lines(str(folder))
    for fault in recordings.notes(dataset, subject):
        note(fault)


@datasets.command("verify")
def datasets_verify(
    name: Name,
    origin: Origin = None,
    subject: Subjects = None,
    root: Root = None,
    settings: DataSettings = None,
    as_json: AsJson = False,
) -> None:
    """Read every byte of what was prepared; look for test images among the training images, and at the signals.

    Exits with 1 for damage, for an image on both sides, and for EEG of which nothing is left or whose unit is not the
    stated one. Single channels and trials that are flat, copied or clipped are notes.
    """
    from eegbench.assets import recordings

    dataset = recordings.find(name, data_table(settings), root=root, origin=origin)
    problems, notes = recordings.verify(dataset, subject, progress=terminal())
    if as_json:
        say_json({"problems": problems, "notes": notes})
    else:
        lines = problems or ["whole, and no test image is among the training images"]
        say_lines(*lines, *(f"note: {text}" for text in notes))
    if problems:
        raise typer.Exit(CheckFailed.exit_code)
