"""What a fitted method goes by: asked on held-out trials, checked, and written as a table and pictures."""

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eegbench.contracts import Explanation, Method, Reconstructor, Silent, TrainingSet
from eegbench.datasets.sim_things.head import CHANNELS
from eegbench.errors import InputError, UsageError
from eegbench.studies import explain as explaining
from eegbench.studies import explain_pictures as pictures
from eegbench.studies.explain import Explained
from small_world import Lab

ITEMS = (1, 3, 4, 6)
FOUND = Explanation(
    ITEMS,
    saliency={"sure": np.arange(108.0).reshape(3, 36), "right": np.ones((3, 36))},
    embeddings={name: np.eye(4, 7, i, dtype=np.float32) for i, name in enumerate(("sure", "right"))},
    nearness={"sure": np.array([0.9, 0.8, 0.7, 0.1]), "right": np.array([0.2, 0.2, 0.2, 0.2])},
    right={"sure": np.array([0.5, 0.0, 0.5, 0.0]), "right": np.array([1.0, 1.0, 0.5, 1.0])},
)


@pytest.fixture
def ask(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Explained]:
    """Explain `uses-eeg`, which answers as it is told."""

    def explained(**changes: Any) -> Explained:
        answer = dataclasses.replace(FOUND, **changes)

        def answers(self: Method[Any], fitted: Reconstructor, train: TrainingSet, *, seed: int) -> Explanation:
            return answer

        monkeypatch.setattr(type(lab.plan("uses-eeg").method), "explain", answers)
        return explaining.explain("uses-eeg", 8, lab.options(), Silent())

    return explained


def test_the_trials_are_the_method_s_held_out_ones_and_no_test_data_are_opened(ask: Any, lab: Lab) -> None:
    explained = ask()
    assert explained.stimuli == tuple(f"{i:02d}_thing/train_{i}" for i in ITEMS) and explained.simulated
    assert lab.calls.count("answers") == lab.calls.count("queries") == 0


def test_it_is_asked_about_the_captions_that_it_was_fitted_on(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []

    def answers(self: Method[Any], fitted: Reconstructor, train: TrainingSet, *, seed: int) -> Explanation:
        seen.append(train.captions)
        return FOUND

    monkeypatch.setattr(type(lab.plan("uses-eeg").method), "explain", answers)
    said = {s: [f"{s}, {i}" for i in range(10)] for s in lab.plan().dataset.train(8).stimuli}
    lines = [json.dumps({"stimulus": s, "captions": ten, "model": "m"}) for s, ten in said.items()]
    (tmp_path / "captions.jsonl").write_text("\n".join(lines) + "\n")
    explaining.explain("uses-eeg", 8, lab.options(captions=tmp_path / "captions.jsonl"), Silent())
    assert seen == [tuple(tuple(ten) for ten in said.values())]


def test_the_nearest_head_wins_and_the_right_one_comes_first(ask: Any) -> None:
    explained = ask()
    assert explaining.wins(explained.explanation) == {"sure": 0.75, "right": 0.25}
    assert [row["head"] for row in explaining.heads(explained)] == ["right", "sure"]
    value, bounds = explaining.scores(explained)["right"]
    assert value == 0.875 and bounds is not None and 0 <= bounds[0] < value < bounds[1] <= 1


def test_the_table_is_tidy_and_says_simulated(ask: Any, tmp_path: Path) -> None:
    explained = ask()
    files = explaining.write(explained, tmp_path / "out", title="SIMULATED EEG")
    assert [f.name for f in files] == ["explain.csv", "channels_by_time.png", "heads.png", "tsne.png"]  # 3 electrodes
    with files[0].open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == explaining.COLUMNS and {row["simulated"] for row in rows} == {"True"}
    one = [r for r in rows if (r["what"], r["head"], r["channel"], r["time_s"]) == ("saliency", "sure", "O1", "0.02")]
    assert [float(r["value"]) for r in one] == [38.0]
    assert sum(row["what"] == "tsne_x" for row in rows) == 8
    for picture in files[1:]:
        with Image.open(picture) as image:
            assert image.width > 300


def test_a_scalp_map_wants_electrodes_whose_places_are_known(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 17)[:, None].repeat(5, 1)
    drawn = pictures.scalp({"a": values}, CHANNELS, "title", tmp_path / "a.png")
    other = pictures.scalp({"a": values[::-1]}, CHANNELS, "title", tmp_path / "b.png")
    assert drawn is not None and other is not None
    assert drawn.read_bytes() != other.read_bytes()
    assert pictures.scalp({"a": values}, [f"E{i}" for i in range(17)], "title", tmp_path / "c.png") is None


def test_a_method_that_cannot_explain_itself_says_who_can(lab: Lab) -> None:
    with pytest.raises(UsageError, match="'ignores-eeg' cannot explain itself; these can: none"):
        explaining.explain("ignores-eeg", 8, lab.options(), Silent())


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "saliency of another size": ({"saliency": {"a": np.ones((3, 35))}}, r"not \(channels, times\) = \(3, 36\)"),
    "no saliency": ({"saliency": {}}, "not .channels, times."),
    "too few trials": ({"items": (1, 2)}, "of 2 trials and 2 heads"),
    "a head that is left out": ({"right": {"sure": np.ones(4)}}, r"right of an explanation: \['right'\]"),
    "heads in spaces of their own": (
        {"embeddings": {"sure": np.ones((4, 7)), "right": np.ones((4, 8))}},
        "embeddings of an explanation",
    ),
    "no number": ({"nearness": {"sure": np.ones(4) * np.nan, "right": np.ones(4)}}, "NaN or infinite"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_answer_that_breaks_the_contract_is_refused(case: str, ask: Any) -> None:
    changes, message = BROKEN[case]
    with pytest.raises(InputError, match=message):
        ask(**changes)


def test_t_sne_keeps_clusters_apart_and_gives_the_same_places_again() -> None:
    rng = np.random.default_rng(0)
    spots = {name: (place + rng.normal(size=(20, 5))).astype(np.float32) for name, place in (("a", 0), ("b", 20))}
    found = dataclasses.replace(FOUND, embeddings=spots)
    placed = explaining.tsne(found, seed=1)
    centres = {name: points.mean(0) for name, points in placed.items()}
    spread = max(np.linalg.norm(points - centres[name], axis=1).max() for name, points in placed.items())
    assert np.linalg.norm(centres["a"] - centres["b"]) > spread
    assert all(np.array_equal(placed[name], again) for name, again in explaining.tsne(found, seed=1).items())
