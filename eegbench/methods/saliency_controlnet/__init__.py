"""The saliency-guided ControlNet of Abramov and Makarov."""

from eegbench.methods.saliency_controlnet.method import SaliencyControlNet
from eegbench.methods.saliency_controlnet.reconstructor import SaliencyControlNetReconstructor

__all__ = ["SaliencyControlNet", "SaliencyControlNetReconstructor"]
