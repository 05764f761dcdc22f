"""The sheet of several runs shows what their folders hold, and refuses runs that saw different things."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eegbench.benchmark import picture, store
from eegbench.benchmark.reconstruct import spread
from eegbench.datasets.images import read_image
from eegbench.errors import UsageError


def test_a_sheet_has_a_row_for_each_run(lab: Any, tmp_path: Path) -> None:
    folders = [lab.evaluate(method).run_folder for method in ("uses-eeg", "ignores-eeg")]
    picture.sheet(folders, tmp_path / "sheet.png", {})
    page = np.asarray(Image.open(tmp_path / "sheet.png"))
    answers = lab.plan().dataset.answers(8)
    chosen = [answers.stimuli[i] for i in spread(answers.stimuli)]
    for row, folder in enumerate(folders, start=1):
        for column, stimulus in enumerate(chosen):
            held = read_image(folder / store.IMAGES / store.image_file(stimulus))
            size = (picture.CELL, picture.CELL)
            wanted = np.asarray(Image.fromarray(held).resize(size, Image.Resampling.BICUBIC))
            top = picture.TITLE + picture.CAPTION + row * (picture.CELL + picture.GAP)
            left = picture.LABELS + column * (picture.CELL + picture.GAP)
            assert np.array_equal(page[top : top + picture.CELL, left : left + picture.CELL], wanted)


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
