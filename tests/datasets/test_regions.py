"""Regions: each electrode of the 10-20 system and its extensions lies in one, as in the code of ATM and NICE."""

import importlib
from collections import Counter
from pathlib import Path

import pytest

from eegbench.channels import THINGS_NICE, THINGS_OCCIPITAL, THINGS_RAW
from eegbench.datasets.eegcvpr import source
from eegbench.datasets.regions import REGIONS, places, region_of, regions_of, spelled
from eegbench.datasets.sim_things import head
from eegbench.errors import UsageError

# The names that ATM's code lists, and the places among NICE's channels that NICE's code lists.
ATM = {
    "frontal": "Fp1 Fp2 AF7 AF3 AFz AF4 AF8 F7 F5 F3 F1 F2 F4 F6 F8",
    "central": "FC5 FC3 FC1 FCz FC2 FC4 FC6 C5 C3 C1 Cz C2 C4 C6",
    "parietal": "CP5 CP3 CP1 CPz CP2 CP4 CP6 P7 P5 P3 P1 Pz P2 P4 P6 P8",
    "temporal": "FT9 FT7 T7 TP9 TP7 TP8 TP10 T8 FT8 FT10",
    "occipital": "PO7 PO3 POz PO4 PO8 O1 Oz O2",
}
NICE = {
    "frontal": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14),
    "central": (18, 19, 20, 21, 22, 28, 29, 30, 31, 32),
    "parietal": (37, 38, 39, 40, 41, 42, 43, 46, 47, 48, 49, 50, 51, 52, 53, 54),
    "occipital": (55, 56, 57, 58, 59, 60, 61, 62),
    "temporal": (15, 16, 17, 23, 24, 25, 26, 27, 33, 34, 35, 36, 44, 45),
}
EARS = {"A1", "A2", "M1", "M2"}  # and mastoids: places of a reference, on no row


def standard() -> tuple[tuple[str, ...], dict[str, tuple[float, float, float]]]:
    """The names of MNE-Python's 10-05 head, and where they are, in m."""
    channels = importlib.import_module("mne").channels
    name = "colin27_1005" if "colin27_1005" in channels.get_builtin_montages() else "standard_1005"
    montage = channels.make_standard_montage(name)
    return tuple(montage.ch_names), montage.get_positions()["ch_pos"]


def test_the_table_of_the_docs_is_that_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs/datasets.md").read_text(encoding="utf-8")
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    told = {cells[0].strip("`"): cells[1:] for cells in table if cells[0].strip("`") in REGIONS}
    assert set(told) == set(REGIONS)
    for region, (rows, half_way, of_63, of_17) in told.items():
        assert {*rows.split(", "), *half_way.split(", ")} - {"-"} == set(REGIONS[region])
        assert int(of_63) == len(ATM[region].split())
        assert int(of_17) == regions_of(THINGS_OCCIPITAL).count(region)


def test_a_row_stands_in_one_region() -> None:
    rows = [row.casefold() for of_region in REGIONS.values() for row in of_region]
    assert len(rows) == len(set(rows))
    assert set(REGIONS) == {"occipital", "parietal", "temporal", "central", "frontal"}


def test_regions_are_those_of_the_code_of_atm() -> None:
    assert {region: tuple(names.split()) for region, names in ATM.items()} == {
        region: tuple(name for name in names.split() if region_of(name) == region) for region, names in ATM.items()
    }
    assert sorted(name for names in ATM.values() for name in names.split()) == sorted(THINGS_NICE)


def test_of_the_regions_in_the_code_of_nice_four_electrodes_differ() -> None:
    theirs = {THINGS_NICE[place]: region for region, of_region in NICE.items() for place in of_region}
    assert set(theirs) == set(THINGS_NICE)
    differing = {name: region for name, region in theirs.items() if region_of(name) != region}
    assert differing == dict.fromkeys(("FC5", "FC6", "C5", "C6"), "temporal")


def test_every_electrode_of_the_10_05_system_lies_in_a_region() -> None:
    names, _ = standard()
    assert len(names) > 300
    assert {name for name in names if not region_of(name)} == EARS
    assert all(spelled(name.upper()) == spelled(name.lower()) == name for name in set(names) - EARS)


def test_two_names_of_one_place_lie_in_one_region() -> None:
    _, position = standard()
    for old, new in (("T3", "T7"), ("T4", "T8"), ("T5", "P7"), ("T6", "P8")):
        assert tuple(position[old]) == tuple(position[new])
        assert region_of(old) == region_of(new) != ""


def test_left_and_right_lie_in_one_region_and_regions_from_front_to_back() -> None:
    names, position = standard()
    mirrored = {"1": "2", "3": "4", "5": "6", "7": "8", "9": "10"}
    for name in names:
        row, number = name.rstrip("h").rstrip("0123456789z"), "".join(filter(str.isdigit, name))
        if number in mirrored:
            assert region_of(name) == region_of(name.replace(row + number, row + mirrored[number]))
    midline = [name for name in names if name.endswith("z")]
    ordered = sorted(midline, key=lambda name: -position[name][1])
    lie_in = list(dict.fromkeys(region_of(name) for name in ordered))
    assert lie_in == ["frontal", "central", "parietal", "occipital"]


@pytest.mark.parametrize(
    "name", ["", "z", "1", "A1", "M2", "E12", "electrode 3", "C11", "C0", "Fp1 ", "O1-A2", "Xz", "Q"]
)
def test_other_names_lie_in_no_region(name: str) -> None:
    assert region_of(name) == ""
    assert spelled(name) == name.casefold()


@pytest.mark.parametrize("channels", [THINGS_NICE, THINGS_RAW])
def test_things_eeg2_has_all_regions(channels: tuple[str, ...]) -> None:
    assert Counter(regions_of(channels)) == {region: len(names.split()) for region, names in ATM.items()}


@pytest.mark.parametrize("channels", [THINGS_OCCIPITAL, head.CHANNELS])
def test_the_17_channels_lie_in_two_regions(channels: tuple[str, ...]) -> None:
    assert Counter(regions_of(channels)) == {"parietal": 9, "occipital": 8}
    assert [channels[place] for place in places(("occipital",), channels)] == [
        name for name in channels if name in ATM["occipital"].split()
    ]
    with pytest.raises(UsageError) as refused:
        places(("Frontal",), channels)
    assert str(refused.value) == (
        "no electrode of this recording is frontal; its electrodes are occipital (8), parietal (9)"
    )


def test_eegcvpr_names_no_electrodes_so_that_regions_are_refused() -> None:
    channels = source.INFO.channels
    assert set(regions_of(channels)) == {""}
    assert places(("electrode 3", "Electrode 128"), channels) == [2, 127]
    with pytest.raises(UsageError, match=r"10-20 system's names alone, not of 'electrode 1', .*…; name channels$"):
        places(("occipital",), channels)


def test_names_of_another_system_that_look_alike_lie_in_no_region() -> None:
    biosemi = importlib.import_module("mne").channels.make_standard_montage("biosemi128").ch_names
    assert "C1" in biosemi  # which lies elsewhere on the head
    assert set(regions_of(biosemi)) == {""}
    assert [biosemi[place] for place in places(("c1",), biosemi)] == ["C1"]


def test_places_are_in_the_recordings_order_each_once() -> None:
    channels = ("Oz", "EOG", "Cz", "PO3", "O1", "Fz")
    assert places(("cz", "O1", "OCCIPITAL", "eog"), channels) == [0, 1, 2, 3, 4]
    assert places(("O1", "Oz"), channels) == places(("oz", "o1"), channels) == [0, 4]


def test_a_name_that_is_not_there_is_refused_with_what_is() -> None:
    channels = ("Oz", "O1", "Pz", "A1")
    with pytest.raises(UsageError) as absent:
        places(("FZ",), channels)
    assert str(absent.value) == "this recording has no electrode Fz; it has Oz, O1, Pz, A1"  # Pz was not meant
    with pytest.raises(UsageError, match=r"no electrode Oz; it has electrode 1, .*, electrode 40, 88 more$"):
        places(("Oz",), source.INFO.channels)
    with pytest.raises(UsageError, match="unknown electrode or region 'ocipital'; did you mean 'occipital'"):
        places(("ocipital",), channels)
    for name in ("EOG", ""):
        with pytest.raises(UsageError, match=f"'{name}'.* There is: occipital, parietal, Oz, O1, Pz, A1$"):
            places((name,), channels)
