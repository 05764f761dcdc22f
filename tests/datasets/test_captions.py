"""A captions file gives checked captions or one line that says what is wrong; its schema agrees."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import eegbench
from eegbench.arrays import EEGInfo
from eegbench.contracts import CAPTION_LEVELS, TrainingSet
from eegbench.datasets import captions as module
from eegbench.datasets.captions import Captions, captioned, check_stimuli, read, taken_up
from eegbench.errors import InputError, UsageError

TEN = tuple(f"{level} {i}, überall" for i, level in enumerate(CAPTION_LEVELS))
NAMES = tuple(f"{i:02d}_cat/cat_{i}" for i in range(5))
ENTRIES = [Captions(name, "some-model", TEN) for name in NAMES]


def written(path: Path, *entries: Captions) -> Path:
    path.write_bytes(b"".join(entry.line() for entry in entries or ENTRIES))
    return path


def lines(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def training(stimuli: tuple[str, ...]) -> TrainingSet:
    n = len(stimuli)
    eeg, images = np.zeros((n, 1, 2), np.float32), np.zeros((n, 4, 4, 3), np.uint8)
    return TrainingSet(eeg, EEGInfo(("Oz",), 100.0, 0.0, 2), np.arange(n), stimuli, images, stimuli, ((),) * n, 1)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and len(message) < 1000
    return message


def test_a_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    found = read(written(tmp_path / "c.jsonl"))
    assert list(found.entries.values()) == ENTRIES and found.models == ["some-model"]


def test_captions_join_a_training_set_by_stimulus_and_not_by_position(tmp_path: Path) -> None:
    own = [dataclasses.replace(entry, captions=(entry.stimulus, *TEN[1:])) for entry in ENTRIES]
    file = read(written(tmp_path / "c.jsonl", *own[::-1]))
    assert [c[0] for c in captioned(training(NAMES), file).captions] == list(NAMES)


def test_missing_and_strange_images_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    file = read(written(tmp_path / "c.jsonl"))
    other = tuple(f"new_{i}" for i in range(7))
    message = refused(lambda: captioned(training(NAMES[1:] + other), file))
    assert "no captions for 7 of 11 training images ('new_0', 'new_1', 'new_2' and 4 more)" in message
    assert "captions for 1 stimuli that are not among the 11 training images ('00_cat/cat_0')" in message


SOUND: dict[str, Any] = {"stimulus": "a", "model": "m", "captions": list(TEN)}
# What is wrong with a line, what is said of it, and whether JSON Schema can say so too.
HOSTILE: dict[str, tuple[object, str, bool]] = {
    "eleven captions": (SOUND | {"captions": [*TEN, "one more"]}, "'a': 11 captions; wanted 10", True),
    "nine captions": (SOUND | {"captions": list(TEN[1:])}, "'a': 9 captions; wanted 10", True),
    "an empty caption": (SOUND | {"captions": ["", *TEN[1:]]}, "'a': caption 1 is empty", True),
    "a blank caption": (SOUND | {"captions": [*TEN[1:], " \u3000"]}, "'a': caption 10 is empty", True),
    "a caption that is a number": (SOUND | {"captions": [3, *TEN[1:]]}, "wanted a string", True),
    "a caption with a line break": (SOUND | {"captions": ["a\nb", *TEN[1:]]}, "line break", True),
    "a caption that cannot be written": (SOUND | {"captions": ["\ud800", *TEN[1:]]}, "surrogate", False),
    "a caption without end": (SOUND | {"captions": ["a" * 1001, *TEN[1:]]}, "1001 characters; at most 1000", True),
    "captions that are a sentence": (SOUND | {"captions": "a cat"}, "captions is a string; wanted a list", True),
    "no captions": ({"stimulus": "a", "model": "m"}, "'captions' is missing", True),
    "no model": ({"stimulus": "a", "captions": list(TEN)}, "'model' is missing", True),
    "an empty model": (SOUND | {"model": ""}, "model is empty", True),
    "a field that nobody knows": (SOUND | {"level": "low"}, "'level' is unknown", True),
    "an empty id": (SOUND | {"stimulus": ""}, "stimulus is empty", True),
    "an id that is a list": (SOUND | {"stimulus": ["a"]}, "stimulus is a list of 1; wanted a string", True),
    "a list": ([SOUND], "wanted an object", True),
    "a number": (3, "wanted an object", True),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_faulty_line_is_named_with_its_fault(tmp_path: Path, case: str) -> None:
    value, words, _ = HOSTILE[case]
    message = refused(lambda: read(lines(tmp_path / "c.jsonl", SOUND | {"stimulus": "b"}, value)))
    assert message.startswith(f"{tmp_path / 'c.jsonl'}: line 2: ") and words in message


def test_the_published_schema_says_the_same(tmp_path: Path) -> None:
    schema = json.loads((Path(eegbench.__file__).parent / "schemas" / "caption.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    assert check.is_valid(SOUND) and check.is_valid(json.loads(ENTRIES[0].line()))
    assert {case: check.is_valid(value) for case, (value, _, _) in HOSTILE.items()} == {
        case: not says for case, (_, _, says) in HOSTILE.items()
    }
    assert set(schema["properties"]) == {field.name for field in dataclasses.fields(Captions)}


BYTES: dict[str, tuple[bytes, str]] = {
    "not UTF-8": (ENTRIES[0].line() + ENTRIES[1].line().decode().encode("latin-1"), "line 2: not UTF-8"),
    "UTF-16": (ENTRIES[0].line().decode().encode("utf-16"), "line 1: not UTF-8"),
    "not JSON": (b"a cat sits\n", "line 1: not JSON"),
    "lists without end": (b"[" * 50_000 + b"\n", "line 1: not JSON"),
    "a huge line": (ENTRIES[0].line() + b'{"stimulus": "' + b"a" * 10**6, "line 2: longer than 65536 bytes"),
    "NaN": (b'{"stimulus": NaN, "model": "m", "captions": []}\n', "wanted a string"),
    "an image twice": (ENTRIES[0].line() * 2, "line 2: '00_cat/cat_0' a second time"),
    "a torn last line": (
        ENTRIES[0].line() + ENTRIES[1].line()[:40],
        "its last line is cut off; `eegbench captions make",
    ),
    "many faults": (b"{}\n" * 10, "10 lines are wrong: line 1: "),
    "faults without end": (b"{}\n" * 10**5, "at least 100 lines are wrong: line 1: "),
}


@pytest.mark.parametrize("case", BYTES)
def test_a_file_of_other_bytes_is_refused(tmp_path: Path, case: str) -> None:
    data, words = BYTES[case]
    (tmp_path / "c.jsonl").write_bytes(data)
    assert words in refused(lambda: read(tmp_path / "c.jsonl"))


def test_what_is_no_file_or_too_large_a_one_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refused(lambda: read(tmp_path / "c.jsonl"))
    assert "not a file" in refused(lambda: read(tmp_path))
    with (tmp_path / "c.jsonl").open("wb") as file:
        file.truncate(module.MAX_FILE + 1)  # a hole: it takes no room on the disk
    assert "at most" in refused(lambda: read(tmp_path / "c.jsonl"))


@pytest.mark.parametrize("torn", range(1, len(ENTRIES[1].line()), 25))
def test_a_torn_last_line_is_dropped_and_what_follows_stands_in_its_place(tmp_path: Path, torn: int) -> None:
    file = tmp_path / "c.jsonl"
    file.write_bytes(ENTRIES[0].line() + ENTRIES[1].line()[:torn])
    with taken_up(file) as (entries, add):
        kept = list(entries)
        add(ENTRIES[1])
    assert kept in ([NAMES[0]], [NAMES[0], NAMES[1]]) and list(read(file).entries.values()) == ENTRIES[:2]


def test_a_whole_last_line_without_its_newline_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    file.write_bytes(ENTRIES[0].line().rstrip())
    with taken_up(file) as (_, add):
        add(ENTRIES[1])
    assert list(read(file).entries.values()) == ENTRIES[:2]


@pytest.mark.parametrize("text", [b"my notes, not captions", b'{"a": 1}\n{"stimulus', b""])
def test_a_file_of_somebody_else_is_not_touched(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(text)
    if text:
        with pytest.raises(InputError), taken_up(file):
            pass
    else:
        with taken_up(file) as (entries, _):
            assert not entries
    assert file.read_bytes() == text


def test_every_line_is_there_for_others_when_it_is_added(tmp_path: Path) -> None:
    with taken_up(tmp_path / "new" / "c.jsonl") as (_, add):
        for count, entry in enumerate(ENTRIES, 1):
            add(entry)
            assert len(read(tmp_path / "new" / "c.jsonl").entries) == count


def test_two_writers_do_not_add_to_one_file(tmp_path: Path) -> None:
    file, refused = tmp_path / "c.jsonl", pytest.raises(UsageError, match="another process adds captions to it")
    with taken_up(file), refused, taken_up(file):
        pass


def test_ids_in_another_unicode_form_are_the_same(tmp_path: Path) -> None:
    composed, apart = "caf\u00e9/x", "cafe\u0301/x"
    file = tmp_path / "captions.jsonl"
    file.write_bytes(Captions(apart, "a model", ("a",) * 10).line())
    check_stimuli(file, read(file).entries, (composed,))
    file.write_bytes(file.read_bytes() + Captions(composed, "a model", ("a",) * 10).line())
    with pytest.raises(InputError, match="a second time"):
        read(file)
