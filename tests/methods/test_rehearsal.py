"""Rehearsals at the published sizes: on the meta device, so that nothing is computed and everything must fit."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from eegbench.arrays import EEGInfo
from eegbench.backbones.weights import differences
from eegbench.checks.rehearse import RECORDINGS, rehearse
from eegbench.contracts import Silent
from eegbench.errors import CheckFailed, InputError, MissingError
from eegbench.methods.atm.prior import DiffusionPriorUNet
from eegbench.methods.encoders import checkpoints
from eegbench.methods.encoders.atm_s import AtmS
from eegbench.methods.rehearsal import published_keys
from eegbench.methods.rehearsal.files import compare
from eegbench.methods.rehearsal.parts import Network, Stage

THINGS = RECORDINGS["things-eeg2"]


@pytest.fixture(scope="module")
def atm_s() -> Network:
    encoder = AtmS(63, 250, 1024)
    return Network(
        "ATM-S", encoder, "all", published_keys.atm_s(), unused=checkpoints.UNUSED, renamed=checkpoints.RENAMED
    )


@pytest.fixture(scope="module")
def prior() -> Network:
    return Network(
        "diffusion prior", DiffusionPriorUNet(1024, 1024, (1024, 512, 256, 128, 64), 512, 0.1), "all",
        published_keys.prior(),
    )  # fmt: skip


def test_our_networks_have_the_published_keys_and_shapes(atm_s: Network, prior: Network) -> None:
    assert differences(atm_s.shapes, published_keys.atm_s()) == []
    assert differences(prior.shapes, published_keys.prior()) == []
    assert atm_s.checked() == "46 keys and shapes as published; 7 more in the file are unused"


def test_a_network_that_is_not_as_published_is_found_out(atm_s: Network) -> None:
    other = dataclasses.replace(atm_s, module=AtmS(63, 250, 512))
    with pytest.raises(CheckFailed, match=r"ATM-S: not as published: proj_eeg\.0\.weight is \(1024, 1440\), wanted"):
        other.checked()
    for known in ({"parameters": 5}, {"tensors": 5}, {"half_bytes": 5}):
        with pytest.raises(CheckFailed, match=r"the (published )?file has 5"):
            dataclasses.replace(atm_s, **known).checked()  # type: ignore[arg-type]


def test_a_stage_whose_parts_do_not_fit_is_named() -> None:
    wrong = torch.nn.Linear(3, 4)
    with pytest.raises(CheckFailed, match=r"a stage: its parts do not fit together \(.*mat1 and mat2"):
        Stage("a stage", 1, lambda: wrong(torch.zeros(1, 5)), (1, 4)).checked()
    with pytest.raises(CheckFailed, match=r"a stage: gives \(1, 4\); wanted \(1, 5\)"):
        Stage("a stage", 1, lambda: wrong(torch.zeros(1, 3)), (1, 5)).checked()


def test_parts_of_different_papers_do_not_fit() -> None:
    """SD 1.5's cross-attention is 768 wide, the published embeddings 1024."""
    table = {
        "generator": "stable-diffusion-v1-5/stable-diffusion-v1-5", "clip": "ViT-H-14/laion2b_s32b_b79k",
        "encoder.kind": "precomputed", "variant": "eeg_only",
    }  # fmt: skip
    with pytest.raises(CheckFailed, match="training: LoRA: its parts do not fit together"):
        rehearse("saliency_controlnet", table, device="meta", progress=Silent())


def published_file(
    folder: Path, *, later: bool = False, torchs: bool = True, below: str = "", size: EEGInfo = THINGS
) -> Path:
    """A file with every key of a published ATM-S checkpoint, `below` a prefix; `later`: with the later code's names."""
    shapes = {key: tuple(value.shape) for key, value in AtmS(len(size.channels), size.times, 1024).state_dict().items()}
    shapes |= checkpoints.UNUSED
    names = {ours: theirs for theirs, ours in checkpoints.RENAMED.items()} if later else {}
    state = {
        below + names.get(key, key): torch.zeros(shape[:2] if key in names and len(shape) == 3 else shape)
        for key, shape in shapes.items()
    }
    path = folder / ("40.pth" if torchs else "40.safetensors")
    torch.save(state, path) if torchs else save_file(state, path)
    return path


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("torchs", [False, True])
@pytest.mark.parametrize("below", ["", "module."])
def test_a_published_checkpoint_is_recognised(
    tmp_path: Path, atm_s: Network, prior: Network, later: bool, torchs: bool, below: str
) -> None:
    owner, problems = compare(published_file(tmp_path, later=later, torchs=torchs, below=below), [prior, atm_s])
    assert (owner, problems) == (atm_s, [])


def test_missing_and_unknown_keys_are_listed(tmp_path: Path, atm_s: Network) -> None:
    path = published_file(tmp_path)
    state = torch.load(path, weights_only=True)
    del state["logit_scale"]
    torch.save(state | {"module.extra": torch.zeros(1)}, path)
    assert compare(path, [atm_s])[1] == ["logit_scale is missing", "extra is unknown"]


def test_a_checkpoint_of_another_size_says_which(tmp_path: Path, atm_s: Network) -> None:
    path = published_file(tmp_path, size=RECORDINGS["eegcvpr"])
    with pytest.raises(InputError, match=r"not of the size of ATM-S: .*value_embedding\.weight is \(440, 440\), want"):
        compare(path, [atm_s])


def test_a_checkpoint_of_another_method_says_so(tmp_path: Path, prior: Network) -> None:
    with pytest.raises(InputError, match=r"no checkpoint of this method: of its 53 keys, 0 are among the 86 of the"):
        compare(published_file(tmp_path), [prior])


class Harm:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


WRONG: dict[str, Callable[[Path], object]] = {
    "code": lambda path: torch.save({"a": Harm(path.with_name("harm"))}, path),
    "rubbish": lambda path: path.write_bytes(b"rubbish"),
    "a list": lambda path: torch.save([torch.zeros(1)], path),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_what_is_no_checkpoint_is_refused_and_not_run(tmp_path: Path, atm_s: Network, case: str, name: str) -> None:
    WRONG[case](tmp_path / name)
    with pytest.raises(InputError, match=r"x\.\w+: "):
        compare(tmp_path / name, [atm_s])
    assert not (tmp_path / "harm").exists()


def test_a_checkpoint_that_is_not_there_is_named(tmp_path: Path, atm_s: Network) -> None:
    with pytest.raises(MissingError, match="no such weight file"):
        compare(tmp_path / "40.pth", [atm_s])
