"""check-method: a method that keeps the contract passes, and every kind of bad method is caught with its own words."""

import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from eegbench.arrays import EEG, Images
from eegbench.benchmark.plan import Plan
from eegbench.checks.check_method import check
from eegbench.checks.check_protocols import FEWER, SEVERAL
from eegbench.contracts import Dataset, Reconstructor, Silent, TrainingSet
from eegbench.errors import InputError
from small_world import Lab

Change = Callable[[Images, EEG, Dataset], Any]


def spoiled(plan: Plan, change: Change) -> type[Any]:
    """A reconstructor like the good one, whose images are changed."""
    good: Any = plan.method.reconstructor

    class Bad(good):  # type: ignore[misc]
        def reconstruct(self, eeg: EEG, **options: Any) -> Images:
            images: Images = change(super().reconstruct(eeg, **options), eeg, plan.dataset)
            return images

    return Bad


def method_of(plan: Plan, kind: type[Any]) -> Any:
    """The good method, but its fit gives a reconstructor of this kind."""
    good: Any = type(plan.method)

    @dataclass(frozen=True)
    class BadMethod(good):  # type: ignore[misc]
        reconstructor: ClassVar[type[Reconstructor]] = kind

        def fit(self, train: TrainingSet, **_: Any) -> Reconstructor:
            fitted: Reconstructor = kind(self.weight)
            return fitted

    return BadMethod()


def problems(plan: Plan, method: Any) -> dict[str, str]:
    found = check(dataclasses.replace(plan, method=method), progress=Silent())
    return {finding.clause: finding.problem for finding in found if finding.problem}


def _noise(images: Images, eeg: EEG, dataset: Dataset) -> Images:
    noise: Images = np.random.randint(256, size=images.shape).astype(np.uint8)  # noqa: NPY002
    return noise


def _brightened_by_batch(images: Images, eeg: EEG, dataset: Dataset) -> Any:
    return (images // 2 + eeg.mean() // 2).astype(np.uint8)


def _by_place(images: Images, eeg: EEG, dataset: Dataset) -> Images:
    return images // 2 + 40 * np.arange(len(images), dtype=np.uint8)[:, None, None, None]


def _writes(images: Images, eeg: EEG, dataset: Dataset) -> Images:
    eeg[:] = 0
    return images


def _asks(images: Images, eeg: EEG, dataset: Dataset) -> Images:
    return dataset.answers(8).images[: len(images)]


BAD: dict[str, tuple[Change, str]] = {
    "floats": (lambda images, eeg, dataset: images / 255, "images are float64"),
    "channels first": (lambda images, eeg, dataset: images.transpose(0, 3, 1, 2), "wanted uint8 (n, h, w, 3)"),
    "one too few": (lambda images, eeg, dataset: images[1:], "3 images came; 4 were wanted"),
    "global random state": (_noise, "draw from `seeds` alone"),
    "the batch's mean": (_brightened_by_batch, "made one by one"),
    "the place in the batch": (_by_place, "asked in reverse order"),
    "writes into its input": (_writes, "wrote into the EEG"),
    "asks for answers": (_asks, "asked the data set for the answers"),
    "raises": (lambda images, eeg, dataset: images[99], "IndexError"),
}


def test_a_method_that_keeps_the_contract_passes(lab: Lab) -> None:
    found = check(lab.plan(), progress=Silent())
    assert len(found) == 12 and not any(finding.problem for finding in found)
    assert [finding.warning for finding in found if finding.warning] == [
        "refused: uses-eeg wants a channel for each colour"
    ]
    assert not any(f.problem for f in check(lab.plan(track="oracle"), progress=Silent()))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_method_is_caught_in_its_own_words(lab: Lab, name: str) -> None:
    change, words = BAD[name]
    found = problems(lab.plan(), method_of(lab.plan(), spoiled(lab.plan(), change)))
    assert any(words in problem for problem in found.values()), found


def test_the_data_set_answers_again_afterwards(lab: Lab) -> None:
    plan = lab.plan()
    problems(plan, method_of(plan, spoiled(plan, _asks)))
    assert len(plan.dataset.answers(8).images) == 8


def test_a_fit_that_asks_for_answers_is_caught(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = lab.plan()
    monkeypatch.setattr(type(plan.method), "fit", lambda *_, **__: plan.dataset.answers(8))
    (clause, problem), *rest = problems(plan, plan.method).items()
    assert clause.startswith("fit gives") and "asked the data set for the answers" in problem and not rest


def saving(plan: Plan, save: Callable[[Any, Path], None]) -> Any:
    return method_of(plan, type("Bad", (plan.method.reconstructor,), {"save": save}))


def test_a_pickle_in_the_saved_state_is_caught(lab: Lab) -> None:
    def save(self: Any, folder: Path) -> None:
        (folder / "weight.txt").write_text(str(self.weight))
        (folder / "state.pkl").write_bytes(pickle.dumps(self.weight))

    found = problems(lab.plan(), saving(lab.plan(), save))
    assert any("state.pkl" in problem for problem in found.values())


def test_state_that_is_lost_on_the_way_to_disk_is_caught(lab: Lab) -> None:
    found = problems(lab.plan(), saving(lab.plan(), lambda self, folder: _write(folder / "weight.txt", "0.1")))
    assert any("saved and loaded" in problem for problem in found.values())


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def test_embeddings_that_are_no_numbers_are_caught(lab: Lab) -> None:
    plan = lab.plan()
    kind = type("Bad", (plan.method.reconstructor,), {"embed": lambda self, eeg: np.full((len(eeg), 3), np.nan)})
    assert any("NaN or infinite values in 4 of 4" in said for said in problems(plan, method_of(plan, kind)).values())


def test_a_method_is_tried_on_several_people_and_on_fewer_channels(lab: Lab) -> None:
    plan = lab.plan()
    good: Any = type(plan.method)
    seen: list[tuple[set[int], tuple[int, ...]]] = []

    @dataclass(frozen=True)
    class Sees(good):  # type: ignore[misc]
        def fit(self, train: TrainingSet, **more: Any) -> Reconstructor:
            seen.append((set(train.subjects.tolist()), train.eeg.shape[1:]))
            if len(train.info.channels) < 3:
                raise InputError("wanted red, green and blue")
            fitted: Reconstructor = super().fit(train, **more)
            return fitted

    found = {f.clause: f for f in check(dataclasses.replace(plan, method=Sees()), progress=Silent())}
    assert seen[1:] == [({8, 9}, (3, 36)), ({8}, (1, 36))]
    assert not found[SEVERAL].problem and not found[SEVERAL].warning
    assert found[FEWER] == (FEWER, "", "refused: method 'uses-eeg', fit: wanted red, green and blue")


@pytest.mark.parametrize(("error", "words"), [(KeyError(8), "KeyError: 8"), (ZeroDivisionError("by 0"), "by 0")])
def test_a_method_that_breaks_on_several_people_is_at_fault(lab: Lab, error: Exception, words: str) -> None:
    plan = lab.plan()
    good: Any = type(plan.method)

    @dataclass(frozen=True)
    class Breaks(good):  # type: ignore[misc]
        def fit(self, train: TrainingSet, **more: Any) -> Reconstructor:
            if len(set(train.subjects.tolist())) > 1:
                raise error
            fitted: Reconstructor = super().fit(train, **more)
            return fitted

    assert words in problems(plan, Breaks())[SEVERAL]
