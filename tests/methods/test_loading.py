"""Pretrained networks are loaded once for a run that asks for them portion by portion, and on its device."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegbench.backbones import clip, diffusion
from eegbench.backbones.diffusion import Sampling
from eegbench.contracts import Reconstructor, Silent
from eegbench.datasets.sim_things import SimThings
from eegbench.methods.controls import NearestTrainImage
from eegbench.methods.encoders.fitting import EncoderSettings
from eegbench.methods.references import TrueEmbedding, VaeRoundtrip
from eegbench.plugins import registry

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The class and the device of each network that is loaded from now on."""
    loaded: list[tuple[str, str]] = []

    def counted(kind: Any) -> None:
        build = kind.__init__

        def counting(self: Any, name: str, device: str = "cpu") -> None:
            loaded.append((kind.__name__, device))
            build(self, name, "cpu" if device.startswith("cuda") else device)  # no GPU is at hand in a test

        monkeypatch.setattr(kind, "__init__", counting)

    for room, kind in ((clip, clip.Clip), (diffusion, diffusion.Generator)):
        counted(kind)
        getattr(room, kind.__name__.lower()).cache_clear()
    return loaded


def fitted(name: str) -> Reconstructor:
    """The shipped fit of a published method, or a control fitted in moments."""
    if name == "nearest_train_image":
        control = NearestTrainImage(encoder=EncoderSettings(epochs=1, validation_concepts=1))
        return control.fit(SimThings(train_images=1).train(8).part(range(16)), seed=0, progress=Silent())
    kind = registry.find("method", name)
    place = next(card for card in SHIPPED.glob("*/fit.json") if f'"method": "{name}"' in card.read_text())
    stored: Reconstructor = kind.reconstructor.load(place.parent)
    return stored


SHIPPED = Path(clip.__file__).parents[1] / "fitted"


@pytest.mark.parametrize("name", ["atm", "llm_caption", "saliency_controlnet", "nearest_train_image"])
def test_clip_is_loaded_once_for_all_portions_of_the_targets(name: str, loads: list[tuple[str, str]]) -> None:
    reconstructor = fitted(name)
    before = loads.count(("Clip", "cpu"))
    whole = reconstructor.embed_images(IMAGES)
    parts = [reconstructor.embed_images(IMAGES[i : i + 2]) for i in range(0, 6, 2)]
    assert whole is not None and np.allclose(np.concatenate([p for p in parts if p is not None]), whole, atol=1e-5)
    assert loads.count(("Clip", "cpu")) <= 1 and before <= 1


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_ceiling_is_made_on_the_device_that_is_asked_for(device: str, loads: list[tuple[str, str]]) -> None:
    for reference in (VaeRoundtrip(), TrueEmbedding(sampling=Sampling(steps=2))):
        for portion in (IMAGES[:2], IMAGES[2:4]):
            reference.reconstruct(portion, seeds=[1, 2], device=device)
    assert sorted(loads) == [("Clip", device), ("Generator", device)]
