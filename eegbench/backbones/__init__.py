"""One door for each heavy dependency; torch lives here and in the methods."""

from collections.abc import Set
from dataclasses import dataclass, field

from eegbench.backbones.micro.judges import judges as micro_judges
from eegbench.backbones.pixels import Pixels
from eegbench.backbones.reference.judges import judges as reference_judges
from eegbench.contracts import ImageJudge
from eegbench.errors import unknown

SUITES = {"micro": micro_judges, "reference": reference_judges}


@dataclass(frozen=True)
class Suite:
    """Judges that agree on an input protocol. `missing`: by feature, why its judge is not to be had here."""

    name: str
    protocol: str
    judges: tuple[ImageJudge, ...]
    missing: dict[str, str] = field(default_factory=dict)


def suite(
    name: str,
    protocol: str,
    device: str = "cpu",
    *,
    features: Set[str] | None = None,
    half: bool = False,
    allow_unverified: bool = False,
) -> Suite:
    """The judges of a suite that provide `features`, or all of them; weights found and their digests checked.

    `half`: networks of the reference suite in half precision. Raises InputError for weights that are not the
    published ones, unless `allow_unverified`.
    """
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    judges, missing = SUITES[name](protocol, device, features=features, half=half, allow_unverified=allow_unverified)
    return Suite(name, protocol, (Pixels(protocol, device), *judges), missing)
