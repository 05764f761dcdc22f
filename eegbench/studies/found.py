"""Whether a run is there already: complete, of the same plan, and scored as it would be scored now."""

from eegbench.benchmark.fit import shape
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import Plan
from eegbench.files import digest
from eegbench.runs.folder import Run
from eegbench.runs.record import RunRecord
from eegbench.runs.sheet import STATISTICS, ScoreSheet


def made(record: RunRecord, planned: Plan) -> bool:
    """Whether a record is that of a plan's run: the same specification, and the same fit."""
    return record.spec == planned.spec and record.digests.get("fit") == digest(shape(planned))


def scored(sheet: ScoreSheet, planned: Plan, options: Options) -> bool:
    """Whether a run of a plan was scored as the options ask for."""
    judged = (sheet.suite, sheet.protocol, sheet.statistics) == (planned.suite, planned.protocol, STATISTICS)
    # "cannot tell" is a verdict too; a floor is not audited
    audited = bool(sheet.verdict) or not options.audit or planned.method.role != "method"
    return judged and audited and set(options.also) <= sheet.metrics.keys()


def serves(run: Run, planned: Plan, options: Options) -> bool:
    """Whether a scored run is that of the plan, complete, and scored as it would be now."""
    return scored(run.scores, planned, options) and made(run.record, planned)
