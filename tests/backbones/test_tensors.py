"""Files in torch's own format become arrays and plain containers, or are refused; none of them is run."""

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eegbench.backbones.tensors import read_tensors_as_arrays
from eegbench.errors import InputError, MissingError
from memory import at_most

LEGACY = pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])


def written(path: Path, value: object, legacy: bool = False) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=not legacy)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_tensors_as_arrays(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ") and "\n" not in said
    return said


@LEGACY
def test_tensors_become_read_only_arrays_in_the_same_containers(tmp_path: Path, legacy: bool) -> None:
    eeg = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    value = {"dataset": [{"eeg": eeg.T, "label": 1}], "more": (True, None, 2.5, "a"), 3: torch.tensor(7)}
    found = read_tensors_as_arrays(written(tmp_path / "a.pth", OrderedDict(value), legacy))
    assert type(found) is dict and found["more"] == (True, None, 2.5, "a") and found["dataset"][0]["label"] == 1
    array = found["dataset"][0]["eeg"]
    assert array.dtype == np.float32 and np.array_equal(array, eeg.numpy().T) and int(found[3]) == 7
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_a_parameter_is_an_array_too(tmp_path: Path) -> None:
    found = read_tensors_as_arrays(written(tmp_path / "a.pth", [torch.nn.Parameter(torch.ones(2))]))
    assert type(found[0]) is np.ndarray


def test_one_list_behind_two_keys_is_read_once(tmp_path: Path) -> None:
    value: Any = [torch.ones(1)]
    for _ in range(12):  # 4,096 of them, were each read anew
        value = [value, value]
    found = read_tensors_as_arrays(written(tmp_path / "a.pth", value))
    assert found[0] is found[1]


def nested(depth: int) -> Any:
    value: Any = torch.ones(1)
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ([torch.ones(2).bfloat16()], "a tensor of bfloat16 on cpu, strided, that is no plain array"),
        ([torch.eye(2).to_sparse()], "sparse_coo, that is no plain array"),
        ([torch.ones(2, device="meta")], "a tensor of float32 on meta"),
        ([b"bytes"], "it holds a bytes"),
        (nested(20), "containers more than 16 deep"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, value: object, wanted: str) -> None:
    said = refusal(written(tmp_path / "a.pth", value))
    assert f": refused: {wanted}" in said or wanted in said
    assert "a recording needs tensors and plain containers alone" in said


def test_a_set_is_refused(tmp_path: Path) -> None:
    said = refusal(written(tmp_path / "a.pth", [{1, 2}]))
    assert "it holds a set; a recording needs" in said or "builtins.set" in said  # torch 2.5 reads none itself


def test_a_key_that_is_no_word_and_no_number_is_refused_before_torch_hashes_it(tmp_path: Path) -> None:
    said = refusal(written(tmp_path / "a.pth", {(1, 2): 3}))
    assert "holds more than tensors (a dictionary whose keys are not words or whole numbers)" in said


def test_a_list_that_holds_itself_is_refused(tmp_path: Path) -> None:
    value: list[Any] = [1]
    value.append(value)
    assert "more than 16 deep" in refusal(written(tmp_path / "a.pth", value))


@LEGACY
@pytest.mark.parametrize(
    "tensor", [torch.zeros(1, dtype=torch.int64).expand(10**7), torch.zeros(4).as_strided((3, 2), (1, 1))]
)
def test_a_tensor_of_more_values_than_are_stored_is_refused(tmp_path: Path, tensor: torch.Tensor, legacy: bool) -> None:
    with at_most():
        said = refusal(written(tmp_path / "a.pth", [tensor], legacy))
    assert re.search(r"refused: a tensor of \d+ bytes in a storage of \d+; a recording needs", said)


@pytest.mark.parametrize("page", [b"<!doctype html>", b"\xef\xbb\xbf\r\n <html lang=en>", b"<?xml version='1.0'?>"])
def test_a_web_page_under_a_files_name_is_called_one(tmp_path: Path, page: bytes) -> None:
    (tmp_path / "a.pth").write_bytes(page)
    assert "a web page (HTML or XML), wanted torch data" in refusal(tmp_path / "a.pth")


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"a\.pth: no such file"):
        read_tensors_as_arrays(tmp_path / "a.pth")
