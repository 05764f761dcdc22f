"""What verbs print and write."""

import json
import sys
import warnings
from collections.abc import Iterator
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
        others, told = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, Notice):
                others(message, category, *where, **more)
            elif str(message) not in told:
                told.add(str(message))
                note(str(message))

        warnings.showwarning = show
        warnings.simplefilter("always", Notice)
        yield


def say(text: str) -> None:
    """Lines on stdout, broken between words where a terminal is too narrow for them."""
    print(wrapped(text, narrow()))


def say_lines(*lines: str, stream: TextIO | None = None) -> None:
    """Each on a line of its own, whatever is in it: a name with an end of line in it forges none of ours."""
    print("\n".join(wrapped(line(one), narrow()) for one in lines), file=stream)


def complain(message: str) -> None:
    """An error, on one line of stderr."""
    print(f"eegbench: {' '.join(message.split())}", file=sys.stderr)


def say_json(value: Any) -> None:
    """JSON alone on stdout."""
    sys.stdout.write(json.dumps(value, indent=1) + "\n")


def note(text: str) -> None:
    print(f"note: {' '.join(text.split())}", file=sys.stderr)


class Notes:
    """Notes that wait for the work to begin: where nothing is done, the one line on stderr is the error's."""

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
    run: Any, method: str, *, dataset: str, subject: int, seed: int, track: str = "eeg", columns: int = WIDTH
) -> str:
    """What stands above every table and picture of scores of one run, which says whether its EEG is simulated."""
    told = kind(run.simulated, run.caution, columns)
    return f"{told}\n{line(f'{method} on {dataset}, subject {subject}, track {track}, seed {seed}')}"


def kind(simulated: bool, caution: str, columns: int) -> str:
    """Whether the EEG is simulated, and the data set's caution."""
    from eegbench.api.report import origin

    told = origin(simulated)
    return f"{told}\n{wrapped(line(caution), columns)}" if caution else told


def show_sheet(sheet: Any, title: str, run: Any = None) -> None:
    """The table of a sheet on stdout, beside the floors and ceilings of its run."""
    from eegbench.api.report import show

    beside = ({}, {}) if run is None else (run.floors, run.ceilings)
    floors, ceilings = ({name: other.record for name, other in kind.items()} for kind in beside)
    say(show(sheet.record, title=title, floors=floors, ceilings=ceilings, width=width()))


def terminal() -> Any:
    """Progress on stderr; of stderr itself, for bars are drawn by signs that nothing else may send.

    Texts between the bars come to rich through a Screen, and stay what they are: no markup, no names of pictures.
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
