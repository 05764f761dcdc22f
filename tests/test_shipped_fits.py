"""Subject 8 of sim-things comes fitted, for every published method; and the fits see what was shown."""

import numpy as np
import pytest

from eegbench.backbones.clip import Clip
from eegbench.benchmark.fit import fit
from eegbench.benchmark.options import Options
from eegbench.benchmark.plan import plan
from eegbench.benchmark.reconstruct import spread
from eegbench.contracts import Silent


@pytest.mark.parametrize("name", ["saliency_controlnet", "atm", "neuroimagen", "llm_caption"])
def test_a_shipped_fit_is_found_and_draws_what_was_shown(name: str) -> None:
    """Were a default or a pretrained file changed without `scripts/ship_fits.py`, the fit would not be found."""
    planned = plan(name, 8, Options(), device="cpu")
    found = fit(planned, progress=Silent())
    assert found.source == "shipped"
    queries, answers = planned.dataset.queries(8), planned.dataset.answers(8)
    chosen = spread(queries.stimuli)
    made = found.reconstructor.reconstruct(queries.eeg[chosen], seeds=range(len(chosen)))
    shown = answers.images[[answers.stimuli.index(queries.stimuli[i]) for i in chosen]]
    judge = Clip("pack:clip_judge")
    alike = np.corrcoef(judge.images(made), judge.images(shown))[: len(made), len(made) :]
    own, others = alike.diagonal().mean(), alike[~np.eye(len(alike), dtype=bool)].mean()
    assert own > others + 0.1
