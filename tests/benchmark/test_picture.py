"""The sheet of several runs shows what their folders hold, and refuses runs that saw different things."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from eegbench.benchmark import picture
from eegbench.benchmark.reconstruct import spread
from eegbench.datasets.images import read_image
from eegbench.errors import UsageError
from eegbench.runs import layout


def test_a_sheet_has_a_row_for_each_run(lab: Any, tmp_path: Path) -> None:
    folders = [lab.evaluate(method).run_folder for method in ("uses-eeg", "ignores-eeg")]
    picture.sheet(folders, tmp_path / "sheet.png", {})
    page = np.asarray(Image.open(tmp_path / "sheet.png"))
    answers = lab.plan().dataset.answers(8)
    chosen = [answers.stimuli[i] for i in spread(answers.stimuli)]
    for row, folder in enumerate(folders, start=1):
        for column, stimulus in enumerate(chosen):
            held = read_image(folder / layout.IMAGES / layout.image_file(stimulus))
            size = (picture.CELL, picture.CELL)
            wanted = np.asarray(Image.fromarray(held).resize(size, Image.Resampling.BICUBIC))
            top = picture.TITLE + picture.CAPTION + row * (picture.CELL + picture.GAP)
            left = picture.LABELS + column * (picture.CELL + picture.GAP)
            assert np.array_equal(page[top : top + picture.CELL, left : left + picture.CELL], wanted)


def test_the_data_sets_caution_stands_under_the_title(
    lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = lab.evaluate()
    picture.sheet([plain.run_folder], tmp_path / "plain.png", {})
    told = "Block design: MMMM WWWW all images of a class were shown one after another. " * 5
    monkeypatch.setattr(type(lab.plan().dataset), "caution", told, raising=False)
    warned = lab.evaluate(runs=tmp_path / "other")
    picture.sheet([warned.run_folder], tmp_path / "warned.png", {})
    for files in ((plain.picture, warned.picture), (tmp_path / "plain.png", tmp_path / "warned.png")):
        before, after = (np.asarray(Image.open(file)) for file in files)
        more = len(after) - len(before)
        assert more >= 3 * picture.LINE and after.shape[1] == before.shape[1]
        assert np.array_equal(before[picture.TITLE :], after[picture.TITLE + more :])  # the rest moves down
        red = (after == ImageColor.getrgb(picture.WARNING)).all(axis=2)
        lines = [
            red[picture.TITLE - picture.GAP + i * picture.LINE :][: picture.LINE] for i in range(more // picture.LINE)
        ]
        assert all(line.any() and not line[:, -picture.GAP * 2 :].any() for line in lines)


def test_runs_that_saw_different_things_share_no_sheet(lab: Any, tmp_path: Path) -> None:
    one = lab.evaluate().run_folder
    other = lab.evaluate(dataset_table={"noise": 0.5}).run_folder
    with pytest.raises(UsageError, match=r"not of the data set, revision and subject of"):
        picture.sheet([one, other], tmp_path / "sheet.png", {})
    with pytest.raises(UsageError, match=r"another than the runs saw; give only where it lies"):
        picture.sheet([one], tmp_path / "sheet.png", {"noise": 0.5})
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"choose another file with --output"):
        picture.sheet([one], tmp_path / "file" / "sheet.png", {})
    with pytest.raises(UsageError, match=r"holds no run; wanted the folder of a complete one"):
        picture.sheet([tmp_path], tmp_path / "sheet.png", {})
    with pytest.raises(UsageError, match=r"no run to draw; name their folders"):
        picture.sheet([], tmp_path / "sheet.png", {})
    assert not (tmp_path / "sheet.png").exists()
