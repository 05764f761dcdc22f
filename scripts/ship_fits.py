"""Fit every method on subject 8 of sim-things with its defaults, and put the fits into the package.

usage: python scripts/ship_fits.py [--methods a,b] [--subject 8]

A fit lies in eegbench/fitted/<digest of all that shaped it>; one that stands there is left as it is, and those of
the same method that nothing asks for any more are removed. A fit that holds the training images themselves is too
large to ship: it is made in seconds, or with an encoder in a minute or two, where it is first used.
"""

import argparse
import shutil
from pathlib import Path

from eegbench.benchmark import fit
from eegbench.benchmark.plan import Options, plan
from eegbench.files import Json, digest, read_json
from eegbench.plugins import registry
from eegbench.progress import Terminal

LARGEST = 12 * 2**20  # bytes of a fit that is shipped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(registry.names("method")))
    parser.add_argument("--subject", type=int, default=8)
    options = parser.parse_args()
    for name in options.methods.split(","):
        planned = plan(name, options.subject, Options(), device="cpu")
        shaped_by = fit.shape(planned)
        folder = fit.shipped_folder() / digest(shaped_by)
        if (folder / fit.CARD).is_file():
            print(f"{name}: stands already in {folder.name[:12]}")
            continue
        fit.make(planned, shaped_by, folder, progress=Terminal())
        size = sum(file.stat().st_size for file in folder.rglob("*"))
        print(f"{name}: {folder.name[:12]}, {size / 2**20:.1f} MiB")
        remove_others(folder, shaped_by)
        if size > LARGEST:
            shutil.rmtree(folder)
            print(f"{name}: not shipped, more than {LARGEST / 2**20:.0f} MiB")


def remove_others(kept: Path, shaped_by: Json) -> None:
    """Take away this method's other fits on the same subject: nothing finds them any more."""
    for card in fit.shipped_folder().glob(f"*/{fit.CARD}"):
        other = read_json(card)["shape"]
        same = all(other[key] == shaped_by[key] for key in ("method", "dataset", "subject"))
        if same and card.parent != kept:
            shutil.rmtree(card.parent)


if __name__ == "__main__":
    main()
