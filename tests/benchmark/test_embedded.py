"""Published embeddings in the EEG's place: joined by stimulus id, passed through by the methods, and never mixed up."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from eegbench.benchmark.embedded import FILE, INFO, Embedded
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import Plan, plan
from eegbench.checks.check_method import check
from eegbench.contracts import Queries, Silent
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import InputError, MissingError, UsageError

SMALL = SimThings(train_images=1, test_images=1)  # 200 and 100 stimuli


def row_of(stimulus: str) -> float:
    """Something that belongs to a stimulus alone."""
    return float(sum(map(ord, stimulus)) % 977)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files in the published form, in the order of the image folders; simulated, as each row is its stimulus's own."""
    for split, stimuli, repetitions in (
        ("train", SMALL.train(8).stimuli, 4),
        ("test", SMALL.answers(8).stimuli, 1),
    ):
        rows = torch.tensor([row_of(stimulus) for stimulus in sorted(stimuli)]).repeat_interleave(repetitions)
        noise = torch.tensor([-1.0, 1.0, -2.0, 2.0]).repeat(len(stimuli)) if repetitions == 4 else 0.0
        torch.save((rows + noise)[:, None].repeat(1, 1024), tmp_path / FILE.format(subject=8, split=split))
    return tmp_path


def planned(folder: Path, *settings: tuple[str, object], method: str = "saliency_controlnet") -> Plan:
    table = {"train_images": 1, "test_images": 1, "embeddings": str(folder)}
    return plan(method, 8, Options(dataset_table=table, method_table=dict(settings)), device="cpu")


@pytest.mark.parametrize("reverse", [False, True])
def test_rows_are_joined_by_stimulus_id(folder: Path, monkeypatch: pytest.MonkeyPatch, reverse: bool) -> None:
    if reverse:  # a data set that hands its stimuli out in another order
        open_way = SimThings.queries

        def backwards(self: SimThings, subject: int, *, average: int | str = "all") -> Queries:
            asked = open_way(self, subject, average=average)
            return dataclasses.replace(asked, stimuli=asked.stimuli[::-1], eeg=asked.eeg[::-1])

        monkeypatch.setattr(SimThings, "queries", backwards)
    dataset = Embedded.of(SMALL, folder)
    train, queries = dataset.train(8), dataset.queries(8)
    assert train.eeg.shape == (200, 1, 1024) and queries.eeg.shape == (100, 1, 1024)
    assert queries.eeg.dtype == np.float32 and train.info == queries.info == dataset.info == INFO
    assert [row_of(s) for s in queries.stimuli] == queries.eeg[:, 0, 0].tolist()
    assert [row_of(s) for s in train.stimuli] == train.eeg[:, 0, 0].tolist()  # repetitions averaged


def test_another_average_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="averages of all repetitions"):
        Embedded.of(SMALL, folder).queries(8, average=4)


def test_chosen_repetitions_and_sessions_are_refused(folder: Path) -> None:
    for options in ({"train_repetitions": 2}, {"design": "sessions", "sessions": (1, 2)}):
        with pytest.raises(
            UsageError, match=f"^{list(options)[-1]} is .*; published embeddings are of all repetitions"
        ):
            Embedded.of(dataclasses.replace(SMALL, **options), folder)


def test_a_subject_without_a_file_is_named(folder: Path) -> None:
    with pytest.raises(MissingError, match=r"sub-03_train\.pt: no such file"):
        Embedded.of(SMALL, folder).train(3)


def test_files_of_another_data_set_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"holds \(800, 1024\).*wanted one tensor \(1600, 1024\)"):
        Embedded.of(SimThings(train_images=2), folder).train(8)


def test_the_record_has_the_files_digests_and_not_their_place(folder: Path) -> None:
    described = planned(folder).spec.dataset_configuration
    assert described["inner"] == {"snr": 0.15, "train_images": 1, "test_images": 1}
    assert [name for name, _ in described["files"]] == [FILE.format(subject=8, split=s) for s in ("test", "train")]
    assert str(folder) not in str(described)
    before = described["files"]
    torch.save(torch.zeros(100, 1024), folder / FILE.format(subject=8, split="test"))
    assert planned(folder).spec.dataset_configuration["files"] != before


QUICK = {"lora.steps": 1, "lora.batch": 2, "controlnet.steps": 1, "controlnet.batch": 2, "head_epochs": 1,
         "encoder.validation_concepts": 2, "sampling.steps": 1}  # fmt: skip


def test_a_method_that_is_handed_embeddings_keeps_the_contract(
    folder: Path, monkeypatch: pytest.MonkeyPatch, narrow: Callable[[int], None]
) -> None:
    narrow(128)  # as wide as the small generator's tokens
    for split, rows in (("train", 800), ("test", 100)):
        torch.save(torch.randn(rows, 128), folder / FILE.format(subject=8, split=split))
    asked = planned(folder, ("encoder.kind", "precomputed"), ("length", "raw"), *QUICK.items())
    found = check(asked, progress=Silent())
    assert len(found) == 10 and not [finding for finding in found if finding.problem]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The published width is 1024, of CLIP ViT-H/14; the small target space is narrower."""

    def to(width: int) -> None:
        monkeypatch.setattr("eegbench.backbones.embeddings.WIDTH", width)
        monkeypatch.setattr("eegbench.benchmark.embedded.INFO", dataclasses.replace(INFO, times=width))

    return to


def test_eeg_and_embeddings_are_not_taken_for_one_another(folder: Path) -> None:
    train = Embedded.of(SMALL, folder).train(8)
    with pytest.raises(UsageError, match=r"set encoder\.kind=precomputed"):
        planned(folder).method.fit(train, seed=0, progress=Silent())
    with pytest.raises(UsageError, match=r"set dataset\.embeddings to a folder"):
        planned(folder, ("encoder.kind", "precomputed")).method.fit(SMALL.train(8), seed=0, progress=Silent())
