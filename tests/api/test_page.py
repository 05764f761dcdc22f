"""docs/python.md: its blocks of Python run, one after the other."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import eegbench
from door_images import pictures, write
from eegbench.datasets.sim_things import SimThings
from eegbench.plugins import registry

PAGE = Path(__file__).parents[2] / "docs/python.md"


@dataclass(frozen=True)
class FewThings(SimThings):
    """`sim-things` with an image of each of 67 training and 8 test concepts."""

    train_images: int = 1
    test_images: int = 1

    def _stimuli(self, split: Any) -> Any:
        return super()._stimuli(split)[:: 3 if split == "train" else 13]


@pytest.mark.filterwarnings("ignore::eegbench.errors.Notice")  # so few concepts
def test_the_blocks_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.OWN["dataset"], "sim-things", FewThings)
    write(Path("TRUE_IMAGES"), pictures(1))
    write(Path("MY_IMAGES"), pictures(2))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 5
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), {})
    assert Path("my_scores.json").is_file() and Path("board.html").is_file()


def test_the_page_names_every_public_function() -> None:
    text = PAGE.read_text(encoding="utf-8")
    functions = {name for name in eegbench.__all__ if name.islower()}
    assert [name for name in functions if f"eegbench.{name}(" not in text] == []
