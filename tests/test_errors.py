"""Errors carry their exit code, and say in one line what there is."""

import pytest

from eegbench import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.InputError, 2),
        (errors.MissingError, 3),
        (errors.CheckFailed, 1),
        (errors.AuthorError, 4),
    ],
)
def test_each_error_has_its_exit_code(kind: type[errors.EegbenchError], code: int) -> None:
    assert issubclass(kind, errors.EegbenchError)
    assert kind("what came").exit_code == code


def test_unknown_name_gets_the_nearest_match_and_the_list() -> None:
    error = errors.unknown("metric", "pixcor", ["ssim", "pixcorr"])
    assert isinstance(error, errors.UsageError)
    assert str(error) == "unknown metric 'pixcor'; did you mean 'pixcorr'? There is: ssim, pixcorr"


def test_unknown_name_that_is_near_to_nothing_gets_the_list_alone() -> None:
    assert str(errors.unknown("subject", "q", [1, 2])) == "unknown subject 'q'. There is: 1, 2"


def test_unknown_name_stays_on_one_line() -> None:
    assert "\n" not in str(errors.unknown("metric", "a\nb", ["ssim"]))
