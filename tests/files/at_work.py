"""A process of its own that holds a lock, counts up, and lets go: python at_work.py LOCK COUNTER TIMES."""

import sys
import time
from pathlib import Path

from eegbench.files import alone


def main(lock: Path, counter: Path, times: int) -> None:
    for _ in range(times):
        with alone(lock, pause=0.01):
            before = int(counter.read_text())
            time.sleep(0.005)  # in which another would read the same number
            counter.write_text(str(before + 1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
