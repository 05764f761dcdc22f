"""How results show themselves in a notebook: self-contained, and safe whoever wrote the words in them."""

import base64
import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import eegbench
from door_images import Pictures
from eegbench.api import notebook
from eegbench.tables import Column
from small_world import Lab

HOSTILE = '<script>alert(1)</script>" onload="x\u202e&'


class Parsed(HTMLParser):
    """The tags of a piece of HTML with their attributes, and whether all were closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open += [tag] if tag != "img" else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_alone(text: str) -> Parsed:
    """Whole HTML of known tags, that runs nothing and asks nobody for anything."""
    parsed = Parsed(text)
    assert parsed.open == []
    assert {tag for tag, _ in parsed.tags} <= {"div", "p", "strong", "table", "tr", "th", "td", "img"}
    assert {name for _, named in parsed.tags for name in named} <= {"style", "src", "alt"}
    assert all(
        str(named.get("src", "data:image/png;base64,")).startswith("data:image/png;base64,") for _, named in parsed.tags
    )
    return parsed


@pytest.fixture
def run(lab: Lab) -> eegbench.Run:
    return eegbench.evaluate("uses-eeg", subject=8, dataset="drawn", device="cpu", runs=lab.runs)


def test_a_run_shows_its_table_and_its_picture(run: eegbench.Run) -> None:
    shown = run._repr_html_()
    parsed = check_alone(shown)
    (image,) = [named["src"] for tag, named in parsed.tags if tag == "img"]
    assert base64.b64decode(str(image).partition(",")[2]) == run.picture.read_bytes()
    assert "SIMULATED EEG: comparable with no paper" in shown and f"Audit: {run.verdict}" in shown
    for words in ("pixcorr", "floor: random image", "ceiling: VAE", "uses-eeg on drawn, subject 8, track eeg, seed 0"):
        assert words in shown


def test_a_picture_that_is_gone_is_left_out(run: eegbench.Run) -> None:
    run.picture.unlink()
    assert "<img" not in run._repr_html_()


def test_what_is_no_picture_or_leads_elsewhere_is_left_out(tmp_path: Path, run: eegbench.Run) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "link.png").symlink_to(run.picture.absolute())
    assert [notebook.picture(tmp_path / name, "") for name in ("text.png", "link.png", "nothing.png")] == [""] * 3


def test_a_sheet_shows_its_table(lab: Lab, truths: Pictures, made: Pictures) -> None:
    sheet = eegbench.score(made, truths)
    shown = sheet._repr_html_()
    parsed = check_alone(shown)
    assert sum(tag == "tr" for tag, _ in parsed.tags) == 1 + len(sheet.record.metrics)
    assert "6 stimuli, suite micro" in shown and "no judge of the suite" in shown


def test_a_board_shows_every_table(run: eegbench.Run) -> None:
    board = eegbench.leaderboard(run.folder.parents[4])
    shown = board._repr_html_()
    parsed = check_alone(shown)
    assert sum(tag == "table" for tag, _ in parsed.tags) == len(board.record.tables) == 1
    for words in ("uses-eeg", "floor: random_train_image", "SIMULATED EEG", "pixcorr@1 ↑"):
        assert words in shown


def test_an_empty_board_says_so(tmp_path: Path) -> None:
    assert "No runs." in eegbench.leaderboard(tmp_path)._repr_html_()


def test_hostile_words_stay_words(run: eegbench.Run) -> None:
    sheet = dataclasses.replace(run.sheet.record, caution=HOSTILE)
    scores = {name: dataclasses.replace(score, reason=HOSTILE) for name, score in sheet.metrics.items()}
    hostile = dataclasses.replace(run.sheet, record=dataclasses.replace(sheet, metrics=scores))
    other = dataclasses.replace(run, sheet=hostile, caution=HOSTILE, floors={HOSTILE: hostile})
    shown = other._repr_html_()
    check_alone(shown)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;" in shown and "\\u202e" in shown


def test_a_table_takes_its_colours_from_the_page_around_it() -> None:
    shown = notebook.block(notebook.table([Column("a", ["1", "2"])], [[True, False]]))
    assert not re.search(r"(?<!border-)color:(?!inherit)|background:(?!none)", shown)
    assert shown.count("font-weight:bold") == 2  # the head, and the cell that is
