"""`eegbench consistency`: how alike brains' pictures are, what a seed does to that, and which runs are compared."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from typer.testing import CliRunner

from eegbench.backbones import Suite
from eegbench.benchmark.evaluate import evaluate
from eegbench.cli import app
from eegbench.contracts import Queries, Silent
from eegbench.datasets.images import read_image
from eegbench.errors import InputError, MissingError, UsageError
from eegbench.metrics.classification import METRICS as CLASSIFICATION
from eegbench.metrics.identification import CorrelationDistance, TwoWay
from eegbench.metrics.pixel import PixelCorrelation
from eegbench.plugins import registry
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord
from eegbench.studies.consistency import Consistency, Group, consistency
from eegbench.studies.likened import Judging
from eegbench.studies.likeness import ByStimulus, Likeness
from small_world import Drawn, Lab

PEOPLE = (1, 2, 8)
APART = ~np.eye(4, dtype=bool)


@dataclass(frozen=True)
class Crowd(Drawn):
    """Three people who see 20 pictures, each with noise of one's own."""

    count: int = 20

    name: ClassVar[str] = "crowd"
    subjects: ClassVar[tuple[int, ...]] = PEOPLE

    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        queries = super().queries(subject)
        noise = np.random.default_rng(subject).normal(0, 60, queries.eeg.shape)
        return dataclasses.replace(queries, eeg=np.clip(queries.eeg + noise, 0, 255).astype(np.float32))


@pytest.fixture
def crowd(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setitem(registry.OWN, "dataset", {"crowd": Crowd})
    real = (PixelCorrelation(), TwoWay("clip", "clip"), CorrelationDistance("swav", "clip"))
    monkeypatch.setitem(registry.OWN, "metric", {metric.id: metric for metric in real} | {"nway": CLASSIFICATION[0]})
    return lab


@pytest.fixture
def run_all(crowd: Lab, once: Callable[[str, Callable[[], Path]], Path]) -> Callable[..., Path]:
    """The folder of runs with one method on three people, made once for each name."""

    def of(method: str, people: tuple[int, ...] = PEOPLE, **changes: Any) -> Path:
        def make() -> Path:
            options = crowd.options(dataset="crowd", **changes)
            return [evaluate(method, person, options, Silent()).run.folder for person in people][-1]

        once(f"consistency {method} {people} {changes}", make)
        return crowd.runs

    return of


def study(runs: Path, *metrics: str) -> Consistency:
    return consistency(runs, Judging(Silent(), metrics=metrics))


def only(runs: Path, *metrics: str) -> Group:
    [group] = study(runs, *metrics).groups
    return group


def test_numbers_by_hand() -> None:
    matrix = np.array([[0.9, 0.1, 0.2, 0.3], [0.5, 0.4, 0.3, 0.4], [0.0, 0.6, 0.8, 0.1], [0.2, 0.2, 0.2, 0.2]])
    found = ByStimulus.of([Likeness(matrix, APART)], higher_is_better=True)
    rows, columns = np.array([0.6, 1.2, 0.7, 0.6]), np.array([0.7, 0.9, 0.7, 0.8])
    assert found.other == pytest.approx((rows + columns) / 6)
    # Of the rivals in its row and its column those below .9, .4, .8 and .2; a tie is a failure.
    assert found.two_way == pytest.approx([6 / 6, (1 + 2) / 6, 6 / 6, (0 + 1) / 6])
    alike = found.alike()
    assert (alike.same, alike.other, alike.difference) == pytest.approx((0.575, 3.1 / 12, 0.575 - 3.1 / 12))
    distances = ByStimulus.of([Likeness(1 - matrix, APART)], higher_is_better=False)
    assert distances.alike().same == pytest.approx(1 - alike.same)
    assert distances.alike().difference == pytest.approx(alike.difference)
    assert distances.two_way == pytest.approx(found.two_way)


def test_what_is_no_rival_does_not_count_and_a_picture_without_a_value_fails() -> None:
    matrix = np.array(
        [[0.9, 1.0, 0.1, 0.2], [0.3, 0.8, 0.1, 0.2], [0.3, 0.4, 0.7, 0.2], [np.nan, np.nan, np.nan, np.nan]]
    )
    rivals = APART.copy()
    rivals[0, 1] = False
    found = ByStimulus.of([Likeness(matrix, rivals)], higher_is_better=True)
    assert found.two_way == pytest.approx([(1 + 2 / 3) / 2, (1 + 1 / 2) / 2, (1 + 2 / 3) / 2, 0])
    assert found.other[:3] == pytest.approx([(0.15 + 0.3) / 2, (0.2 + 0.4) / 2, (0.3 + 0.1) / 2])
    assert found.known.tolist() == [True, True, True, False]
    assert found.alike().same == pytest.approx(0.8)


def test_an_interval_holds_the_truth_in_95_of_100_cases() -> None:
    """Some stimuli look like one picture: each of them moves the mean over different stimuli by twice its own part."""

    def drawn(n: int, seed: int) -> ByStimulus:
        rng = np.random.default_rng(seed)
        shown = rng.normal(size=(n, 8))
        shown[rng.random(n) < 0.3, 0] += 4
        people = [0.7 * shown + rng.normal(size=shown.shape) for _ in range(3)]
        a, b, c = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in people)
        pairs = [Likeness(first @ second.T, ~np.eye(n, dtype=bool)) for first, second in ((a, b), (a, c), (b, c))]
        return ByStimulus.of(pairs, higher_is_better=True)

    truth = np.mean([drawn(1000, seed).alike().difference for seed in range(5)])
    ends = [drawn(40, 100 + seed).alike().ci or (0.0, 0.0) for seed in range(300)]
    held = np.mean([low <= truth <= high for low, high in ends])
    assert held == pytest.approx(0.955, abs=0.035)


def test_a_method_that_paints_by_the_seed_is_consistent_and_the_control_says_why(
    run_all: Callable[..., Path],
) -> None:
    group = only(run_all("ignores-eeg"), "pixcorr", "clip", "swav")
    for name in ("pixcorr", "clip"):
        found = group.metrics[name]
        assert found.permuted is not None and found.added is not None
        assert found.eeg.same == pytest.approx(1) == found.permuted.same
        assert found.eeg.two_way == 1 == found.permuted.two_way
        assert found.eeg.difference > 0.8
        assert (found.added.difference, found.added.two_way) == pytest.approx((0, 0), abs=1e-12)
    assert group.metrics["swav"].eeg.same == pytest.approx(0) and group.metrics["swav"].eeg.difference > 0.8


def test_a_method_that_follows_the_eeg_is_so_beyond_its_control(run_all: Callable[..., Path]) -> None:
    runs = run_all("uses-eeg")
    group = only(runs, "pixcorr", "clip")
    assert study(runs, "clip").notes == ()
    assert (group.subjects, group.pairs, group.stimuli, group.notes) == (PEOPLE, 3, 20, ())
    for found in group.metrics.values():
        assert found.permuted is not None and found.added is not None and found.added.ci is not None
        assert found.eeg.same > 0.4 and found.eeg.two_way > 0.95
        assert abs(found.permuted.other) < 0.1 and found.permuted.same < 0.25
        assert found.added.ci[0] > 0.3 and found.added.two_way > 0.1
        assert found.added.difference == pytest.approx(found.eeg.difference - found.permuted.difference)


def test_two_pictures_from_permuted_eeg_would_be_no_control(run_all: Callable[..., Path]) -> None:
    """All runs are permuted alike, so that both brains have seen the same stimulus again."""
    runs = run_all("uses-eeg")
    people = [Run.open(file.parent) for file in sorted(runs.rglob("uses-eeg/*/*/run.json"))]
    permutations = [run.permutation() for run in people]
    assert len({json.dumps(one.eeg_of) for one in permutations if one}) == 1 and None not in permutations
    images = [
        np.array([read_image(file) for _, file in sorted(run.files_of(one.images)[0].items())])
        for run, one in zip(people, permutations, strict=True)
        if one
    ]
    both = PixelCorrelation().compute(images[0] / 255, images[1] / 255).mean()
    found = only(runs, "pixcorr").metrics["pixcorr"]
    assert both == pytest.approx(found.eeg.same, abs=0.05) and found.permuted and both > found.permuted.same + 0.2


def test_a_donors_own_picture_is_no_rival(run_all: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Likeness] = []
    of = ByStimulus.of

    def listening(pairs: Sequence[Likeness], *, higher_is_better: bool) -> ByStimulus:
        seen.extend(pairs)
        return of(pairs, higher_is_better=higher_is_better)

    monkeypatch.setattr(ByStimulus, "of", listening)
    only(run_all("uses-eeg"), "clip")
    assert len(seen) == 12 and all((~one.rivals).sum() == 40 for one in seen)
    for one in seen[6:]:  # the control: what is left out beside the diagonal shows the same stimulus, and is alike
        donors = ~one.rivals & ~np.eye(20, dtype=bool)
        assert one.matrix[donors].mean() > one.matrix[one.rivals].mean() + 0.2


def test_no_true_picture_is_asked_for(crowd: Lab, run_all: Callable[..., Path]) -> None:
    runs = run_all("uses-eeg")
    crowd.calls.clear()
    only(runs, "clip")
    assert crowd.calls == []


def test_without_an_audit_there_is_no_control(run_all: Callable[..., Path]) -> None:
    group = only(run_all("uses-eeg", (1, 8), audit=False), "clip")
    assert group.metrics["clip"].permuted is None is group.metrics["clip"].added
    [note] = group.notes
    assert note.startswith("no control, for these have no images from permuted EEG: ") and "sub-01" in note


def test_several_samples_are_compared_each_with_its_like(run_all: Callable[..., Path]) -> None:
    group = only(run_all("ignores-eeg", (1, 8), samples=2), "clip")
    assert group.samples == 2 and group.metrics["clip"].eeg.same == pytest.approx(1)


def test_runs_of_other_protocols_and_seeds_are_apart(crowd: Lab, run_all: Callable[..., Path]) -> None:
    runs = run_all("uses-eeg")
    for change in ({"train_on": "others"}, {"seed": 1}):
        for person in (1, 8) if "seed" in change else (8,):
            evaluate("uses-eeg", person, crowd.options(dataset="crowd", audit=False, **change), Silent())
    found = study(runs, "clip")
    assert sorted((group.seed, group.subjects) for group in found.groups) == [(0, PEOPLE), (1, (1, 8))]
    assert found.notes == (
        "left out, one subject alone: uses-eeg, track eeg, trained on all others, seed 0, subject 8",
    )


def test_one_subject_alone_has_nobody_to_be_like(run_all: Callable[..., Path], tmp_path: Path) -> None:
    runs = run_all("uses-eeg", (8,))
    with pytest.raises(
        InputError, match=r"two subjects and alike in all else .*seed 0, subject 8.* on another subject"
    ):
        study(runs)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no scored run of a method lies below it; run `eegbench evaluate` first"):
        study(tmp_path / "empty")
    with pytest.raises(InputError, match="no such folder"):
        study(tmp_path / "nowhere")


def test_a_copy_of_a_run_adds_nobody(run_all: Callable[..., Path]) -> None:
    runs = run_all("uses-eeg", (8,))
    shutil.copytree(next(runs.rglob("uses-eeg/sub-08")), runs / "copy")
    with pytest.raises(InputError, match="two subjects"):
        study(runs)


def test_what_cannot_be_compared_is_said(
    crowd: Lab, run_all: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = run_all("uses-eeg")
    with pytest.raises(UsageError, match="unknown metric 'clop'"):
        study(runs, "clop")
    with pytest.raises(UsageError, match="cannot say how alike two reconstructions are; wanted pixcorr, ssim"):
        study(runs, "nway")
    late = PixelCorrelation(id="late")
    monkeypatch.setitem(registry.OWN["metric"], "late", late)
    with pytest.raises(InputError, match="was not scored on late"):
        study(runs, "late")
    monkeypatch.setitem(registry.OWN["metric"], "clip", TwoWay("clip", "clip", version=2))
    with pytest.raises(InputError, match="was scored as clip@1, here is clip@2; score it again"):
        study(runs, "clip")
    monkeypatch.setattr(crowd.judge, "digest", "f" * 64)
    with pytest.raises(InputError, match="scored by other weights of fake than are here"):
        study(runs, "swav")
    lacking = Suite("micro", "sal512", (), {"clip": "the weights of clip are not here"})
    monkeypatch.setattr("eegbench.backbones.suite", lambda *_, **__: lacking)
    with pytest.raises(MissingError, match="the weights of clip are not here"):
        study(runs, "swav")


def test_a_changed_image_is_found(run_all: Callable[..., Path]) -> None:
    runs = run_all("uses-eeg")
    next(runs.rglob("uses-eeg/sub-02/*/permuted/*/*.png")).write_bytes(b"another")
    with pytest.raises(InputError, match="has changed since the run wrote it"):
        study(runs, "clip")


def test_people_who_saw_other_pictures_are_not_compared(run_all: Callable[..., Path]) -> None:
    runs = run_all("uses-eeg")
    file = next(runs.rglob("uses-eeg/sub-02/*/scores.json"))
    sheet = Run.open(file.parent).scores
    file.write_text(dataclasses.replace(sheet, truths="e" * 64).to_json())
    with pytest.raises(InputError, match="other true images under the same stimulus ids"):
        study(runs, "clip")
    record = RunRecord.read(file.parent / "run.json")
    assert record.status == "complete"


def test_the_command_says_what_it_shows(run_all: Callable[..., Path]) -> None:
    runs = run_all("uses-eeg")

    def told(*words: str) -> Any:
        return CliRunner().invoke(app, ["consistency", *words], env={"COLUMNS": "108"})

    done = told(str(runs))
    assert done.exit_code == 0, done.output
    assert "SIMULATED EEG" in done.stdout and "uses-eeg, crowd, track eeg, seed 0" in done.stdout
    assert "subjects 1, 2, 8 (3 pairs), 20 stimuli" in done.stdout
    heads = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith(("pixcorr@1", "clip@1"))]
    assert heads == [["pixcorr@1", "↑"], ["clip@1", "↑"]] and done.stdout.count("EEG adds ") >= 2
    assert "Only what the EEG adds to that speaks of the brains." in " ".join(done.stdout.split())
    [group] = json.loads(told(str(runs), "--json", "--metrics", "clip").stdout)["groups"]
    assert group["metrics"]["clip"]["similarity"] == "Pearson's r of the features"
    assert group["metrics"]["clip"]["eeg"]["same"] == only(runs, "clip").metrics["clip"].eeg.same
    done = told(str(runs / "crowd/eeg/uses-eeg/sub-08"))
    assert done.exit_code == 2 and done.stderr.startswith("eegbench: ") and done.stderr.count("\n") == 1
