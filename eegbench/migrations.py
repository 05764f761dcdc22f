"""Records of older schema versions, brought up to date step by step when they are read.

A step takes the JSON object of one version and gives that of the next; it need not check more than it touches.

- 1 to 2: a run's record has a seal and the digest of its images; a score sheet has the digests of the truths and of the
  images that were scored. Those of version 1 have none, so that nothing but scoring again shows whether they belong
  together. scores.csv has a column for each metric, where version 1 had a row for each value (`eegbench/values.py`
  reads both).
"""

from collections.abc import Callable, Mapping
from typing import Any

from eegbench.errors import InputError

Steps = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]


def _first(*later: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The step from version 1, which had none of the fields `later`: a record that has one was changed by hand."""

    def step(value: dict[str, Any]) -> dict[str, Any]:
        if astray := [name for name in later if name in value]:
            raise InputError(f"schema version 1 has no {astray[0]!r}: the version was changed after it was written")
        return {**value, "schema_version": 2}

    return step


RECORD: Steps = {1: _first("seal")}
SHEET: Steps = {1: _first("seal", "files", "truths", "reconstructions", "statistics", "audit")}
