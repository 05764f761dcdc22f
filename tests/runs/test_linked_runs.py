"""A run behind a link never vanishes: it is read, or named as not read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from eegbench.cli import app

AddRun = Callable[..., Path]
OUT = "a link that leads out of the folder"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), prog_name="eegbench")


@pytest.fixture
def top(tmp_path: Path, add_run: AddRun) -> Path:
    """One run, and two elsewhere: one in a hidden folder, one outside."""
    add_run("atm", {"ssim": 0.5}, folder="top/atm")
    add_run("neuroimagen", {"ssim": 0.25}, folder="top/.store/neuroimagen")
    add_run("mean_image", {"ssim": 0.125}, folder="outside/mean_image")
    return tmp_path / "top"


def link(at: Path, to: Path) -> None:
    at.symlink_to(to, target_is_directory=True)


def test_a_linked_run_inside_the_folder_is_on_the_board(top: Path) -> None:
    link(top / "linked", top / ".store" / "neuroimagen")
    done = run("leaderboard", str(top))
    assert done.exit_code == 0 and "neuroimagen" in done.stdout
    assert "1 not read: .store/ (hidden)" in done.stderr


@pytest.mark.parametrize("form", ["md", "html", "json"])
def test_a_board_says_which_links_it_did_not_follow(top: Path, form: str) -> None:
    link(top / "linked", top.parent / "outside")
    done = run("leaderboard", str(top), "--format", form, "--claims", "none")
    assert f"note: {top}: 1 not read: linked/ ({OUT})" in done.stderr
    assert "mean_image" not in done.stdout
    assert f"linked/ ({OUT})" in done.stdout.replace("\\", "")
    assert form != "json" or json.loads(done.stdout)
    followed = run("leaderboard", str(top), "--format", form, "--claims", "none", "--follow-links")
    assert "mean_image" in followed.stdout and OUT not in followed.stdout


def test_a_run_that_a_link_leads_to_again_counts_once(top: Path) -> None:
    link(top / "latest", top / "atm")
    done = run("leaderboard", str(top))
    assert "latest/ (a link to a run that is read by another path)" in done.stderr
    assert run("check", str(top), "--baseline", str(top / "base.json"), "--update").stderr.endswith(
        "1 runs are the baseline now\n"
    )


@pytest.mark.parametrize("update", [(), ("--update",)])
@pytest.mark.parametrize("gone", [False, True])
def test_check_fails_on_links_that_it_did_not_follow(top: Path, update: tuple[str, ...], gone: bool) -> None:
    base = str(top.parent / "base.json")
    assert run("check", str(top), "--baseline", base, "--update").exit_code == 0
    link(top / "linked", top.parent / ("unmounted" if gone else "outside"))
    done = run("check", str(top), "--baseline", base, *update)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "linked" in done.stderr.splitlines()[-1] and "--follow-links" in done.stderr.splitlines()[-1]


def test_a_folder_that_looks_like_a_run_and_has_no_record_is_named(top: Path) -> None:
    (top / "atm" / "run.json").rename(top / "lost.json")
    done = run("leaderboard", str(top))
    assert "1 not read: atm/ (no run.json in it, though it looks like a run)" in done.stderr


def test_json_is_alone_on_stdout(top: Path, add_run: Any) -> None:
    link(top / "linked", top.parent / "outside")
    assert json.loads(run("leaderboard", str(top), "--format", "json").stdout)
