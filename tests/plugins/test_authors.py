"""An exception in somebody else's code: their frames alone, a line that names them, and an exit code of its own."""

from collections.abc import Callable

import pytest
from typer.testing import Result

Install = Callable[..., None]
Run = Callable[..., Result]

EVALUATE = ("evaluate", "--method", "fails", "--dataset", "small", "--subject", "1", "--no-audit")


@pytest.mark.parametrize("where", ["init", "weights", "fit", "save", "load", "configure"])
def test_an_exception_in_an_authors_method_shows_their_frames_alone(where: str, small: Install, eegbench: Run) -> None:
    done = eegbench(*EVALUATE, "--set", f"where={where}")
    call = "its constructor" if where == "init" else where
    *frames, line = done.stderr.strip().split("\n")
    assert done.exit_code == 4
    assert line.startswith(
        f"eegbench: method 'fails': {call} raised KeyError: 'no such thing in {where}' (small_plugins.py"
    )
    told = "\n".join(frames)
    assert 'small_plugins.py", line' in told and "raise KeyError" in told
    assert "typer" not in told and "eegbench/benchmark" not in told


def test_a_package_that_a_method_lacks_is_named_with_the_method(small: Install, eegbench: Run) -> None:
    done = eegbench(*EVALUATE, "--set", "where=package")
    assert done.exit_code == 3
    assert "method 'fails' needs 'not_there_at_all' in fit, and it is not installed" in done.stderr


@pytest.mark.parametrize(
    "told",
    [
        "weights gave ['a']; wanted a sha256",
        "fit gave an array of shape (3,); wanted a Grey",
        "configure gave None; wanted a Grey",
    ],
)
def test_a_method_that_gives_something_else_is_told_in_one_line(told: str, small: Install, eegbench: Run) -> None:
    done = eegbench(*EVALUATE, "--set", f"where={' '.join(told.split()[:2])}")
    assert done.exit_code == 2
    assert f"eegbench: method 'fails': {told}" in done.stderr and "Traceback" not in done.stderr
