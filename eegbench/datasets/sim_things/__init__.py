"""sim-things: simulated EEG of people looking at drawn scenes; nothing is stored but code."""

from eegbench.datasets.sim_things.dataset import SimThings

__all__ = ["SimThings"]
