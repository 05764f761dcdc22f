"""One door for each heavy dependency; torch lives here and in the methods."""

from eegbench.backbones.micro.judges import judges as micro_judges
from eegbench.backbones.pixels import Pixels
from eegbench.contracts import Backbone
from eegbench.errors import unknown

SUITES = {"micro": micro_judges}


def suite(name: str, protocol: str, device: str = "cpu") -> list[Backbone]:
    """The judges of a suite under an input protocol, weights loaded and checked."""
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return [Pixels(protocol, device), *SUITES[name](protocol, device)]
