"""THINGS-EEG2: ten people, 16,740 photographs of objects in a rapid stream (Gifford et al., NeuroImage 2022)."""

from eegbench.datasets.things_eeg2.dataset import ThingsEEG2

__all__ = ["ThingsEEG2"]
