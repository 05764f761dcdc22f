"""Parts of pages that are written from the package itself, in the place of `<!-- generated -->`."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from sphinx.application import Sphinx
from typer.core import TyperGroup

from eegbench import configuration
from eegbench.cli import app as application
from eegbench.cli import help as showing
from eegbench.cli.verbs import GROUPS
from eegbench.methods import METHODS

PLACE = "<!-- generated -->\n"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", read)
    return {"parallel_read_safe": True}


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    if docname in PARTS:
        before, place, after = source[0].partition(PLACE)
        assert place, f"{docname} has no {PLACE}"
        source[0] = before + "\n\n".join(PARTS[docname]()) + "\n" + after


def verbs() -> Iterator[str]:
    """Every verb of the command line below its group, with what its --help says."""
    group: Any = typer.main.get_command(application)
    named: dict[str, list[tuple[str, Any]]] = {}
    for name, command in group.commands.items():
        below = command.commands if isinstance(command, TyperGroup) else {}
        entries = [(f"{name} {verb}", inner) for verb, inner in below.items()] or [(name, command)]
        named.setdefault(str(command.rich_help_panel), []).extend(entries)
    for heading, entries in sorted(named.items(), key=lambda item: GROUPS.index(item[0])):
        yield f"## {heading.capitalize()}"
        for name, command in entries:
            yield from _verb(name, command)


def _verb(name: str, command: Any) -> Iterator[str]:
    ctx = typer.Context(command, info_name=f"eegbench {name}")
    yield f"### {name}"
    yield from (_escaped(" ".join(part.split())) for part in inspect.cleandoc(command.help or "").split("\n\n"))
    yield f"```none\neegbench {name} {showing.words(command, ctx)}\n```"
    for entry, said in [*showing.arguments(command, ctx), *showing.options(command, ctx)]:
        yield f"`{entry}`\n: {_escaped(said) or 'a flag'}"


def _escaped(text: str) -> str:
    """Markdown that shows `text`: signs that mean something are escaped, but for what is in backticks."""
    parts = text.split("`")
    return "`".join(re.sub(r"([*_<>\[\]|])", r"\\\1", part) if i % 2 == 0 else part for i, part in enumerate(parts))


def configurations() -> Iterator[str]:
    """The files of each method that has some, side by side, as they are."""
    for method in METHODS:
        if files := configuration.shipped_files(method):
            yield f"## {method}"
            yield "\n".join(["::::{tab-set}", *(_tab(name, file) for name, file in files.items()), "::::"])


def _tab(name: str, file: Path) -> str:
    return f":::{{tab-item}} {name}\n```toml\n{file.read_text(encoding='utf-8')}```\n:::"


PARTS = {"reference/command-line": verbs, "reference/configurations": configurations}
