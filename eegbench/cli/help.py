"""What --help prints: plain text as wide as the terminal, nothing cut, names whole."""

import inspect
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, get_args, get_type_hints

from typer.core import TyperCommand, TyperGroup

from eegbench.cli.screen import width
from eegbench.tables import wrapped

WIDEST = 30  # of the left side; a longer name has its line for itself
BESIDE = 60  # in fewer columns, the text on a name is below the name

Entry = tuple[str, str]


def of_group(group: TyperGroup, ctx: Any, headings: Iterable[str]) -> str:
    """The help of an application: its verbs, and those of its sub-applications, below their headings; its options."""
    named: dict[str, list[Entry]] = {heading: [] for heading in headings}
    command: Any
    for name, command in group.commands.items():
        entries = [(name, _first(command))]
        if isinstance(command, TyperGroup):
            entries = [(f"{name} {verb}", _first(below)) for verb, below in command.commands.items()]
        named.setdefault(str(command.rich_help_panel or "verbs"), []).extend(entries)
    parts = [_usage(ctx, "VERB [OPTIONS]"), _paragraphs(group.help)]
    left = _left(entry for entries in named.values() for entry in entries)
    parts += [_section(heading, entries, left) for heading, entries in named.items() if entries]
    parts.append(_section("options", options(group, ctx)))
    parts.append(wrapped(f"`{ctx.command_path} VERB --help` says what a verb's options are.", _width()))
    return "\n\n".join(part for part in parts if part)


def of_verb(command: TyperCommand, ctx: Any) -> str:
    """The help of a verb: what it does, its arguments, and its options with choices and defaults."""
    parts = [_usage(ctx, words(command, ctx)), _paragraphs(command.help)]
    parts += [_section("arguments", arguments(command, ctx)), _section("options", options(command, ctx))]
    return "\n\n".join(part for part in parts if part)


def words(command: Any, ctx: Any) -> str:
    """The words after a verb in its usage line: required options, arguments, and [OPTIONS]."""
    params, kinds = command.get_params(ctx), types(command)
    needed = [f"{p.opts[-1]} {wanted(p, kinds)}" for p in params if p.param_type_name == "option" and p.required]
    return " ".join([*needed, *(argument(p) for p in params if p.param_type_name == "argument"), "[OPTIONS]"])


def arguments(command: Any, ctx: Any) -> list[Entry]:
    """Each argument of a verb, and its help."""
    return [(argument(p), _text_of(p, ctx)) for p in command.get_params(ctx) if p.param_type_name == "argument"]


def options(command: Any, ctx: Any) -> list[Entry]:
    """Each option of a verb with its choices, and its help with the default."""
    kinds = types(command)
    return [
        (" ".join(filter(None, (_names(p), wanted(p, kinds)))), _text_of(p, ctx))
        for p in command.get_params(ctx)
        if p.param_type_name == "option" and not p.hidden
    ]


def types(command: Any) -> dict[str, Any]:
    """By name, the type of each parameter of the verb's function; for `T | None` the type T.

    They are read from the function, because typer keeps them in different places in different releases.
    """
    hints = get_type_hints(command.callback) if command.callback else {}
    return {name: get_args(hint)[0] if NoneType in get_args(hint) else hint for name, hint in hints.items()}


def wanted(param: Any, kinds: Mapping[str, Any]) -> str:
    """The word after an option: its choices, or the name of its value; "" for a flag."""
    if param.is_flag:
        return ""
    return param.metavar or ("N" if kinds.get(param.name) in (int, float) else "NAME")


def argument(param: Any) -> str:
    name = (param.metavar or param.name.upper()) + ("..." if param.nargs != 1 else "")
    return name if param.required else f"[{name}]"


def _names(option: Any) -> str:
    return ", ".join(option.opts) + "".join(f" / {name}" for name in option.secondary_opts)


def _text_of(param: Any, ctx: Any) -> str:
    text = "Show this and leave." if "--help" in param.opts else param.help or ""
    return f"{text} ({note})" if (note := _note(param, ctx)) else text


def _note(param: Any, ctx: Any) -> str:
    if param.required:
        return "required"
    default = param.get_default(ctx, call=False)
    if isinstance(default, bool):
        on, off = param.opts[-1], "".join(param.secondary_opts)
        return f"default: {on if default else off}" if off else ""
    return "" if default is None or default == [] else f"default: {default}"


def _first(command: Any) -> str:
    """The first paragraph of a verb's help, as one line."""
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


def _usage(ctx: Any, words: str) -> str:
    return _hung(f"Usage: {ctx.command_path} {words}", 4)


def _paragraphs(text: str | None) -> str:
    parts = [" ".join(part.split()) for part in inspect.cleandoc(text or "").split("\n\n")]
    return "\n\n".join(wrapped(part, _width()) for part in parts if part)


def _section(heading: str, entries: list[Entry], left: int | None = None) -> str:
    if not entries:
        return ""
    left = _left(entries) if left is None else left
    return "\n".join([f"{heading.capitalize()}:", *(_entry(name, text, left) for name, text in entries)])


def _left(entries: Iterable[Entry]) -> int:
    """The width of the left side, that of the longest name up to WIDEST; 0 where there is no room for two sides."""
    return max((len(name) for name, _ in entries if len(name) <= WIDEST), default=0) if _width() >= BESIDE else 0


def _entry(name: str, text: str, left: int) -> str:
    if not text:
        return f"  {name}"
    indent = left + 4 if left else 6
    lines = wrapped(text, _width() - indent).split("\n")
    start = f"  {name:<{left}}  " if 0 < len(name) <= left else _hung(f"  {name}", 6) + "\n" + " " * indent
    return start + f"\n{' ' * indent}".join(lines)


def _hung(text: str, indent: int) -> str:
    """The text broken between words, and after the | between choices; all lines but the first are indented."""
    lead = text[: len(text) - len(text.lstrip())]
    lines: list[str] = []
    for word in text.split():
        for i, piece in enumerate(_pieces(word)):
            glue = " " if i == 0 else ""
            if lines and len(lines[-1]) + len(glue) + len(piece) <= _width():
                lines[-1] += glue + piece
            else:
                lines.append((" " * indent if lines else lead) + piece)
    return "\n".join(lines)


def _pieces(word: str) -> list[str]:
    parts = word.split("|")
    return [f"{part}|" for part in parts[:-1]] + parts[-1:] if len(word) > _width() - 8 else [word]


def _width() -> int:
    return max(24, min(width(), 100))
