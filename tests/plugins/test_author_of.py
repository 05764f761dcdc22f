"""What becomes of an exception in a call of somebody else's object, and what passes as it is."""

from pathlib import Path

import pytest

from eegbench.errors import AuthorError, InputError, MissingError
from eegbench.methods.controls import MeanImage
from eegbench.plugins.authors import author_of
from small_plugins import Grey


@pytest.mark.parametrize(
    "error",
    [
        InputError("grey: no"),
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        KeyboardInterrupt(),
        OSError(28, "no space left"),
    ],
)
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


def test_what_a_check_of_ours_says_inside_an_authors_code_names_them() -> None:
    with (
        pytest.raises(InputError, match="method 'grey', fit: images are float64"),
        author_of("method", "grey", Grey(), "fit"),
    ):
        raise InputError("images are float64")
