"""Records of older schema versions, brought up to date step by step when they are read.

A step takes the JSON object of one version and gives that of the next; it need not check more than it touches.

- 1 to 2: a run's record has a seal and the digest of its images; a score sheet has the digests of the truths and of the
  images that were scored. Those of version 1 have none, so that nothing but scoring again shows whether they belong
  together. scores.csv has a column for each metric, where version 1 had a row for each value (`eegbench/values.py`
  reads both).
"""

from collections.abc import Callable, Mapping
from typing import Any

Steps = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]


def _numbered(version: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A step after which the same fields stand under the next version."""
    return lambda value: {**value, "schema_version": version}


RECORD: Steps = {1: _numbered(2)}
SHEET: Steps = {1: _numbered(2)}
