"""What a reader of the board sees."""

import csv
import html
import io
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from eegbench.cli import app
from eegbench.errors import UsageError
from eegbench.files import write_text
from eegbench.leaderboard import as_csv, collect, markdown, missing, render, wording
from eegbench.leaderboard.board import Board
from eegbench.leaderboard.cells import Bounds
from eegbench.leaderboard.markdown import escape
from eegbench.runs.items import write_values
from eegbench.runs.search import Unreadable
from eegbench.tables import fixed

AddRun = Callable[..., Path]
Shown = dict[str, Any]
HOSTILE = "<script>alert(1)</script>|x`y`\n# title [a](javascript:b) **c** \u202e\x00 ~~d~~ $e$"


def score(value: float | None, **more: Any) -> Shown:
    """What `add_run` turns into a score: its value, and what is not as usual."""
    return {"value": value, **more}


def lines(tmp_path: Path) -> list[str]:
    return markdown(collect(tmp_path)).splitlines()


def line(tmp_path: Path, start: str) -> str:
    return next(text for text in lines(tmp_path) if text.startswith(f"| {start}"))


def test_cell_shows_value_and_interval_as_papers_print_them(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": score(0.7123, ci=(0.6811, 0.7412))})
    add_run("worse", {"ssim": 0.1})
    assert line(tmp_path, "atm").split(" | ")[1:5] == ["1", "1", "200", "**.712** [.68, .74]"]


@pytest.mark.parametrize(
    ("value", "ci", "shown"),
    [
        (0.01234, (0.0101, 0.0149), ".0123 [.010, .015]"),
        (2.3149, (2.01, 2.61), "2.31 [2.0, 2.6]"),
        (123.44, (111.2, 135.1), "123.4 [111, 135]"),
        (-0.0123, (-0.05, 0.02), "-.012 [-.05, .02]"),
        (1.0, (1.0, 1.0), "1.000 [1.00, 1.00]"),
        (0.25, None, ".250"),
    ],
)
def test_decimals_follow_the_width_of_the_interval(
    tmp_path: Path, add_run: AddRun, value: float, ci: tuple[float, float] | None, shown: str
) -> None:
    add_run("atm", {"kid": score(value, ci=ci)})  # which has no bounds
    assert line(tmp_path, "atm").split(" | ")[4] == shown


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (-0.0001, 2, "0"),
        (-8e-13, 6, "0"),
        (0.999, 2, "1.00"),
        (-1.5, 1, "-1.5"),
        (0.0, 0, "0"),
        (10, 0, "10"),
        (1e300, 3, "1e+300"),
    ],
)
def test_number_has_no_zero_before_the_point_and_nothing_is_0(value: float, decimals: int, text: str) -> None:
    assert fixed(value, decimals) == text


@pytest.mark.parametrize(
    ("metric", "value", "ci", "shown"),
    [
        ("fid", 0.762, (-0.209, 1.73), (0.762, (0.0, 1.73))),
        ("kl", -8e-13, (-4e-16, 0.002), (0.0, (0.0, 0.002))),
        ("clip", 0.99, (0.97, 1.004), (0.99, (0.97, 1.0))),
        ("is", 1.2, (0.9, 1.5), (1.2, (1.0, 1.5))),
        ("kid", -0.291, (-0.365, -0.218), (-0.291, (-0.365, -0.218))),  # which may be below 0
    ],
)
def test_nothing_is_shown_outside_the_bounds_of_its_metric(
    tmp_path: Path, add_run: AddRun, metric: str, value: float, ci: Bounds, shown: tuple[float, Bounds]
) -> None:
    add_run("atm", {metric: score(value, ci=ci)}, statistics=2)
    [table] = collect(tmp_path)
    assert (table.rows[0].cells[0].value, table.rows[0].cells[0].ci) == shown
    [row] = csv.DictReader(io.StringIO(as_csv([table])))
    assert (float(row["value"]), (float(row["ci_low"]), float(row["ci_high"]))) == shown


def test_the_interval_of_is_that_older_records_have_is_left_out_and_that_is_told(
    tmp_path: Path, add_run: AddRun
) -> None:
    scores = {name: score(1.5, ci=(1.4, 1.6)) for name in ("is", "is_10split", "kid")}
    for method, edition in (("old", 1), ("new", 2)):
        add_run(method, scores, statistics=edition)
    [table] = collect(tmp_path)
    cells = {row.label: row.cells for row in table.rows}
    assert [cell.ci for cell in cells["new"]] == [(1.4, 1.6)] * 3
    assert [cell.ci for cell in cells["old"]] == [None, None, (1.4, 1.6)]
    assert "score it again" in cells["old"][0].notes[0] and cells["new"][0].notes == ()


def test_an_interval_over_subjects_stays_within_the_bounds(tmp_path: Path, add_run: AddRun) -> None:
    for subject, value in ((1, 0.7), (2, 1.0), (3, 1.0)):
        add_run("atm", {"clip": score(value, ci=None)}, subject=subject)
    [table] = collect(tmp_path)
    low, high = table.rows[0].cells[0].ci or (0, 0)
    assert 0 <= low < high == 1


def test_bounds_of_a_metric_of_another_package_are_the_widest_that_its_scores_state(
    tmp_path: Path, add_run: AddRun
) -> None:
    add_run("a", {"zeta": score(0.5, ci=(-0.1, 1.1), bounds=(0.0, 1.0))})
    add_run("b", {"zeta": score(0.6, ci=(-0.1, 2.1), bounds=(None, 2.0))})
    add_run("c", {"eta": score(0.6, ci=(-0.1, 2.1))})
    add_run("d", {"ssim": score(0.6, ci=(0.5, 0.7), bounds=(0.65, 0.68))})  # which are known better
    [table] = collect(tmp_path)
    bounds = {column.metric: column.bounds for column in table.columns}
    assert bounds == {"ssim": (-1.0, 1.0), "eta": (None, None), "zeta": (None, 2.0)}


def test_a_score_that_no_metric_can_have_is_a_blank_with_its_reason(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 5.0})
    add_run("b", {"ssim": 0.5})
    cell = next(row.cells[0] for row in collect(tmp_path)[0].rows if row.label == "atm")
    assert cell.value is None and not cell.best
    assert cell.notes == ("sub-08 seed-0: ssim is 5, outside its bounds (lowest -1, highest 1): score it again",)


def test_what_rounds_to_nothing_is_0_wherever_it_is_printed(tmp_path: Path, add_run: AddRun) -> None:
    for name, value, ci in (("a", 1e-9, (-1e-9, 2e-9)), ("b", 0.25, (0.2, 0.3))):
        folder = add_run(name, {"pixcorr": score(value, ci=ci)}, n=2)
        items = np.array([[value - 1e-9, value + 1e-9]])
        write_text(folder / "scores.csv", write_values({("pixcorr", 1): items}, ["s0", "s1"]))
    assert line(tmp_path, "a").split(" | ")[4] == "0 [0, 0]"
    page = Board.of(tmp_path).html(tmp_path / "board.html")
    assert ">0</a>" in page and '<span class="interval">[0, 0]</span>' in page
    assert not re.search(r">-?\.0+<|-\.0+\b|e-\d", re.sub(r'data-value="[^"]*"', "", page))


def test_column_title_has_version_direction_and_chance(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"clip": score(0.8, floor=0.5, version=3), "kid": 0.1, "is": score(2.0, floor=1.0)})
    assert line(tmp_path, "method") == (
        "| method | subjects | seeds | items | clip@3 ↑ (chance .5) | is@1 ↑ (chance 1) at n = 200 | "
        "kid@1 ↓ at n = 200 | audit |"
    )


def test_simulated_eeg_and_small_judges_are_told_first(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3})
    text = markdown(collect(tmp_path))
    assert text.index("SIMULATED EEG: not comparable with any published number") < text.index("## ")
    assert text.index("Suite micro: not comparable with papers") < text.index("## ")


def test_recorded_eeg_and_reference_judges_carry_no_such_warning(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3}, simulated=False, suite="reference", dataset="things-eeg2")
    text = markdown(collect(tmp_path)).lower()
    assert "simulated" not in text
    assert "not comparable" not in text


def test_a_data_sets_caution_stands_above_each_of_its_tables_in_full(tmp_path: Path, add_run: AddRun) -> None:
    said = "All of a class were shown in one block (Li et al. 2021). " * 8 + "Not zero-shot."
    for name in ("atm", "neuroimagen"):
        add_run(name, {"ssim": 0.3}, dataset="eegcvpr", caution=said, subject=1)
    add_run("atm", {"ssim": 0.3}, dataset="eegcvpr", caution=said, suite="reference", subject=2)
    add_run("atm", {"ssim": 0.3})
    first, second, other = markdown(collect(tmp_path)).split("\n## ")[1:]
    for text in (first, second):
        assert text.count(f"> **Caution.** {said}\n") == 1 and text.index("Caution") < text.index("| method")
    assert "Caution" not in other
    lines = list(csv.DictReader(io.StringIO(as_csv(collect(tmp_path)))))
    assert {(row["dataset"], row["caution"]) for row in lines} == {("eegcvpr", said), ("sim-things", "")}
    assert [table["cautions"] for table in json.loads(render(collect(tmp_path), "json"))] == [[said], [said], []]


def test_runs_of_before_the_caution_share_the_table_that_has_it(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3}, dataset="eegcvpr", caution="Blocks.")
    add_run("neuroimagen", {"ssim": 0.3}, dataset="eegcvpr")
    [table] = collect(tmp_path)
    assert table.cautions == ("Blocks.",) and len(table.rows) == 2


ONE: dict[str, Any] = {"dataset_configuration": {"snr": 0.5, "train_images": 1}}


@pytest.mark.parametrize(
    ("other", "first", "second"),
    [
        ({"dataset_configuration": {"snr": 0.5, "train_images": 2}}, "train_images 1", "train_images 2"),
        ({"dataset_configuration": {"snr": 0.5}}, "train_images 1", "train_images unset"),
        (ONE | {"simulated": False}, "simulated true", "simulated false"),
    ],
)
def test_tables_of_one_data_set_have_headings_of_their_own(
    tmp_path: Path, add_run: AddRun, other: dict[str, Any], first: str, second: str
) -> None:
    add_run("atm", {"ssim": 0.3}, **ONE)
    add_run("atm", {"ssim": 0.3}, folder="other", **other)
    add_run("atm", {"ssim": 0.3}, track="oracle", **ONE)
    base = "sim-things@1, track eeg, suite micro, protocol sal512"
    titles = [f"{base}, {first}", f"{base}, {second}", base.replace("eeg", "oracle")]
    assert sorted(re.findall(r"^## (.*)", markdown(collect(tmp_path)), re.MULTILINE)) == sorted(titles)
    page = CliRunner().invoke(app, ["leaderboard", str(tmp_path), "--format", "html"]).stdout
    for pattern in ('<a href="#t.">(.*)</a></li>', "<h2>(.*)</h2>", 'aria-label="(sim.*)"'):
        assert sorted(re.findall(pattern, page)) == sorted(titles)


def test_headings_that_would_be_cut_to_the_same_words_differ(tmp_path: Path, add_run: AddRun) -> None:
    for end in "ab":
        add_run("atm", {"ssim": 0.3}, dataset_configuration={"embeddings": "x" * 80 + end}, folder=end)
    first, second = re.findall(r"^## (.*)", markdown(collect(tmp_path)), re.MULTILINE)
    assert first != second and first.rpartition(", ")[0] == second.rpartition(", ")[0]


def test_oracle_table_says_that_a_hint_was_given_and_the_other_does_not(tmp_path: Path, add_run: AddRun) -> None:
    for track in ("eeg", "oracle"):
        add_run("atm", {"ssim": 0.3}, track=track)
    eeg, oracle = markdown(collect(tmp_path)).split("\n## ")[1:]
    assert "track oracle" in oracle
    assert "given a hint that was computed from the true image" in oracle
    assert "hint" not in eeg


def test_floors_and_ceilings_stand_in_blocks_of_their_own(tmp_path: Path, add_run: AddRun) -> None:
    add_run("vae_roundtrip", {"ssim": 0.9}, role="ceiling", track="ceiling")
    add_run("mean_image", {"ssim": 0.8}, role="floor")
    add_run("atm", {"ssim": 0.4})
    starts = [re.split(r"[ :]", text[2:])[0] for text in lines(tmp_path) if text.startswith("| ")]
    assert starts == ["method", "", "atm", "*floors", "mean_image", "*ceilings", "vae_roundtrip"]


def test_settings_that_change_numbers_are_told(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3}, dataset_configuration={"snr": 0.5}, average=4, samples=3, selection="best")
    text = markdown(collect(tmp_path))
    assert "averaged over 4 repetitions" in text
    assert "3 samples per stimulus, selection: best" in text
    assert 'Options of the data set: {"snr":0.5}' in text


def test_footnotes_are_numbered_once_per_reason(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3, "clip": 0.4})
    add_run("b", {"ssim": score(None, reason="why not"), "clip": 0.4})
    add_run("c", {"ssim": score(None, reason="why not"), "clip": score(0.4, items=3)})
    assert line(tmp_path, "b").split(" | ")[4] == "<sup>1</sup>"
    assert line(tmp_path, "c").split(" | ")[4:6] == ["<sup>1</sup>", ".400 [.37, .43]<sup>2,3</sup>"]
    assert [text for text in lines(tmp_path) if re.match(r"\d+\. ", text)] == [
        "1. sub-08 seed-0: ssim: why not",
        "2. not compared: it is not known on which of its stimuli it has no value",
        "3. sub-08 seed-0: defined for 3 of 200 items",
    ]


def test_every_line_of_a_table_has_as_many_cells_as_its_head(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3, "clip": 0.4}, verdict=HOSTILE, configuration={HOSTILE: HOSTILE}, folder="a")
    add_run("atm", {"ssim": score(None, reason=HOSTILE)}, configuration={}, folder="b")
    add_run("late", None, status="failed", reason=HOSTILE)
    add_run("mean_image", {"ssim": 0.8}, role="floor")
    widths = {len(re.findall(r"(?<!\\)\|", text)) for text in lines(tmp_path) if text.startswith("|")}
    assert widths == {8}


def test_hostile_text_is_shown_and_not_obeyed(tmp_path: Path, add_run: AddRun) -> None:
    hostile: dict[str, Any] = {"verdict": HOSTILE, "caution": HOSTILE, "dataset_configuration": {"a": HOSTILE}}
    add_run("atm", {"ssim": score(None, reason=HOSTILE)}, **hostile)
    text = markdown(collect(tmp_path))
    assert "&lt;script&gt;" in text
    assert set(re.findall(r"<[^>]*>", text)) == {"<sup>", "</sup>"}
    assert "\n# title" not in text
    assert not re.search(r"(?<!\\)\[a", text)
    assert "\u202e" not in text and "\x00" not in text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a_b (c=1)", "a_b (c=1)"),
        ("a|b", "a\\|b"),
        ("`a` *b* [c]", "\\`a\\` \\*b\\* \\[c\\]"),
        ("a\\|b", "a\\\\\\|b"),
        ("&lt;<br>", "&amp;lt;&lt;br&gt;"),
        ("a\r\n\u2028b\ud800", "a   b "),
        ("x" * 400, "x" * 300 + "…"),
    ],
)
def test_escape(text: str, safe: str) -> None:
    assert escape(text) == safe


CALLS = "ask @someone (@a/team), see #12, owner/repo#12, GH-12, !7, &8, abc@d.example or deadbeef1234567 :tada:"
LINKS = "https://evil.example/x HTTP://evil.example www.evil.example ftp://evil.example"
# What a code host acts on in any one piece of text, wherever it stands.
ACTS = re.compile(
    r"(?<!\w)@\w|\w@[\w-]+\.\w|://|www\.|[#!&$%~][0-9]|GH-[0-9]|:\w+:|(?<!\w)[0-9a-f]{7,40}(?!\w)", re.IGNORECASE
)


def inert(text: str) -> bool:
    """Whether a host finds nothing to act on in Markdown: an empty comment parts texts, and is not shown."""
    pieces = html.unescape(text.replace("\\", "")).split("<!-- -->")
    return not any(ACTS.search(piece) for piece in pieces)


@pytest.mark.parametrize("text", [CALLS, LINKS, *CALLS.split(), *LINKS.split(), "a" * 40, "0123456789"])
def test_text_calls_nobody_and_links_to_nothing_and_reads_as_it_did(text: str) -> None:
    assert inert(escape(text))
    assert html.unescape(escape(text).replace("<!-- -->", "").replace("\\", "")) == text


@pytest.mark.parametrize(
    "text", ["clip@1. Ties", "sim-things@1, track eeg", "95 % of 12", "a: b", "1 # 2", "10:20", ".712345678", "abc123"]
)
def test_honest_text_stays_as_it_is_to_the_byte(text: str) -> None:
    assert escape(text) == text


def test_no_text_of_a_record_is_live_on_a_page(tmp_path: Path, add_run: AddRun) -> None:
    live: dict[str, Any] = {"verdict": CALLS, "caution": LINKS, "dataset_configuration": {"a": LINKS}}
    add_run("atm", {"ssim": score(None, reason=CALLS)}, configuration={"a": CALLS}, folder="a", **live)
    add_run("atm", {"ssim": 0.4}, configuration={"a": LINKS}, folder="b", **live)
    add_run("late", None, status="failed", reason=CALLS, folder="c")
    text = markdown(collect(tmp_path), missing.markdown([Unreadable("@someone/run", CALLS)], 3))
    assert "someone" in text and "evil" in text
    assert [line for line in text.splitlines() if not inert(line)] == []


def test_same_runs_give_the_same_bytes_wherever_and_whenever_they_were_written(tmp_path: Path, add_run: AddRun) -> None:
    for i in range(12):
        add_run(
            f"m{i % 4}", {"ssim": i / 20, "kid": i / 30}, subject=i // 4 + 1, role="floor" if i % 4 == 3 else "method"
        )
    folders = sorted(path.parent.relative_to(tmp_path) for path in tmp_path.rglob("run.json"))
    random.Random(0).shuffle(folders)
    for folder in folders:
        shutil.copytree(tmp_path / folder, tmp_path / "again" / folder)
    again = collect(tmp_path / "again")
    shutil.rmtree(tmp_path / "again")
    first = collect(tmp_path)
    assert [render(again, form) for form in ("md", "csv", "json")] == [render(first, f) for f in ("md", "csv", "json")]


def test_csv_has_a_line_per_cell_with_full_numbers(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": score(1 / 3, ci=(0.25, 0.5)), "kid": score(None, reason="two\nlines")})
    rows = list(csv.DictReader(io.StringIO(as_csv(collect(tmp_path)))))
    assert [(r["metric"], r["value"], r["ci_low"], r["best"]) for r in rows] == [
        ("ssim", repr(1 / 3), "0.25", "False"),
        ("kid", "", "", "False"),
    ]
    assert rows[1]["notes"] == "sub-08 seed-0: kid: two lines"


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_csv_holds_no_formula(tmp_path: Path, add_run: AddRun, formula: str) -> None:
    add_run("atm", {"ssim": 0.3}, verdict=formula)
    [row] = csv.DictReader(io.StringIO(as_csv(collect(tmp_path))))
    assert row["verdict"].startswith("'")


def test_json_holds_the_same_tables(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3, "kid": score(None)})
    [table] = json.loads(render(collect(tmp_path), "json"))
    assert [column["metric"] for column in table["columns"]] == ["ssim", "kid"]
    assert [cell["value"] for cell in table["rows"][0]["cells"]] == [0.3, None]


def test_no_runs_are_said_in_every_format(tmp_path: Path) -> None:
    assert "No runs." in markdown(collect(tmp_path))
    assert (render((), "csv"), render((), "json")) == ("", "[]\n")


def test_unknown_format_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="did you mean 'md'"):
        render((), "mdx")


def test_leaderboard_loads_neither_torch_nor_metrics() -> None:
    code = (
        "import sys, eegbench.leaderboard as _; "
        "print([m for m in sys.modules if m == 'torch' or m.startswith(('eegbench.metrics', 'eegbench.benchmark'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"average": 4}, "4 repetitions averaged"),
        ({"train_on": "others"}, "trained on all others"),
        ({"train_on": "others", "others": 3}, "trained on 3 others"),
        ({"train_on": "all"}, "trained on all subjects"),
        (
            {"train_on": "others", "calibration": 50},
            "trained on all others, calibrated on 50 of the subject's own training stimuli",
        ),
        (
            {"train_on": "others", "scale": "test"},
            "trained on all others, scaled by the subject's own test EEG (transductive)",
        ),
        ({"view": {"window": [0.0, 0.2], "channels": ["O1", "occipital"]}}, "channels O1 occipital, window 0:0.2 s"),
        ({"view": {"train_stimuli": 400}}, "train stimuli 400"),
        ({"view": {"window": [["x"]], "a_key": None}}, "a key None, window ['x'] s"),  # a stranger may write a view
    ],
    ids=str,
)
def test_runs_of_another_protocol_have_a_table_of_their_own(
    tmp_path: Path, add_run: AddRun, other: dict[str, Any], words: str
) -> None:
    add_run("atm", {"ssim": 0.3})
    add_run("atm", {"ssim": 0.4}, folder="other", **other)
    titles = {
        table.setting.train_on + table.setting.view: wording.heading(table.setting) for table in collect(tmp_path)
    }
    assert len(collect(tmp_path)) == 2 and len(set(titles.values())) == len(titles)
    usual = "sim-things@1, track eeg, suite micro, protocol sal512"
    headings = sorted(wording.heading(table.setting) for table in collect(tmp_path))
    assert headings == sorted([usual, usual.replace(", suite", f", {words}, suite")])


def test_floors_and_ceilings_stand_in_the_table_of_every_protocol(tmp_path: Path, add_run: AddRun) -> None:
    add_run("mean_image", {"ssim": 0.2}, role="floor")
    add_run("vae_roundtrip", {"ssim": 0.9}, role="ceiling", track="ceiling")
    protocols: tuple[dict[str, Any], ...] = ({}, {"train_on": "others"}, {"view": {"window": [0.0, 0.1]}})
    for folder, protocol in enumerate(protocols):
        add_run("atm", {"ssim": 0.3}, folder=str(folder), **protocol)
    add_run("atm", {"ssim": 0.3}, folder="fewer", view={"train_stimuli": 9})
    blocks = {wording.heading(t.setting): {row.block for row in t.rows} for t in collect(tmp_path)}
    fewer = next(name for name in blocks if "train stimuli" in name)
    assert blocks.pop(fewer) == {"ranked", "ceiling"}  # a floor of fewer training images is another
    assert set(map(frozenset, blocks.values())) == {frozenset({"ranked", "floor", "ceiling"})}
