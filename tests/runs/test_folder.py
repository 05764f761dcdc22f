"""A run's folder: what is written is read again, and only as it was written."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from eegbench.datasets.images import write_png
from eegbench.errors import InputError
from eegbench.files import file_digest
from eegbench.runs import layout
from eegbench.runs.folder import NOT_YET, OTHER_IMAGES, Run
from eegbench.runs.record import ManifestRow, RunRecord, RunSpec
from eegbench.runs.sheet import Score, ScoreSheet

SPEC = RunSpec("drawn", "1", {}, 8, "eeg", "mine", {}, samples=2, selection="mean")
ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)


def complete(folder: Path) -> Run:
    """A run of two stimuli with two images each, and embeddings."""
    rows = []
    for sample in range(2):
        for stimulus in ("b/x", "a/y"):
            file = Path(layout.IMAGES, layout.image_file(stimulus, sample))
            write_png(folder / file, np.full((4, 4, 3), sample, np.uint8))
            rows.append(ManifestRow(stimulus, sample, file.as_posix(), file_digest(folder / file)))
    run = Run(folder, RunRecord(SPEC, "method", True, "started", {}, {}))
    digests = {"embedding": run.write_embedding(["b/x", "a/y"], ROWS)}
    return run.write_record(RunRecord(SPEC, "method", True, "complete", {}, digests, tuple(rows)))


def test_a_run_that_is_written_is_read_again(tmp_path: Path) -> None:
    written = complete(tmp_path / "here/seed-0")
    run = Run.open(tmp_path / "here/seed-0", top=tmp_path)
    assert run.record == written.record and run.path == "here/seed-0"
    assert (run.sheet, run.unscored, run.values, run.items) == (None, NOT_YET, None, {})
    assert Run.open(run.folder, manifest=False).stimuli == frozenset()
    with pytest.raises(InputError, match="not scored yet"):
        run.scores  # noqa: B018


def test_images_come_by_stimulus_for_each_sample(tmp_path: Path) -> None:
    run = complete(tmp_path)
    first, second = run.images()
    assert [*first] == [*second] == ["b/x", "a/y"] and run.stimuli == {"a/y", "b/x"}
    assert second["a/y"] == tmp_path / "reconstructions/a/y.sample-1.png"


def test_embeddings_and_targets_come_back_by_stimulus(tmp_path: Path) -> None:
    run = complete(tmp_path)
    decoded = run.embedding()
    assert decoded is not None and decoded["a/y"].tolist() == [3, 4, 5]
    assert run.targets() is None and run.permutation() is None
    run.write_targets(decoded)
    targets = run.targets()
    assert targets is not None and {name: row.tolist() for name, row in targets.items()} == {
        "a/y": [3, 4, 5],
        "b/x": [0, 1, 2],
    }


def test_text_embeddings_come_back_by_concept_and_go_where_there_are_none(tmp_path: Path) -> None:
    run = complete(tmp_path)
    run.write_texts({"house": np.ones(2, np.float32), "boat": np.zeros(2, np.float32)})
    texts = run.texts()
    assert texts is not None and {name: row.tolist() for name, row in texts.items()} == {
        "boat": [0, 0],
        "house": [1, 1],
    }
    run.write_texts(None)
    assert run.texts() is None and not (tmp_path / "texts.safetensors").exists()


def test_scores_count_with_the_images_that_were_scored(tmp_path: Path) -> None:
    run = complete(tmp_path)
    score = Score("mine", 1, 0.5, None, True)
    sheet = ScoreSheet(2, "micro", "sal512", {"mine": score}, reconstructions=run.record.images)
    written = run.write_scores(sheet, "stimulus,sample,mine@1\na/y,0,0.25\nb/x,0,0.75\n")
    assert written.files == {"scores.csv": file_digest(tmp_path / "scores.csv")}
    scored = Run.open(tmp_path)
    assert scored.scores == written and scored.items["mine"].tolist() == [0.25, 0.75]
    run.write_scores(dataclasses.replace(sheet, reconstructions="0" * 64), "stimulus,sample\n")
    assert (Run.open(tmp_path).sheet, Run.open(tmp_path).unscored) == (None, OTHER_IMAGES)


def test_saliency_maps_are_read_by_stimulus_as_they_were_written(tmp_path: Path) -> None:
    run = complete(tmp_path)
    assert run.saliency(["a/y"]) == {}
    maps = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    run.write_saliency(["b/x", "a/y"], truths=maps, reconstructions=maps + 100)
    found = run.saliency(["a/y", "another"])
    assert list(found) == ["a/y"] and [one.tolist() for one in found["a/y"]] == [
        (maps[1] + 100).tolist(),
        maps[1].tolist(),
    ]
    run.write_saliency(["b/x", "a/y"], truths=maps[:1], reconstructions=maps)
    with pytest.raises(InputError, match="wanted U8, 2 maps"):
        run.saliency(["a/y"])
