"""The metrics of pysaliency, from the one file that defines them.

The package around it compiles, opens data sets and imports pkg_resources, which setuptools no longer has since 82.
"""

from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

_package = find_spec("pysaliency")
assert _package is not None and _package.origin is not None, "python -m pip install pysaliency"
_metrics = run_path(str(Path(_package.origin).with_name("metrics.py")))

CC, SIM, MIT_KLDiv, image_based_kl_divergence = (
    _metrics[name] for name in ("CC", "SIM", "MIT_KLDiv", "image_based_kl_divergence")
)
