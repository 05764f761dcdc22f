"""The saliency-guided method keeps the contract: seeds, batches, permutations, hints, save and load."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from eegbench.arrays import EEG, Images, Maps
from eegbench.backbones.diffusion import Sampling
from eegbench.contracts import Hints, Silent, TrainingSet
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import InputError
from eegbench.methods.encoders.fitting import EncoderSettings
from eegbench.methods.saliency_controlnet import SaliencyControlNet, SaliencyControlNetReconstructor
from eegbench.methods.saliency_controlnet import head as saliency_head
from eegbench.methods.training import Training
from eegbench.methods.tuning_settings import TuningSettings
from eegbench.methods.validation import held_out

QUICK = SaliencyControlNet(
    encoder=EncoderSettings(epochs=1, validation_concepts=2),
    lora=TuningSettings(steps=2, batch=4, rate=1e-3),
    controlnet=TuningSettings(steps=2, batch=4, rate=1e-3),
    head_epochs=1,
    sampling=Sampling(steps=2),
)


@pytest.fixture(scope="module")
def train() -> TrainingSet:
    whole = SimThings().train(8)
    return whole.part(np.linspace(0, len(whole.eeg) - 1, 48).astype(int).tolist())


@pytest.fixture(scope="module")
def fitted(train: TrainingSet) -> SaliencyControlNetReconstructor:
    return QUICK.fit(train, seed=0, progress=Silent())


def _differ(a: Images, b: Images) -> float:
    """Share of values that differ by more than 2 grey levels: float32 sums differ with the batch's layout."""
    return float((np.abs(a.astype(int) - b.astype(int)) > 2).mean())


def test_images_are_uint8_and_the_same_for_the_same_seeds(
    fitted: SaliencyControlNetReconstructor, train: TrainingSet
) -> None:
    one, two = (fitted.reconstruct(train.eeg[:3], seeds=[1, 2, 3]) for _ in range(2))
    assert one.dtype == np.uint8 and one.shape == (3, 64, 64, 3)
    assert (one == two).all()


def test_another_seed_gives_another_image(fitted: SaliencyControlNetReconstructor, train: TrainingSet) -> None:
    one, two = (fitted.reconstruct(train.eeg[:1], seeds=[s]) for s in (1, 2))
    assert _differ(one, two) > 0.1


def test_an_image_does_not_depend_on_the_batch_or_the_order(
    fitted: SaliencyControlNetReconstructor, train: TrainingSet
) -> None:
    together = fitted.reconstruct(train.eeg[:4], seeds=[1, 2, 3, 4])
    alone = np.concatenate([fitted.reconstruct(train.eeg[i : i + 1], seeds=[i + 1]) for i in range(4)])
    reverse = fitted.reconstruct(train.eeg[:4][::-1].copy(), seeds=[4, 3, 2, 1])[::-1]
    assert _differ(together, alone) < 0.001
    assert _differ(together, reverse) < 0.001


def test_save_and_load_give_the_same_images(
    fitted: SaliencyControlNetReconstructor, train: TrainingSet, tmp_path: Path
) -> None:
    fitted.save(tmp_path)
    once = QUICK.configure(SaliencyControlNetReconstructor.load(tmp_path))
    once.save(tmp_path / "again")
    twice = QUICK.configure(SaliencyControlNetReconstructor.load(tmp_path / "again"))
    images = [f.reconstruct(train.eeg[:2], seeds=[1, 2]) for f in (once, twice)]
    assert (images[0] == images[1]).all()
    assert not list(tmp_path.rglob("*.pkl")) and not list(tmp_path.rglob("*.pt"))


def _controls(fitted: SaliencyControlNetReconstructor, eeg: EEG, hints: Hints | None) -> Maps:
    maps = fitted.controls(eeg, hints)
    assert maps is not None
    return maps


def test_a_hint_replaces_the_decoded_map(fitted: SaliencyControlNetReconstructor, train: TrainingSet) -> None:
    maps = np.zeros((1, 64, 64), np.uint8)
    assert np.array_equal(_controls(fitted, train.eeg[:1], {"saliency": maps}), maps)
    assert not np.array_equal(_controls(fitted, train.eeg[:1], None), maps)


def test_a_hint_of_another_name_is_refused(fitted: SaliencyControlNetReconstructor, train: TrainingSet) -> None:
    with pytest.raises(InputError, match="wants 'saliency'"):
        fitted.controls(train.eeg[:1], {"depth": np.zeros((1, 64, 64), np.uint8)})


def test_eeg_of_another_size_is_refused(fitted: SaliencyControlNetReconstructor, train: TrainingSet) -> None:
    with pytest.raises(InputError, match="fitted on"):
        fitted.embed(train.eeg[:1, :16])


def test_eeg_only_has_no_controlnet(train: TrainingSet) -> None:
    only = dataclasses.replace(QUICK, variant="eeg_only").fit(train, seed=0, progress=Silent())
    assert only.controlnet is None and only.controls(train.eeg[:1]) is None
    assert only.reconstruct(train.eeg[:1], seeds=[1]).shape == (1, 64, 64, 3)


def test_maps_are_pooled_part_by_part_to_the_same_head(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    eeg, shown = rng.normal(size=(40, 4, 10)).astype(np.float32), np.arange(40)
    maps = rng.integers(0, 256, (40, 96, 128), dtype=np.uint8)

    def fitted() -> list[torch.Tensor]:
        head = saliency_head.fit_head(Training(0, Silent()), eeg, shown, maps, shown < 8, epochs=2)
        return list(head.network.state_dict().values())

    parts = fitted()
    monkeypatch.setattr(saliency_head, "chunks", lambda whole: [whole])
    assert all(torch.equal(one, two) for one, two in zip(parts, fitted(), strict=True))


def test_validation_holds_out_whole_concepts(train: TrainingSet) -> None:
    held = held_out(train.concepts, 5, seed=0)
    kept = {c for c, h in zip(train.concepts, held, strict=True) if h}
    assert len(kept) == 5
    assert not kept & {c for c, h in zip(train.concepts, held, strict=True) if not h}
