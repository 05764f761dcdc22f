"""eegbench: a benchmark for methods that reconstruct the picture a person saw from their EEG."""

__version__ = "0.1.0"
