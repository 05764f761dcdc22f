"""Lists methods, data sets, metrics and judges: rows for `eegbench list`, and facts for `eegbench datasets info`."""

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
PACKAGE, OWN, UNKNOWN = "package", "eegbench", "-"  # a key of rows; our package; what only an import would show


def rows(kind: str, *, allow_plugins: bool = False) -> list[Row]:
    """A row for each method, data set, metric or judge, as `kind` says; raises UsageError for a kind not in KINDS.

    Plug-ins have their name and package, and the rest if they may be imported. What cannot be loaded has a row with its
    problem, and the others are still listed.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    return KINDS[kind](allow_plugins)


def text(table: Sequence[Row], width: int | None = None) -> str:
    """The rows as a table, with as many columns as fit, and below it a line for each row with a problem.

    The package is a column only where some rows are not ours.
    """
    sound = [row for row in table if PROBLEM not in row]
    ours = all(row.get(PACKAGE, OWN) == OWN for row in sound)
    heads = [head for head in sound[0] if not (ours and head == PACKAGE)] if sound else []
    problems = [
        f"{row['name']} cannot be used: {' '.join(str(row[PROBLEM]).split())}\n" for row in table if PROBLEM in row
    ]
    return "".join([of_rows([{head: row[head] for head in heads} for row in sound], width), *problems])


def card(kind: str, name: str) -> str:
    """The card of one metric or method, as Markdown; raises UsageError for another kind, or an unknown name."""
    if kind == "metrics":
        return render(registry.find("metric", name))
    if kind == "methods":
        return _method_card(registry.find("method", name))
    raise UsageError(f"{kind} have no cards; metrics and methods have, as in: eegbench list metrics --card ssim")


def _method_card(method: type[Method[Any]]) -> str:
    """A method's description and configurations, whose comments mark what neither paper nor code gives."""
    about = inspect.getdoc(sys.modules[method.__module__]) or ""
    facts = {
        "paper": method.paper,
        "public code": method.reference or "none",
        "role": method.role,
        "tracks": ", ".join(method.tracks),
        "packages": ", ".join(method.requires) or "none beside the usual",
        "hints on the track oracle": ", ".join(method.hints) or "none",
        "ablation of the paper": ", ".join(method.ablation) or "none",
    }
    parts = [f"# {method.name}", about, "\n".join(f"- {key}: {value}" for key, value in facts.items())]
    docstring = inspect.cleandoc(method.__doc__ or "")
    parts += ["## Configuration"] if docstring.startswith(f"{method.__name__}(") else ["## Configuration", docstring]
    files = {scale: file.read_text(encoding="utf-8").strip() for scale, file in shipped_files(method.name).items()}
    parts += [f"### --config {scale}\n\n```toml\n{text}\n```" for scale, text in files.items()]
    if not files:
        parts.append("\n".join(f"- `{key}`" for key in keys(method)) or "Nothing can be set.")
    return "\n\n".join(parts) + "\n"


def facts(dataset: Dataset) -> dict[str, str]:
    """The facts of a data set, by name, as `eegbench datasets info` prints them."""
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
    """The faults of the signals of prepared recordings, under "signals"; empty where there are none."""
    notes = dataset.notes(dataset.ready()) if isinstance(dataset, Recorded) else []
    return {"signals": f"\n{'':<11}".join(notes)} if notes else {}


def draw(dataset: Dataset, subject: int, path: Path) -> None:
    """Write a PNG of a data set; raises UsageError where it draws none."""
    with author_of("data set", dataset.name, owner_of(dataset), "draw_picture"):
        dataset.draw_picture(subject, path)


def _method(method: Any) -> Row:
    return {"role": method.role, "tracks": ", ".join(method.tracks), "paper": method.paper}


def _dataset(dataset: Any) -> Row:
    return {"revision": dataset.revision, "subjects": len(dataset.subjects), "about": dataset.about}


def _metric(metric: Any) -> Row:
    return {
        "version": metric.version,
        "better": "up" if metric.higher_is_better else "down",
        "chance": "-" if metric.chance is None else metric.chance,
        "per": "item" if metric.per_item else "set",
        "needs": metric.needs,
    }


def _suite(name: str) -> list[Row]:
    suite = backbones.suite(name, "sal512", allow_unverified=True)
    judges: list[Row] = [
        {"name": judge.name, "suite": name, "provides": ", ".join(judge.provides), "sha256": judge.digest or "-"}
        for judge in suite.judges
    ]
    return judges + [{"name": f"{name}, {feature}", PROBLEM: reason} for feature, reason in suite.missing.items()]


def _each(kind: str, facts_of: Callable[[Any], Row]) -> Callable[[bool], list[Row]]:
    """The function that lists all rows of a kind. facts_of: a row's entries beside name and package."""

    def row(name: str, allow_plugins: bool) -> list[Row]:
        if name in registry.OWN[kind] or allow_plugins:
            part = registry.find(kind, name)
            package = OWN if name in registry.OWN[kind] else ", ".join(registry.packages(kind, name))
            return [{"name": name, PACKAGE: package, **facts_of(part)}]
        registry.checked(kind, name)
        [example] = row(next(iter(registry.OWN[kind])), False)
        blank: Row = dict.fromkeys(example, UNKNOWN)
        return [blank | {"name": name, PACKAGE: ", ".join(registry.packages(kind, name))}]

    def every(allow_plugins: bool) -> list[Row]:
        names = registry.names(kind)
        listed = [entry for name in names for entry in _or_problem(name, lambda n: row(n, allow_plugins))]
        return listed + [{"name": name, PROBLEM: problem} for name, problem in registry.taken(kind).items()]

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
