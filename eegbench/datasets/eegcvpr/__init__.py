"""EEGCVPR: EEG of six people who saw 40 classes of ImageNet, block by block (Spampinato et al., CVPR 2017)."""
