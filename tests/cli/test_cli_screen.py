"""What is printed in any terminal, pipe or encoding, and that no printing loses or fails a verb's work."""

import dataclasses
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
from PIL import Image
from typer.core import TyperGroup
from typer.testing import CliRunner

from eegbench import backbones
from eegbench.backbones.pixels import Pixels
from eegbench.checks import drift, drift_report
from eegbench.cli import app, output
from eegbench.cli.compare import apart
from eegbench.cli.output import notices
from eegbench.cli.screen import PLAIN, screens
from eegbench.errors import Notice
from eegbench.runs.record import ManifestRow, RunRecord, RunSpec
from eegbench.runs.sheet import Score, ScoreSheet
from eegbench.tables import ACTING

Run = Callable[..., int]
SIGNS = "↑ ↓ ≈ − × … “é”"


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`eegbench score --json out.json` in this process, with stdout and stderr of its own; gives the exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        backbones, "suite", lambda *_, **__: backbones.Suite("micro", "sal512", (Pixels("sal512", "cpu"),))
    )
    for seed, name in enumerate((f"TRUE{SIGNS}", "MINE")):
        Path(name).mkdir()
        for i in range(3):
            pixels = np.random.default_rng((seed, i)).integers(256, size=(16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(f"{name}/{i}.png")

    def call(stdout: Any, *words: str, stderr: Any = None) -> int:
        folders = ("--truth", f"TRUE{SIGNS}", "--reconstructions", "MINE", "--metrics", "ssim")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            patch.setattr(sys, "stderr", stderr or io.StringIO())
            with pytest.raises(SystemExit) as left:
                app(["score", *folders, *(words or ("--json", "out.json"))], prog_name="eegbench")
        return int(left.value.code or 0)

    return call


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-16", "utf-8"])
def test_scores_are_shown_in_any_encoding_and_written_whole(score: Run, encoding: str) -> None:
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    assert score(stdout, stderr=stderr) == 0
    assert ScoreSheet.read(Path("out.json")).n == 3
    stdout.seek(0)
    shown = stdout.read()
    assert f"ssim {'↑' if encoding.startswith('utf') else '^'} " in shown
    assert SIGNS in shown if encoding.startswith("utf") else "^ v " in shown
    if encoding == "ascii":
        assert 'TRUE^ v ~ - x ... "?"' in shown


def test_a_stream_that_fails_is_told_by_the_exit_code_once_the_file_is_there(score: Run) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as unread, open("/dev/full", "w") as full:
        for stream, code in ((unread, 141), (full, 3), (None, 0)):
            Path("out.json").unlink(missing_ok=True)
            said = io.StringIO()
            assert score(stream, stderr=said) == code
            assert ScoreSheet.read(Path("out.json")).n == 3
            assert ("eegbench: stdout: no space left on the disk" in said.getvalue()) == (code == 3)


def test_stderr_that_fails_stops_nothing(score: Run) -> None:
    with open("/dev/full", "w") as full:
        assert score(io.StringIO(), stderr=full) == 0


@pytest.mark.parametrize("words", [["--json", "-"], ["--json"], ["--json", "--suite", "micro"]])
def test_json_of_score_stands_alone_on_stdout_where_no_file_is_named(score: Run, words: list[str]) -> None:
    stdout = io.StringIO()
    assert score(stdout, *words, "-o", "out.json") == 0
    assert stdout.getvalue() == Path("out.json").read_text() and json.loads(stdout.getvalue())["n"] == 3


def test_output_of_score_is_a_file_and_nothing_else(score: Run) -> None:
    stdout = io.StringIO()
    assert score(stdout, "-o", "out.json") == 0 and stdout.getvalue() == ""


def shell(place: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A line of bash in which `eegbench` is the command."""
    start = "import sys; sys.argv[0] = 'eegbench'; from eegbench.cli import app; app()"
    setup = f'set -o pipefail; eegbench() {{ {sys.executable} -c "$START" "$@"; }}; '
    own = {**os.environ, "START": start, **environment}
    return subprocess.run(["bash", "-c", setup + line], cwd=place, env=own, capture_output=True, check=False)


CHECK = "eegbench check runs --baseline baseline.json --update"
STREAMS: Mapping[str, tuple[str, int]] = {
    "a pipe that nobody reads": (f"{CHECK} | true", 141),
    "no stdout": (f"{CHECK} >&-", 0),
    "no stderr": (f"{CHECK} 2>&-", 0),
    "neither": (f"{CHECK} >&- 2>&-", 0),
    "a full disk": (f"{CHECK} >/dev/full", 3),
    "a full disk behind stderr": (f"{CHECK} 2>/dev/full", 0),
    "stderr that nobody reads": (f"{CHECK} 2>&1 >/dev/null | true", 0),
}


@pytest.mark.parametrize("case", STREAMS)
def test_a_stream_that_fails_loses_no_file_and_shows_no_traceback(
    two_runs: list[str], tmp_path: Path, case: str
) -> None:
    line, code = STREAMS[case]
    done = shell(tmp_path, line)
    assert done.returncode == code, done.stderr
    assert json.loads((tmp_path / "baseline.json").read_bytes())
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr
    assert (b"eegbench: stdout: no space left" in done.stderr) == (code == 3)


@pytest.mark.parametrize("verb", ["--help", "--version", "score --help", "leaderboard runs"])
def test_a_closed_pipe_is_quiet_in_every_verb(two_runs: list[str], tmp_path: Path, verb: str) -> None:
    done = shell(tmp_path, f"eegbench {verb} | true")
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_board_is_shown_in_any_encoding_and_written_in_one(
    two_runs: list[str], tmp_path: Path, encoding: str
) -> None:
    done = shell(
        tmp_path, "eegbench leaderboard runs; eegbench leaderboard runs -o board.md", PYTHONIOENCODING=encoding
    )
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "board.md").read_text(encoding="utf-8")
    assert "≈" in written and done.stdout.decode(encoding) == "".join(PLAIN.get(sign, sign) for sign in written)


def test_an_error_keeps_its_code_where_it_cannot_be_said(tmp_path: Path) -> None:
    for stderr in ("2>&-", "2>/dev/full"):
        assert shell(tmp_path, f"eegbench nonsense {stderr}").returncode == 2


@pytest.mark.parametrize("words", [["list", "EVIL"], ["EVIL"], ["leaderboard", "EVIL"], ["score", "--EVIL"]])
def test_signs_that_a_terminal_obeys_are_spelled(words: list[str]) -> None:
    evil = "evil\x1b[31m\x9b\u202e\n\x07"
    done = CliRunner().invoke(app, [word.replace("EVIL", evil) for word in words])
    assert done.exit_code == 2 and "evil" in done.stderr
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(done.output) and done.stderr.count("\n") == 1


@pytest.fixture
def two_runs(tmp_path: Path) -> list[str]:
    """Two runs with the same stimuli, and all that a table may have."""
    folders = []
    for method, shift in (("saliency_controlnet", 0.0), ("atm", 0.1)):
        spec = RunSpec("sim-things", "1", {}, 8, "eeg", method, {})
        folder = tmp_path / "runs" / spec.folder
        rows = tuple(ManifestRow(f"s{i}", 0, f"s{i}.png", "0" * 64) for i in range(7))
        RunRecord(spec, "method", True, "complete", {}, {}, rows, caution="take care " * 12).write(folder / "run.json")
        values = [shift + i / 10 for i in range(7)]
        names = ("nway50_top1", "retrieval_top5")
        scores = {name: Score(name, 1, float(np.mean(values)), (0.1, 0.5), True) for name in names}
        (folder / "scores.json").write_text(ScoreSheet(7, "micro", "sal512", scores).to_json())
        lines = "".join(f"s{i},0,{values[i]},{values[i]}\n" for i in range(7))
        (folder / "scores.csv").write_text("stimulus,sample," + ",".join(f"{n}@1" for n in names) + "\n" + lines)
        folders.append(str(folder))
    return folders


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_table_drops_columns_to_fit_and_says_which(two_runs: list[str], columns: int) -> None:
    done = CliRunner().invoke(app, ["compare", *two_runs], env={"COLUMNS": str(columns)})
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert max(len(line) for line in lines if "runs" not in line and str(two_runs[0])[:5] not in line) <= columns
    assert any(line.startswith("retrieval_top5 ↑ ") for line in lines)
    said = " ".join(" ".join(lines).split())
    assert ("Left out for want of room:" in said) == (columns < 75)
    assert columns >= 75 or ("visible, better; " in said and "--json" in said)


def test_a_difference_is_shown_within_what_its_metric_allows(two_runs: list[str]) -> None:
    for folder in two_runs:
        path = Path(folder) / "scores.json"
        sheet = ScoreSheet.read(path)
        bounded = {name: dataclasses.replace(one, bounds=(0.25, 0.45)) for name, one in sheet.metrics.items()}
        path.write_text(dataclasses.replace(sheet, metrics=bounded).to_json())
    lines = CliRunner().invoke(app, ["compare", *two_runs]).stdout.splitlines()
    row = next(line.split() for line in lines if line.startswith("nway50_top1"))
    assert row[2:4] == [".300", ".400"] and apart((0.25, 0.45)) == pytest.approx((-0.2, 0.2))
    assert apart((0.0, None)) is apart(None) is None


@pytest.mark.parametrize("kind", ["methods", "metrics", "datasets"])
def test_a_list_keeps_names_whole_in_forty_columns(kind: str) -> None:
    run = CliRunner()
    names = [row["name"] for row in json.loads(run.invoke(app, ["list", kind, "--json"]).stdout)]
    lines = run.invoke(app, ["list", kind], env={"COLUMNS": "40"}).stdout.splitlines()
    assert max(map(len, lines)) <= 40
    assert [line.split()[0] for line in lines[1 : 1 + len(names)]] == names


def test_in_a_dumb_terminal_without_colours_no_sign_is_sent_that_acts(
    score: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("NO_COLOR", "1")
    parent, child = pty.openpty()
    with open(child, "w", encoding="utf-8") as screen:
        assert score(screen, stderr=screen) == 0
        seen = b""
        while b"ssim" not in seen:
            seen += os.read(parent, 65536)
    os.close(parent)
    assert b"\x1b" not in seen


FORGED = "eegbench: forged by a name"
EVIL = f"evil\x1b[2J\x9b31m\u202e\x07\r\x1b]0;title\x07\n{FORGED}\nok  forged\n{FORGED}"


def obeyed(done: Any) -> list[str]:
    """What of an output a terminal would obey, and its lines that pretend to be ours."""
    lines = [one for one in done.output.split("\n") if one.lstrip().startswith((FORGED, "ok  forged"))]
    return [*ACTING.findall(done.output), *lines]


def verbs(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        below = f"{path} {name}".strip()
        yield from verbs(command, below) if isinstance(command, TyperGroup) else [(below, command)]


def hostile_words() -> Iterator[tuple[str, ...]]:
    """Each verb with each of its words in turn being hostile, and all others as short as can be."""
    usual = {
        "--method": "none",
        "--subject": "8",
        "--output": "out",
        "--over": "snr",
        "--difference": "1",
        "--by": "stem",
    }
    usual |= {"--truth": "t", "--reconstructions": "r", "--baseline": "b.json", "--endpoint": "x", "--model": "m"}
    for verb, command in verbs(typer.main.get_command(app)):
        for hostile in command.params:
            if hostile.param_type_name == "option" and hostile.is_flag:
                continue
            words = verb.split()
            for one in command.params:
                name = one.opts[-1]
                if one.param_type_name == "argument":
                    words += [EVIL if one is hostile else "x"] if one.required or one is hostile else []
                elif one is hostile:
                    words += [f"{name}={'a=' if name == '--set' else ''}{EVIL}"]
                elif one.required or name in ("--endpoint", "--model"):
                    words += [f"{name}={usual[name]}"]
            yield tuple(words)


@pytest.mark.parametrize("words", list(hostile_words()), ids=lambda words: " ".join(words)[:30])
def test_no_word_of_a_command_steers_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, list(words), prog_name="eegbench")
    assert done.exit_code in (1, 2, 3) and done.stderr and obeyed(done) == []


@pytest.fixture
def hostile_runs(two_runs: list[str], tmp_path: Path) -> Path:
    """Two runs, whose folder and all whose free text are hostile."""
    for folder in map(Path, two_runs):
        record, sheet = RunRecord.read(folder / "run.json"), ScoreSheet.read(folder / "scores.json")
        dataclasses.replace(record, caution=EVIL).write(folder / "run.json")
        scores = {name: dataclasses.replace(score, reason=EVIL) for name, score in sheet.metrics.items()}
        sheet = dataclasses.replace(sheet, metrics=scores, verdict=EVIL)
        (folder / "scores.json").write_text(sheet.to_json())
    place = tmp_path / EVIL.replace("/", "")
    (tmp_path / "runs").rename(place)
    (place / f"broken{EVIL}").mkdir()
    (place / f"broken{EVIL}" / "run.json").write_text(json.dumps({EVIL: 1}))
    (place / f"link{EVIL}").symlink_to(place / "nowhere")
    return place


VERBS_ON_RUNS: Mapping[str, tuple[str, ...]] = {
    "leaderboard": ("RUNS",),
    "leaderboard as csv": ("RUNS", "--format", "csv"),
    "compare": ("ONE", "OTHER"),
    "verify": ("RUNS", "--all", "--digests-only"),
    "verify one": ("BROKEN",),
    "check": ("RUNS", "--baseline", "BASELINE"),
    "check as md": ("RUNS", "--baseline", "BASELINE", "--format", "md"),
    "check as junit": ("RUNS", "--baseline", "BASELINE", "--format", "junit"),
    "merge": ("RUNS", "--into", "INTO", "--digests-only"),
    "consistency": ("RUNS", "--device", "cpu"),
    "plan-size": ("RUNS", "--difference", ".1", "--metric", "nway50_top1"),
    "sheet": ("ONE", "-o", "PICTURE"),
    "score": ("--truth", "RUNS", "--reconstructions", "RUNS"),
    "pairs": ("RUNS", "RUNS", "--by", "stem", "-o", "PAIRS"),
    "captions make": ("--check", "BROKEN"),
}


@pytest.mark.parametrize("case", VERBS_ON_RUNS)
def test_nothing_in_a_run_or_in_its_name_steers_a_terminal(hostile_runs: Path, tmp_path: Path, case: str) -> None:
    one, other = sorted(path.parent for path in hostile_runs.glob("sim-things/**/run.json"))
    known = {"ONE": str(one), "OTHER": str(other), "RUNS": str(hostile_runs)}
    known["BROKEN"] = str(hostile_runs / f"broken{EVIL}")
    places = [known.get(word, str(tmp_path / word) if word.isupper() else word) for word in VERBS_ON_RUNS[case]]
    verb = case.partition(" as ")[0].removesuffix(" one")
    if verb == "check":
        written = CliRunner().invoke(
            app, ["check", known["RUNS"], "--baseline", str(tmp_path / "BASELINE"), "--update"]
        )
        assert obeyed(written) == []
        for path in (one / "scores.json", other / "scores.json"):
            sheet = ScoreSheet.read(path)
            moved = {name: dataclasses.replace(score, variant="v", value=0.2) for name, score in sheet.metrics.items()}
            path.write_text(dataclasses.replace(sheet, metrics=moved).to_json())
    done = CliRunner().invoke(app, [*verb.split(), *places], prog_name="eegbench")
    assert done.output and obeyed(done) == [] and "Traceback" not in done.output


def test_a_fault_of_ours_shows_its_frames_and_steers_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise KeyError(EVIL)

    monkeypatch.setattr("eegbench.assets.catalogue.rows", fails)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    done = CliRunner().invoke(app, ["list", "methods"])
    assert isinstance(done.exception, KeyError) and done.exc_info
    sys.excepthook(*done.exc_info)
    said = capsys.readouterr().err
    assert said.startswith("Traceback") and "evil" in said and not ACTING.search(said)


def test_a_label_of_a_bar_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with output.terminal().bar(EVIL, 1) as advance:
        advance(1)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and not ACTING.search(said)


def drawn(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> str:
    """What a terminal gets while `act` runs inside a bar."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    parent, child = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # as Linux ends a terminal that nobody writes to any more
            while data := os.read(parent, 65536):
                seen.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    with open(child, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        with screens(), notices():
            before = sys.stderr
            with output.terminal().bar("fit", 2) as advance:
                act()
                advance(2)
            assert sys.stderr is before
    reader.join()
    os.close(parent)
    return b"".join(seen).decode()


def test_while_a_bar_is_drawn_nothing_but_the_bar_steers_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def act() -> None:
        warnings.warn(f"bad run named {EVIL}", Notice, stacklevel=1)
        print(f"first\r{FORGED}\x1b[41m", file=sys.stderr)
        logging.StreamHandler().emit(logging.makeLogRecord({"msg": "logged \x9b31m\u202e"}))
        print("[/x] [red]:smile: without an end\r", end="", file=sys.stderr, flush=True)
        print("the last \x9b", end="", file=sys.stderr)

    seen = drawn(monkeypatch, act)
    assert "fit" in seen and "━" in seen and "2/2" in seen and "\x1b[?25l" in seen  # which hides the cursor for a bar
    assert not re.search("[\x07\x80-\x9f\u202e]|\x1b\\]|\x1b\\[(2J|41m)", seen)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    for text in (
        f"first\\u000d{FORGED}\\u001b[41m",
        "\\u009b31m\\u202e",
        "[/x] [red]:smile: without an end\\u000d",
        "the last",
    ):
        assert text in shown
    assert not re.search(rf"(?m)(^|\r){FORGED}", shown)


def test_markdown_of_check_calls_nobody_and_holds_no_markup() -> None:
    said = "@maintainers <img src=x> | [x](javascript:0)\n# head"
    text = drift_report.render([drift.Comparison("run", "clip", "moved", 0.1, 0.2, why=said)], "md")
    assert not re.search(r"@\w|<img|(?<!\\)\[x|^# ", text, re.M) and text.count("\n") == 7
