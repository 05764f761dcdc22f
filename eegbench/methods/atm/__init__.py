"""ATM of Li et al. (NeurIPS 2024)."""

from eegbench.methods.atm.method import Atm
from eegbench.methods.atm.reconstructor import AtmReconstructor

__all__ = ["Atm", "AtmReconstructor"]
