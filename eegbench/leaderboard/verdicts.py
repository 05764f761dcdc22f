"""What the audit said of a row: of one run its verdict; of several one p, one test for leaks, and who shows it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from eegbench import statistics
from eegbench.runs.folder import Run
from eegbench.runs.sheet import CANNOT_TELL, CONTRIBUTES, LEAK, LEAK_LEVEL, LEVEL, NO_SIGN, ScoreSheet
from eegbench.tables import p_is

NOT_AUDITED = "not audited"
COUNTED = "counted"  # the rule of the first edition of the statistics: how many metrics are clear
BY_COUNT = f"({COUNTED} rule)"


@dataclass(frozen=True)
class Verdict:
    """The words of the audit column; p of no contribution, where all runs of a row have one; the rules applied."""

    words: str = ""
    p: float | None = None
    rules: tuple[str, ...] = ()


def verdict_of(role: str, runs: Sequence[Run]) -> Verdict:
    """The verdict of a row over its scored runs; only methods are audited."""
    sheets = [(run.record.spec.subject, run.sheet) for run in runs if run.sheet]
    if not any(sheet.verdict for _, sheet in sheets):
        return Verdict(NOT_AUDITED if sheets and role == "method" else "")
    rules = tuple(sorted({rule for _, sheet in sheets if (rule := _rule(sheet))}))
    if len(sheets) == 1:
        [(_, sheet)] = sheets
        verdict = f"{sheet.verdict} {BY_COUNT}" if rules == (COUNTED,) else sheet.verdict
        return Verdict(verdict, sheet.audit.p if sheet.audit else None, rules)
    counts = Counter(_short(sheet) for _, sheet in sheets)
    if COUNTED in rules or counts[NOT_AUDITED]:
        return Verdict("; ".join(f"{words} ({n} of {len(sheets)} runs)" for words, n in _ordered(counts)), rules=rules)
    if untested := Counter(sheet.verdict.removeprefix(f"{CANNOT_TELL}: ") for _, sheet in sheets if not sheet.audit):
        why = "; ".join(f"{words} ({n} of {len(sheets)} runs)" for words, n in _ordered(untested))
        return Verdict(f"{CANNOT_TELL}: {why}", rules=rules)
    return _joined(sheets, counts[CONTRIBUTES], rules)


def _joined(sheets: Sequence[tuple[int, ScoreSheet]], alone: int, rules: tuple[str, ...]) -> Verdict:
    """One verdict of several audited runs; alone: how many contribute by their own verdicts.

    The test for leaks is made once, of all: made of each run, one of ten honest ones would fail it in 10 % of rows.
    """
    audits = [(subject, sheet.audit) for subject, sheet in sheets if sheet.audit]
    p = _combined([(subject, audit.p) for subject, audit in audits])
    leaks = [(subject, audit.leak_p) for subject, audit in audits if audit.leak_p is not None]
    if leaks and (leak := _combined(leaks)) <= LEAK_LEVEL:
        return Verdict(f"{CANNOT_TELL}: {LEAK} ({p_is(leak)})", p, rules)
    people = len({subject for subject, _ in audits})
    runs = f"{len(sheets)} runs of {people} {'subject' if people == 1 else 'subjects'}"
    verdict = CONTRIBUTES if p <= LEVEL else NO_SIGN
    return Verdict(f"{verdict} ({p_is(p)}): {runs}, {alone} of which show it by themselves", p, rules)


def _combined(p_of: Sequence[tuple[int, float]]) -> float:
    """One p from those of runs, each with its subject."""
    by_subject: dict[int, list[float]] = defaultdict(list)
    for subject, p in p_of:
        by_subject[subject].append(p)
    return statistics.combined_p([own for _, own in sorted(by_subject.items())])


def _rule(sheet: ScoreSheet) -> str:
    """By what rule a sheet's verdict was reached; "" where there was nothing to test."""
    if sheet.audit:
        return sheet.audit.rule
    return COUNTED if sheet.verdict and sheet.statistics == 1 else ""


def _short(sheet: ScoreSheet) -> str:
    """The verdict without its numbers, and with its rule where that is the old one."""
    if not sheet.verdict:
        return NOT_AUDITED
    if _rule(sheet) == COUNTED:
        return f"{sheet.verdict.partition(':')[0]}, {COUNTED} rule"
    verdict = next((words for words in (CONTRIBUTES, NO_SIGN) if sheet.verdict.startswith(words)), CANNOT_TELL)
    return verdict if sheet.audit else CANNOT_TELL


def _ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
