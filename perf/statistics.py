"""What each statistic promises, measured: levels, coverages and power, beside the rules that stood before.

usage: python perf/statistics.py [--short] [--section NAME ...] [--jobs 2]

Each section simulates data whose truth is known and prints a table: the old rule, the package's, what is wanted, the
number of cases. The models are synthetic: levels and coverages carry over, how often a fault bites on real data does
not. A row passes if it is within three standard errors of the simulation of what is wanted; where the old rule was
wrong it must not pass. Exit code 1 where a row does not. --short takes fewer and smaller cases.
"""

import importlib
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# A script's own folder is searched first, and there this file hides the standard library's `statistics`.
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != FOLDER]

if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER.parent))
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the sections share the cores
    from perf.simulations.every import main

    sys.exit(main(__doc__))
elif __name__ == "statistics":  # imported by a script beside it, which wants the standard library's
    del sys.modules[__name__]
    importlib.import_module(__name__)
