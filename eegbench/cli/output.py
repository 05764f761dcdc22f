"""What verbs print and write."""

import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eegbench.errors import Notice
from eegbench.places import writing


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
                print("note: " + " ".join(str(message).split()), file=sys.stderr)

        warnings.showwarning = show
        warnings.simplefilter("always", Notice)
        yield


def heading(outcome: Any, method: str, subject: int, options: Any) -> str:
    """What stands above every table and picture of scores of one run."""
    told = kind(outcome.simulated, outcome.caution)
    return f"{told}\n{method} on {options.dataset}, subject {subject}, track {options.track}, seed {options.seed}"


def kind(simulated: bool, caution: str) -> str:
    """Whether the EEG is simulated, and the data set's caution."""
    from eegbench.report import WIDTH

    told = "SIMULATED EEG: comparable with no paper" if simulated else "recorded EEG"
    return "\n".join([told, *textwrap.wrap(caution, WIDTH)])


def show_sheet(sheet: Any, title: str, outcome: Any = None) -> None:
    """The table of a score sheet on stdout, beside the floors and ceilings of its outcome."""
    from eegbench.report import show

    floors, ceilings = ({}, {}) if outcome is None else (outcome.floors, outcome.ceilings)
    show(sheet, title=title, floors=floors, ceilings=ceilings, console=console())


def note(text: str) -> None:
    """A line on stderr beside what a verb prints."""
    print(f"note: {text}", file=sys.stderr, flush=True)


def console() -> Any:
    """stdout, as wide as the terminal that it is."""
    from rich.console import Console

    from eegbench.report import WIDTH

    made = Console()
    if not made.is_terminal:
        made.width = WIDTH
    return made


def terminal() -> Any:
    from eegbench.progress import Terminal

    return Terminal()


def write(path: Path, text: str, option: str) -> None:
    from eegbench.records import write_text

    with writing(path, mend=f"choose another file with {option}"):
        write_text(path, text)
