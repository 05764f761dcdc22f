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


def test_a_name_of_thousands_of_letters_is_shortened() -> None:
    assert len(str(errors.unknown("metric", "1," * 5000, ["ssim"]))) < 200


METRICS = ("pixcorr", "ssim", "sim", "clip", "alexnet2", "fid", "kl_reversed", "inception")


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("ssmi", "ssim"), ("pixcor", "pixcorr"), ("CLIP", "clip"), ("kl-reversed", "kl_reversed"),
        ("KL_Reversed", "kl_reversed"), ("incep", "inception"), ("alexnet", "alexnet2"),
        ("lpips", ""), ("psnr", ""), ("mse", ""), ("dreamsim", ""), ("x", ""), ("", ""), ("vit", ""),
    ],
)  # fmt: skip
def test_only_what_is_near_is_suggested(given: str, near: str) -> None:
    said = str(errors.unknown("metric", given, METRICS))
    assert (f"did you mean {near!r}?" in said) if near else ("did you mean" not in said)
    assert said.endswith(", ".join(METRICS))


def test_of_very_many_names_the_table_that_was_meant_is_listed_and_the_rest_is_counted() -> None:
    keys = [f"encoder.key{i}" for i in range(30)] + [f"lora.key{i}" for i in range(70)] + ["seed"]
    said = str(errors.unknown("configuration key", "encoder.kez1", keys))
    assert "did you mean 'encoder.key1'?" in said and "encoder.key29" in said and "lora.key1," not in said
    assert said.endswith("lora.… (70), 1 more") and len(said) < 700
