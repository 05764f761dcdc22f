"""Captions files from images to fit: made, taken up, checked, trained on."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from eegbench.assets.captions import PATIENCE, make
from eegbench.backbones.captioners import Captioner
from eegbench.benchmark.fit import fit, shape
from eegbench.benchmark.images import from_array
from eegbench.benchmark.plan import Options, plan
from eegbench.cli import app
from eegbench.contracts import CAPTION_LEVELS, Silent, TrainingSet
from eegbench.datasets.captions import Captions, read
from eegbench.datasets.sim_things import SimThings
from eegbench.errors import EegbenchError, InputError, MissingError, UsageError
from eegbench.files import digest, file_digest

IMAGES = np.random.default_rng(0).integers(256, size=(6, 8, 8, 3)).astype(np.uint8)
STIMULI = tuple(f"{i:02d}_cat/cat_{i}" for i in range(len(IMAGES)))
SET = from_array(STIMULI, IMAGES)
SMALL = {"train_images": 1, "test_images": 1}


class Fake(Captioner):
    """Says of an image what its first pixel is; fails where it is told to."""

    def __init__(self, model: str = "fake", parallel: int = 1) -> None:
        self.model, self.identity, self.parallel = model, {"fake": model}, parallel
        self.seen: list[int] = []
        self.failing: dict[int, BaseException] = {}

    def captions(self, image: NDArray[np.uint8]) -> tuple[str, ...]:
        item = next(i for i, known in enumerate(IMAGES) if np.array_equal(known, image))
        self.seen.append(item)
        if item in self.failing:
            raise self.failing[item]
        return tuple(f"{level} of {item}" for level in CAPTION_LEVELS)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "captions.jsonl"


def forget(tmp_path: Path) -> None:
    for kept in (tmp_path / "cache" / "captions").iterdir():
        kept.unlink()


@pytest.mark.parametrize("parallel", [1, 4])
def test_every_image_gets_its_own_captions_in_the_order_of_the_set(file: Path, parallel: int) -> None:
    made = make(SET, file, Fake(parallel=parallel), progress=Silent())
    assert (made.images, made.new) == (6, 6)
    found = read(file).entries
    assert list(found) == list(STIMULI)
    assert [entry.captions[0] for entry in found.values()] == [f"low of {i}" for i in range(6)]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), MissingError("gone"), RuntimeError("a bug")], ids=repr)
def test_what_was_interrupted_is_taken_up_and_nothing_is_asked_twice(
    file: Path, tmp_path: Path, stop: BaseException
) -> None:
    asked = Fake()
    asked.failing[3] = stop
    with pytest.raises(type(stop)):
        make(SET, file, asked, progress=Silent())
    assert len(read(file).entries) == 3
    forget(tmp_path)
    again = Fake()
    assert make(SET, file, again, progress=Silent()).new == 3 and again.seen == [3, 4, 5]


def test_a_stop_says_what_is_kept(file: Path) -> None:
    asked = Fake()
    asked.failing[3] = MissingError("the endpoint is gone")
    with pytest.raises(MissingError, match=r"gone; 3 of 6 images are in .*, and the same command asks for the rest"):
        make(SET, file, asked, progress=Silent())


def test_images_that_were_asked_about_are_in_the_cache_of_their_model_alone(file: Path, tmp_path: Path) -> None:
    make(SET, file, Fake(), progress=Silent())
    again, other = Fake(), Fake("other")
    make(SET, tmp_path / "second.jsonl", again, progress=Silent())
    make(SET, tmp_path / "third.jsonl", other, progress=Silent())
    assert again.seen == [] and len(other.seen) == 6
    assert (tmp_path / "second.jsonl").read_bytes() == file.read_bytes()


def test_a_damaged_cache_is_asked_for_again(file: Path, tmp_path: Path) -> None:
    make(SET, file, Fake(), progress=Silent())
    for kept, text in zip((tmp_path / "cache" / "captions").iterdir(), ("", "{}", "[1]"), strict=False):
        kept.write_text(text)
    again = Fake()
    make(SET, tmp_path / "second.jsonl", again, progress=Silent())
    assert len(again.seen) == 3 and (tmp_path / "second.jsonl").read_bytes() == file.read_bytes()


def test_an_image_without_captions_does_not_end_it(file: Path) -> None:
    asked = Fake()
    asked.failing = {1: InputError("no JSON"), 4: InputError("nine")}
    with pytest.raises(InputError, match="2 images got no captions; the first, '01_cat/cat_1': no JSON; 4 of 6"):
        make(SET, file, asked, progress=Silent())
    assert list(read(file).entries) == [STIMULI[i] for i in (0, 2, 3, 5)]


def test_several_in_a_row_do(file: Path) -> None:
    asked = Fake()
    asked.failing = {i: InputError("no JSON") for i in range(1, 6)}
    with pytest.raises(InputError, match="3 images in a row got no captions"):
        make(SET, file, asked, progress=Silent())
    assert asked.seen == list(range(1 + PATIENCE))


@pytest.mark.parametrize("captions", [("a",) * 9, ("a",) * 9 + ("",), ("a",) * 9 + ("b\x00",)])
def test_captions_that_break_the_format_never_reach_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, captions: tuple[str, ...]
) -> None:
    monkeypatch.setattr(Fake, "captions", lambda *_: captions)
    with pytest.raises(InputError, match="3 images in a row got no captions"):
        make(SET, file, Fake(), progress=Silent())
    assert file.read_bytes() == b""


@pytest.mark.parametrize(
    ("entry", "kind", "words"),
    [
        (Captions("test_image", "fake", ("a",) * 10), InputError, "1 stimuli that are not among the 6 training images"),
        (Captions(STIMULI[0], "other", ("a",) * 10), UsageError, "holds captions by 'other', and 'fake' is to write"),
    ],
)
def test_a_file_of_other_images_or_another_model_is_left_as_it_is(
    file: Path, entry: Captions, kind: type[EegbenchError], words: str
) -> None:
    file.write_bytes(entry.line())
    asked = Fake()
    with pytest.raises(kind, match=words):
        make(SET, file, asked, progress=Silent())
    assert file.read_bytes() == entry.line() and not asked.seen


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of files")
def test_where_there_is_no_room_for_a_line_the_others_are_kept(file: Path, tmp_path: Path) -> None:
    import resource

    line = len(Captions(STIMULI[0], "fake", Fake().captions(IMAGES[0])).line())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (line * 5 // 2, limits[1]))
    try:
        with pytest.raises(
            UsageError, match=r"captions\.jsonl: cannot be written \(File too large\).*; 2 of 6 images are in"
        ):
            make(SET, file, Fake(), progress=Silent())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.stat().st_size == line * 5 // 2  # half a line stands there, and is taken away
    assert make(SET, file, Fake(), progress=Silent()).new == 4
    assert list(read(file).entries) == list(STIMULI)


# The command.


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for stimulus, image in zip(STIMULI, IMAGES, strict=True):
        (tmp_path / "pictures" / stimulus).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "pictures" / f"{stimulus}.png")
    return tmp_path / "pictures"


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["captions", "make", *map(str, words)], prog_name="eegbench")


def command(chat: Any, pictures: Path, file: Path, *words: object) -> list[str]:
    return [*map(str, ("--images", pictures, "-o", file, "--endpoint", chat.url, "--model", "m", *words))]


def test_the_command_makes_a_file_that_its_check_finds_whole(chat: Any, pictures: Path, file: Path) -> None:
    made = run(*command(chat, pictures, file))
    assert (made.exit_code, made.stdout) == (0, f"{file}: ten captions for each of 6 training images, 6 of them new\n")
    checked = run("--check", file, "--images", pictures)
    assert (checked.exit_code, checked.stdout) == (0, f"{file}: ten captions for each of 6 training images, by m\n")
    file.write_bytes(file.read_bytes().split(b"\n", 1)[1])
    lacking = run("--check", file, "--images", pictures)
    assert lacking.exit_code == 2 and "no captions for 1 of 6 training images ('00_cat/cat_0')" in lacking.stderr


def test_killed_half_way_the_same_command_takes_it_up(chat: Any, pictures: Path, file: Path, tmp_path: Path) -> None:
    words = command(chat, pictures, file, "--parallel", 1)
    code = "import sys; from eegbench.cli import app; app(['captions', 'make', *sys.argv[1:]])"
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE)

    def kill(_: Any) -> Any:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return 200, {}, b"too late"

    chat.script.extend([chat.well, chat.well, kill])
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL and len(read(file).entries) == 2
    with file.open("ab") as torn:
        torn.write(b'{"stimulus": "02_c')
    forget(tmp_path)
    chat.asked.clear()
    assert run(*words).exit_code == 0 and len(chat.asked) == 4
    undisturbed = tmp_path / "undisturbed.jsonl"
    assert run(*command(chat, pictures, undisturbed)).exit_code == 0
    assert file.read_bytes() == undisturbed.read_bytes()


def test_offline_makes_what_is_cached_and_opens_no_socket(
    chat: Any, pictures: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket")

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert run(*command(chat, pictures, file)).exit_code == 0
    monkeypatch.setattr(socket.socket, "connect", none)
    again = tmp_path / "again.jsonl"
    assert run(*command(chat, pictures, again, "--offline")).exit_code == 0
    assert again.read_bytes() == file.read_bytes()
    forget(tmp_path)
    again.unlink()
    refused = run(*command(chat, pictures, again, "--offline"))
    assert refused.exit_code == 3 and "--offline opens no connection" in refused.stderr


def test_the_key_comes_from_the_variable_and_goes_nowhere_else(
    chat: Any, pictures: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    done = run(*command(chat, pictures, file, "--api-key-env", "MY_KEY"))
    assert done.exit_code == 0 and set(chat.keys) == {"Bearer sk-secret"}
    written = [f.read_text() for f in tmp_path.rglob("*") if f.suffix in (".json", ".jsonl")]
    assert len(written) == 7 and "sk-secret" not in "".join([done.output, *written])


MISUSE: dict[str, tuple[tuple[object, ...], str]] = {
    "nothing": ((), "where are the captions to go?"),
    "no captioner": (("-o", "x"), "who is to write the captions?"),
    "two captioners": (("-o", "x", "--endpoint", "http://a", "--local", "b"), "who is to write the captions?"),
    "no model": (("-o", "x", "--endpoint", "http://a"), "--endpoint needs --model"),
    "a model for a folder": (("-o", "x", "--local", "b", "--model", "m"), "--local needs neither"),
    "no key": (("-o", "x", "--endpoint", "http://a", "--model", "m", "--api-key-env", "NO_SUCH"), "no such variable"),
    "no patience": (("-o", "x", "--endpoint", "http://a", "--model", "m", "--timeout", 0), "wanted seconds"),
    "no end": (("-o", "x", "--endpoint", "http://a", "--model", "m", "--timeout", "inf"), "wanted seconds"),
    "check and make": (("--check", "x", "-o", "y"), "--check makes nothing"),
    "a file that is not there": (("--check", "nowhere.jsonl"), "nowhere.jsonl: no such file"),
    "another data set": (("--check", __file__, "--dataset", "sim-thing"), "did you mean 'sim-things'"),
}


@pytest.mark.parametrize("case", MISUSE)
def test_wrong_use_is_one_line_and_exit_code_2(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words, said = MISUSE[case]
    done = run(*words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("eegbench: ") and said in done.stderr
    assert not list(tmp_path.glob("*.jsonl"))


# What a method gets.


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for sim-things of one image for each concept."""
    path = tmp_path_factory.mktemp("captions") / "whole.jsonl"
    stimuli = SimThings(train_images=1).train(8).stimuli
    path.write_bytes(b"".join(Captions(s, "m", tuple(f"{s} {i}" for i in range(10))).line() for s in stimuli))
    return path


def options(captions: Path | None, **changes: Any) -> Options:
    return dataclasses.replace(Options(dataset_table=SMALL, captions=captions), **changes)


def test_a_method_trains_on_the_captions_of_the_file(whole: Path) -> None:
    own, others = (plan("mean_image", 8, options(path), device="cpu").train() for path in (None, whole))
    assert [c[3] for c in others.captions] == [f"{s} 3" for s in others.stimuli]
    assert own.captions != others.captions and np.array_equal(own.eeg, others.eeg)


def test_the_file_shapes_the_fit_and_stands_in_the_record(whole: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.jsonl"
    changed.write_bytes(whole.read_bytes().replace(b" 3", b" three"))
    moved = tmp_path / "moved.jsonl"
    moved.write_bytes(whole.read_bytes())
    without, here, there, other = (
        plan("mean_image", 8, options(p), device="cpu") for p in (None, whole, moved, changed)
    )
    assert here.spec.configuration == {"captions_file": file_digest(whole)} and without.spec.configuration == {}
    assert here.spec.key == there.spec.key and digest(shape(here)) == digest(shape(there))
    assert len({p.spec.key for p in (without, here, other)}) == 3
    assert len({digest(shape(p)) for p in (without, here, other)}) == 3
    assert "captions_file" not in shape(without)  # so that the fits that come along are still found


def test_captions_of_test_images_are_refused(whole: Path, tmp_path: Path) -> None:
    stimulus = SimThings(test_images=1).queries(8).stimuli[0]
    leaking = tmp_path / "leaking.jsonl"
    leaking.write_bytes(whole.read_bytes() + Captions(stimulus, "m", ("a",) * 10).line())
    with pytest.raises(InputError, match=r"not among the 200 training images.*would tell the answer"):
        plan("mean_image", 8, options(leaking), device="cpu").train()


def test_the_command_checks_a_file_against_the_data_set(whole: Path) -> None:
    assert run("--check", whole, "--set", "train_images=1").exit_code == 0
    short = run("--check", whole, "--set", "train_images=2")
    assert short.exit_code == 2 and "no captions for 200 of 400 training images" in short.stderr


def test_a_faulty_file_stops_an_evaluation_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(json.dumps({"stimulus": "a", "model": "m", "captions": ["a"] * 11}) + "\n")
    words = ("evaluate", "--method", "mean_image", "--subject", "8", "--captions", str(tmp_path / "c.jsonl"))
    done = CliRunner().invoke(app, list(words), prog_name="eegbench")
    assert done.exit_code == 2 and "line 1: 'a': 11 captions; wanted 10" in done.stderr


def test_any_data_set_takes_a_file_and_a_fit_is_given_it(lab: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stimuli = lab.plan().train().stimuli
    file.write_bytes(b"".join(Captions(s, "m", (s,) * 10).line() for s in stimuli))
    planned, given = lab.plan(captions=file), []
    fit_as_ever = type(planned.method).fit

    def fitting(self: Any, train: TrainingSet, **options: Any) -> Any:
        given.append(train.captions)
        return fit_as_ever(self, train, **options)

    monkeypatch.setattr(type(planned.method), "fit", fitting)
    fit(planned, progress=Silent())
    assert given == [tuple((s,) * 10 for s in stimuli)]


def test_a_floor_is_one_whatever_the_captions(lab: Any, file: Path) -> None:
    stimuli = lab.plan().train().stimuli
    file.write_bytes(b"".join(Captions(s, "m", ("a",) * 10).line() for s in stimuli))
    lab.evaluate()
    outcome = lab.evaluate(captions=file)
    counts = {
        m: len(list((lab.runs / "drawn/eeg" / m / "sub-08").iterdir())) for m in ("random_train_image", "uses-eeg")
    }
    assert counts == {"random_train_image": 1, "uses-eeg": 2}
    assert outcome.sheet.metrics
