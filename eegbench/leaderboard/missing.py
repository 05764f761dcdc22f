"""Runs that cannot be read, on the board that is made without them."""

from collections.abc import Sequence

from eegbench.leaderboard.html_text import text
from eegbench.leaderboard.markdown import escape
from eegbench.runs.folder import LONGEST
from eegbench.runs.search import Unreadable

WHAT = "are not on the board"
LONGEST_PATH = 1000


def sentence(unreadable: Sequence[Unreadable], read: int) -> str:
    """How many of all runs are not on the board; `read` are."""
    return f"{len(unreadable)} of {len(unreadable) + read} runs cannot be read, and {WHAT}."


def markdown(unreadable: Sequence[Unreadable], read: int) -> str:
    """The notice of a Markdown board; "" where there is nothing to say."""
    if not unreadable:
        return ""
    lines = [f"> - {escape(broken.path, LONGEST_PATH)}: {escape(broken.why, LONGEST + 1)}" for broken in unreadable]
    return "\n".join([f"> **{sentence(unreadable, read)}**", ">", *lines])


def html(unreadable: Sequence[Unreadable], read: int) -> str:
    """The notice of an HTML board; "" where there is nothing to say."""
    if not unreadable:
        return ""
    lines = [
        f"<li><b>{text(broken.path, LONGEST_PATH)}</b>: {text(broken.why, LONGEST + 1)}</li>\n" for broken in unreadable
    ]
    head = f"<strong>{text(sentence(unreadable, read))}</strong>"
    return f'<section class="caution missing" id="missing">{head}\n<ul tabindex="0">\n{"".join(lines)}</ul></section>\n'
