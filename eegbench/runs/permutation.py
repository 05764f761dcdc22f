"""The permutation of an audited run: permuted/permutation.json, read as strictly as a record."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Self

from eegbench.errors import InputError
from eegbench.files import read_json, write_bytes
from eegbench.guards import limits
from eegbench.guards.fields import read_fields
from eegbench.guards.limits import MAX_KEY, NamedValues, Text
from eegbench.runs import layout
from eegbench.runs.record import MAX_IMAGES, Digest, ManifestRow


@dataclasses.dataclass(frozen=True)
class Permutation:
    """run: the identity of the run; eeg_of: whose EEG each stimulus got; images: below permuted/, once all are made."""

    run: Digest
    eeg_of: Annotated[dict[str, str], NamedValues(Text(MAX_KEY), MAX_IMAGES)]
    images: tuple[ManifestRow, ...] = ()

    def __post_init__(self) -> None:
        limits.check(self)
        if len(self.images) > MAX_IMAGES:
            raise InputError(f"images has {len(self.images)} entries; at most {MAX_IMAGES} are read")
        if len({(row.stimulus, row.sample) for row in self.images}) < len(self.images):
            raise InputError("images names a stimulus and sample twice")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The permutation of a run's folder; None where it was not audited.

        Raises InputError naming the file and the field.
        """
        file = folder / layout.PERMUTATION
        if not file.is_file():
            return None
        value = read_json(file)
        try:
            return read_fields(cls, value, "permutation")
        except InputError as error:
            raise InputError(f"{file}: {error}") from None

    def write(self, folder: Path) -> None:
        text = json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True) + "\n"
        write_bytes(folder / layout.PERMUTATION, text.encode())
