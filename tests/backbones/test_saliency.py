"""EML-Net as the maker of control maps: the published files, through the same network as the judge's."""

from pathlib import Path

import numpy as np
import pytest
import torch

from eegbench.backbones.reference.eml_net import EmlNet
from eegbench.backbones.reference.judges import ReferenceJudge
from eegbench.backbones.saliency import SaliencyNetwork, digest_of
from eegbench.errors import MissingError, UsageError


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, 512, 512, 3), dtype=np.uint8)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights under the published names."""
    torch.manual_seed(0)
    network = EmlNet()
    for part in ("imagenet", "places", "decoder"):
        torch.save({"state_dict": network.get_submodule(part).state_dict()}, tmp_path / f"res_{part}.pth")
    monkeypatch.setenv("EEGBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "cache"))  # where digests of first use are locked
    return tmp_path


@pytest.mark.usefixtures("files")
def test_its_maps_are_the_judges(images: np.ndarray) -> None:
    network = SaliencyNetwork("eml_net")
    made = network.maps(images)
    assert made.dtype == np.uint8 and made.shape[1:] == network.size == (480, 640)
    assert np.array_equal(made, ReferenceJudge("eml_net", 512, "cpu").embed(images)["saliency"])


def test_its_digest_is_that_of_all_three_files(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest_of("eml_net")
    torch.save({"state_dict": {"x": torch.zeros(1)}}, files / "res_decoder.pth")
    monkeypatch.setenv("EEGBENCH_CACHE", str(files / "another"))  # nothing is locked there
    assert digest_of("eml_net") != before


def test_without_its_files_the_place_to_get_them_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EEGBENCH_WEIGHTS", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for ask in (digest_of, SaliencyNetwork):
        with pytest.raises(MissingError, match=r"res_imagenet\.pth.*EML-NET-Saliency and put it into EEGBENCH_WEIGHTS"):
            ask("eml_net")


def test_a_blank_one_gives_maps_too_and_another_blank_is_refused(images: np.ndarray) -> None:
    assert SaliencyNetwork("blank:eml_net").maps(images).shape == (1, 480, 640)
    with pytest.raises(UsageError, match="did you mean 'eml_net'"):
        SaliencyNetwork("blank:eml_ne")


def test_the_parts_that_are_looked_at_do_not_show(images: np.ndarray) -> None:
    some = np.random.default_rng(1).integers(0, 256, (70, 64, 64, 3), dtype=np.uint8)
    small = SaliencyNetwork("pack:judges/saliency.safetensors")
    made = small.maps(some)
    assert made.dtype == np.uint8 and made.shape == (70, *small.size)
    with torch.inference_mode():
        assert np.array_equal(made, np.concatenate([small._small(some[:64]), small._small(some[64:])]))
