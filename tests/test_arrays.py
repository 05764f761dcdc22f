"""What an EEG array and an image array are, and what is told about one that is not."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from eegbench.arrays import EEGInfo, check_eeg, check_images
from eegbench.errors import InputError

INFO = EEGInfo(channels=("O1", "Oz", "O2"), rate=100.0, start=-0.2, times=5)
EEG = np.zeros((2, 3, 5), np.float32)
IMAGES = np.zeros((2, 4, 4, 3), np.uint8)


def test_good_arrays_come_back_as_they_are() -> None:
    assert check_eeg(EEG, INFO, expected=INFO) is EEG
    assert check_images(IMAGES, count=2) is IMAGES


@pytest.mark.parametrize(
    ("eeg", "words"),
    [
        (EEG[0], "shape (3, 5)"),
        (EEG[:, :2], "wanted (n, 3 channels, 5 times)"),
        (EEG.transpose(0, 2, 1), "shape (2, 5, 3)"),
        (EEG.astype(np.float64), "float64; wanted float32"),
        (np.where(np.arange(2)[:, None, None] == 1, np.float32(np.nan), EEG), "1 of 2 trials"),
        (EEG + np.float32(np.inf), "2 of 2 trials"),
    ],
)
def test_eeg_that_breaks_the_contract_is_told_how(eeg: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        check_eeg(eeg, INFO)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("channels", ("Oz", "O1", "O2")), ("rate", 250.0), ("start", 0.0), ("unit", "whitened")],
)
def test_eeg_unlike_what_was_fitted_is_told_in_which_field(field: str, value: object) -> None:
    fitted = dataclasses.replace(INFO, **{field: value})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=f"fitted on: {field} is"):
        check_eeg(EEG, INFO, expected=fitted)


def test_eeg_unit_is_one_of_two() -> None:
    with pytest.raises(InputError, match="'uV'"):
        dataclasses.replace(INFO, unit="uV")


@pytest.mark.parametrize(
    "images",
    [IMAGES.astype(np.float32), IMAGES[0], IMAGES.transpose(0, 3, 1, 2), np.zeros((2, 4, 4, 4), np.uint8)],
)
def test_images_that_break_the_contract_are_refused(images: Any) -> None:
    with pytest.raises(InputError, match=r"wanted uint8 \(n, h, w, 3\)"):
        check_images(images)


def test_images_must_be_as_many_as_wanted() -> None:
    with pytest.raises(InputError, match="2 images came; 3 were wanted"):
        check_images(IMAGES, count=3)
