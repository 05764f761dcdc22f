"""The LLM-caption method of Rezvani et al."""

from eegbench.methods.llm_caption.heads import HEADS, CaptionSettings
from eegbench.methods.llm_caption.method import LlmCaption
from eegbench.methods.llm_caption.reconstructor import LlmCaptionReconstructor

__all__ = ["HEADS", "CaptionSettings", "LlmCaption", "LlmCaptionReconstructor"]
