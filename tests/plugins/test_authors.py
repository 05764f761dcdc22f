"""An exception in somebody else's code: their frames alone, a line that names them, and an exit code of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from eegbench.benchmark.authors import author_of
from eegbench.errors import AuthorError, InputError, MissingError
from eegbench.methods.controls import MeanImage
from small_plugins import Grey

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


@pytest.mark.parametrize("error", [InputError("no"), MemoryError(), KeyboardInterrupt(), OSError(28, "no space left")])
def test_what_is_no_mistake_of_the_author_passes_as_it_is(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, author_of("method", "grey", Grey(), "fit"):
        raise error
    assert caught.value is error


def test_a_mistake_of_ours_stays_a_traceback() -> None:
    with pytest.raises(ZeroDivisionError), author_of("method", "mean_image", MeanImage(), "fit"):
        raise ZeroDivisionError


def test_a_call_that_the_author_cannot_take_is_theirs_too() -> None:
    theirs = pytest.raises(AuthorError, match=r"method 'grey': reconstruct raised TypeError: .*unexpected keyword")
    with theirs, author_of("method", "grey", Grey(), "reconstruct"):
        Grey().reconstruct(None, sead=[1])  # type: ignore


def test_an_exception_whose_text_is_broken_is_told_by_its_kind() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    theirs = pytest.raises(AuthorError, match="method 'grey': fit raised Mute")
    with theirs, author_of("method", "grey", Grey(), "fit"):
        raise Mute


def test_a_missing_module_of_the_author_is_a_mistake_and_no_package(tmp_path: Path) -> None:
    with pytest.raises(AuthorError), author_of("method", "grey", Grey(), "fit"):
        raise ModuleNotFoundError("No module named 'small_plugins.rest'", name="small_plugins.rest")
    with pytest.raises(MissingError), author_of("method", "grey", Grey(), "fit"):
        raise ModuleNotFoundError("No module named 'jax'", name="jax")
