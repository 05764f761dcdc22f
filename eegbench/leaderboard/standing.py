"""What a table's ties and bold stand on: its primary metric, what they speak of, and the sentences that say so."""

from collections import defaultdict
from collections.abc import Sequence

from eegbench.errors import UsageError, unknown
from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Column, Pair
from eegbench.leaderboard.places import Layout
from eegbench.runs.folder import Run
from eegbench.runs.metric_facts import known

PRIMARY = "clip"


def check_primary(primary: str, columns: Sequence[Column]) -> None:
    """Raises UsageError for a metric that no table ranks; "" and boards without scores may be."""
    ranked = list(dict.fromkeys(column.metric for column in columns if column.at_n is None))
    if not primary or not columns or primary in ranked:
        return
    own = known().get(primary)
    if (own and not own.per_item) or any(column.metric == primary for column in columns):
        wanted = f"wanted one of {', '.join(ranked)}" if ranked else "no other metric is on the board"
        raise UsageError(f"--primary {primary[:80]} is a metric of whole sets, which is not ranked; {wanted}")
    raise unknown("primary metric", primary[:80], ranked)


def primary_of(wanted: str, columns: Sequence[tuple[Column, int]]) -> int | None:
    """The place of the primary column, from the columns and how many methods are compared in each; None for none.

    It is the metric that is wanted, else PRIMARY, else the first that is ranked: of several versions the one in which
    most methods are compared, then the newest. No value enters.
    """
    ranked = [place for place, (column, _) in enumerate(columns) if column.at_n is None]
    for metric in (wanted, PRIMARY, *(columns[place][0].metric for place in ranked)):
        if places := [place for place in ranked if columns[place][0].metric == metric]:
            return max(places, key=lambda place: (columns[place][1], columns[place][0].version, -place))
    return None


def fits(ranked: Sequence[Sequence[Run]]) -> int:
    """How many fits the ranked method with the fewest has: fits of one subject are told apart by their digests."""
    return min((len({(run.record.spec.subject, fit_of(run)) for run in runs}) for runs in ranked), default=0)


def generalises(shared: Sequence[Pair], ranked: Sequence[Sequence[Run]], *, pooled: bool) -> str:
    """What varies between the runs that are compared, so that ties and bold speak of other ones.

    pooled: whether all people were in training. Then runs say nothing of other people; the test counts how people
    differ all the same, so that it errs on the safe side.
    """
    if len({subject for subject, _ in shared}) > 1:
        return "stimuli of people in training" if pooled else "people and stimuli"
    if len(shared) == 1:
        return "stimuli"
    return "stimuli and fits" if fits(ranked) == len(shared) else "stimuli and seeds"


def sentences(
    layout: Layout, reasons: Sequence[tuple[str, str]], primary: str, ranked: Sequence[Sequence[Run]], what: str
) -> tuple[str, ...]:
    """The sentences of a table's heading on what is ranked.

    reasons: by column why nothing is best there, or "". what: of what ties and bold speak, from `generalises`.
    """
    methods = [place for place in layout.places if place.draft.role == "method"]
    left = [place.draft.role for place in layout.places if place.block in ("transductive", "left out")]
    if not methods:
        return ()
    parts = [wording.ranked(len(ranked), wording.over(layout.shared, layout.stimuli), layout.doubts)]
    if len(ranked) > 1 and not layout.doubts:
        unmarked: dict[str, list[str]] = defaultdict(list)
        for column, reason in reasons:
            if reason:
                unmarked[reason].append(column)
        parts += [f"Primary metric: {primary}."] if primary else []
        every = len(reasons)
        parts += [wording.unmarked(reason, [] if len(n) == every else n) for reason, n in unmarked.items()]
        if any(not reason for _, reason in reasons):
            parts.append(wording.speaks_of(what, layout.shared, fits(ranked)))
    parts += [wording.left_out(left)] if left else []
    return tuple(parts)


def fit_of(run: Run) -> str:
    """What tells the fits of one subject apart: a run's digest of its fit, or its seed where the record has none."""
    return run.record.digests.get("fit", f"seed {run.record.spec.seed}")
