"""Spoilt files of every format that strangers hand us; `scripts/fuzz_recordings.py` tries thousands."""

from pathlib import Path

import pytest

import mutations
import targets


@pytest.mark.parametrize("name", targets.TARGETS)
def test_spoilt_files_are_refused_or_read_and_nothing_is_run(tmp_path: Path, name: str) -> None:
    counts = mutations.try_each(*targets.TARGETS[name](tmp_path), range(60))
    assert counts["refused"] > 30


def test_the_watch_sees_what_is_run_and_written(tmp_path: Path) -> None:
    with mutations.watched() as done:
        exec("pass")
        (tmp_path / "a").write_text("a")
    assert len(done) == 2 and done[0].startswith("exec") and done[1].startswith("writes")


@pytest.mark.parametrize(("does", "found"), [("1 / 0", "ZeroDivisionError"), ("exec('pass')", ".*exec")])
def test_a_reader_that_crashes_or_runs_something_is_caught(tmp_path: Path, does: str, found: str) -> None:
    whole, harm = b"whole" * 20, compile(does, "<string>", "eval")
    with pytest.raises(AssertionError, match=f"seed 0: {found}"):
        mutations.try_each(tmp_path / "a", [whole], lambda path: path.read_bytes() == whole or eval(harm), range(1))
