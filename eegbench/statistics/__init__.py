"""How sure a number is: pure functions of arrays, in float64. The same input gives the same bits.

| file | the question that it answers |
|---|---|
| `intervals.py` | Between which values does a mean over stimuli lie? |
| `sets.py` | The same for a metric of a whole set of images. |
| `paired.py` | Do two methods differ on the same stimuli? Which of many differences remain? |
| `many.py` | The same of many methods at once. |
| `crossing.py` | The same for several subjects or fits on the same stimuli: what holds for others of both? |
| `agreement.py` | Does a published number agree with our own? |
| `size.py` | How many subjects, fits and stimuli does a difference need? |
| `shares.py` | How far is a mean on the way from a floor to a ceiling? |
| `audit.py` | Do the images belong to their stimuli? Does the EEG contribute? |

`perf/statistics.py` measures what each function promises: levels, coverages, power. `docs/how-sure.md` explains them.
"""

from eegbench.statistics.agreement import Agreement, on_other_stimuli, on_the_same_stimuli
from eegbench.statistics.audit import (
    Pairing,
    centred,
    combined_p,
    one_sided_sign_flip,
    pairing,
    smallest_contribution,
    smallest_joint_contribution,
)
from eegbench.statistics.crossing import Crossed, crossed
from eegbench.statistics.intervals import NORMAL, Bounds, Estimate, mean_interval, studentised_interval, wilson_interval
from eegbench.statistics.many import paired_ps
from eegbench.statistics.paired import (
    Tested,
    differences,
    holm,
    least_p,
    minimum_detectable,
    paired_test,
    sign_flip_p,
    sign_flip_ps,
)
from eegbench.statistics.sets import interval_of_set
from eegbench.statistics.shares import Drawn, Joint, Share, not_resampled, resampled_means, share
from eegbench.statistics.size import (
    Components,
    Design,
    power_of,
    smallest_difference,
    stimuli_needed,
    subjects_needed,
    variance_components,
)

__all__ = [
    "NORMAL",
    "Agreement",
    "Bounds",
    "Components",
    "Crossed",
    "Design",
    "Drawn",
    "Estimate",
    "Joint",
    "Pairing",
    "Share",
    "Tested",
    "centred",
    "combined_p",
    "crossed",
    "differences",
    "holm",
    "interval_of_set",
    "least_p",
    "mean_interval",
    "minimum_detectable",
    "not_resampled",
    "on_other_stimuli",
    "on_the_same_stimuli",
    "one_sided_sign_flip",
    "paired_ps",
    "paired_test",
    "pairing",
    "power_of",
    "resampled_means",
    "share",
    "sign_flip_p",
    "sign_flip_ps",
    "smallest_contribution",
    "smallest_difference",
    "smallest_joint_contribution",
    "stimuli_needed",
    "studentised_interval",
    "subjects_needed",
    "variance_components",
    "wilson_interval",
]
