"""What there is, as rows for `eegbench list` and `eegbench datasets info`."""

import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eegbench import backbones
from eegbench.configuration import keys, shipped_files
from eegbench.contracts import Dataset, Method
from eegbench.datasets.recorded import Recorded
from eegbench.errors import EegbenchError, UsageError, unknown
from eegbench.metrics.cards import render
from eegbench.plugins import entering, registry
from eegbench.plugins.authors import author_of, owner_of
from eegbench.tables import of_rows

Row = dict[str, object]
PROBLEM = "problem"  # the key of a row that says why something cannot be used, and nothing else beside its name
PACKAGE, OWN, UNKNOWN = "package", "eegbench", "-"  # of a row; ours; what only an import of a plug-in would tell


def rows(kind: str, *, allow_plugins: bool = False) -> list[Row]:
    """One row for each of a kind of KINDS; raises UsageError for another kind.

    Plug-ins have their name and package, and the rest if they may be imported. What cannot be loaded has its row too,
    with its problem; it hides no other.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    return KINDS[kind](allow_plugins)


def text(table: Sequence[Row], width: int | None = None) -> str:
    """Rows as lines in columns below their heads, as many as fit, and below them what cannot be used.

    The package is a column where not all is ours.
    """
    sound = [row for row in table if PROBLEM not in row]
    ours = all(row.get(PACKAGE, OWN) == OWN for row in sound)
    heads = [head for head in sound[0] if not (ours and head == PACKAGE)] if sound else []
    problems = [
        f"{row['name']} cannot be used: {' '.join(str(row[PROBLEM]).split())}\n" for row in table if PROBLEM in row
    ]
    return "".join([of_rows([{head: row[head] for head in heads} for row in sound], width), *problems])


def card(kind: str, name: str) -> str:
    """All about one metric or method, as Markdown; raises UsageError for another kind, or an unknown name."""
    if kind == "metrics":
        return render(registry.find("metric", name))
    if kind == "methods":
        return _method_card(registry.find("method", name))
    raise UsageError(f"{kind} have no cards; metrics and methods have, as in: eegbench list metrics --card ssim")


def _method_card(found: type[Method[Any]]) -> str:
    """What a method says of itself, and its configurations, whose comments mark what neither paper nor code gives."""
    about = inspect.getdoc(sys.modules[found.__module__]) or ""
    facts = {
        "paper": found.paper,
        "public code": found.reference or "none",
        "role": found.role,
        "tracks": ", ".join(found.tracks),
        "packages": ", ".join(found.requires) or "none beside the usual",
        "hints on the track oracle": ", ".join(found.hints) or "none",
        "ablation of the paper": ", ".join(found.ablation) or "none",
    }
    parts = [f"# {found.name}", about, "\n".join(f"- {key}: {value}" for key, value in facts.items())]
    said = inspect.cleandoc(found.__doc__ or "")
    parts += ["## Configuration"] if said.startswith(f"{found.__name__}(") else ["## Configuration", said]
    files = {scale: file.read_text(encoding="utf-8").strip() for scale, file in shipped_files(found.name).items()}
    parts += [f"### --config {scale}\n\n```toml\n{text}\n```" for scale, text in files.items()]
    if not files:
        parts.append("\n".join(f"- `{key}`" for key in keys(found)) or "Nothing can be set.")
    return "\n\n".join(parts) + "\n"


def facts(dataset: Dataset) -> dict[str, str]:
    """What a data set says of itself."""
    info = entering.info(dataset)
    return {
        "name": f"{dataset.name}@{dataset.revision}",
        "about": dataset.about,
        "options": ", ".join(keys(type(dataset))),
        **({"files": str(dataset.root)} if isinstance(dataset, Recorded) else {}),
        "simulated": "yes" if dataset.simulated else "no",
        **({"caution": dataset.caution} if dataset.caution else {}),
        "subjects": ", ".join(str(subject) for subject in dataset.subjects),
        "EEG": f"{len(info.channels)} channels, {info.rate:g} Hz, {info.times} samples from {info.start:g} s",
        "unit": info.unit,
        "channels": " ".join(info.channels),
        **_signals(dataset),
    }


def _signals(dataset: Dataset) -> dict[str, str]:
    """What was found wrong with the signals of prepared recordings."""
    notes = dataset.notes(dataset.ready()) if isinstance(dataset, Recorded) else []
    return {"signals": f"\n{'':<11}".join(notes)} if notes else {}


def draw(dataset: Dataset, subject: int, path: Path) -> None:
    """Write a PNG of a data set; raises UsageError where it draws none."""
    with author_of("data set", dataset.name, owner_of(dataset), "draw_picture"):
        dataset.draw_picture(subject, path)


def _method(found: Any) -> Row:
    return {"role": found.role, "tracks": ", ".join(found.tracks), "paper": found.paper}


def _dataset(found: Any) -> Row:
    return {"revision": found.revision, "subjects": len(found.subjects), "about": found.about}


def _metric(found: Any) -> Row:
    return {
        "version": found.version,
        "better": "up" if found.higher_is_better else "down",
        "chance": "-" if found.chance is None else found.chance,
        "per": "item" if found.per_item else "set",
        "needs": found.needs,
    }


def _suite(name: str) -> list[Row]:
    suite = backbones.suite(name, "sal512", allow_unverified=True)
    there: list[Row] = [
        {"name": judge.name, "suite": name, "provides": ", ".join(judge.provides), "sha256": judge.digest or "-"}
        for judge in suite.judges
    ]
    return there + [{"name": f"{name}, {feature}", PROBLEM: reason} for feature, reason in suite.missing.items()]


def _each(kind: str, told: Callable[[Any], Row]) -> Callable[[bool], list[Row]]:
    """A row for each of a kind; `told`: what one says of itself."""

    def row(name: str, allow_plugins: bool) -> list[Row]:
        if name in registry.OWN[kind] or allow_plugins:
            found = registry.find(kind, name)
            package = OWN if name in registry.OWN[kind] else ", ".join(registry.packages(kind, name))
            return [{"name": name, PACKAGE: package, **told(found)}]
        registry.checked(kind, name)
        [like] = row(next(iter(registry.OWN[kind])), False)
        blank: Row = dict.fromkeys(like, UNKNOWN)
        return [blank | {"name": name, PACKAGE: ", ".join(registry.packages(kind, name))}]

    def every(allow_plugins: bool) -> list[Row]:
        names = registry.names(kind)
        found = [one for name in names for one in _or_problem(name, lambda n: row(n, allow_plugins))]
        return found + [{"name": name, PROBLEM: problem} for name, problem in registry.taken(kind).items()]

    return every


def _or_problem(name: str, get: Callable[[str], list[Row]]) -> list[Row]:
    try:
        return get(name)
    except EegbenchError as error:
        shown = name if name.isprintable() else repr(name)  # anything may stand in an entry point
        return [{"name": shown, PROBLEM: " ".join(str(error).split())}]


KINDS: dict[str, Callable[[bool], list[Row]]] = {
    "methods": _each("method", _method),
    "datasets": _each("dataset", _dataset),
    "metrics": _each("metric", _metric),
    "backbones": lambda allow_plugins: [row for name in backbones.SUITES for row in _or_problem(name, _suite)],
}
