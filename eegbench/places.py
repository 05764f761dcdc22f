"""Where eegbench keeps what it can make again."""

import os
from pathlib import Path


def cache(name: str) -> Path:
    """A file or folder of the user's cache: below EEGBENCH_CACHE, or ~/.cache/eegbench."""
    return Path(os.environ.get("EEGBENCH_CACHE") or Path.home() / ".cache" / "eegbench") / name
