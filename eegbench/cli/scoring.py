"""The verbs that score pictures, pair them, and show what was scored."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from eegbench.cli.options import (
    AllowPlugins,
    AsJson,
    Device,
    FollowLinks,
    Form,
    Half,
    NwayJudge,
    Offline,
    Output,
    Protocol,
    Settings,
    Suite,
    Unverified,
    choice,
    data_table,
    go_offline,
    metric_names,
)
from eegbench.cli.output import note, say_lines, show_sheet, terminal, write, write_board
from eegbench.cli.verbs import BOARD, SCORE, app
from eegbench.errors import UsageError
from eegbench.tables import line


@app.command(group=SCORE)
def score(
    truth: Annotated[
        Path, typer.Option(metavar="FOLDER", help="A folder of true images: PNG, JPEG, WebP, BMP or TIFF.")
    ],
    reconstructions: Annotated[Path, typer.Option(metavar="FOLDER", help="A folder with the same names below it.")],
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A CSV file that says which belongs to which; see `eegbench pairs`."),
    ] = None,
    subset: Annotated[bool, typer.Option("--subset", help="Score the stimuli that both sides have.")] = False,
    follow_links: FollowLinks = False,
    suite: Suite = "auto",
    protocol: Protocol = "sal512",
    metrics: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Names, with commas between them; all if not given.")
    ] = None,
    output: Output = None,
    json_file: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="[FILE]", help="Print JSON alone on stdout; with FILE, JSON there and the table."
        ),
    ] = None,
    device: Device = "auto",
    nway_judge: NwayJudge = None,
    half: Half = False,
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
) -> None:
    """Score a folder of reconstructions against a folder of true images, joined by path or by a file of pairs."""
    go_offline(offline)
    from eegbench.api.score import score as score_images

    sheet = score_images(
        reconstructions,
        truth,
        suite=suite,
        protocol=protocol,
        metrics=metric_names(metrics),
        pairs=pairs,
        subset=subset,
        follow_links=follow_links,
        device=device,
        nway_judge=nway_judge,
        half=half,
        offline=offline,
        allow_unverified_weights=allow_unverified_weights,
        progress=terminal(),
    )
    if json_file and json_file != "-":
        write(Path(json_file), sheet.to_json(), "--json")
    if output:
        write(output, sheet.to_json(), "--output")
    if json_file == "-":
        sys.stdout.write(sheet.to_json())
    elif not output:
        show_sheet(sheet, line(f"{reconstructions} against {truth}"))


@app.command(group=SCORE)
def pairs(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="A folder of true images.")],
    reconstructions: Annotated[
        Path, typer.Argument(metavar="RECONSTRUCTIONS", help="A folder of images that have other names.")
    ],
    by: Annotated[
        str,
        choice(
            "way to pair",
            "concept",
            "order",
            "stem",
            about="concept: <concept>/0.png to 9.png; order: 0.png to 199.png; stem: the same file name.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The CSV file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    follow_links: FollowLinks = False,
) -> None:
    """Propose which reconstruction belongs to which true image: a file for `score --pairs`, to be looked at first."""
    from eegbench.pairs import proposing
    from eegbench.pairs.folders import read_folder

    if output.exists() and not force:
        raise UsageError(f"{output}: is there already; choose another file with -o, or write over it with --force")
    folders = [read_folder(path, follow_links=follow_links, note=note) for path in (truth, reconstructions)]
    proposal = proposing.propose(folders[0], folders[1], by)
    write(output, proposal.text(), "--output")
    say_lines(*proposal.lines())
    names = [shlex.quote(str(path)) for path in (truth, reconstructions, output)]
    say_lines(f"Written to {output}. Look at it, then:")
    say_lines(f"  eegbench score --truth {names[0]} --reconstructions {names[1]} --pairs {names[2]}")


@app.command(group=SCORE)
def sheet(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run folders, as runs/sim-things/eeg/*/sub-08/seed-0.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The PNG to write.")],
    settings: Settings = None,
    allow_plugins: AllowPlugins = False,
) -> None:
    """Draw the same twelve stimuli as each of several runs reconstructed them."""
    from eegbench.benchmark import picture
    from eegbench.plugins import registry

    with registry.only_own(not allow_plugins):
        picture.sheet(runs, output, data_table(settings))
    say_lines(f"Picture: {output}")


@app.command(group=BOARD)
def leaderboard(
    runs: Annotated[Path, typer.Argument(metavar="RUNS", help="A folder of runs.")] = Path("runs"),
    form: Form = "md",
    output: Output = None,
    normalised: Annotated[
        bool, typer.Option("--normalised", help="Scores as shares of the way from floor to ceiling.")
    ] = False,
    claims: Annotated[
        str,
        choice(
            "choice of claims",
            "auto",
            "all",
            "none",
            about="Published numbers of papers; auto: on the board's data sets.",
        ),
    ] = "auto",
    margin: Annotated[
        float | None,
        typer.Option(metavar="X", help="Say that a published number agrees where a test finds it closer than this."),
    ] = None,
    subjects: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", help="Rank over these alone, as 1-10 or 1,2,8; what lacks one is left out."),
    ] = None,
    primary: Annotated[
        str,
        typer.Option(
            metavar="METRIC", help="The metric whose ties are corrected by themselves; clip, or the first there is."
        ),
    ] = "",
    settings: Settings = None,
    follow_links: FollowLinks = False,
    allow_plugins: AllowPlugins = False,
    as_json: AsJson = False,
) -> None:
    """Write the leaderboard of a folder of runs."""
    from eegbench.api.board import leaderboard as board_of
    from eegbench.configuration import numbers

    board = board_of(
        runs,
        normalised=normalised,
        claims=claims,
        margin=margin,
        subjects=[] if subjects is None else numbers(subjects, "--subjects"),
        primary=primary,
        follow_links=follow_links,
    )
    write_board(board, form, output, settings=settings, allow_plugins=allow_plugins, as_json=as_json)
