"""The verbs of a study: what it holds, what is missing to run it, and where it stands."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.cli.options import MANY, AllowPlugins, AsJson, Form, Output, Settings
from eegbench.cli.output import note, say, say_json, terminal, write_board
from eegbench.cli.screen import width
from eegbench.cli.verbs import study
from eegbench.tables import Column, laid, line

AGAIN = 10.0  # s between looks
StudyFile = Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file that names methods, subjects, seeds.")]


@study.command("plan")
def plan(file: StudyFile, as_json: AsJson = False) -> None:
    """Say what runs a study holds, which are there, and what is missing to make the others."""
    from eegbench.api.study import Study

    standing = Study.read(file).plan()
    show(file, standing, as_json=as_json)
    if standing.problems:
        raise typer.Exit(standing.problems[0][1])


@study.command("run")
def run(
    file: StudyFile,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=MANY, metavar="N", help="Processes at once: one a GPU, or as cores and memory allow."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, tcp://host:8786, whose workers do it.")
    ] = None,
    cluster: Annotated[
        Path | None, typer.Option(metavar="TOML", help="A cluster file: jobs of SLURM, PBS, SGE, LSF do it.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed before; else it stays failed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the runs of a study that are not complete. The same command goes on where another one was ended."""
    from eegbench.api.study import Study

    standing = Study.read(file).run(
        scheduler, cluster=cluster, workers=workers, retry_failed=retry_failed, progress=terminal()
    )
    show(file, standing, as_json=as_json)
    if standing.failed:
        raise typer.Exit(1)


@study.command("status")
def status(
    file: StudyFile,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every few seconds, until nothing is left.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say where each run of a study stands, from files alone, also while another process or machine makes them."""
    from eegbench.api.study import Study

    found = Study.read(file)
    while watch and (standing := found.status()).left:
        show(file, standing, as_json=as_json)
        say("")
        time.sleep(AGAIN)
    show(file, found.status(), as_json=as_json)


@study.command("board")
def board(
    file: StudyFile,
    form: Form = "md",
    output: Output = None,
    settings: Settings = None,
    allow_plugins: AllowPlugins = False,
    as_json: AsJson = False,
) -> None:
    """Write the leaderboard of a study; runs that lack are named."""
    from eegbench.api.study import Study

    made = Study.read(file).board()
    write_board(made, form, output, settings=settings, allow_plugins=allow_plugins, as_json=as_json)


def show(file: Path, standing: Any, *, as_json: bool) -> None:
    """Print where a study stands."""
    if as_json:
        say_json(as_rows(standing))
        return
    counts = ", ".join(f"{count} {word}" for word, count in standing.counts.items() if count)
    say(f"{line(str(file))}: {standing.cells} runs ({counts})\n{fits(standing.fits)}\n\n{table(standing, width())}")
    for words in standing.left_out:
        note(f"left out: {words}")
    for words, _ in standing.problems:
        say(f"BAD  {line(words)}")
    for folder, reason in standing.failed:
        say(f"failed: {line(folder)}: {line(reason)}")


def fits(counted: Any) -> str:
    return f"{counted.wanted} fit{'s' * (counted.wanted != 1)}, of which {counted.there} there"


def table(standing: Any, columns: int) -> str:
    """A row for the runs that differ in subject and seed alone, with a column for each axis on which rows differ."""
    rows = standing.rows
    varied = [axis for axis in rows[0].words if axis == "methods" or len({row.words[axis] for row in rows}) > 1]
    shown = [Column(axis, [row.words[axis] for row in rows], right=False) for axis in varied]
    shown += [Column("fits", [str(row.fits.wanted) for row in rows])]
    shown += [Column("runs", [str(sum(row.counts.values())) for row in rows])]
    states = [word for word, count in standing.counts.items() if count]
    shown += [Column(word, [str(row.counts[word]) for row in rows]) for word in states]
    return laid(shown, columns, gap=2, elsewhere="--json")


def as_rows(standing: Any) -> dict[str, Any]:
    return {
        "runs": standing.cells,
        "states": dict(standing.counts),
        "fits": {"wanted": standing.fits.wanted, "there": standing.fits.there},
        "rows": [{**row.words, **row.counts, "fits": row.fits.wanted} for row in standing.rows],
        "failed": [{"folder": folder, "reason": reason} for folder, reason in standing.failed],
        "problems": [words for words, _ in standing.problems],
        "left_out": list(standing.left_out),
    }
