"""Docstrings are written for a reader of the source: what is set in is code, and only backticks mean something."""

import re
from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", read)
    return {"parallel_read_safe": True}


def read(app: Sphinx, kind: str, name: str, subject: object, options: object, lines: list[str]) -> None:
    """Write lines as reStructuredText: `::` before what is set in, and a backslash before signs that would act."""
    written: list[str] = []
    for line in lines:
        code = line.startswith("    ")
        if code and written and not written[-1] and not (len(written) > 1 and written[-2].startswith("    ")):
            written += ["::", ""]
        written.append(line if code else escaped(line))
    lines[:] = written


def escaped(line: str) -> str:
    """Signs outside of backticks that reStructuredText would take for markup."""
    parts = line.split("`")
    return "`".join(re.sub(r"([*|_](?=\W|$))", r"\\\1", part) if i % 2 == 0 else part for i, part in enumerate(parts))
