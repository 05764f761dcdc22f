"""HTML of results for a notebook: tables that need no style sheet, with all words in them escaped.

Colours are those of the page around it, so that light and dark notebooks show the same.
"""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from eegbench.tables import Column, line

EDGE = "1px solid rgba(128, 128, 128, .35)"
CELL = f"padding:.2em .7em;border:0;border-bottom:{EDGE};background:none;color:inherit;vertical-align:top"
WARNING = "margin:.3em 0;padding:.2em .6em;border-left:3px solid #c98a14"
LARGEST_PICTURE = 2**23  # bytes


def text(words: str) -> str:
    """Words on one line, escaped so that nothing in them is markup."""
    return escape(line(words))


def paragraph(words: str, *, strong: bool = False, warning: bool = False) -> str:
    """A paragraph; "" for no words."""
    shown = f"<strong>{text(words)}</strong>" if strong else text(words)
    return f'<p style="{WARNING if warning else "margin:.3em 0"}">{shown}</p>\n' if words else ""


def table(columns: Sequence[Column], bold: Sequence[Sequence[bool]] = ()) -> str:
    """Columns as an HTML table. bold: for each column, which of its cells are bold."""

    def cell(tag: str, words: str, column: Column, strong: bool) -> str:
        side = "right" if column.right else "left"
        style = f"{CELL};text-align:{side};font-weight:{'bold' if strong else 'normal'};white-space:nowrap"
        return f'<{tag} style="{style}">{text(words)}</{tag}>'

    marked = bold or [[False] * len(column.cells) for column in columns]
    head = "".join(cell("th", column.head, column, True) for column in columns)
    rows = [
        "".join(cell("td", c.cells[i], c, flags[i]) for c, flags in zip(columns, marked, strict=True))
        for i in range(len(columns[0].cells) if columns else 0)
    ]
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    return f'<table style="border-collapse:collapse;margin:.4em 0">\n<tr>{head}</tr>\n{body}</table>\n'


def picture(file: Path, words: str) -> str:
    """A PNG as an <img> that holds its data; "" where there is no such file, or it is larger than LARGEST_PICTURE."""
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST_PICTURE:
            return ""
        data = file.read_bytes()
    except OSError:
        return ""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return ""
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return f'<img src="{source}" alt="{text(words)}" style="max-width:100%;margin:.4em 0">\n'


def block(*parts: str) -> str:
    """The parts in one box, which scrolls where it is wider than the notebook."""
    return f'<div style="overflow-x:auto;color:inherit">\n{"".join(parts)}</div>\n'
