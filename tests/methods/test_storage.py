"""Large arrays on disk: written part by part into plain safetensors, read row by row, whole or not at all."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eegbench.errors import InputError, MissingError
from eegbench.methods import storage
from eegbench.methods.storage import StoredArray, read_arrays, write_arrays, write_large

RNG = np.random.default_rng(0)
ARRAYS: dict[str, Any] = {
    "images": RNG.integers(0, 256, (7, 5, 4, 3), dtype=np.uint8),
    "embeddings": RNG.normal(size=(7, 3)).astype(np.float32),
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(storage, "PART", 2 * ARRAYS["images"][0].nbytes)
    write_large(tmp_path / "fit" / "bank.safetensors", ARRAYS)
    return tmp_path / "fit" / "bank.safetensors"


def test_the_file_is_what_safetensors_itself_writes(file: Path) -> None:
    assert {name: read.numpy().tolist() for name, read in read_arrays(file).items()} == {
        name: array.tolist() for name, array in ARRAYS.items()
    }
    write_arrays(file.with_name("whole.safetensors"), ARRAYS)
    assert file.read_bytes() == file.with_name("whole.safetensors").read_bytes()
    assert not list(file.parent.glob("*.tmp"))


def test_arrays_on_disk_reversed_and_empty_are_written_too(file: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ARRAYS["images"])
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    given = {"mapped": mapped, "turned": mapped[::-1].T, "none": mapped[:0], "again": StoredArray(file, "images")}
    write_large(tmp_path / "y.safetensors", given)
    read = read_arrays(tmp_path / "y.safetensors")
    for name, array in given.items():
        np.testing.assert_array_equal(read[name].numpy(), array[:])


@pytest.mark.parametrize("name", ARRAYS)
def test_rows_come_as_they_are_asked_for(file: Path, name: str) -> None:
    stored, whole = StoredArray(file, name), ARRAYS[name]
    assert len(stored) == 7 and stored.shape == whole.shape and stored.dtype == whole.dtype
    for items in ([5, 0, 5], np.array([6, 2]), [], slice(None), slice(2, 4), slice(5, 99)):
        np.testing.assert_array_equal(stored[items], whole[items])


def test_a_file_that_is_not_one_is_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"x\.safetensors: no such file"):
        StoredArray(tmp_path / "x.safetensors", "images")
    with pytest.raises(InputError, match=r"bank\.safetensors: not a readable safetensors file .*pictures"):
        StoredArray(file, "pictures")
    write_arrays(tmp_path / "other.safetensors", {"images": torch.zeros(3, dtype=torch.int64)})
    with pytest.raises(InputError, match="images has no rows of uint8 or float32"):
        StoredArray(tmp_path / "other.safetensors", "images")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match="not a readable safetensors file"):
        StoredArray(file, "images")


def test_a_full_disk_leaves_the_old_file_and_says_why(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def full(array: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage, "let_go", full)  # after the first part
    with pytest.raises(OSError, match="No space left") as caught:
        write_large(file, {"images": ARRAYS["images"][::-1]})
    assert caught.value.errno == errno.ENOSPC and file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]
