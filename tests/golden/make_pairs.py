"""Writes pairs/: small true images and reconstructions, which the drift gate scores on every change.

usage: python tests/golden/make_pairs.py RUN

RUN is a folder that `eegbench evaluate --method saliency_controlnet --subject 8` wrote: 24 of its stimuli, spread
evenly over the sorted ids, with their scenes. Simulated EEG, drawn scenes. Every second pair is enlarged to 100 px, so
that no judge gets it without a resize. `scripts/gate --update` then writes the baseline.
"""

import sys
from pathlib import Path

from PIL import Image

from eegbench.benchmark.plan import dataset_of_run
from eegbench.benchmark.reconstruct import spread
from eegbench.runs.record import RunRecord

COUNT, SIDE = 24, 100  # pairs, px


def main() -> None:
    run, pairs = Path(sys.argv[1]), Path(__file__).parent / "pairs"
    record = RunRecord.read(run / "run.json")
    answers = dataset_of_run(record.spec, {}).answers(record.spec.subject)
    files = {row.stimulus: run / row.file for row in record.manifest if row.sample == 0}
    for place, i in enumerate(spread(answers.stimuli, COUNT)):
        name = answers.stimuli[i].replace("/", "-")
        sides = {
            "truth": Image.fromarray(answers.images[i]),
            "reconstructions": Image.open(files[answers.stimuli[i]]).convert("RGB"),
        }
        for side, image in sides.items():
            (pairs / side).mkdir(parents=True, exist_ok=True)
            shown = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS) if place % 2 else image
            shown.save(pairs / side / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
