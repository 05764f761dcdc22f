"""Simulations with the package's own statistics beside the rules that stood before: what `perf/statistics.py` runs."""
