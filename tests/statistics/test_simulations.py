"""`perf/statistics.py --short`: every promise within its bounds, and every old rule outside of them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_statistics_keep_what_they_promise_and_old_rules_do_not() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "perf" / "statistics.py"), "--short"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no rows not as wanted" in done.stdout
