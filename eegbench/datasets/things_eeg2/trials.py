"""The trials of prepared EEG that are used: of which sessions, and how many repetitions of each stimulus.

What is not all of them is gathered part by part into a file without a name, so that it is never in memory as a whole.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, let_go
from eegbench.datasets.prepared import Prepared
from eegbench.datasets.repetitions import check_count, drawn, listed
from eegbench.datasets.scratch import FEW, stored
from eegbench.datasets.things_eeg2.published import mean_of

Places = NDArray[np.int64]


def choose(
    prepared: Prepared,
    split: str,
    repetitions: int,
    stimuli: Sequence[str],
    *,
    sessions: Sequence[int],
    count: object,
    words: Sequence[object],
) -> list[Places]:
    """Which of the `repetitions` of each stimulus are used, counted from 0: `count` of those that `sessions` leave.

    No sessions are all, and a count of None or "all" as well; the words draw. A training stimulus that the sessions do
    not show has none. Raises UsageError for a count that is not there.
    """
    pools = [np.arange(repetitions)] * len(stimuli)
    if sessions:
        rows = (row["session"] for row in prepared.table("trials.csv") if row["split"] == split)
        of_trial = np.array([int(session) for session in rows]).reshape(len(stimuli), repetitions)
        pools = [np.flatnonzero(np.isin(own, sessions)) for own in of_trial]
    if count is None or count == "all":
        return pools
    what, otherwise = ("train_repetitions", "") if split == "train" else ("average", "'all' or ")
    of = f" of the sessions {listed(sessions)}" if sessions else ""
    most = min(len(pool) for pool in pools if len(pool))
    wanted = check_count(f"{what}{of}", count, most, otherwise)
    return [drawn(pool, wanted, *words, stimulus) for pool, stimulus in zip(pools, stimuli, strict=True)]


def gathered(eeg: EEG, chosen: Sequence[Places], *, averaged: bool) -> EEG:
    """The chosen repetitions of `eeg` (stimuli, repetitions, channels, times), stimulus by stimulus, on disk.

    averaged: over each stimulus's; else they are trials of their own. A stimulus without any is left out. A few stimuli
    are in memory at once. Raises as `scratch.stored`.
    """
    shown = [i for i, rows in enumerate(chosen) if len(rows)]
    count = len(shown) if averaged else sum(map(len, chosen))

    def parts() -> Iterator[EEG]:
        for place, i in enumerate(shown):
            trials = eeg[i][chosen[i]]
            yield mean_of(trials)[None] if averaged else trials
            if place % FEW == 0:
                let_go(eeg)

    kept: EEG = stored((count, *eeg.shape[2:]), np.float32, parts())
    return kept
