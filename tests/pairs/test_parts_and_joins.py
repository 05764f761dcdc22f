"""`eegbench score`: a part never passes as the whole, and an error of a join shows both sides."""

import json
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from image_folders import NAMES, Sides, link, make_sides, picture, put, refused, run, score, sheet


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sides:
    return make_sides(tmp_path, monkeypatch)


def move_out(sides: Sides, side: int, to: str) -> None:
    """The second concept of a side lies elsewhere, behind a link."""
    folder, elsewhere = sides[side] / "00002_thing", sides[side].parent / to
    elsewhere.parent.mkdir(exist_ok=True, parents=True)
    shutil.move(folder, elsewhere)
    link(folder, elsewhere)


def harm_suffix(sides: Sides, side: int) -> None:
    file = sides[side] / f"{NAMES[1]}.png"
    file.rename(file.with_suffix(".png.part"))


def harm_gif(sides: Sides, side: int) -> None:
    file = sides[side] / f"{NAMES[1]}.png"
    picture(1).save(file.with_suffix(".gif"))
    file.unlink()


def harm_pipe(sides: Sides, side: int) -> None:
    (sides[side] / f"{NAMES[1]}.png").unlink()
    os.mkfifo(sides[side] / f"{NAMES[1]}.png")


def harm_link_to_nothing(sides: Sides, side: int) -> None:
    shutil.rmtree(sides[side] / "00002_thing")
    link(sides[side] / "00002_thing", sides[side] / "gone")


def harm_link(sides: Sides, side: int) -> None:
    move_out(sides, side, f"elsewhere{side}/images")


HARMS: dict[str, tuple[Callable[[Sides, int], None], str]] = {
    "a link that leads out": (harm_link, "00002_thing/ (a link that leads out of the folder)"),
    "a link to nothing": (harm_link_to_nothing, "00002_thing (a link to nothing)"),
    "another kind of image": (harm_gif, "thing_2.gif (a file of another kind)"),
    "an image under another name": (harm_suffix, "thing_2.png.part (a file of another kind)"),
    "a pipe": (harm_pipe, "thing_2.png (no file, but a pipe"),
}


@pytest.mark.parametrize("both", [False, True], ids=["truth", "both"])
@pytest.mark.parametrize("case", HARMS)
def test_what_was_not_read_is_an_error_that_counts_and_names_it(sides: Sides, case: str, both: bool) -> None:
    harm, words = HARMS[case]
    for side in (0, 1) if both else (0,):
        harm(sides, side)
    done = score(sides)
    refused(done, f"{sides[0]}: holds more images than were read; 1 not read", words, "--subset")
    assert done.stderr.startswith(f"note: {sides[0]}: 1 not read: 00002_thing")


@pytest.mark.parametrize("case", HARMS)
def test_a_subset_is_scored_where_it_is_asked_for_and_says_so(sides: Sides, case: str) -> None:
    HARMS[case][0](sides, 1)
    refused(score(sides), f"{sides[1]}: holds more images than were read; 1 not read")
    done, data = score(sides, "--subset"), sheet(sides, "--subset")
    assert "A SUBSET, 5 of 6 stimuli" in done.stdout
    assert (data["n"], data["subset"]) == (5, "5 of 6 stimuli")


def test_a_subset_says_of_what_even_where_the_rest_was_not_seen(sides: Sides) -> None:
    harm_link(sides, 0)
    shutil.rmtree(sides[1] / "00002_thing")
    assert sheet(sides, "--subset")["subset"] == "5 of 5 stimuli, beside those of 1 folders that were not read"
    shutil.rmtree(sides[1] / "00003_thing")
    (sides[0] / f"{NAMES[2]}.png").rename(sides[0] / "x.gif")
    assert sheet(sides, "--subset")["subset"].startswith("4 of 5 stimuli, beside those of 1 folder")


def test_the_whole_is_no_subset(sides: Sides) -> None:
    assert sheet(sides, "--subset")["subset"] == sheet(sides)["subset"] == ""
    refused(score((sides[0], put(sides[1].parent / "other", "a.png", "b.png")), "--subset"), "0 match")


def test_links_inside_are_followed_and_those_that_lead_out_with_an_option(sides: Sides) -> None:
    whole = sheet(sides)
    move_out(sides, 0, "true/.store/second")
    assert sheet(sides) == whole
    move_out(sides, 1, "elsewhere")
    refused(score(sides), "--follow-links")
    assert sheet(sides, "--follow-links") == whole


def test_the_folder_itself_may_be_a_link(sides: Sides) -> None:
    link(sides[0].parent / "linked", sides[0])
    assert sheet((sides[0].parent / "linked", sides[1])) == sheet(sides)


def test_a_loop_has_an_end_and_is_told(sides: Sides) -> None:
    whole = sheet(sides)
    link(sides[0] / "00001_thing" / "up", sides[0])
    done = score(sides, "--json", "-")
    assert (done.exit_code, json.loads(done.stdout)) == (0, whole)
    assert "00001_thing/up/ (a link to a folder that it lies in)" in done.stderr


def test_what_is_no_image_is_a_note(sides: Sides) -> None:
    whole = sheet(sides)
    (sides[0] / "__MACOSX").mkdir()
    fork = b"\x00\x05\x16\x07" + bytes(30)
    for name in (".DS_Store", "00001_thing/._thing_1.png", "__MACOSX/._thing_1.png"):
        (sides[0] / name).write_bytes(fork)
    for name in ("Thumbs.db", "notes.txt", "made.json"):
        (sides[1] / name).write_text("no image")
    done = score(sides, "--json", "-")
    assert (done.exit_code, json.loads(done.stdout)) == (0, whole)
    notes = [
        f"note: {sides[0]}: 3 not read: .DS_Store, 00001_thing/._thing_1.png, __MACOSX/ (hidden)",
        f"note: {sides[1]}: 3 not read: Thumbs.db, made.json, notes.txt (a file of another kind)",
    ]
    assert [line for line in done.stderr.splitlines() if line.startswith("note: ")] == notes


def test_a_folder_below_that_cannot_be_read_is_an_error(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def closed(path: Any = ".") -> Any:
        if str(path).endswith("true/00002_thing"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)  # who is root may read everything
    shutil.rmtree(sides[1] / "00002_thing")
    refused(score(sides), "holds more images than were read; 1 not read", "00002_thing/ (cannot be read)")


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".PNG", {"format": "PNG"}),
        (".webp", {"lossless": True}),
        (".WebP", {"format": "WEBP", "lossless": True}),
        (".bmp", {}),
        (".tif", {"compression": "tiff_lzw"}),
        (".TIFF", {"format": "TIFF"}),
    ],
)
def test_every_kind_is_scored_as_its_png(sides: Sides, suffix: str, options: dict[str, Any]) -> None:
    whole = sheet(sides)
    folders = [put(side.parent / f"{side.name}2", *(f"{n}{suffix}" for n in NAMES), seed=seed, **options)
               for side, seed in zip(sides, (0, 100), strict=True)]  # fmt: skip
    other = sheet((folders[0], folders[1]))
    assert (other["metrics"], other["truths"], other["n"]) == (whole["metrics"], whole["truths"], 6)


def test_two_files_of_one_id_are_refused(sides: Sides) -> None:
    put(sides[0], f"{NAMES[0]}.WEBP", format="WEBP")
    refused(score(sides), "are both stimulus '00001_thing/thing_1'; keep one")


def test_an_error_of_a_join_shows_both_sides_the_rule_and_what_to_do(sides: Sides) -> None:
    for name in NAMES[:2]:
        (sides[1] / f"{name}.png").unlink()
    put(sides[1], "x.png", "y.png", "z.png", "zz.png")
    refused(
        score(sides),
        f"{sides[1]}: no image of stimulus '{NAMES[0]}'",
        "6 wanted, 8 found, 4 match",
        f"2 missing: {NAMES[0]}, {NAMES[1]};",
        "4 extra: x, y, z and 1 more",
        "a stimulus id is the file's path below its folder without suffix",
        "<id>.sample-1.png",
        "--pairs",
        "--subset",
    )


def test_extra_images_alone_are_an_error_with_both_sides(sides: Sides) -> None:
    put(sides[1], "x.png")
    refused(score(sides), "an image of stimulus 'x'", "6 wanted, 7 found, 6 match; 0 missing: none; 1 extra: x")


def test_names_that_differ_in_capital_letters_get_a_hint_and_no_match(sides: Sides) -> None:
    (sides[1] / "00001_thing").rename(sides[1] / "00001_Thing")
    refused(score(sides), "1 differ in capital letters alone, as '00001_thing/thing_1' and '00001_Thing/thing_1'")


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("", ("sample 0; there: samples 1, 2", "sample 0 is named <id>.png")),
        (".sample-1", ("sample 1; there: samples 0, 2",)),
        (".sample-2", ("sample 2; there: samples 0, 1", "the last is sample 2")),
    ],
)
def test_a_lost_sample_is_told_with_those_that_are_there(sides: Sides, lost: str, words: tuple[str, ...]) -> None:
    put(sides[1], *(f"{name}.sample-{k}.png" for name in NAMES for k in (1, 2)))
    (sides[1] / f"{NAMES[0]}{lost}.png").unlink()
    refused(score(sides), f"{sides[1]}: no image of stimulus '{NAMES[0]}', ", *words)


def in_form(root: Path, kind: Any) -> Path:
    for name in ("Ä", "é/ü", "o"):
        put(root, f"{unicodedata.normalize(kind, name)}.png", seed=len(name))
    return root


def test_unicode_forms_are_equal(sides: Sides, tmp_path: Path) -> None:
    truth, same = in_form(tmp_path / "nfc", "NFC"), in_form(tmp_path / "nfc too", "NFC")
    assert sheet((truth, in_form(tmp_path / "nfd", "NFD"))) == sheet((truth, same))


def test_two_files_that_differ_in_unicode_form_alone_are_refused(sides: Sides, tmp_path: Path) -> None:
    truth = in_form(tmp_path / "nfc", "NFC")
    both = in_form(in_form(tmp_path / "both", "NFC"), "NFD")
    refused(score((truth, both)), "their names differ in Unicode form alone")


def test_a_name_that_is_no_text_is_refused(sides: Sides) -> None:
    name = os.fsencode(str(sides[0])) + b"/\xff.png"
    with open(name, "wb") as file:
        picture(0).save(file, "PNG")
    refused(score(sides), "no valid UTF-8")


def test_captions_are_of_a_whole_folder_too(sides: Sides, tmp_path: Path) -> None:
    harm_link(sides, 0)
    words = ("captions", "make", "--images", sides[0], "--check", tmp_path / "captions.jsonl")
    (tmp_path / "captions.jsonl").write_text("")
    refused(run(*words), "holds more images than were read; 1 not read")
