"""Published ATM-S checkpoints: both namings are read, anything else is refused and listed."""

import dataclasses
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from eegbench.benchmark.plan import describe
from eegbench.contracts import Method, Progress, Silent, TrainingSet
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import InputError, MissingError, UsageError
from eegbench.methods.atm import Atm
from eegbench.methods.controls import NearestTrainImage
from eegbench.methods.encoders.atm_s import AtmS, Window
from eegbench.methods.encoders.checkpoints import RECORDING, RENAMED, TABLE, UNUSED, read
from eegbench.methods.encoders.fitting import EEGEmbedder, EncoderSettings, fit_embedder
from eegbench.methods.saliency_controlnet import SaliencyControlNet
from eegbench.methods.training import Training

WINDOW = Window(10, 20, 2)
State = dict[str, torch.Tensor]


def encoder(seed: int = 0, *, subjects: int = 10) -> AtmS:
    torch.manual_seed(seed)
    network = AtmS(17, 100, 128, subjects=subjects, keep="subject", window=WINDOW)
    for name, buffer in network.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    return network.eval()


def earlier(state: State) -> State:
    return state | {key: torch.ones(shape) for key, shape in UNUSED.items()}


def later(state: State) -> State:
    theirs = {ours: name for name, ours in RENAMED.items()}
    return earlier({theirs.get(k, k): v[..., 0] if k in theirs and v.ndim == 3 else v for k, v in state.items()})


def wrapped(state: State) -> State:
    return {f"module.{key}": value for key, value in later(state).items()}


@pytest.fixture(scope="module")
def train() -> TrainingSet:
    whole = SimThings(train_images=2).train(8)
    return whole.part(range(0, len(whole.eeg), 8))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "40.pth"
    torch.save(earlier(encoder().state_dict()), path)
    return path


@pytest.mark.parametrize("naming", [earlier, later, wrapped])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_checkpoint_gives_what_its_weights_give(
    tmp_path: Path, train: TrainingSet, naming: Callable[[State], State], suffix: str
) -> None:
    path = tmp_path / f"40.{suffix}"
    state = naming(encoder(1).state_dict())
    save_file({k: v.contiguous() for k, v in state.items()}, path) if suffix == "safetensors" else torch.save(
        state, path
    )
    found = read(path, train.info, keep="subject", window=WINDOW)
    eeg, subject = torch.randn(3, 17, 100), torch.tensor([7, 7, 7])
    assert torch.equal(found(eeg, subject), encoder(1)(eeg, subject))
    other = read(path, train.info, keep="channels", window=WINDOW)
    assert not torch.equal(other(eeg, subject), found(eeg, subject))


class Told(Progress):
    """Remembers the names of the stages."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    def bar(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        self.labels.append(label)
        return Silent().bar(label, total)


@pytest.mark.parametrize(("subject", "subjects", "row"), [(8, 10, 8), (9, 10, 9), (10, 10, 10), (8, 2, 2)], ids=str)
def test_a_method_takes_a_checkpoint_in_place_of_a_fit(
    train: TrainingSet, tmp_path: Path, subject: int, subjects: int, row: int
) -> None:
    """The row of the table is the subject's number; from its end on it is the shared token."""
    torch.save(earlier(encoder(subjects=subjects).state_dict()), tmp_path / "40.pth")
    settings = EncoderSettings(checkpoint=tmp_path / "40.pth", keep="subject")
    told = Told()
    theirs = dataclasses.replace(train, subject=subject)
    fitted = NearestTrainImage(encoder=settings).fit(theirs, seed=0, progress=told)
    assert told.labels == []
    with torch.no_grad():  # the EEG goes in as it is, not z-scored
        wanted, other = (
            encoder(subjects=subjects)(torch.from_numpy(train.eeg[:5]), torch.full((5,), place)).numpy()
            for place in (row, 0)
        )
    assert (fitted.embedder.features(train.eeg[:5]) == wanted).all() and not (wanted == other).all()
    fitted.embedder.save(tmp_path / "once")
    EEGEmbedder.load(tmp_path / "once").save(tmp_path / "twice")
    assert (EEGEmbedder.load(tmp_path / "twice").features(train.eeg[:5]) == wanted).all()


@pytest.mark.parametrize("kind", [Atm, SaliencyControlNet, NearestTrainImage])
def test_a_fit_names_its_checkpoint_by_its_bytes_and_nobody_vouches_for_it(
    kind: Callable[..., Method[Any]], checkpoint: Path
) -> None:
    method = kind(encoder=EncoderSettings(checkpoint=checkpoint))
    before = method.weights()
    name = next(name for name in before if name.startswith("encoder.checkpoint@"))
    assert len(name) == 19 + 64 and before[name] == ""
    assert str(checkpoint) not in json.dumps(describe(method))
    torch.save(earlier(encoder(1).state_dict()), checkpoint)
    assert method.weights().keys() != before.keys()
    checkpoint.unlink()
    with pytest.raises(MissingError, match=r"40\.pth: no such file; encoder\.checkpoint wants"):
        method.weights()


def test_what_differs_is_listed(checkpoint: Path, train: TrainingSet) -> None:
    state = torch.load(checkpoint, weights_only=True)
    del state["logit_scale"]
    torch.save(state | {"extra": torch.zeros(1), "proj_eeg.2.bias": torch.zeros(64)}, checkpoint)
    with pytest.raises(
        InputError,
        match=r"no ATM-S for 17 channels by 100 samples and Window\(kernel=10, pool=20, stride=2\): 3 keys differ: "
        r"proj_eeg\.2\.bias is \(64,\), wanted \(128,\); logit_scale is missing; extra is unknown",
    ):
        read(checkpoint, train.info, keep="subject", window=WINDOW)


def test_another_window_is_asked_for(checkpoint: Path, train: TrainingSet) -> None:
    with pytest.raises(InputError, match=r"proj_eeg\.0\.weight is .*; is encoder\.window the checkpoint's\?"):
        read(checkpoint, train.info, keep="subject", window=Window(10, 20, 5))


def test_a_file_of_another_network_is_refused(tmp_path: Path, train: TrainingSet) -> None:
    torch.save({f"{i}.weight": torch.zeros(3) for i in range(9)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"no ATM-S: .* its keys begin with 0\.weight; .*; and 3 more$"):
        read(tmp_path / "other.pth", train.info, keep="subject", window=WINDOW)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s | {"proj_eeg.2.bias": torch.full((128,), torch.nan)}, "proj_eeg.2.bias has NaN or infinite"),
        (lambda s: s | {"proj_eeg.2.bias": torch.zeros(128, dtype=torch.int32)}, "is torch.int32, wanted floating"),
        (lambda s: s | {"proj_eeg.2.bias": torch.zeros(128, dtype=torch.complex64)}, "is torch.complex64, wanted"),
        (lambda s: s | {"proj_eeg.2.bias": torch.zeros(128).to_sparse()}, "is no dense tensor of numbers"),
        (lambda s: s | {"proj_eeg.2.bias": torch.zeros(128, device="meta")}, "is no dense tensor of numbers"),
        (lambda s: s | {TABLE: torch.zeros(1).expand(10**6, 100)}, "claims 100,000,000 values, more than"),
        (lambda s: s | {TABLE: torch.zeros(1).expand(10**9, 100)}, "asks for 400,001 MB of memory"),
        (lambda s: s | {"enc_eeg.0.tsconv.2.running_var": -torch.ones(40)}, "running_var has values below zero"),
        (lambda s: s | {next(iter(RENAMED)): torch.zeros(256, 100)}, "conv1.weight twice, under two names"),
    ],
    ids=[
        "NaN",
        "integers",
        "complex",
        "sparse",
        "meta",
        "a large table",
        "a huge table",
        "a variance below zero",
        "twice",
    ],
)
def test_what_no_weight_can_be_is_refused(
    checkpoint: Path, train: TrainingSet, change: Callable[[State], State], said: str
) -> None:
    torch.save(change(torch.load(checkpoint, weights_only=True)), checkpoint)
    with pytest.raises(InputError, match=re.escape(said)):
        read(checkpoint, train.info, keep="subject", window=WINDOW)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"channels": tuple(sorted(RECORDING.channels))}, r"its channels differ; wanted channels: Fp1 Fp2 AF7"),
        ({"unit": "V", "start": -0.2}, r"its start and unit differ; wanted start: 0\.0; unit: whitened"),
    ],
)
def test_eeg_that_a_published_checkpoint_never_saw_is_refused(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    torch.save(AtmS(63, 250, 1024).state_dict(), tmp_path / "40.pth")
    assert read(tmp_path / "40.pth", RECORDING, keep="subject", window=Window()).width == 1024
    with pytest.raises(InputError, match=said):
        read(tmp_path / "40.pth", dataclasses.replace(RECORDING, **changed), keep="subject", window=Window())


def test_the_width_must_be_the_image_embeddings(checkpoint: Path, train: TrainingSet) -> None:
    settings = EncoderSettings(checkpoint=checkpoint)
    with pytest.raises(InputError, match=r"gives 128 coordinates, .* have 64; set clip to"):
        fit_embedder(Training(0, Silent()), train, np.zeros((len(train.eeg), 64), np.float32), settings)


def test_embeddings_need_no_checkpoint() -> None:
    with pytest.raises(UsageError, match=r"encoder\.kind is precomputed; set encoder\.kind=atm_s"):
        EncoderSettings(kind="precomputed", checkpoint=Path("40.pth"))
