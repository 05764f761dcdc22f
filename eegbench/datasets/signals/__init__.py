"""What is wrong with the signals of EEG: flat, copied and clipped channels, silent stretches, copied trials, units."""

from eegbench.datasets.signals.findings import SignalFindings, examine, examine_recording, not_finite, together

__all__ = ["SignalFindings", "examine", "examine_recording", "not_finite", "together"]
