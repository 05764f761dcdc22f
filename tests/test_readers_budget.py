"""No file makes its reader take more memory or time than its size allows; what asks for more is refused in one line."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eegbench.guards.budget import most_memory, most_seconds
from hungry import CASES

READ = (
    *("10,000 keys of one hash", "4,000 empty tensors", "1,000 scans", "100,000 chunks"),
    *("20,000 names in 40 folders", "2^26 pixels, WebP", "24,000 small tensors", "3,000,000 empty lines"),
)
SLOW = ("4,000,000 nothings",)  # is refused when the work that it may ask for is done
TRIED = [name for name, case in CASES.items() if (case.refused or name in READ) and name not in SLOW]


@pytest.fixture(scope="module")
def taken() -> Mapping[str, Any]:
    script = Path(__file__).parent / "files" / "hungry.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script, *TRIED], capture_output=True, text=True, check=True, timeout=300
    )
    return {line["case"]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", TRIED)
def test_a_file_is_refused_or_read_within_its_budget(taken: Mapping[str, Any], name: str) -> None:
    found, case = taken[name], CASES[name]
    assert found["memory"] <= most_memory(found["size"]) and found["seconds"] <= most_seconds(found["size"])
    if case.refused:
        assert found["said"].startswith("InputError: ") and case.refused in found["said"] and "\n" not in found["said"]
        assert found["memory"] < 2**27 + 4 * found["size"] and found["seconds"] < 3  # before the work, not after it
    else:
        assert found["said"] == ""


def test_every_kind_of_reader_has_a_file_that_is_refused() -> None:
    refused = {case.reader for case in CASES.values() if case.refused}
    assert refused == {case.reader for case in CASES.values()}
