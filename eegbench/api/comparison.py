"""`compare`: two runs, metric by metric."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eegbench.api.arguments import Place, place
from eegbench.api.border import own_errors
from eegbench.api.results import Run
from eegbench.studies import compare as study

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = (
    *("metric", "version", "a", "b", "difference", "low", "high", "p", "p_holm"),
    *("detectable", "better", "significant", "pairs", "higher_is_better"),
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The comparison of two runs, A and B, as `eegbench compare` prints it. record: all of it, as in `to_json`."""

    record: study.Comparison

    def frame(self) -> "DataFrame":
        """A row for each metric that both runs have.

        metric, version, a, b: the means over the stimuli that have a value in both; difference: a - b, with its 95 %
        interval low, high; p: of no difference, paired by stimulus; p_holm: corrected for all metrics; detectable: the
        smallest true difference that so many stimuli show in four of five cases; better: "A", "B" or "" by sign alone;
        significant: whether p_holm is at most .05; pairs: stimuli. A metric of a whole set has no p: those are NaN.
        """
        import pandas as pd

        rows = []
        for name, compared in self.record.metrics.items():
            pair, nan = compared.paired, float("nan")
            low, high = (pair.ci if pair else None) or (nan, nan)
            detectable = nan if pair is None or pair.detectable is None else pair.detectable
            row = {
                "metric": name,
                "version": compared.version,
                "a": compared.a,
                "b": compared.b,
                "difference": compared.difference,
            }
            row |= {"low": low, "high": high, "p": pair.p if pair else nan, "p_holm": pair.p_holm if pair else nan}
            row |= {"detectable": detectable, "better": compared.better, "significant": compared.significant}
            rows.append({**row, "pairs": pair.pairs if pair else 0, "higher_is_better": compared.higher_is_better})
        return pd.DataFrame(rows, columns=COLUMNS)

    def to_json(self) -> str:
        """The text that `eegbench compare --json` prints."""
        return self.record.to_json()


@own_errors()
def compare(a: Run | Place, b: Run | Place) -> Comparison:
    """Two runs on the same stimuli, compared as by the command `eegbench compare`: runs, or their folders.

    Raises InputError for a folder that holds no complete and scored run, and for runs that are not comparable;
    UsageError if both are the same run.
    """
    folders = [run.folder if isinstance(run, Run) else place("a run", run) for run in (a, b)]
    return Comparison(study.compare(*folders))
