"""A file of pairs: proposed for the published layouts, and read with every fault named by its line."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from image_folders import NAMES, Sides, link, make_sides, put, refused, run, score, sheet

TRUTHS = [f"{name}.png" for name in NAMES]


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sides:
    return make_sides(tmp_path, monkeypatch)


def renamed(sides: Sides, *names: str) -> Path:
    """The reconstructions under other names, in the order of the true images."""
    folder = sides[1].parent / "published"
    for true, name in zip(TRUTHS, names, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((sides[1] / true).read_bytes())
    return folder


def propose(sides: Sides, made: Path, by: str, *words: object) -> Any:
    return run("pairs", sides[0], made, "--by", by, "-o", sides[0].parent / "pairs.csv", *words)


LAYOUTS = {
    "concept": [f"thing {i}/0.png" for i in range(1, 7)],
    "order": [f"{i}.png" for i in range(6)],
    "stem": [f"all/thing_{i}.png" for i in range(1, 7)],
}


def concepts(sides: Sides) -> Sides:
    """True images in folders of a concept each: 00001_thing 1."""
    for i, name in enumerate(NAMES, 1):
        (sides[0] / name).parent.rename(sides[0] / f"{i:05d}_thing {i}")
    return sides


@pytest.mark.parametrize("by", LAYOUTS)
def test_a_published_layout_is_scored_in_two_commands(sides: Sides, by: str) -> None:
    whole = sheet(sides)["metrics"]
    made = renamed(sides, *LAYOUTS[by])
    if by == "concept":
        concepts(sides)
    refused(score((sides[0], made)), f"--by {by} -o pairs.csv")
    done = propose(sides, made, by)
    assert done.exit_code == 0 and "6 pairs: 6 true images, 1 for each" in done.stdout
    found = sheet((sides[0], made), "--pairs", sides[0].parent / "pairs.csv")["metrics"]
    assert {m: {k: v for k, v in s.items() if k not in ("ci", "floor")} for m, s in found.items()} == {
        m: {k: v for k, v in s.items() if k not in ("ci", "floor")} for m, s in whole.items()
    }


def test_by_order_numbers_count_as_numbers_and_folders_as_sorted(tmp_path: Path) -> None:
    truths = put(tmp_path / "true", *(f"{name}/x.png" for name in ("a", "a-b", *"cdefghijkl")))
    made = put(tmp_path / "made", *(f"{i}.png" for i in range(1, 13)))
    done = run("pairs", truths, made, "--by", "order", "-o", tmp_path / "pairs.csv")
    assert done.exit_code == 0
    rows = (tmp_path / "pairs.csv").read_text().splitlines()
    assert rows[:4] == ["truth,reconstruction,sample", "a/x.png,1.png,0", "a-b/x.png,2.png,0", "c/x.png,3.png,0"]
    assert rows[-1] == "l/x.png,12.png,0"


def test_by_order_says_where_text_and_numbers_sort_differently(tmp_path: Path) -> None:
    truths = put(tmp_path / "true", *(f"t{i}.png" for i in range(11)))
    made = put(tmp_path / "made", *(f"{i}.png" for i in range(11)))
    done = run("pairs", truths, made, "--by", "order", "-o", tmp_path / "pairs.csv")
    assert "Look with care" in done.stdout and "t10.png comes before t2.png" in done.stdout


def test_by_concept_takes_ten_samples_of_each(tmp_path: Path) -> None:
    truths = put(tmp_path / "true", "00001_aircraft_carrier/a_06s.jpg", "00002_antelope/b_01b.jpg", "00003_bat/c.jpg")
    made = put(
        tmp_path / "made", *(f"{c}/{k}.png" for c in ("aircraft_carrier", "antelope", "zebra") for k in range(10))
    )
    done = run("pairs", truths, made, "--by", "concept", "-o", tmp_path / "pairs.csv")
    assert done.exit_code == 0 and "20 pairs: 2 true images, 10 for each" in done.stdout
    assert "True images without a reconstruction: 1 (00003_bat/c.jpg)" in done.stdout
    assert "belong to none:  10 (zebra/0.png, zebra/1.png, zebra/2.png and 7 more)" in done.stdout
    rows = (tmp_path / "pairs.csv").read_text().splitlines()
    assert len(rows) == 21 and rows[11] == "00002_antelope/b_01b.jpg,antelope/0.png,0"


CANNOT = {
    "two truths of a concept": (["bat/1.png", "0002_bat/2.png"], ["bat/0.png"], "concept", "are both 'bat'"),
    "a concept lacks an image": (["a/x.png"], ["a/0.png", "a/2.png"], "concept", "reconstructions has no image 1"),
    "concepts of other counts": (["a/x.png", "b/x.png"], ["a/0.png", "a/1.png", "b/0.png"], "concept",
                                 "a/x.png has 2 reconstructions, b/x.png has 1"),
    "no concept fits": (["a/x.png"], ["c/0.png"], "concept", "no pair by concept"),
    "a number is missing": (["a.png", "b.png", "c.png"], ["0.png", "1.png", "3.png"], "order", "none of them 2"),
    "numbers from 2 on": (["a.png", "b.png"], ["2.png", "3.png"], "order", "from 0 or 1"),
    "more numbers than truths": (["a.png"], ["0.png", "1.png"], "order", "1 truths and 2 numbered"),
    "a number twice": (["a.png"], ["0.png", "x/0.png"], "order", "have the number 0"),
    "two truths of a stem": (["a/x.png", "b/x.png"], ["x.png"], "stem", "are both 'x'"),
    "two reconstructions of a stem": (["a/x.png"], ["x.png", "b/x.jpg"], "stem", "have the name 'x'"),
    "no stem fits": (["a.png"], ["b.png"], "stem", "no pair by stem"),
    "another way": (["a.png"], ["a.png"], "stems", "did you mean 'stem'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CANNOT)
def test_what_cannot_be_told_is_refused_and_no_file_written(tmp_path: Path, case: str) -> None:
    true, made, by, words = CANNOT[case]
    folders = put(tmp_path / "true", *true), put(tmp_path / "made", *made)
    refused(run("pairs", *folders, "--by", by, "-o", tmp_path / "pairs.csv"), words)
    assert not (tmp_path / "pairs.csv").exists()


def test_a_file_that_is_there_is_kept_unless_forced(sides: Sides) -> None:
    file = sides[0].parent / "pairs.csv"
    file.write_text("mine")
    refused(propose(sides, sides[1], "stem"), "is there already", "--force")
    assert file.read_text() == "mine"
    assert propose(sides, sides[1], "stem", "--force").exit_code == 0 and file.read_text() != "mine"


def test_what_was_not_read_is_told_beside_the_proposal(sides: Sides) -> None:
    link(sides[1] / "linked", sides[0])
    done = propose(sides, sides[1], "stem")
    assert done.exit_code == 0
    assert done.stderr == f"note: {sides[1]}: 1 not read: linked/ (a link that leads out of the folder)\n"


def pairs_file(sides: Sides, *rows: str, head: str = "truth,reconstruction") -> Path:
    file = sides[0].parent / "pairs.csv"
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return file


def good(count: int = 6) -> list[str]:
    return [f"{name}.png,{name}.png" for name in NAMES[:count]]


FAULTS: dict[str, tuple[str, str]] = {
    "leads out": ("../true/x.png", "is no path below"),
    "absolute": ("/etc/passwd", "is no path below"),
    "of another system": ("C:\\\\x.png", "is no path below"),
    "not there": ("x.png", "is none of the 6 images, by their paths below"),
    "empty": ("", "names no reconstruction"),
    "other case": (f"{NAMES[0].upper()}.png", f"there is '{NAMES[0]}.png'"),
    "used twice": (f"{NAMES[1]}.png", "stands on line 2 too"),
    "a folder": ("00001_thing", "is none of"),
    "not read": ("linked/x.png", "was not read: linked/ is a link that leads out"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_one_line_that_names_the_line(sides: Sides, case: str) -> None:
    word, words = FAULTS[case]
    link(sides[1] / "linked", sides[0])
    rows = [good()[1], f"{NAMES[5]}.png,{word}", *good()[2:5], f"{NAMES[0]}.png,{NAMES[0]}.png"]
    file = pairs_file(sides, *rows)
    refused(score(sides, "--pairs", file), f"{file}, line 3: ", words)


@pytest.mark.parametrize(
    ("head", "row", "words"),
    [
        ("truth;reconstruction", "a;b", "line 1: has no column 'truth'"),
        ("truth,made", "a,b", "line 1: has no column 'reconstruction'"),
        ("truth,reconstruction,note", "a,b,c", "line 1: has columns of other names: note"),
        ("truth,reconstruction,truth", "a,b,c", "line 1: has a column twice"),
        ("truth,reconstruction", "a,b,c", "line 2: has 3 fields; wanted 2"),
        ("truth,reconstruction,sample", f"{TRUTHS[0]},{TRUTHS[0]},-1", "line 2: sample is '-1'"),
        ("truth,reconstruction,sample", f"{TRUTHS[0]},{TRUTHS[0]},9999999999999", "line 2: sample is '9999999999999'"),
        ("truth,reconstruction", f"{TRUTHS[0]},{TRUTHS[0]}\n{TRUTHS[0]},{TRUTHS[1]}", "line 3: the truth"),
        ("truth,reconstruction,sample", f"{TRUTHS[0]},{TRUTHS[0]},1", "sample 0; there: sample 1"),
        ("truth,reconstruction", "", "has no pair"),
        ("truth,reconstruction", '"', "line 2: cannot be read as CSV"),
        ("truth,reconstruction", '"' + "x" * 200_000 + '",a', "line 2: cannot be read as CSV"),
        (",".join(["truth", "reconstruction", *map(str, range(5000))]), "", "line 1: has columns of other names: 0, 1"),
    ],
    ids=range(13),
)
def test_a_table_that_is_none_of_pairs_is_refused(sides: Sides, head: str, row: str, words: str) -> None:
    file = pairs_file(sides, row, head=head)
    refused(score(sides, "--pairs", file, *(("--subset",) if "sample" in head else ())), words)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"truth,reconstruction\na,\0b\n", "line 2: is not text in UTF-8"),
        (b"truth,reconstruction\na,b\nc,\xff\n", "line 3: is not text in UTF-8"),
        ("truth,reconstruction\n".encode("utf-16"), "line 1: is not text in UTF-8"),
        (b"", "line 1: has no column 'truth'"),
    ],
)
def test_a_file_that_is_no_text_is_refused(sides: Sides, data: bytes, words: str) -> None:
    file = sides[0].parent / "pairs.csv"
    file.write_bytes(data)
    refused(score(sides, "--pairs", file), words)


def test_a_file_of_pairs_that_is_none_is_refused(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(score(sides, "--pairs", sides[0] / "none.csv"), "no such file")
    os.mkfifo(sides[0].parent / "pipe")
    refused(score(sides, "--pairs", sides[0].parent / "pipe"), "not a file")
    monkeypatch.setattr("eegbench.pairs.pairing.MAX_BYTES", 10)
    refused(score(sides, "--pairs", pairs_file(sides, *good())), "at most 10")


def test_pairs_join_as_names_do_with_a_mark_at_the_head_and_any_line_ends(sides: Sides) -> None:
    file = pairs_file(sides, *reversed(good()))
    text = file.read_text(encoding="utf-8").replace("\n", "\r\n") + "\r\n"
    file.write_bytes(text.encode("utf-8-sig"))
    assert sheet(sides, "--pairs", file) == sheet(sides)


def test_true_images_without_a_pair_are_an_error_unless_a_subset_is_asked_for(sides: Sides) -> None:
    file = pairs_file(sides, *good(4))
    refused(score(sides, "--pairs", file), f"{file}: pairs 4 of 6 true images; 2 stand on no line: {NAMES[4]}")
    done = score(sides, "--pairs", file, "--subset", "--json", "-")
    assert json.loads(done.stdout)["subset"] == "4 of 6 stimuli"


def test_reconstructions_without_a_pair_are_a_note(sides: Sides) -> None:
    put(sides[1], "x.png")
    done = score(sides, "--pairs", pairs_file(sides, *good()))
    assert done.exit_code == 0 and "1 of 7 reconstructions stand on no line: x.png" in done.stderr


def test_samples_of_pairs_are_averaged_as_those_of_names(sides: Sides) -> None:
    put(sides[1], *(f"{name}.sample-1.png" for name in NAMES), seed=300)
    named = sheet(sides)
    rows = [f"{name}.png,{name}{further}.png,{k}" for k, further in enumerate(("", ".sample-1")) for name in NAMES]
    assert sheet(sides, "--pairs", pairs_file(sides, *rows, head="truth,reconstruction,sample")) == named


def test_pairs_tell_apart_what_names_cannot(sides: Sides, tmp_path: Path) -> None:
    made = put(tmp_path / "twins", "a.png", "a.bmp")
    refused(score((sides[0], made)), "are both stimulus 'a'; keep one of them")
    file = pairs_file(sides, f"{TRUTHS[0]},a.png", f"{TRUTHS[1]},a.bmp")
    assert sheet((sides[0], made), "--pairs", file, "--subset")["n"] == 2


def test_unicode_forms_of_pairs_are_equal(sides: Sides, tmp_path: Path) -> None:
    folders = put(tmp_path / "a", "e\u0301.png", "b.png"), put(tmp_path / "b", "\u00e9.png", "b.png")
    file = pairs_file(sides, "\u00e9.png,e\u0301.png", "b.png,b.png")
    assert sheet(folders, "--pairs", file)["n"] == 2
