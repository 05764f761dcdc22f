"""The table of kinds. A new kind is a file here with a function `make`, and a line below."""

from attack.cases import Kind
from attack.kinds import (
    archives,
    baselines,
    captions,
    command_lines,
    downloads,
    endpoints,
    images,
    pickles,
    recordings,
    records,
    settings,
    spreadsheets,
    tables,
    torch_files,
    weights,
    whole_runs,
)

KINDS: dict[str, Kind] = {
    "records": Kind(records.make, 12),
    "tables": Kind(tables.make, 8),
    "pickles": Kind(pickles.make, 10),
    "torch": Kind(torch_files.make, 8),
    "embeddings": Kind(torch_files.make_embeddings, 4),
    "weights": Kind(weights.make, 8),
    "images": Kind(images.make, 10),
    "archives": Kind(archives.make, 6),
    "recordings": Kind(recordings.make, 8),
    "settings": Kind(settings.make, 6),
    "captions": Kind(captions.make, 4),
    "pairs": Kind(spreadsheets.make_pairs, 4),
    "claims": Kind(spreadsheets.make_claims, 4),
    "baselines": Kind(baselines.make, 4),
    "verify": Kind(whole_runs.make_verify, 5),
    "merge": Kind(whole_runs.make_merge, 3),
    "boards": Kind(whole_runs.make_boards, 2),
    "downloads": Kind(downloads.make, 2),
    "endpoints": Kind(endpoints.make, 3),
    "command lines": Kind(command_lines.make, 3),
}
