"""Hints on the track `oracle`: maps made from the true images, which a method gets beside EEG."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from eegbench.backbones import Suite
from eegbench.benchmark.features import hint_maps, saliency_judge
from eegbench.benchmark.images import from_array
from eegbench.benchmark.plan import Plan
from eegbench.contracts import Progress
from eegbench.errors import UsageError
from eegbench.plugins import entering

HINTS = ("saliency",)

HintMaps = Mapping[str, Mapping[str, NDArray[np.uint8]]]  # hint name to stimulus id to map (h, w)


def check(planned: Plan, judges: Suite) -> None:
    """UsageError for a hint that does not exist, MissingError where no judge can make one that is asked for."""
    if planned.spec.track != "oracle":
        return
    if strange := [name for name in planned.method.hints if name not in HINTS]:
        raise UsageError(
            f"method {planned.method.name!r} asks for the hint {strange[0]!r}; there is: {', '.join(HINTS)}"
        )
    saliency_judge(judges)


def hints_of(planned: Plan, judges: Suite, progress: Progress) -> tuple[HintMaps, dict[str, str]]:
    """The hints that the method asks for, made from the true images, and their judges' digests.

    There are none on the track `eeg`, where the answers are not read.
    """
    if planned.spec.track != "oracle":
        return {}, {}
    check(planned, judges)
    judge = saliency_judge(judges)
    answers = entering.answers(planned.dataset, planned.spec.subject, asked=planned.queries.stimuli)
    maps = hint_maps(from_array(answers.stimuli, answers.images), judge, progress=progress)
    return dict.fromkeys(planned.method.hints, maps), {f"{judge.name} {planned.protocol}": judge.digest}
