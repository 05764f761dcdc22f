"""EEGCVPR: EEG of six people who saw 40 classes of ImageNet, block by block (Spampinato et al., CVPR 2017)."""

from eegbench.datasets.eegcvpr.dataset import EegCvpr

__all__ = ["EegCvpr"]
