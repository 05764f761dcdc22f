"""Scores: joined by id, complete with reasons, the same to the last digit."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from eegbench import seeds, statistics
from eegbench.benchmark import features, measure, score
from eegbench.benchmark.images import from_array
from eegbench.benchmark.judging import Judging
from eegbench.benchmark.score import scorer
from eegbench.contracts import Backbone, Silent
from eegbench.errors import InputError, UsageError
from eegbench.metrics import METRICS
from eegbench.pairs.score import score_folders
from eegbench.runs.sheet import STATISTICS, ScoreSheet
from small_world import Lab

STIMULI = tuple(f"set/{i:02d}" for i in range(20))


def pictures(*words: object) -> NDArray[np.uint8]:
    return seeds.generator(*words).integers(256, size=(len(STIMULI), 5, 5, 3)).astype(np.uint8)


def write(root: Path, images: NDArray[np.uint8], stimuli: tuple[str, ...] = STIMULI, suffix: str = ".png") -> Path:
    for stimulus, image in zip(stimuli, images, strict=True):
        file = root / f"{stimulus}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    return root


def folders(root: Path) -> tuple[Path, Path]:
    truth = pictures("truth")
    mixed = (truth // 2 + pictures("noise") // 2).astype(np.uint8)
    return write(root / "truth", truth), write(root / "made", mixed)


def scores(truth: Path, made: Path, metrics: tuple[str, ...] | None = None) -> ScoreSheet:
    return score_folders(truth, made, Judging("micro", "sal512", "cpu", metrics)).sheet


def test_two_folders_are_scored_with_intervals_floors_and_reasons(lab: Lab, tmp_path: Path) -> None:
    sheet = scores(*folders(tmp_path))
    correlation, top1 = sheet.metrics["pixcorr"], sheet.metrics["top1"]
    assert sheet.statistics == STATISTICS and sheet.n == 20 and sheet.judges == {"fake": "0" * 64}
    assert correlation.value is not None and correlation.ci is not None and correlation.floor is not None
    assert correlation.ci[0] < correlation.value < correlation.ci[1]
    assert abs(correlation.floor) < 0.1 < correlation.value  # unrelated noise of 75 values: sd .12 / sqrt(20)
    assert (top1.value, top1.floor) == (1.0, 1 / 20)
    assert sheet.metrics["spread"].ci is not None and sheet.metrics["spread"].floor == 1.0
    assert sheet.metrics["unseen"].reason == "no judge of the suite 'micro' provides 'swav'"
    assert sheet.metrics["retrieval"].value is None and "no embedding" in sheet.metrics["retrieval"].reason


def test_scores_follow_the_id_and_not_the_order(lab: Lab, tmp_path: Path) -> None:
    truth, made = folders(tmp_path)
    before = scores(truth, made)
    renamed = dict(zip(STIMULI, reversed([f"z/{i:02d}" for i in range(20)]), strict=True))
    for root in (truth, made):
        for old, new in renamed.items():
            (root / new).parent.mkdir(exist_ok=True)
            (root / f"{old}.png").rename(root / f"{new}.png")
    after = scores(truth, made)
    for name in ("pixcorr", "top1", "distance"):  # the mean in another order: rounding alone may differ
        assert after.metrics[name].value == pytest.approx(before.metrics[name].value, rel=1e-12)


def test_one_swapped_pair_changes_the_scores(lab: Lab, tmp_path: Path) -> None:
    truth, made = folders(tmp_path)
    before = scores(truth, made).metrics["top1"].value
    a, b = made / "set/00.png", made / "set/01.png"
    a.rename(tmp_path / "kept.png")
    b.rename(a)
    (tmp_path / "kept.png").rename(b)
    assert (before, scores(truth, made).metrics["top1"].value) == (1.0, 0.9)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda made: (made / "set/03.png").unlink(), r"made: no image of stimulus 'set/03'.*truth"),
        (lambda made: write(made, pictures("x")[:1], ("set/99",)), r"made: an image of stimulus 'set/99'"),
        (lambda made: write(made, pictures("x")[:1], ("set/03",), ".jpg"), r"both stimulus 'set/03'"),
        (lambda made: (made / "set/03.png").write_text("no"), r"03\.png: cannot be read as an image"),
    ],
    ids=["missing", "extra", "duplicate", "unreadable"],
)
def test_folders_that_do_not_fit_are_refused_by_name(lab: Lab, tmp_path: Path, harm: Any, words: str) -> None:
    truth, made = folders(tmp_path)
    harm(made)
    with pytest.raises(InputError, match=words):
        scores(truth, made)


def test_an_empty_folder_is_refused(lab: Lab, tmp_path: Path) -> None:
    truth, _ = folders(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: holds no PNG, JPEG, WebP, BMP or TIFF image"):
        scores(truth, tmp_path / "empty")


def test_images_of_different_sizes_have_the_features_of_each_alone() -> None:
    @dataclass
    class Mean(Backbone):
        name: str = "mean"
        digest: str = ""
        provides: tuple[str, ...] = ("mean",)

        def embed(self, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
            return {"mean": images.mean((1, 2), dtype=np.float32)}

    images = [np.full((side, 4, 3), side, np.uint8) for side in (7, 3, 5, 3)]
    assert features.embed(Mean(), images)["mean"][:, 0].tolist() == [7, 3, 5, 3]


def test_metrics_can_be_chosen_and_unknown_ones_are_refused(lab: Lab, tmp_path: Path) -> None:
    truth, made = folders(tmp_path)
    assert list(scores(truth, made, ("top1", "pixcorr")).metrics) == ["top1", "pixcorr"]
    with pytest.raises(UsageError, match="unknown metric 'pixcor'; did you mean 'pixcorr'"):
        scores(truth, made, ("pixcor",))
    with pytest.raises(UsageError, match="unknown protocol 'sal51'"):
        score_folders(truth, made, Judging("micro", "sal51", "cpu"))


def test_every_judge_sees_every_image_once(lab: Lab) -> None:
    truths = from_array(STIMULI, pictures("truth"))
    ready = scorer(truths, lab.suite, metrics=("top1", "spread"), progress=Silent())
    assert sum(lab.judge.seen) == 20
    for words in ("a", "b"):
        ready.measure([from_array(STIMULI, pictures(words))], progress=Silent())
    assert sum(lab.judge.seen) == 60  # the truths were not looked at again


@pytest.mark.parametrize("portion", [1, 3, 64])
def test_pixel_metrics_do_not_depend_on_the_portions(lab: Lab, monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    truths, made = pictures("truth"), pictures("made")
    monkeypatch.setattr(measure, "PIXEL_PORTION", portion)
    ready = scorer(
        from_array(STIMULI, truths),
        lab.suite,
        metrics=("pixcorr",),
        progress=Silent(),
    )
    found = ready.measure([from_array(STIMULI, made)], progress=Silent())["pixcorr"]
    formula = lab.laws["pixcorr"].compute
    assert found.items is not None
    assert found.items[0] == pytest.approx(formula(made / 255, truths / 255), abs=1e-6)  # features are float32
    assert (found.floor is None) == (portion == 1)  # this metric can pair nothing but what is in work at once
    assert found.floor is None or abs(found.floor) < 0.1  # unrelated noise of 75 values: sd .12 / sqrt(20)


def test_samples_are_averaged_and_never_picked(lab: Lab) -> None:
    truths = pictures("truth")
    ready = scorer(
        from_array(STIMULI, truths),
        lab.suite,
        metrics=("distance",),
        progress=Silent(),
    )
    single = [
        ready.sheet(ready.measure([from_array(STIMULI, pictures(k))], progress=Silent())).metrics["distance"].value
        for k in (1, 2)
    ]
    both = ready.sheet(ready.measure([from_array(STIMULI, pictures(k)) for k in (1, 2)], progress=Silent()))
    assert both.metrics["distance"].value == pytest.approx(np.mean([s for s in single if s is not None]), rel=1e-12)


def test_a_value_that_misses_stimuli_says_which_and_how_many(lab: Lab) -> None:
    flat = pictures("made")
    flat[4] = 9  # no variance: the correlation is undefined
    ready = scorer(
        from_array(STIMULI, pictures("truth")),
        lab.suite,
        metrics=("pixcorr",),
        progress=Silent(),
    )
    with np.errstate(invalid="ignore"):
        found = ready.sheet(ready.measure([from_array(STIMULI, flat)], progress=Silent())).metrics["pixcorr"]
    assert found.value is not None and found.items == 19
    assert found.reason == "undefined for 1 of 20 stimuli, 'set/04' the first of them"


def test_a_set_has_the_interval_that_its_metric_declares() -> None:
    """The inception score by tenths, the mean over splits none, and no interval leaves the bounds."""
    values = seeds.generator("set").random(40)

    def interval(name: str, shift: float = 50.0) -> tuple[float, float] | None:
        of_part = measure.Measured(METRICS[name], over=lambda chosen: shift + float(values[chosen].mean()))
        return score.estimate(of_part, 40)[1]

    tenths = statistics.interval_of_set(
        lambda chosen: 50 + float(values[chosen].mean()), 40, seed=seeds.seed("interval", "is"), left_out=0.1
    )
    assert interval("is") == tenths[1]
    assert interval("kid") is not None and interval("is_10split") is None
    assert (low := interval("is", 0.5)) is not None and low[0] == 1.0


def test_hits_and_misses_have_the_interval_of_a_share() -> None:
    hits = np.repeat([[1.0, 0.0]], [2, 18], axis=1)
    _, ci = score.estimate(measure.Measured(METRICS["retrieval_top1"], items=hits), 20)
    assert ci == statistics.wilson_interval(2, 20) and ci[0] > 0


def test_the_table_has_a_row_per_stimulus_and_sample_and_a_column_per_metric(lab: Lab) -> None:
    outcome = lab.evaluate(samples=2, audit=False)
    rows = list(csv.DictReader((outcome.run_folder / "scores.csv").read_text().splitlines()))
    per_item = ["pixcorr", "top1", "distance", "retrieval"]
    assert len(rows) == 8 * 2 and [*rows[0]] == ["stimulus", "sample", *(f"{name}@1" for name in per_item)]
    mean = np.mean([float(row["distance@1"]) for row in rows])
    assert mean == pytest.approx(outcome.sheet.metrics["distance"].value, rel=1e-11)  # of twelve digits
    assert ScoreSheet.read(outcome.run_folder / "scores.json") == outcome.sheet


def test_an_image_that_changed_after_the_run_is_not_scored(lab: Lab) -> None:
    run = lab.reconstruct()
    file = run.folder / run.record.manifest[3].file
    Image.new("RGB", (6, 6)).save(file)
    with pytest.raises(InputError, match=rf"{file.name}: has changed since the run wrote it"):
        run.images()
    file.unlink()
    with pytest.raises(InputError, match=rf"{file.name}: is missing from its run"):
        run.images()
    (run.folder / "embedding.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"embedding\.safetensors: has changed"):
        run.embedding()


def test_a_score_sheet_keeps_the_form_of_the_command_line(lab: Lab, tmp_path: Path) -> None:
    value = json.loads(scores(*folders(tmp_path)).to_json())
    assert {"n", "suite", "protocol", "metrics"} <= value.keys()
    assert {"value", "ci", "version"} <= value["metrics"]["pixcorr"].keys()


def test_a_picture_of_one_colour_has_no_correlation_even_after_resizing(tmp_path: Path) -> None:
    truth, made = folders(tmp_path)
    Image.new("RGB", (64, 64), (90, 90, 90)).save(made / f"{STIMULI[3]}.png")
    pixcorr = scores(truth, made, ("pixcorr",)).metrics["pixcorr"]
    assert pixcorr.items == len(STIMULI) - 1
    assert pixcorr.reason == f"undefined for 1 of 20 stimuli, '{STIMULI[3]}' the first of them"


def test_one_pair_cannot_be_told_apart(tmp_path: Path) -> None:
    truth, made = (write(tmp_path / name, pictures(name)[:1], STIMULI[:1]) for name in ("truth", "made"))
    with pytest.raises(
        InputError, match=r"holds 1 image; clip tell images apart and want at least 2: add some, or name other metrics$"
    ):
        scores(truth, made, ("pixcorr", "clip"))
    assert scores(truth, made, ("pixcorr",)).metrics["pixcorr"].value is not None
