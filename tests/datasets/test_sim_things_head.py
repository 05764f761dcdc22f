"""The head model: what the electrodes see of dipoles, and that MNE-Python keeps quiet about it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eegbench.datasets.sim_things import SimThings, head
from eegbench.errors import UsageError
from eegbench.seeds import generator

REGIONS = (head.OCCIPITAL, head.LATERAL_OCCIPITAL, head.TEMPORAL, head.PARIETAL, head.ANYWHERE)


def outward(*direction: float) -> head.Dipoles:
    """One dipole at 0.75 radii that points away from the centre of the head."""
    unit = np.array([direction]) / np.linalg.norm(direction)
    return head.Dipoles(np.array(head.CENTRE) + 0.75 * head.RADIUS * unit, unit)


@pytest.mark.parametrize(
    ("direction", "electrodes"),
    [((0, -1, 0.2), {"Oz"}), ((-1, -0.6, 0), {"P7"}), ((1, -0.6, 0), {"P8"}), ((0, -0.6, 0.9), {"Pz"})],
)
def test_an_outward_dipole_is_seen_most_by_the_electrode_above_it(
    direction: tuple[float, float, float], electrodes: set[str]
) -> None:
    seen = head.leadfield(outward(*direction))[:, 0]
    assert head.CHANNELS[int(seen.argmax())] in electrodes


def test_a_dipole_turned_round_changes_sign_and_deeper_ones_fade() -> None:
    dipole = outward(0, -1, 0.2)
    seen = head.leadfield(dipole)
    np.testing.assert_allclose(head.leadfield(head.Dipoles(dipole.places, -dipole.directions)), -seen, rtol=1e-9)
    deep = head.Dipoles((dipole.places + np.array(head.CENTRE)) / 2, dipole.directions)
    assert np.abs(head.leadfield(deep)).max() < np.abs(seen).max()


def test_potentials_are_of_the_size_that_cortex_makes() -> None:
    seen = np.abs(head.leadfield(outward(0, -1, 0.2))).max() * 10e-9  # 10 nA m, a patch of active cortex
    assert 0.1e-6 < seen < 10e-6


@pytest.mark.parametrize("region", REGIONS)
def test_dipoles_stay_in_the_brain_however_far_they_are_moved(region: head.Region) -> None:
    dipoles = head.draw_dipoles(region, 50, generator("here"))
    moved = head.move_dipoles(dipoles, millimetres=30, turn=0.5, rng=generator("there"))
    for group in (dipoles, moved):
        distance = np.linalg.norm(group.places - np.array(head.CENTRE), axis=1)
        assert distance.max() <= head.SHALLOWEST * head.RADIUS * (1 + 1e-9)  # rounding
        np.testing.assert_allclose(np.linalg.norm(group.directions, axis=1), 1)


def test_mne_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    head.electrodes.cache_clear()
    head.leadfield(outward(0, -1, 0.2))
    assert capfd.readouterr() == ("", "")


def test_contact_sheet_is_a_picture_with_something_on_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    SimThings(train_images=1).draw_picture(8, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert (sheet.format, min(sheet.size) > 1000) == ("PNG", True)
        assert np.asarray(sheet.convert("L")).std() > 20  # an empty sheet has none
    assert capfd.readouterr() == ("", "")


def test_contact_sheet_of_an_unknown_subject_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown subject '12'"):
        SimThings(train_images=1).draw_picture(12, tmp_path / "sheet.png")
    assert not list(tmp_path.iterdir())
