"""The audit's verdict in words, from what the audit measured and from nothing else."""

from eegbench.runs.sheet import CANNOT_TELL, CONTRIBUTES, LEAK, LEAK_LEVEL, LEVEL, NO_SIGN, Audited
from eegbench.tables import number, p_is

FEWEST_STIMULI = 30  # for a verdict
NAMED = 3  # metrics that a verdict names; the others are counted
PREFERRED = "clip"  # the metric whose smallest visible contribution is given, where it was measured
OPEN = f"{CANNOT_TELL}: "  # how a verdict without a test begins
NOTHING = f"{OPEN}no metric has a value for each stimulus"


def too_few(stimuli: int) -> str:
    """The verdict on fewer than FEWEST_STIMULI."""
    return f"{OPEN}{stimuli} stimuli are too few; {FEWEST_STIMULI} or more are wanted"


def verdict(audited: Audited) -> str:
    """One sentence that begins with "EEG contributes", "no sign that the EEG contributes" or "cannot tell"."""
    if audited.leak_p is not None and audited.leak_p <= LEAK_LEVEL:
        return (
            f"{OPEN}{LEAK} ({p_is(audited.leak_p)}): something else than the EEG, such as the seed, says what was shown"
        )
    if audited.p <= LEVEL:
        return f"{CONTRIBUTES} ({p_is(audited.p)}): seen in {_carried(audited)}"
    return f"{NO_SIGN} ({p_is(audited.p)}): {_visible(audited)}"


def _carried(audited: Audited) -> str:
    if not audited.carried_by:
        return f"the mean over {len(audited.visible)} metrics"
    named, rest = audited.carried_by[:NAMED], len(audited.carried_by) - NAMED
    if rest > 0:
        return f"{', '.join(named)} and {rest} more"
    return " and ".join([*filter(None, [", ".join(named[:-1])]), named[-1]])


def _visible(audited: Audited) -> str:
    name = PREFERRED if PREFERRED in audited.visible else min(audited.visible, default="")
    if not name:
        return f"no metric differs over {audited.stimuli} stimuli"
    gain = f"{number(audited.visible[name])} to {name}"
    shared = " and as many standard errors to each other metric" if audited.rule == "regenerated" else " alone"
    return f"with {audited.stimuli} stimuli, a contribution of {gain}{shared} would be seen in 4 of 5 cases"
