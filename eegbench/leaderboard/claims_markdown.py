"""Published numbers as a section of the Markdown page: beside what was measured, and never among it."""

import re
from collections import Counter
from collections.abc import Sequence

from eegbench.leaderboard import wording
from eegbench.leaderboard.claims import Assessed
from eegbench.leaderboard.ledger import Claim, Paper, read_papers
from eegbench.leaderboard.markdown import escape
from eegbench.tables import fixed

LEGEND = (
    "What papers print, each under its own protocol. These numbers are never ranked, and stand in no other table. "
    "*Trained on*: the subject's own data; those of the others (this one left out), with how many of its own stimuli "
    "for calibration; or those of all. Behind it stands what of the EEG was seen, where that is not all. *(best "
    "...)*: the paper picked this number out of several, as of epochs by their score on the test set. No run here is "
    "picked so, and none compares. A row of this page stands beside a number only where its data set, subjects, "
    "training data, track, method, samples and protocol are the paper's, and its EEG was recorded. *Contradicted*: "
    "the two differ by more than the resolution, within which 95 of 100 repetitions of one experiment lie: by the "
    "spread of own fits (seeds) on these stimuli, or for *one fit* by the stimuli alone, as if both had seen others. "
    "*Not contradicted* is no agreement: a smaller difference is not seen. *Agrees*: a test says that they differ by "
    "less than the margin that was named (`--margin`). *No comparable run*: this page has none. *Not comparable*: no "
    "run of this benchmark would be, for the reason given."
)
COLUMNS = (
    *("paper", "table", "method", "data set", "subject", "trained on", "metric"),
    *("published", "measured here", "verdict"),
)
LONGEST_FOOTNOTE = 1000
SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")  # a doubt that many claims share is one footnote


def block(assessed: Sequence[Assessed]) -> str:
    """The section, which ends in a line break: a table by paper, its footnotes, its papers; "" for no claims."""
    if not assessed:
        return ""
    keys = list(dict.fromkeys(entry.claim.paper for entry in assessed))
    ordered = sorted(assessed, key=lambda entry: keys.index(entry.claim.paper))
    times = Counter(entry.claim.place for entry in assessed)
    footnotes: dict[str, int] = {}
    grid = [_line(COLUMNS), _line(["--:" if name == "published" else ":--" for name in COLUMNS])]
    grid += [_line(_entries(entry, times[entry.claim.place] > 1, footnotes)) for entry in ordered]
    parts = ["## Published numbers", LEGEND, "\n".join(grid)]
    parts.append("\n".join(f"{mark}. {escape(text, LONGEST_FOOTNOTE)}" for text, mark in footnotes.items()))
    parts.append("Papers:\n\n" + "\n".join(f"- {escape(paper, LONGEST_FOOTNOTE)}" for paper in sources(keys)))
    return "\n\n".join(filter(None, parts)) + "\n"


def _entries(assessed: Assessed, repeated: bool, footnotes: dict[str, int]) -> list[str]:
    claim, marks = assessed.claim, marks_of(assessed.claim, footnotes)
    published = _as_printed(claim.value) + ("" if claim.spread is None else f" ± {_as_printed(claim.spread)}")
    published += f" ({escape(claim.selection)})" if claim.selection else ""
    published += f"<sup>{marks}</sup>" if marks else ""
    return [*map(escape, words(claim)), published, _measured(assessed, repeated), escape(assessed.verdict)]


def marks_of(claim: Claim, footnotes: dict[str, int]) -> str:
    """The marks of a claim's footnotes, "3,12": its protocol and its doubts, of which those that are new are added."""
    texts = [f"Protocol: {claim.protocol}"] if claim.protocol else []
    texts += SENTENCE_END.split(claim.uncertain) if claim.uncertain else []
    return ",".join(str(mark) for mark in sorted(footnotes.setdefault(t, len(footnotes) + 1) for t in texts))


def words(claim: Claim) -> tuple[str, ...]:
    """What stands before the published number, in the order of COLUMNS."""
    seen = [claim.subject if claim.subject == "pooled" else claim.train_on]
    seen += [f"calibration {claim.calibration}"] if claim.calibration else []
    seen += [f"average {claim.average}"] if claim.average not in ("", "all") else []
    seen += [f"{name} {part}" for name, part in wording.seen(claim.view).items()]
    return claim.paper, claim.table, claim.method, claim.dataset, claim.subject, ", ".join(seen), claim.metric


def _measured(assessed: Assessed, repeated: bool) -> str:
    """Value, interval and row; of a claim with several rows also what sets their tables apart."""
    if assessed.value is None or assessed.setting is None:
        return ""
    decimals = 3 if abs(assessed.value) < 10 else 2
    ends = "" if assessed.ci is None else f" [{fixed(assessed.ci[0], decimals)}, {fixed(assessed.ci[1], decimals)}]"
    people = f"{assessed.subjects} subject{'' if assessed.subjects == 1 else 's'}"
    origin = [
        assessed.row,
        people,
        *([f"revision {assessed.setting.revision}", assessed.setting.options] if repeated else []),
    ]
    return f"{fixed(assessed.value, decimals)}{ends} ({escape(', '.join(origin))})"


def _as_printed(value: float) -> str:
    """With the decimals that the ledger has, and no more."""
    return fixed(value, len(repr(value).partition(".")[2]))


def sources(keys: Sequence[str]) -> list[str]:
    """The papers of these keys, each with what the ledger knows of it."""
    known = {paper.key: paper for paper in read_papers()}
    return [f"{key}: {_facts(known[key])}" if key in known else key for key in keys]


def _facts(paper: Paper) -> str:
    facts = (paper.called, paper.authors, f"{paper.venue} {paper.year}".strip(), paper.identifier)
    return "; ".join([*filter(None, facts), *([f"code {paper.code}"] if paper.code else [])])


def _line(entries: Sequence[str]) -> str:
    return "| " + " | ".join(entries) + " |"
