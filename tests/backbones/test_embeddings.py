"""Published EEG embeddings: read in the form they are published in, refused in any other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eegbench.backbones.embeddings import WIDTH, read_embeddings
from eegbench.errors import InputError, MissingError


def saved(folder: Path, content: Any) -> Path:
    path = folder / "ATM_S_eeg_features_sub-08_train.pt"
    torch.save(content, path)
    return path


@pytest.mark.parametrize("inside", ["a tensor", "a dict"])
def test_repetitions_stand_together_and_are_averaged(tmp_path: Path, inside: str) -> None:
    rows = torch.randn(3 * 4, WIDTH)
    path = saved(tmp_path, rows if inside == "a tensor" else {"eeg_features": rows})
    read = read_embeddings(path, 3, repetitions=4)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read[1], rows[4:8].mean(0), rtol=1e-6)  # float32


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    assert read_embeddings(saved(tmp_path, torch.ones(2, WIDTH).half()), 2, repetitions=1).dtype == np.float32


WRONG: dict[str, Any] = {
    "too few rows": torch.randn(11, WIDTH),
    "another width": torch.randn(12, 768),
    "three axes": torch.randn(3, 4, WIDTH),
    "whole numbers": torch.ones(12, WIDTH, dtype=torch.int64),
    "two tensors": {"a": torch.randn(12, WIDTH), "b": torch.randn(12, WIDTH)},
    "no tensor": {"a": "words"},
}


@pytest.mark.parametrize("case", WRONG)
def test_another_form_is_refused_and_says_what_was_wanted(tmp_path: Path, case: str) -> None:
    with pytest.raises(InputError, match=r"holds .*; wanted one tensor \(12, 1024\), which is 4 for each of 3 stimuli"):
        read_embeddings(saved(tmp_path, WRONG[case]), 3, repetitions=4)


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    rows = torch.randn(12, WIDTH)
    rows[5, 7] = torch.nan
    with pytest.raises(InputError, match="NaN or infinite values for 1 of 3 stimuli"):
        read_embeddings(saved(tmp_path, rows), 3, repetitions=4)


class Harm:
    """Would write a file as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path) -> None:
    path = saved(tmp_path, {"a": Harm(tmp_path / "harm")})
    with pytest.raises(InputError, match="cannot be read as EEG embeddings, or holds more than tensors"):
        read_embeddings(path, 3, repetitions=4)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [b"", b"rubbish" * 100])
def test_rubbish_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as EEG embeddings"):
        read_embeddings(path, 3, repetitions=4)


def test_a_file_that_is_not_there_says_where_it_is_published(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"emb_eeg/x\.pt of LidongYang/EEG_Image_decode"):
        read_embeddings(tmp_path / "x.pt", 3, repetitions=4)
