"""Where the files of THINGS-EEG2 come from: nodes of the Open Science Framework, and a page for NICE's version."""

from eegbench.datasets.remote import FOLDER, RemoteFile
from eegbench.datasets.things_eeg2.published import FILES, METADATA, VERSIONS
from eegbench.datasets.things_eeg2.published import IMAGES as IMAGE_FOLDERS

SESSIONS = range(1, 5)
EEG_NODE, IMAGE_NODE = "anp5v", "y63gw"
NICE_PAGE = "https://github.com/eeyhsong/NICE-EEG"
ARRAYS = "numpy or pickle"


def _osf(path: str, node: str, kind: str, about: str) -> RemoteFile:
    return RemoteFile(path, f"https://osf.io/{node}/", kind, about, node=node)


IMAGES: tuple[RemoteFile, ...] = (
    _osf(IMAGE_FOLDERS["train"], IMAGE_NODE, FOLDER, "a folder for each of 1654 concepts, 10 JPEGs in each"),
    _osf(IMAGE_FOLDERS["test"], IMAGE_NODE, FOLDER, "a folder for each of 200 concepts, 1 JPEG in each"),
    _osf(METADATA[0], IMAGE_NODE, ARRAYS, "the names of concepts and images"),
)


def official(subject: int) -> tuple[RemoteFile, ...]:
    """The authors' preprocessed EEG: 17 channels at 100 Hz, from -0.2 s to 0.79 s."""
    return tuple(
        _osf(path, EEG_NODE, ARRAYS, f"EEG of subject {subject}, 17 channels") for path in _paths("official", subject)
    )


def nice(subject: int) -> tuple[RemoteFile, ...]:
    """EEG as NICE preprocesses it, 63 channels at 250 Hz from 0 s: no address is known, its code makes it of `raw`."""
    return tuple(
        RemoteFile(path, NICE_PAGE, ARRAYS, f"EEG of subject {subject}, 63 channels, made by NICE's preprocessing")
        for path in _paths("nice", subject)
    )


def raw(subject: int) -> tuple[RemoteFile, ...]:
    """The recordings of a subject's four sessions: 63 channels and the stimulus channel at 1000 Hz."""
    return tuple(
        _osf(f"raw_data/sub-{subject:02d}/ses-{session:02d}/{file}", EEG_NODE, ARRAYS, f"raw EEG of subject {subject}")
        for session in SESSIONS
        for file in ("raw_eeg_training.npy", "raw_eeg_test.npy")
    )


def _paths(version: str, subject: int) -> list[str]:
    return [f"{VERSIONS[version].folder}/sub-{subject:02d}/{file}" for file in FILES.values()]
