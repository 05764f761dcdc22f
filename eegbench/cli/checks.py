"""The verbs that ask whether runs are what they say, whether numbers moved, and that take runs in from others."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.cli.options import (
    AllowPlugins,
    AsJson,
    DataSettings,
    Device,
    FollowLinks,
    Offline,
    Output,
    Unverified,
    choice,
    data_table,
    go_offline,
)
from eegbench.cli.output import note, say_json, say_lines, terminal, write
from eegbench.cli.verbs import BOARD, CHECK, app
from eegbench.errors import CheckFailed, InputError
from eegbench.guards.walking import Links

DigestsOnly = Annotated[bool, typer.Option("--digests-only", help="Compute no score again.")]


@app.command(group=CHECK)
def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder; with --all a tree of them.")],
    every: Annotated[bool, typer.Option("--all", help="Every run below the folder.")] = False,
    digests_only: DigestsOnly = False,
    settings: DataSettings = None,
    device: Device = "auto",
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
    allow_plugins: AllowPlugins = False,
    follow_links: FollowLinks = False,
    as_json: AsJson = False,
) -> None:
    """Take every digest of a run again, and compute every score again from its images."""
    from eegbench.checks.verify import check_run, each, require
    from eegbench.runs.search import RunFolders, find_runs

    verifier = _verifier(settings, device, offline, allow_unverified_weights, digests_only, allow_plugins)
    verdicts = []
    found = find_runs(run, Links.of(follow_links)) if every else RunFolders(run, (run,), ())
    for line in (*found.notes(), *(one.line() for one in found.closed)):
        note(line)
    if not found.folders:
        found.check_whole()
        raise InputError(f"{run}: no run lies below it; name the folder that `eegbench evaluate` wrote its runs to")
    if not every:
        check_run(run)
    for verdict in each(verifier, found.folders):
        verdicts.append(verdict)
        if not as_json:
            say_lines(*verdict.lines())
            sys.stdout.flush()
    if as_json:
        say_json([dataclasses.asdict(verdict) for verdict in verdicts])
    require(verdicts, asked=not digests_only)
    found.check_whole()


@app.command(group=CHECK)
def check(
    runs: Annotated[
        Path, typer.Argument(metavar="RUNS", help="A folder of runs, or a file that `eegbench score --json` wrote.")
    ],
    baseline: Annotated[Path, typer.Option(metavar="FILE", help="The numbers as they should be.")],
    form: Annotated[
        str, choice("format", "text", "md", "junit", names=("--format",), said="How it is written.")
    ] = "text",
    output: Output = None,
    update: Annotated[bool, typer.Option("--update", help="Write the baseline anew, and say what moved.")] = False,
    follow_links: FollowLinks = False,
    as_json: AsJson = False,
) -> None:
    """Compare scores with a baseline: a number that moved without its metric's version fails."""
    from eegbench.checks import drift, drift_report

    found = drift.read_scores(runs, Links.of(follow_links), note=note)
    known = drift.read_baseline(baseline) if baseline.exists() or not update else ()
    if known and not update and runs.is_dir() and drift.tables_unseen(known):
        note(f"{baseline}: looks at no values by stimulus; `eegbench check --update` adds what it needs for that")
    findings = drift.comparisons(found, known)
    text = drift_report.render(findings, form)
    if output:
        write(output, text, "--output")
    if update:
        write(baseline, drift.to_json(found), "--baseline")
    if as_json:
        say_json([dataclasses.asdict(finding) for finding in findings])
    elif not output:
        sys.stdout.write(text)
    if update:
        say_lines(f"{baseline}: {len(found)} runs are the baseline now", stream=sys.stderr)
    elif failed := drift.failures(findings):
        raise CheckFailed(f"{len(failed)} of {len(findings)} comparisons failed; raise a metric's version, or mend it")


@app.command(group=BOARD)
def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER", help="Folders of runs from others.")],
    runs: Annotated[
        Path, typer.Option("--runs", "--into", metavar="FOLDER", help="The folder of runs, where new ones go.")
    ] = Path("runs"),
    known: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Runs verified before: a run with the same files is not scored again."),
    ] = None,
    digests_only: DigestsOnly = False,
    settings: DataSettings = None,
    device: Device = "auto",
    offline: Offline = False,
    allow_unverified_weights: Unverified = False,
    allow_plugins: AllowPlugins = False,
    as_json: AsJson = False,
) -> None:
    """Take in runs from others: each validated, verified, brought to this schema version, and none twice."""
    from eegbench.checks import alone, merging

    verifier = _verifier(settings, device, offline, allow_unverified_weights, digests_only, allow_plugins)
    outcomes = []
    for outcome in merging.merge(folders, runs, verifier, known=known, readers=alone.READERS, note=note):
        outcomes.append(outcome)
        if not as_json:
            say_lines(outcome.line())
            sys.stdout.flush()
    if as_json:
        say_json([dataclasses.asdict(outcome) for outcome in outcomes])
    merging.require(outcomes)


def _verifier(
    settings: list[str] | None, device: str, offline: bool, unverified: bool, digests_only: bool, allow_plugins: bool
) -> Any:
    go_offline(offline)
    from eegbench.backbones.environment import resolve_device
    from eegbench.checks.verify import Verifier

    return Verifier(
        terminal(),
        data_table(settings),
        device=resolve_device(device),
        allow_unverified=unverified,
        digests_only=digests_only,
        allow_plugins=allow_plugins,
    )
