"""Published weight files: where they are looked for, and that no other file is taken for one."""

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from eegbench.backbones import published
from eegbench.backbones.published import PUBLISHED, WeightFile
from eegbench.backbones.reference.judges import JUDGES, read_published
from eegbench.contracts import Silent
from eegbench.errors import InputError, MissingError, UsageError

BYTES = b"weights of somebody"
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty torch home, Hugging Face home and cache."""
    for name in ("TORCH_HOME", "HF_HOME", "EEGBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("EEGBENCH_WEIGHTS", raising=False)
    return tmp_path


def put(path: Path, content: bytes = BYTES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> str:
    """A file whose name holds the head of its digest, as torchvision's do."""
    file = f"net-{SHA256[:8]}.pth"
    monkeypatch.setitem(PUBLISHED, "net", WeightFile(file, ("m",), f"http://x/{file}", "MIT", sha256=SHA256[:8]))
    return file


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> str:
    """A file whose digest nobody published."""
    monkeypatch.setitem(PUBLISHED, "net", WeightFile("net.pth.tar", ("m",), "http://x/net.pth.tar", "MIT"))
    return "net.pth.tar"


def test_names_and_digests_of_torchvision_are_torchvisions() -> None:
    from torchvision import models

    enums = {
        "alexnet": models.AlexNet_Weights.IMAGENET1K_V1,
        "inception_v3": models.Inception_V3_Weights.IMAGENET1K_V1,
        "efficientnet_b1": models.EfficientNet_B1_Weights.IMAGENET1K_V2,
        "vit_h_14": models.ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1,
        "vit_b_16": models.ViT_B_16_Weights.IMAGENET1K_V1,
    }
    for name, weights in enums.items():
        assert PUBLISHED[name].source == weights.url
        assert PUBLISHED[name].file == weights.url.rpartition("/")[2]
        assert PUBLISHED[name].sha256 == PUBLISHED[name].file.rpartition("-")[2].partition(".")[0]


def test_every_judge_names_files_that_are_listed() -> None:
    used = {file for judge in JUDGES.values() for file in judge.files}
    assert used == set(PUBLISHED) - {"ip_adapter_sdxl_vit_h"}  # which is a generator's, and judges nothing


def test_own_folder_comes_before_torchs(homes: Path, entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = put(homes / "TORCH_HOME" / "hub" / "checkpoints" / entry)
    assert published.locate("net") == there
    monkeypatch.setenv("EEGBENCH_WEIGHTS", str(homes / "own"))
    own = put(homes / "own" / entry)
    assert published.locate("net") == own


def test_the_hugging_face_cache_is_searched(homes: Path) -> None:
    root = homes / "HF_HOME" / "hub" / "models--timm--vit_large_patch14_clip_224.openai"
    put(root / "refs" / "main", b"0" * 40)
    put(root / "snapshots" / ("0" * 40) / "open_clip_model.safetensors")
    from huggingface_hub import constants

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(homes / "HF_HOME" / "hub"))
        found = published.locate("clip_vit_l_14")
    assert found is not None and found.read_bytes() == BYTES


def test_a_missing_file_says_where_and_how(homes: Path, entry: str) -> None:
    with pytest.raises(MissingError, match=rf"{entry}.*TORCH_HOME.*eegbench weights fetch net"):
        published.require("net")


def test_the_published_digest_is_demanded(homes: Path, entry: str) -> None:
    path = put(published.checkpoints() / entry)
    assert published.require("net") == published.LocalWeights(path, SHA256, verified=True)
    put(path, BYTES + b"!")
    with pytest.raises(InputError, match=r"not the published file.*--allow-unverified-weights"):
        published.require("net")
    assert published.require("net", allow_unverified=True).verified is False
    assert not published.lock_file().exists()


def test_without_a_published_digest_the_first_one_is_kept(homes: Path, unknown: str) -> None:
    path = put(published.checkpoints() / unknown)
    assert published.state("net")["state"] == "there, never used"
    assert published.require("net").verified
    assert json.loads(published.lock_file().read_text()) == {unknown: SHA256}
    assert published.state("net")["state"] == "verified"
    put(path, b"another file")
    assert published.state("net")["state"] == published.DIFFERS
    with pytest.raises(InputError, match="not the published file"):
        published.require("net")
    assert json.loads(published.lock_file().read_text()) == {unknown: SHA256}


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match="did you mean 'alexnet'"):
        published.require("alexnett")


def test_fetch_keeps_the_published_bytes_alone(web: Any, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    source = web.put(f"/{entry}", b"something else")
    monkeypatch.setitem(PUBLISHED, "net", WeightFile(entry, ("m",), source, "MIT", sha256=SHA256[:8]))
    with pytest.raises(InputError, match="nothing was kept"):
        published.fetch("net", progress=Silent())
    assert not list(published.checkpoints().iterdir())
    web.steps.clear()
    web.put(f"/{entry}", BYTES)
    assert published.fetch("net", progress=Silent()).read_bytes() == BYTES
    assert published.require("net").verified


def test_a_file_that_cannot_be_fetched_says_so(web: Any, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setitem(PUBLISHED, "net", WeightFile(entry, ("m",), f"{web.url}/{entry}", "MIT", sha256=SHA256[:8]))
    with pytest.raises(MissingError, match=r"cannot be fetched \(404 Not Found\)"):
        published.fetch("net", progress=Silent())


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("owned"),))


def test_loading_executes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": torch.zeros(1), "evil": Evil()}, "evil.pth")
    Path("plain.pth").write_bytes(pickle.dumps(Evil()))
    Path("rubbish.pth").write_bytes(b"\x80\x04rubbish")
    for name in ("evil.pth", "plain.pth", "rubbish.pth"):
        with pytest.raises(InputError, match="cannot be read as the weights of a net"):
            read_published(Path(name), "a net")
    assert not Path("owned").exists()


@pytest.mark.parametrize("value", [torch.zeros(2), {"a": 3}, {"state_dict": {"a": "b"}}])
def test_what_is_no_state_is_refused(tmp_path: Path, value: Any) -> None:
    torch.save(value, tmp_path / "file.pth")
    with pytest.raises(InputError, match="wanted the tensors of a net by name"):
        read_published(tmp_path / "file.pth", "a net")


def test_prefixes_and_wrappers_of_published_files_are_taken_off(tmp_path: Path) -> None:
    torch.save({"state_dict": {"module.a": torch.ones(2)}}, tmp_path / "file.pth")
    save_file({"a": torch.ones(2)}, tmp_path / "file.safetensors")
    for name in ("file.pth", "file.safetensors"):
        assert torch.equal(read_published(tmp_path / name, "a net")["a"], torch.ones(2))


def test_what_the_hub_says_is_told_without_the_token_and_without_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    token = "hf_topsecretwordofmine"
    monkeypatch.setenv("HF_TOKEN", token)
    signed = "https://cdn.example/f.bin?X-Amz-Signature=abcdef0123&token=topsecret"
    name = next(name for name, entry in published.PUBLISHED.items() if entry.hub)
    for said in (f"403 Client Error for url: {signed} (Bearer {token})", "", "\n"):

        def refuse(*_: object, said: str = said) -> None:
            raise OSError(said)

        monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
        monkeypatch.setattr(published, "locate", lambda _: None)
        with pytest.raises(MissingError, match="cannot be fetched") as error:
            published.fetch(name, progress=Silent())
        assert not any(secret in str(error.value) for secret in ("topsecret", "abcdef0123"))
