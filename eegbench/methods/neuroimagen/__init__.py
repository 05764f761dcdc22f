"""NeuroImagen of Lan et al."""

from eegbench.methods.neuroimagen.method import NeuroImagen
from eegbench.methods.neuroimagen.reconstructor import NeuroImagenReconstructor

__all__ = ["NeuroImagen", "NeuroImagenReconstructor"]
