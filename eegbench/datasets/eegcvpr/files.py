"""The files of EEGCVPR. No direct address is known: the page of the authors' repository leads to them."""

from eegbench.datasets.remote import FOLDER, RemoteFile

PAGE = "https://github.com/perceivelab/eeg_visual_classification"


def _torch(path: str, about: str) -> RemoteFile:
    return RemoteFile(path, PAGE, "torch", about)


EEG = (
    _torch("eeg_5_95_std.pth", "EEG of all subjects, 5 to 95 Hz, z-scored"),
    _torch("eeg_14_70_std.pth", "EEG of all subjects, 14 to 70 Hz, z-scored"),
    _torch("eeg_55_95_std.pth", "EEG of all subjects, 55 to 95 Hz, z-scored"),
    _torch("eeg_signals_raw_with_mean_std.pth", "raw EEG of all subjects, with means and standard deviations"),
)
SPLITS = (
    _torch("block_splits_by_image_all.pth", "split by image, all subjects"),
    _torch("block_splits_by_image_single.pth", "split by image, for one subject"),
)
IMAGES = (RemoteFile("images", PAGE, FOLDER, "the ImageNet JPEGs, named as in the EEG file, as n02106662_13"),)
