"""Fit every method on subject 8 of sim-things with its defaults, and put the fits into the package.

usage: python scripts/ship_fits.py [--methods a,b] [--subject 8]

A fit lies in eegbench/fitted/<digest of all that shaped it>; one that stands there is left as it is.
"""

import argparse

from eegbench.benchmark import fit, plugins
from eegbench.benchmark.plan import Options, plan
from eegbench.progress import Terminal
from eegbench.records import digest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(plugins.names("method")))
    parser.add_argument("--subject", type=int, default=8)
    options = parser.parse_args()
    for name in options.methods.split(","):
        planned = plan(name, options.subject, Options(), device="cpu")
        shaped_by = fit.shape(planned)
        folder = fit.shipped_folder() / digest(shaped_by)
        if (folder / fit.CARD).is_file():
            print(f"{name}: stands already in {folder.name[:12]}")
            continue
        train = planned.dataset.train(options.subject)
        fitted = planned.method.fit(train, seed=planned.spec.seed, progress=Terminal(), device="cpu")
        fit.keep(fitted, shaped_by, folder)
        size = sum(file.stat().st_size for file in folder.rglob("*"))
        print(f"{name}: {folder.name[:12]}, {size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
