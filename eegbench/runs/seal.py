"""The seal and the schema version of a run's files, and the steps that bring older versions up to date.

A step takes the JSON object of one version and gives that of the next; it need not check more than it touches.

- 1 to 2: a run's record has a seal and the digest of its images; a score sheet has the digests of the truths and of the
  images that were scored. Those of version 1 have none, so that nothing but scoring again shows whether they belong
  together. scores.csv has a column for each metric, where version 1 had a row for each value (`eegbench/runs/items.py`
  reads both).
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from eegbench.errors import InputError
from eegbench.files import Json

SCHEMA_VERSION = 2
AGAIN = "run `eegbench evaluate` on it, where it was made, which scores it anew"
_SEAL = re.compile(r'^ "seal": "([0-9a-f]*)"', re.MULTILINE)  # of the outermost object: one space stands before it
Migrations = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]


def _from_version_1(*later: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The step from version 1, which had none of the fields `later`: a record that has one was changed by hand."""

    def step(value: dict[str, Any]) -> dict[str, Any]:
        if astray := [name for name in later if name in value]:
            raise InputError(f"schema version 1 has no {astray[0]!r}: the version was changed after it was written")
        return {**value, "schema_version": 2}

    return step


RECORD_STEPS: Migrations = {1: _from_version_1("seal")}
SHEET_STEPS: Migrations = {1: _from_version_1("seal", "files", "truths", "reconstructions", "statistics", "audit")}


def sealed(value: Json) -> str:
    """The text of a record's or sheet's file, with its seal: sha256 of the same text with an empty one."""
    text = json.dumps({**value, "seal": ""}, indent=1, sort_keys=True, allow_nan=False) + "\n"
    return _SEAL.sub(f' "seal": "{hashlib.sha256(text.encode()).hexdigest()}"', text, count=1)


def is_sealed(text: str) -> bool:
    """Whether a file is, to the byte, the text that was sealed."""
    seals = _SEAL.findall(text)
    bare = _SEAL.sub(' "seal": ""', text, count=1)
    return len(seals) == 1 and hashlib.sha256(bare.encode()).hexdigest() == seals[0]


def current(value: Json, steps: Migrations) -> Json:
    """A record's or sheet's JSON, brought to SCHEMA_VERSION: before all checks, as others have other fields."""
    version = value.get("schema_version")
    if type(version) is not int or not (version == SCHEMA_VERSION or version in steps):
        raise InputError(
            f"schema version {str(version)[:80]!r}; this eegbench reads {', '.join(map(str, [*steps, SCHEMA_VERSION]))}"
        )
    while value["schema_version"] != SCHEMA_VERSION:
        value = steps[value["schema_version"]](value)
    return value


def mixed(versions: Mapping[str, int]) -> str:
    """What is wrong where a run's files, by name, are of two schema versions; "" if they are of one."""
    if len(set(versions.values())) < 2:
        return ""
    named = " and ".join(f"{name} of {version}" for name, version in versions.items())
    return f"its records are of two schema versions, {named}: {AGAIN}"


def check_version(version: object) -> None:
    if type(version) is not int or version != SCHEMA_VERSION:
        raise InputError(f"schema version {str(version)[:80]!r}; this eegbench writes {SCHEMA_VERSION}")
