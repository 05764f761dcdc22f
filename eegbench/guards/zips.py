"""Zip archives opened within their budget: each entry of the list at their end costs work, before any is unpacked."""

import zipfile
from pathlib import Path
from typing import BinaryIO

from eegbench.guards.budget import Budget

END, LOCATOR, END64 = 22, 20, 56  # bytes of an archive's end, of what points to the end of a large one, and of that
COMMENT = 2**16
ENTRY = 46  # bytes in the list, without a name
MEMORY, STEPS = 1024, 40  # of an entry


def opened(source: Path | BinaryIO, budget: Budget) -> zipfile.ZipFile:
    """The archive, its list of entries read; InputError where that is too long, zipfile's errors for no archive."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            spend(file, budget)
    else:
        spend(source, budget)
    return zipfile.ZipFile(source)


def spend(file: BinaryIO, budget: Budget) -> None:
    """Spends for as many entries as the list may hold by its length, which the archive's end says."""
    file.seek(max(0, budget.size - END - COMMENT - LOCATOR - END64))
    tail = file.read(END + COMMENT + LOCATOR + END64)
    place = tail.rfind(b"PK\5\6")
    if place < 0:
        return
    length = _number(tail[place + 12 : place + 16])
    if tail[place - LOCATOR : place].startswith(b"PK\6\7"):
        start = place - LOCATOR - END64
        length = max(length % 0xFFFFFFFF, _number(tail[start + 40 : start + 48]))
    entries = min(length, budget.size) // ENTRY
    budget.memory(MEMORY * entries)
    budget.steps(STEPS * entries)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
