"""Prints and writes what verbs have to show: text, JSON, notes, errors, progress and files."""

import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from eegbench.cli.screen import Screen, narrow, of_rich, width
from eegbench.errors import Notice
from eegbench.files import write_output
from eegbench.tables import WIDTH, line, wrapped


@contextmanager
def notices() -> Iterator[None]:
    """While a verb runs, each Notice is one line on stderr, once; other warnings are shown as they were."""
    with warnings.catch_warnings():
        show_other, shown = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, Notice):
                show_other(message, category, *where, **more)
            elif str(message) not in shown:
                shown.add(str(message))
                note(str(message))

        warnings.showwarning = show
        warnings.simplefilter("always", Notice)
        yield


def say(text: str) -> None:
    """Print lines on stdout, broken between words where a terminal is too narrow for them."""
    print(wrapped(text, narrow()))


def say_lines(*lines: str, stream: TextIO | None = None) -> None:
    """Print each text on one line, so that a name with an end of line in it cannot look like a line of ours."""
    print("\n".join(wrapped(line(text), narrow()) for text in lines), file=stream)


def complain(message: str) -> None:
    """Print an error on one line of stderr."""
    print(f"eegbench: {' '.join(message.split())}", file=sys.stderr)


def say_json(value: Any) -> None:
    """Print JSON alone on stdout."""
    sys.stdout.write(json.dumps(value, indent=1) + "\n")


def note(text: str) -> None:
    """Print a note on one line of stderr."""
    print(f"note: {' '.join(text.split())}", file=sys.stderr)


class Notes:
    """Notes that are printed only when the work begins: where it does not, the error is the only line on stderr."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def add(self, text: str) -> None:
        self._waiting.append(text)

    def show(self) -> None:
        while self._waiting:
            note(self._waiting.pop(0))

    def drop(self) -> None:
        self._waiting.clear()


notes = Notes()


def heading(
    run: Any,
    method: str,
    *,
    dataset: str,
    subject: int,
    seed: int,
    track: str = "eeg",
    columns: int = WIDTH,
    protocol: Sequence[str] = (),
) -> str:
    """The lines above every table and picture of scores of one run, which say whether its EEG is simulated.

    protocol: words on who was trained on and what was seen, where that is not the usual.
    """
    description = kind(run.simulated, run.caution, columns)
    words = [f"{method} on {dataset}, subject {subject}, track {track}, seed {seed}", *protocol]
    return f"{description}\n{line(', '.join(words))}"


def kind(simulated: bool, caution: str, columns: int) -> str:
    """Whether the EEG is simulated, and the data set's caution."""
    from eegbench.api.report import origin

    description = origin(simulated)
    return f"{description}\n{wrapped(line(caution), columns)}" if caution else description


def show_sheet(sheet: Any, title: str, run: Any = None) -> None:
    """Print the table of a sheet on stdout, beside the floors and ceilings of its run."""
    from eegbench.api.report import show

    beside = ({}, {}) if run is None else (run.floors, run.ceilings)
    floors, ceilings = ({name: other.record for name, other in kind.items()} for kind in beside)
    say(show(sheet.record, title=title, floors=floors, ceilings=ceilings, width=width()))


def terminal() -> Any:
    """Progress bars on stderr itself, since bars are drawn by control signs that no other text may send.

    Texts between the bars come to rich through a Screen and are shown as they are, without markup or emoji names.
    """
    from rich.console import Console

    from eegbench.progress import Terminal

    stream = getattr(sys.stderr, "stream", sys.stderr)
    screen: Any = Screen(stream, acting=True)
    console = Console(
        file=screen, force_terminal=stream.isatty(), _environ=of_rich(), markup=False, emoji=False, highlight=False
    )
    return Terminal(console, before=notes.show, screened=Screen)


def write(path: Path, text: str, option: str) -> None:
    write_output(path, text, mend=f"choose another file with {option}")


def write_board(
    board: Any, form: str, output: Path | None, *, settings: list[str] | None, allow_plugins: bool, as_json: bool
) -> None:
    """Write a board where a user wants it; raises CheckFailed where runs cannot be read."""
    if form == "html":
        page = output or Path("leaderboard.html")
        text = board.html(page, settings=settings or (), allow_plugins=allow_plugins)
    else:
        text = board.render(form)
    if output:
        write(output, text, "--output")
    if as_json:
        sys.stdout.write(board.render("json"))
    elif not output:
        sys.stdout.write(text)
    board.check_whole()
