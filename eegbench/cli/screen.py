"""stdout and stderr while a verb runs: a sign that they cannot show is replaced, and an error of theirs stops no work.

A verb writes its files, then prints; a stream that fails shows no more, and its failure is read at the end.
"""

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from eegbench.tables import WIDTH, visible

MOST_COLUMNS = 4  # digits
ANOTHER = "eegbench.another"  # the name of the error handler
PLAIN = {
    "↑": "^", "↓": "v", "→": "->", "←": "<-", "≈": "~", "−": "-", "–": "-", "—": "-", "×": "x", "±": "+-", "…": "...",
    "·": ".", "•": "*", "≤": "<=", "≥": ">=", "≠": "!=", "µ": "u", "°": "deg", "‘": "'", "’": "'", "“": '"', "”": '"',
    "«": '"', "»": '"', "„": '"', "\u00a0": " ", "\u202f": " ", "━": "-", "✓": "+",
}  # fmt: skip


def _another(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error(ANOTHER, _another)


class Screen(io.TextIOBase):
    """A stream of text. failure: the error with which it failed; from then on it accepts text and shows nothing.

    acting: signs that control a terminal go through, for progress bars, which are drawn by them.
    """

    def __init__(self, stream: TextIO, *, acting: bool = False) -> None:
        self.stream, self.acting = stream, acting
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        shown = text if self.acting else visible(text)
        if self.encoding:
            shown = shown.encode(self.encoding, ANOTHER).decode(self.encoding)
        self._unless_failed(lambda: self.stream.write(shown))
        return len(text)

    def flush(self) -> None:
        self._unless_failed(self.stream.flush)

    def _unless_failed(self, act: Callable[[], object]) -> None:
        if self.failure is not None or self.stream.closed:
            return
        try:
            act()
        except OSError as error:
            self.failure = error
            self._discard()

    def _discard(self) -> None:
        """Send the stream's buffer to the null device: Python would try to write it once more at its end."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass  # no file of the system lies behind it

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self.stream, "encoding", None) or ""

    @property
    def errors(self) -> str:  # type: ignore[override]
        return ANOTHER

    def fileno(self) -> int:
        return self.stream.fileno()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def writable(self) -> bool:
        return True


@contextmanager
def screens() -> Iterator[Screen]:
    """The Screen of stdout; inside, both streams are Screens. A stream that was closed leads to the null device."""
    kept = sys.stdout, sys.stderr
    with ExitStack() as opened:
        # A closed stream leaves its number free, which the next file to be opened would get: this one does.
        out, err = (Screen(stream or opened.enter_context(open(os.devnull, "w", encoding="utf-8"))) for stream in kept)
        sys.stdout, sys.stderr = out, err
        try:
            yield out
        finally:
            out.flush()
            err.flush()
            sys.stdout, sys.stderr = kept


def width() -> int:
    """The number of columns to print in: COLUMNS, or that of the terminal; WIDTH where there is neither."""
    return _columns_here() or WIDTH


def narrow() -> int | None:
    """The number of columns, as `width`; None where there is no terminal and no COLUMNS: programs get whole lines."""
    return _columns_here() or None


def _columns_here() -> int:
    if columns := _columns():
        return columns
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return 0


def _columns() -> int:
    """The number in COLUMNS; 0 where it holds none, or more than a screen has."""
    text = os.environ.get("COLUMNS", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_COLUMNS else 0


def of_rich() -> dict[str, str]:
    """The environment for a console of rich, with COLUMNS only where it is usable; rich would take any, or fail."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return kept | ({"COLUMNS": str(columns)} if (columns := _columns()) else {})
