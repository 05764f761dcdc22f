"""The HTML page: it says what the Markdown board says, leads to the records, and obeys no record."""

import base64
import dataclasses
import hashlib
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from eegbench.files import write_text
from eegbench.leaderboard import Column, Table, tabulate, wording
from eegbench.leaderboard.board import Board
from eegbench.leaderboard.claims import assess
from eegbench.leaderboard.distributions import ROWS, by_stimulus
from eegbench.leaderboard.exhibits import Exhibit, Gallery, Thumbnail
from eegbench.leaderboard.html import exhibited, home_of, page
from eegbench.leaderboard.html_claims import claims
from eegbench.leaderboard.ledger import read_claims
from eegbench.runs.folder import Run
from eegbench.runs.items import write_values
from eegbench.runs.search import read_runs

AddRun = Callable[..., Path]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`&lt; \u202e\u2066\x00\x1b[31m\n javascript:alert(3)"
TAGS = set(
    re.findall(
        r"\w+",
        "html head meta title link style body header h1 h2 h3 h4 p strong b small details summary ul ol li form label "
        "input div output nav a main section table thead tbody tr th td span sup wbr code svg g text path line figure "
        "figcaption img script",
    )
)


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, the words outside of style and script."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.silent = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.silent = tag if tag in ("style", "script") else ""

    def handle_endtag(self, tag: str) -> None:
        self.silent = ""

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [a for t, a in self.tags if t == tag and all(a.get(name) == value for name, value in wanted.items())]

    def links(self) -> list[str]:
        return [attributes["href"] for attributes in self.all("a")]


PIXEL = "data:image/png;base64,AAAA"


def load(top: Path) -> tuple[tuple[Table, ...], list[Run]]:
    runs = read_runs(top)
    return tabulate(runs), runs


def render(top: Path, gallery: Gallery | None = None) -> Page:
    tables, runs = load(top)
    pictures: Any = {table.setting: gallery for table in tables} if gallery else {}
    return Page(page(tables, runs, pictures=pictures, home="./"))


def add_values(folder: Path, metrics: Mapping[str, Sequence[float]], stimuli: Sequence[str]) -> None:
    """scores.csv of a run; its scores are to be the means of these."""
    write_text(folder / "scores.csv", write_values({(m, 1): np.array([v]) for m, v in metrics.items()}, stimuli))


def add_scored(add_run: AddRun, method: str, items: Sequence[float], **more: Any) -> Path:
    """A run of 200 stimuli with values on ssim, by stimulus."""
    whole = np.resize(np.array(items, dtype=float), 200)
    folder = add_run(method, {"ssim": {"value": float(np.nanmean(whole))}}, **more)
    add_values(folder, {"ssim": whole.tolist()}, [f"s{i:03d}" for i in range(200)])
    return folder


def test_page_says_all_that_the_markdown_board_says(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3, "kid": {"value": None, "reason": "too few images"}}, caution="Blocks.", samples=2)
    add_run("atm", {"ssim": 0.3}, track="oracle")
    add_run("mean_image", {"ssim": 0.2}, role="floor")
    add_run("vae_roundtrip", {"ssim": 0.9}, role="ceiling", track="ceiling")
    add_run("late", None, status="started")
    add_run("looks_at_all", {"ssim": 0.9}, transductive=True)
    tables, _ = load(tmp_path)
    shown = render(tmp_path)
    said = [words for pair in wording.warnings(tables) for words in pair] + list(wording.LEGEND)
    for table in tables:
        said += [wording.title(table), *wording.loud(table.setting), *wording.facts(table), *table.cautions]
        said += [f"{wording.release(c)} {wording.direction(c)}" for c in table.columns]
        said += [*table.notes, *table.ranking]
        for row in table.rows:
            said += [row.label, row.verdict, wording.items(row), *row.notes, wording.BLOCKS[row.block], row.reason]
            said += [note for cell in row.cells for note in cell.notes]
    assert [words for words in said if words not in shown.text] == []


def test_numbers_are_the_markdown_boards(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": {"value": 0.7123, "ci": (0.6811, 0.7412)}, "kid": {"value": -0.01234, "ci": None}})
    add_run("worse", {"ssim": 0.1})
    source = render(tmp_path).source
    assert 'class="best" data-value="0.7123"' in source
    assert ">.712</a>" in source and '<span class="interval">[.68, .74]</span>' in source
    assert ">-.012</a></td>" in source and 'data-value="-0.01234"' in source


def test_tied_values_are_marked(tmp_path: Path, add_run: AddRun) -> None:
    rng = np.random.default_rng(0)
    add_scored(add_run, "a", rng.uniform(size=200).tolist())
    add_scored(add_run, "b", rng.uniform(size=200).tolist())
    add_scored(add_run, "c", (rng.uniform(size=200) / 9).tolist())
    marks = [
        len(re.findall(wording.TIED, line)) for line in render(tmp_path).source.splitlines() if "<tr data-m" in line
    ]
    assert sorted(marks[:2]) == [0, 1] and marks[2] == 0


def test_floors_and_ceilings_stand_in_bodies_of_their_own(tmp_path: Path, add_run: AddRun) -> None:
    add_run("vae_roundtrip", {"ssim": 0.9}, role="ceiling", track="ceiling")
    add_run("mean_image", {"ssim": 0.8}, role="floor")
    add_run("atm", {"ssim": 0.4})
    assert [a["class"] for a in render(tmp_path).all("tbody")] == ["method", "floor", "ceiling"]


def test_every_line_has_as_many_cells_as_the_head(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3, "clip": 0.4}, verdict=HOSTILE, configuration={HOSTILE: HOSTILE}, folder="a")
    add_run("atm", {"ssim": {"value": None, "reason": HOSTILE}}, folder="b")
    add_run("late", None, status="failed", reason=HOSTILE)
    lines = re.findall(r"<tr(?: data-method[^>]*)?>(?:(?!</tr>).)*</tr>", render(tmp_path).source, flags=re.DOTALL)
    assert len(lines) == 4
    assert {len(re.findall(r"<t[hd][ >]", line)) for line in lines} == {7}


def test_hostile_records_are_shown_and_not_obeyed(tmp_path: Path, add_run: AddRun) -> None:
    hostile: dict[str, Any] = {"verdict": HOSTILE, "caution": HOSTILE, "dataset_configuration": {"a": HOSTILE}}
    huge = {"a": HOSTILE, "b": "x" * 10**4, "c": [HOSTILE] * 100}
    where = "a\"b'<i>&# ?%\u202ejavascript:x"
    add_run("atm", {"ssim": {"value": None, "reason": HOSTILE}}, configuration=huge, folder=where, **hostile)
    add_run("atm", {"ssim": 0.4}, configuration={"a": "other"}, folder="b", **hostile)
    picture = Thumbnail(where, "image", '"><script>alert(1)</script>')
    shown = render(tmp_path, Gallery([Exhibit(HOSTILE, HOSTILE, [picture])], 200, [HOSTILE]))
    assert {tag for tag, _ in shown.tags} <= TAGS
    assert len(shown.all("script")) == 1
    assert not [name for _, attributes in shown.tags for name in attributes if name.startswith("on")]
    assert not [c for c in set(shown.source) if not c.isprintable() and c != "\n"]
    assert len(shown.source) < 200_000
    assert "<script>alert(1)</script>" in shown.text


def test_page_asks_nobody_for_anything(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4}, folder="https://example.org/a")
    add_run("b", {"ssim": 0.4}, folder="javascript:alert(1)")
    shown = render(tmp_path, Gallery([Exhibit("s", "", [Thumbnail("", "image", PIXEL)])], 200))
    addresses = [a[name] for _, a in shown.tags for name in ("src", "href", "action", "srcset") if name in a]
    assert addresses and all(re.match(r"(#|\./|\.\./|data:)", address) for address in addresses)
    assert not re.search(r"url\(|@import|https?:", "".join(re.findall(r"<style>.*?</style>", shown.source, re.DOTALL)))


def test_policy_allows_this_script_and_no_other(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4})
    shown = render(tmp_path)
    [script] = re.findall(r"<script>(.*?)</script>", shown.source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = [a["content"] for a in shown.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_a_value_leads_to_the_record_that_it_stands_on(tmp_path: Path, add_run: AddRun) -> None:
    folder = add_run("atm", {"ssim": 0.4}, folder="a b/%41#?;é")
    [link] = {link for link in render(tmp_path).links() if not link.startswith("#") and link.endswith("run.json")}
    assert link.startswith("./a%20b/") and (tmp_path / unquote(link)).samefile(folder / "run.json")


def test_a_value_of_several_runs_leads_to_the_list_of_their_records(tmp_path: Path, add_run: AddRun) -> None:
    for seed in (0, 1):
        add_run("atm", {"ssim": 0.4}, seed=seed)
    shown = render(tmp_path)
    assert [a["href"] for a in shown.all("a")[:1]] == ["#t1-row-1"] and shown.all("section", id="t1-row-1")
    files = [tmp_path / unquote(link) for link in shown.links() if link.startswith("./")]
    assert [file.name for file in files] == ["run.json", "scores.json"] * 2
    assert all(file.is_file() for file in files)
    assert "subject 8, seed 0: run.json scores.json" in shown.text


def test_a_value_of_one_among_several_runs_leads_to_that_one(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": {"value": None}}, seed=0)
    add_run("atm", {"ssim": 0.4}, seed=1)
    assert "seed-1/run.json" in render(tmp_path).links()[0]


def test_every_address_within_the_page_leads_somewhere(tmp_path: Path, add_run: AddRun) -> None:
    for track in ("eeg", "oracle"):
        add_run("atm", {"ssim": 0.4}, track=track)
        add_run("atm", {"ssim": {"value": 0.4, "items": 3}}, track=track, seed=1)
        add_run("b", {"ssim": {"value": None, "reason": "none"}}, track=track)
    shown = render(tmp_path)
    names = [attributes["id"] for _, attributes in shown.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert {link[1:] for link in shown.links() if link.startswith("#")} <= set(names)


@pytest.mark.parametrize(
    ("runs", "output", "address"),
    [
        ("runs", "board.html", "./runs/"),
        ("runs", "runs/board.html", "./"),
        ("runs", "site/new/board.html", "../../runs/"),
        ("a:b c/#1", "board.html", "./a%3Ab%20c/%231/"),
        ("..", "board.html", "../"),
    ],
)
def test_home_is_seen_from_the_folder_of_the_page(runs: str, output: str, address: str) -> None:
    assert home_of(Path(runs), Path(output)) == address


def test_without_a_way_to_the_runs_there_are_no_links(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4})
    tables, runs = load(tmp_path)
    assert Page(page(tables, runs)).links() == []


def test_values_by_stimulus_are_means_over_subjects_of_means_over_seeds(tmp_path: Path, add_run: AddRun) -> None:
    for subject, seed, items in ((1, 0, [0.1, 0.2]), (1, 1, [0.3, 0.2]), (2, 0, [0.8, 0.6])):
        add_scored(add_run, "atm", items, subject=subject, seed=seed)
    [table], runs = load(tmp_path)
    found = by_stimulus(table.rows[0], Column("ssim", 1, True), runs)
    assert found is not None
    assert np.allclose(found, [0.5, 0.4] * 100, rtol=0, atol=1e-12)  # (mean(.1, .3) + .8) / 2, in floating point


def test_values_that_are_undefined_or_of_other_stimuli_are_passed_over(tmp_path: Path, add_run: AddRun) -> None:
    first = add_scored(add_run, "atm", [0.2, np.nan], subject=1)
    second = add_scored(add_run, "atm", [0.4, np.nan], subject=2)
    other = (second / "scores.csv").read_text().replace("\ns000,", "\nz000,")
    (second / "scores.csv").write_text(other)
    [table], runs = load(tmp_path)
    found = by_stimulus(table.rows[0], Column("ssim", 1, True), runs)
    assert found is not None and first.is_dir()
    assert (len(found), found[0], found[-1]) == (101, 0.2, 0.4)
    assert np.allclose(found[1:-1], 0.3, rtol=0, atol=1e-12)


def test_each_metric_with_values_has_a_drawing_with_a_row_for_each_method_and_floor(
    tmp_path: Path, add_run: AddRun
) -> None:
    add_scored(add_run, "low", [0.1, 0.3])
    add_scored(add_run, "high", [0.5, 0.7])
    add_scored(add_run, "mean_image", [0.0, 0.4], role="floor")
    add_scored(add_run, "vae_roundtrip", [1.0, 1.0], role="ceiling", track="ceiling")
    shown = render(tmp_path)
    assert [a["data-method"] for a in shown.all("g")] == ["high", "low", "mean_image"]
    [drawing] = [a for a in shown.all("svg") if a.get("role") == "img"]
    assert drawing["aria-label"].startswith("ssim@1: means: high .600")
    means = [float(a["d"][1:].split()[0]) for a in shown.all("path", **{"class": "mean"})]
    assert means == [round(40 * mean / 0.7, 2) for mean in (0.6, 0.2, 0.2)]  # of 40 bins from 0 to .7


def test_more_rows_than_a_drawing_has_room_for_are_counted(tmp_path: Path, add_run: AddRun) -> None:
    for i in range(ROWS + 3):
        add_scored(add_run, f"m{i:02d}", [i / 100, i / 50])
    add_scored(add_run, "mean_image", [0.0, 0.4], role="floor")
    shown = render(tmp_path)
    labels = [a["data-method"] for a in shown.all("g")]
    assert (len(labels), labels[0], labels[-1]) == (ROWS, f"m{ROWS + 2:02d}", "mean_image")
    assert "4 more methods not drawn" in shown.text


def test_without_values_by_stimulus_nothing_is_drawn(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.4})
    assert not render(tmp_path).all("svg")


def test_gallery_shows_truth_reconstructions_maps_and_scores(tmp_path: Path, add_run: AddRun) -> None:
    path = add_scored(add_run, "atm", [0.125, 0.5]).relative_to(tmp_path).as_posix()
    kinds = [("", "image"), ("", "saliency"), (path, "image"), (path, "control"), (path, "saliency"), ("gone", "image")]
    pictures = [Thumbnail(run, kind, PIXEL) for run, kind in kinds]
    shown = render(tmp_path, Gallery([Exhibit("s002", "a_thing", pictures)], 200, ["one is missing"]))
    assert [a["alt"] for a in shown.all("img")] == [
        "",
        "truth: s002",
        "truth, saliency: s002",
        "atm: s002",
        "atm, control map: s002",
        "atm, saliency: s002",
    ]
    assert {a["loading"] for a in shown.all("img")} == {"lazy"}
    for words in ("1 of 200 stimuli", "Subject 8, seed 0.", "a thing", "one is missing", "ssim@1 ↑", "atm.125"):
        assert words in shown.text


def test_exhibited_is_the_lowest_seed_of_the_subject_that_most_rows_have(tmp_path: Path, add_run: AddRun) -> None:
    for method, subject, seed in (("a", 1, 0), ("a", 8, 1), ("a", 8, 0), ("b", 8, 0), ("c", 8, 2), ("d", 2, 0)):
        (add_run(method, {"ssim": 0.4}, subject=subject, seed=seed) / "reconstructions").mkdir()
    add_run("bare", {"ssim": 0.4})
    [table], runs = load(tmp_path)
    specs = [run.record.spec for run in exhibited(table, runs)]
    assert [(spec.method, spec.subject, spec.seed) for spec in specs] == [
        *(("a", 8, 0), ("b", 8, 0), ("c", 8, 2), ("d", 2, 0)),
    ]


def test_same_runs_give_the_same_bytes(tmp_path: Path, add_run: AddRun) -> None:
    for i in range(12):
        add_scored(add_run, f"m{i % 4}", [i / 20, i / 30], subject=i // 4 + 1, role="floor" if i % 4 == 3 else "method")
    runs = read_runs(tmp_path)
    pages = set()
    for order in range(3):
        random.Random(order).shuffle(runs)
        again = [dataclasses.replace(run) for run in runs]  # whose values are read anew
        pages.add(page(tabulate(again), again, home="./"))
    assert len(pages) == 1


def test_shares_of_the_way_are_told_apart_from_the_scores_that_are_drawn(tmp_path: Path, add_run: AddRun) -> None:
    add_scored(add_run, "atm", [0.2, 0.4])
    tables, runs = load(tmp_path)
    shares = [dataclasses.replace(table, normalised=True) for table in tables]
    assert "as they are, not as shares" in Page(page(shares, runs)).text


def test_no_runs_are_said() -> None:
    assert "No runs." in Page(page((), ())).text


def test_page_loads_neither_torch_nor_pictures() -> None:
    code = "import sys, eegbench.leaderboard.html; print([m for m in ('torch', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "[]"


def test_published_numbers_stand_below_all_tables_and_obey_nobody(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3}, simulated=False, suite="reference", dataset="things-eeg2")
    quoted = [claim for claim in read_claims() if claim.paper == "li2024atm"]
    text = Board.of(tmp_path).html(tmp_path / "board.html")
    assert text.index('id="t1"') < text.index('id="claims"') and len(quoted) == text.count("<td>li2024atm</td>") > 0
    assert "<td>no comparable run</td>" in text and "not comparable: " in text
    assert 'id="claims"' not in Board.of(tmp_path, claims="none").html(tmp_path / "board.html")
    first = read_claims()[0]
    said = "<script>alert(1)</script>\"' onload=alert(2)"
    hostile = dataclasses.replace(first, method=said, protocol=said)
    shown = claims(assess([hostile], (), "all"))
    assert "<script" not in shown and "&lt;script&gt;" in shown and "&quot;&#x27; onload" in shown
