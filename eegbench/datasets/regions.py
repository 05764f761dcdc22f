"""Regions of electrodes by name, for any montage of the 10-20, 10-10 or 10-5 system.

The letters of a name are its row on the head, and each row lies in one region, as in the code of ATM (Li et al.,
NeurIPS 2024; Retrieval/eegdatasets_leaveone_topo.py of dongyangli-del/EEG_Image_decode). That of NICE (Song et al.,
ICLR 2024; nice_v0.50_spatial.py of eeyhsong/NICE-EEG) differs in four electrodes: FC5, FC6, C5 and C6 are temporal
there. Rows that neither has are our choice: the nasion is frontal, the inion occipital, and a row half-way between two
goes with the one in front (10-5 system: Oostenveld and Praamstra, Clinical Neurophysiology 112:713-719, 2001).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from eegbench.errors import MANY, UsageError, unknown

REGIONS: Mapping[str, tuple[str, ...]] = {  # the rows of each
    "occipital": ("PO", "POO", "O", "OI", "I"),
    "parietal": ("CP", "CPP", "P", "PPO"),
    "temporal": ("FT", "FTT", "T", "TTP", "TP", "TPP"),
    "central": ("FC", "FCC", "C", "CCP"),
    "frontal": ("N", "NFp", "Fp", "AFp", "AF", "AFF", "F", "FFC", "FFT"),
}
_ROWS = {row.casefold(): (row, region) for region, rows in REGIONS.items() for row in rows}
_RENAMED = {"T5": "parietal", "T6": "parietal"}  # of the 10-20 system; P7 and P8 in the others
_NAME = re.compile(r"([a-z]+?)(z|(?:10|[1-9])h?)")  # a row, and a place from left to right; h is half a step


def spelled(name: str) -> str:
    """An electrode or region as its system spells it, whatever the case: Fp1, occipital; other names in lower case."""
    plain = name.casefold()
    parts = _NAME.fullmatch(plain)
    return _ROWS[parts[1]][0] + parts[2] if parts and parts[1] in _ROWS else plain


def region_of(electrode: str) -> str:
    """The region of an electrode, whatever the case; "" for an ear, which lies in none, and for any other name."""
    parts = _NAME.fullmatch(electrode.casefold())
    region = _ROWS.get(parts[1], ("", ""))[1] if parts else ""
    return _RENAMED.get(spelled(electrode), region)


def regions_of(channels: Sequence[str]) -> list[str]:
    """The region of each channel of a recording, "" for none.

    All are "" unless half of the channels or more have one: BioSemi's C1 lies elsewhere than that of the 10-20 system.
    """
    regions = [region_of(channel) for channel in channels]
    return regions if 2 * sum(map(bool, regions)) >= len(channels) else [""] * len(channels)


def places(names: Iterable[str], channels: Sequence[str]) -> list[int]:
    """The places among a recording's channels of electrodes and regions, by name in any case, in the recording's order.

    Raises UsageError for a name that the recording has not, and for a region of which it has no electrode.
    """
    regions, chosen = regions_of(channels), set[int]()
    for name in names:
        own = {place for place, channel in enumerate(channels) if channel.casefold() == name.casefold()}
        own = own or {place for place, region in enumerate(regions) if region and region == name.casefold()}
        if not own:
            raise _absent(name, channels, Counter(filter(None, regions)))
        chosen |= own
    return sorted(chosen)


def _absent(name: str, channels: Sequence[str], regions: Mapping[str, int]) -> UsageError:
    if name.casefold() in REGIONS:
        if not regions:
            some = ", ".join(map(repr, channels[:3]))
            return UsageError(f"regions are known of the 10-20 system's names alone, not of {some}…; name channels")
        there = ", ".join(f"{region} ({count})" for region, count in sorted(regions.items()))
        return UsageError(f"no electrode of this recording is {name.casefold()}; its electrodes are {there}")
    if region_of(name):  # the nearest name would be another electrode
        there = ", ".join([*channels[:MANY], *([f"{len(channels) - MANY} more"] if len(channels) > MANY else [])])
        return UsageError(f"this recording has no electrode {spelled(name)}; it has {there}")
    return unknown("electrode or region", name, [*sorted(regions), *channels])
