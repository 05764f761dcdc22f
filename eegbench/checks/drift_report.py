"""What `eegbench check` found, as text for a terminal, Markdown for a pull request, or JUnit XML for a CI server."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree

from eegbench.checks.drift import SKIPPED, Comparison
from eegbench.errors import unknown
from eegbench.leaderboard import wording
from eegbench.leaderboard.markdown import escape
from eegbench.tables import line

HEADS = ("run", "metric", "baseline", "now", "tolerance", "stage", "state")


def render(findings: Sequence[Comparison], form: str) -> str:
    """The report in a format of FORMATS; raises UsageError for another."""
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    return FORMATS[form](findings)


def text(findings: Sequence[Comparison]) -> str:
    """A line for each comparison that is not as before, and a summary of all."""
    lines = [
        f"{finding.state.upper() if finding.failed else finding.state:<14} {' '.join(_words(finding))}"
        for finding in findings
        if finding.state != "same"
    ]
    return "\n".join([*map(line, lines), summary(findings)]) + "\n"


def markdown(findings: Sequence[Comparison]) -> str:
    """A summary of all comparisons, and a table of those that are not as before, the failures first."""
    shown = sorted((f for f in findings if f.state != "same"), key=lambda f: not f.failed)
    parts = [f"**{'Failed' if any(f.failed for f in findings) else 'Passed'}**: {escape(summary(findings))}"]
    if shown:
        rows = [_row(finding) for finding in shown]
        parts.append("\n".join([_cells(HEADS), _cells([":--"] * len(HEADS)), *map(_cells, rows)]))
    return "## Drift of scores\n\n" + "\n\n".join(parts) + "\n"


def junit(findings: Sequence[Comparison]) -> str:
    """A test suite for each run, a test case for each metric."""
    root = ElementTree.Element("testsuites", name="eegbench check")
    for run in dict.fromkeys(finding.run for finding in findings):
        comparisons = [finding for finding in findings if finding.run == run]
        failed, skipped = (sum(f.failed for f in comparisons), sum(f.state in SKIPPED for f in comparisons))
        counts: dict[str, str] = {"tests": str(len(comparisons)), "failures": str(failed), "skipped": str(skipped)}
        suite = ElementTree.SubElement(root, "testsuite", {"name": wording.visible(run), **counts})
        for finding in comparisons:
            case = ElementTree.SubElement(
                suite, "testcase", classname=wording.visible(run), name=wording.visible(finding.metric or "run")
            )
            if finding.failed:
                ElementTree.SubElement(case, "failure", message=wording.visible(" ".join(_words(finding))))
            elif finding.state in SKIPPED:
                ElementTree.SubElement(case, "skipped", message=wording.visible(finding.why))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def summary(findings: Sequence[Comparison]) -> str:
    """How many comparisons there are, and how many of each state."""
    counts = Counter(finding.state for finding in findings)
    states = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    return f"{len(findings)} comparisons: {states or 'none'}"


def _words(finding: Comparison) -> list[str]:
    named = f"{finding.run}, {finding.metric}:" if finding.metric else f"{finding.run}:"
    values = [] if finding.before is finding.now is None else [f"{_number(finding.before)} -> {_number(finding.now)}"]
    tolerance = (
        [f"(tolerance {finding.tolerance:.2g}, {finding.stage} images)"] if finding.tolerance is not None else []
    )
    return [named, *values, finding.why, *tolerance]


def _row(finding: Comparison) -> list[str]:
    tolerance = "" if finding.tolerance is None else f"{finding.tolerance:.2g}"
    state = f"**{finding.state}**" if finding.failed else finding.state
    state += f": {escape(finding.why)}" if finding.why else ""
    numbers = ["" if value is None else _number(value) for value in (finding.before, finding.now)]
    return [escape(finding.run), escape(finding.metric), *numbers, tolerance, finding.stage, state]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.9g}"


def _cells(entries: Sequence[str]) -> str:
    return "| " + " | ".join(entries) + " |"


FORMATS: Mapping[str, Callable[[Sequence[Comparison]], str]] = {"text": text, "md": markdown, "junit": junit}
