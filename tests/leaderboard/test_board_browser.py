"""The HTML page in a real browser: it loads in silence, sorts, filters, unfolds, and is whole without scripts."""

import base64
import dataclasses
import io
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eegbench.files import write_text
from eegbench.leaderboard import tabulate, wording
from eegbench.leaderboard.exhibits import Exhibit, Gallery, Thumbnail
from eegbench.leaderboard.html import home_of, page
from eegbench.runs.items import write_values
from eegbench.runs.record import RunRecord, RunSpec
from eegbench.runs.search import read_runs
from eegbench.runs.sheet import Score, ScoreSheet

playwright = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: Debian's package chromium, or Google Chrome")

STIMULI = tuple(f"s{i:02d}" for i in range(40))
# Method, track, role, ssim (None is a blank), kid.
RUNS = (
    ("alpha", "eeg", "method", 0.3, 10.0),
    ("beta", "eeg", "method", 0.5, 9.0),
    ("gamma", "eeg", "method", None, 0.5),
    ("delta", "eeg", "method", -0.4, 100.0),
    ("mean_image", "eeg", "floor", 0.7, 11.0),
    ("vae_roundtrip", "ceiling", "ceiling", 0.9, 0.1),
    ("alpha", "oracle", "method", 0.6, 3.0),
    ("unfinished", "eeg", "method", 0.95, 0.01),
    ("clever", "eeg", "method", 0.97, 0.02),
    ("w" * 100, "oracle", "method", 0.5, 4.0),  # what no line has room for
)


def picture(shade: int) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), shade, np.uint8)).save(buffer, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def write_run(top: Path, method: str, track: str, role: str, ssim: float | None, kid: float) -> str:
    spec = RunSpec(method=method, subject=8, dataset="sim-things", revision="1", dataset_configuration={}, track=track,
                   configuration={})  # fmt: skip
    folder = top / spec.folder
    RunRecord(spec, role, True, "complete", {}, {}, transductive=method == "clever").write(folder / "run.json")
    ci = None if ssim is None else (ssim - 0.03, ssim + 0.03)
    scores = {"ssim": Score("ssim", 1, ssim, ci, True), "kid": Score("kid", 1, kid, None, False)}
    write_text(folder / "scores.json", ScoreSheet(40, "micro", "sal512", scores, {}, statistics=2).to_json())
    if ssim is not None:
        write_text(folder / "scores.csv", write_values({("ssim", 1): np.full((1, 40), ssim)}, STIMULI))
    return spec.folder.as_posix()


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two tables, with five stimuli shown in each."""
    top = tmp_path_factory.mktemp("board")
    paths = [write_run(top / "runs", *run) for run in RUNS]
    late = RunRecord.read(top / "runs" / paths[[run[0] for run in RUNS].index("unfinished")] / "run.json")
    spec = dataclasses.replace(late.spec, seed=1)
    dataclasses.replace(late, spec=spec, status="failed").write(top / "runs" / spec.folder / "run.json")
    shown = [
        Exhibit(f"s0{i}", f"thing_{i}", [Thumbnail(run, "image", picture(40 * i)) for run in ("", *paths)])
        for i in range(5)
    ]
    runs = read_runs(top / "runs")
    tables = tabulate(runs)
    file = top / "board.html"
    pictures = {table.setting: Gallery(shown, 40) for table in tables}
    write_text(file, page(tables, runs, pictures=pictures, home=home_of(top / "runs", file)))
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def opened(browser: Any, board: Path, **options: Any) -> Iterator[Any]:
    """A tab with the page; at its end nothing was complained of, and nothing but the page was asked for."""
    context = browser.new_context(**options)
    tab = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("requestfailed", lambda request: complaints.append(request.url))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(board.as_uri())
    yield tab
    context.close()
    assert complaints == []
    assert {address for address in asked if not address.startswith("data:")} == {board.as_uri()}


@pytest.fixture
def tab(browser: Any, board: Path) -> Iterator[Any]:
    with opened(browser, board) as found:
        yield found


def labels(tab: Any, body: str = "method") -> list[str]:
    """The methods that the first table shows, from above."""
    chosen = f'tbody[class="{body}"]'
    rows = tab.locator(f"#t1 table.board {chosen} tr[data-method]:visible")
    return [str(name) for name in rows.evaluate_all("rows => rows.map(row => row.dataset.method)")]


def head(tab: Any, name: str) -> Any:
    return tab.locator("#t1 table.board thead th", has_text=name)


@pytest.mark.parametrize(
    ("name", "first", "ascending"),
    [
        ("ssim", "descending", ["delta", "alpha", "beta", "gamma"]),  # gamma's is a blank: last, either way
        ("kid", "ascending", ["gamma", "beta", "alpha", "delta"]),  # by value: as text 10 and 100 came before 9
        ("method", "ascending", ["alpha", "beta", "delta", "gamma"]),
    ],
)
def test_a_click_on_a_head_sorts_and_another_turns_it_round(
    tab: Any, name: str, first: str, ascending: list[str]
) -> None:
    blanks = [label for label in ascending if (name, label) == ("ssim", "gamma")]
    falling = [label for label in reversed(ascending) if label not in blanks] + blanks
    for _ in range(2):
        head(tab, name).get_by_role("button").click()
        assert head(tab, name).get_attribute("aria-sort") == first
        assert labels(tab) == (ascending if first == "ascending" else falling)
        first = "ascending" if first == "descending" else "descending"
    assert (labels(tab, "floor"), labels(tab, "ceiling")) == (["mean_image"], ["vae_roundtrip"])


@pytest.mark.parametrize("name", ["ssim", "kid", "method", "items"])
def test_sorting_never_lifts_what_is_left_out_above_the_ranked(tab: Any, name: str) -> None:
    for _ in range(2):
        head(tab, name).get_by_role("button").click()
        every = tab.locator("#t1 table.board tbody tr[data-method]:visible")
        names = every.evaluate_all("rows => rows.map(row => row.dataset.method)")
        assert names[-2:] == ["clever", "unfinished"]  # though theirs are the best values
        assert set(names[:4]) == {"alpha", "beta", "gamma", "delta"}


def test_what_is_left_out_looks_left_out(tab: Any) -> None:
    def look(method: str) -> list[str]:
        cell = tab.locator(f"#t1 tr[data-method={method}] td[data-value]").first
        return list(cell.evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).fontStyle]"))

    ranked, left_out = look("beta"), look("unfinished")
    assert ranked[0] != left_out[0] and left_out[1] == "italic" and look("clever") == left_out
    assert "not all of its runs are complete" in tab.locator("#t1 .board tr[data-method=unfinished] th").inner_text()


def test_keys_sort_as_clicks_do(tab: Any) -> None:
    for key, wanted in (("Enter", "descending"), ("Space", "ascending")):
        head(tab, "ssim").get_by_role("button").press(key)
        assert head(tab, "ssim").get_attribute("aria-sort") == wanted
    head(tab, "kid").get_by_role("button").press("Enter")
    sorted_by = tab.locator("#t1 thead th[aria-sort$=scending]")
    assert sorted_by.count() == 1 and "kid" in sorted_by.inner_text()


def test_a_part_of_a_name_leaves_its_methods_and_the_floors(tab: Any) -> None:
    tab.locator("input[name=method]").fill("  ETA ")
    assert labels(tab) == ["beta"]
    assert (labels(tab, "floor"), labels(tab, "ceiling")) == (["mean_image"], ["vae_roundtrip"])
    assert tab.locator("output").inner_text() == "1 of 8 rows"
    tab.locator("#t1-stimulus-1 > summary").click()
    assert tab.locator("#t1-stimulus-1 figure:visible figcaption").all_inner_texts() == [
        *("truth", "beta", "mean_image", "vae_roundtrip"),
    ]
    tab.locator("input[name=method]").fill("")
    assert len(labels(tab)) == 4


def test_a_track_that_is_not_wanted_is_hidden(tab: Any) -> None:
    tab.get_by_role("checkbox", name="oracle").uncheck()
    assert tab.locator("#t1").is_visible() and tab.locator("#t2").is_hidden()
    tab.get_by_role("checkbox", name="oracle").check()
    tab.get_by_role("checkbox", name="eeg").uncheck()
    assert labels(tab) == [] and tab.locator("#t2 tbody.method tr:visible").count() == 2
    assert tab.locator("nav li:visible").count() == 1


def images(tab: Any, stimulus: str) -> list[int]:
    shown = tab.locator(f"{stimulus} .panel img:visible")
    for i in range(shown.count()):
        shown.nth(i).evaluate("image => image.decode()")
    return [int(width) for width in shown.evaluate_all("images => images.map(image => image.naturalWidth)")]


def test_a_stimulus_opens_and_shows_its_pictures(tab: Any) -> None:
    assert images(tab, "#t1-stimulus-2") == []
    tab.locator("#t1-stimulus-2 > summary").click()
    assert images(tab, "#t1-stimulus-2") == [64] * 9  # truth, six methods, floor, ceiling
    assert tab.locator("#t1-stimulus-2 table.scores tbody tr").count() == 8


def test_arrow_keys_go_from_stimulus_to_stimulus(tab: Any) -> None:
    def which() -> list[str]:
        return [str(name) for name in tab.locator("details.stimulus[open]").evaluate_all("all => all.map(e => e.id)")]

    tab.locator("#t1-stimulus-2 > summary").click()
    for key, stimulus in (("ArrowRight", 3), ("ArrowLeft", 2), ("ArrowLeft", 1), ("ArrowLeft", 1)):
        tab.keyboard.press(key)
        assert which() == [f"t1-stimulus-{stimulus}"]


def test_an_address_in_what_is_folded_unfolds_it(tab: Any) -> None:
    tab.evaluate("location.hash = '#t1-row-1'")
    tab.wait_for_function("document.getElementById('t1-records').open")
    assert tab.locator("#t1-row-1").is_visible()


def test_a_value_leads_to_the_record_of_its_run(tab: Any, board: Path) -> None:
    link = tab.locator("#t1 tbody.method tr[data-method=beta] td.best a").first
    address = link.evaluate("link => link.href")
    record = board.parent / "runs" / "sim-things" / "eeg" / "beta" / "sub-08" / "seed-0" / "run.json"
    assert address == record.as_uri()


def test_without_scripts_all_is_there_and_no_control(browser: Any, board: Path) -> None:
    with opened(browser, board, java_script_enabled=False) as tab:
        text = re.sub(r"\s+", " ", tab.locator("body").inner_text())
        for words in (*wording.SIMULATED, *wording.MICRO, wording.ORACLE, "alpha", ".500 [.47, .53]", "audit"):
            assert words in text
        assert len(labels(tab)) == 4
        assert tab.locator("form:visible, thead button").count() == 0
        tab.locator("#t1-stimulus-1 > summary").click()
        shown = tab.locator("#t1-stimulus-1 .panel img:visible")
        assert shown.count() == 9
        assert all(shown.nth(i).bounding_box()["width"] > 40 for i in range(9))


@pytest.mark.parametrize("width", [320, 375, 1280])
@pytest.mark.parametrize("scripts", [True, False])
def test_the_page_never_scrolls_sideways(browser: Any, board: Path, width: int, scripts: bool) -> None:
    viewport = {"width": width, "height": 800}
    with opened(browser, board, viewport=viewport, java_script_enabled=scripts) as tab:
        for summary in tab.locator("details:not(details details) > summary").all():
            summary.click()
        body = tab.locator("body").bounding_box()
        assert body["x"] >= 0 and body["x"] + body["width"] <= width
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_first_column_stays_while_the_table_scrolls(browser: Any, board: Path) -> None:
    with opened(browser, board, viewport={"width": 375, "height": 800}) as tab:
        first = tab.locator("#t1 tbody.method th").first
        before = first.bounding_box()["x"]
        tab.locator("#t1 .scroll").first.evaluate("box => { box.scrollLeft = 200; }")
        assert tab.locator("#t1 .scroll").first.evaluate("box => box.scrollLeft") > 0
        assert first.bounding_box()["x"] == before


def test_dark_and_light_are_the_systems_choice(browser: Any, board: Path) -> None:
    papers = []
    for scheme in ("light", "dark"):
        with opened(browser, board, color_scheme=scheme) as tab:
            papers.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(255, 255, 255)", "rgb(21, 24, 28)"]
