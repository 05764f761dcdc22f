"""The files of THINGS-EEG2 and the nodes of the Open Science Framework that have them.

Paths below the root are those of the authors' code (gifale95/eeg_encoding).
"""

from eegbench.datasets.remote import FOLDER, RemoteFile

SUBJECTS, SESSIONS = range(1, 11), range(1, 5)
EEG_NODE, IMAGE_NODE = "anp5v", "y63gw"
PARTITIONS = ("training", "test")


def _osf(path: str, node: str, kind: str, about: str) -> RemoteFile:
    return RemoteFile(path, f"https://osf.io/{node}/", kind, about, node=node)


IMAGES: tuple[RemoteFile, ...] = (
    _osf("image_set/training_images", IMAGE_NODE, FOLDER, "a folder for each of 1654 concepts, 10 JPEGs in each"),
    _osf("image_set/test_images", IMAGE_NODE, FOLDER, "a folder for each of 200 concepts, 1 JPEG in each"),
    _osf("image_set/image_metadata.npy", IMAGE_NODE, "numpy or pickle", "the names of concepts and images"),
)


def preprocessed(subject: int) -> tuple[RemoteFile, ...]:
    """The authors' preprocessed EEG: 17 channels at 100 Hz, from -0.2 s to 0.79 s."""
    return tuple(
        _osf(
            f"preprocessed_data/sub-{subject:02d}/preprocessed_eeg_{partition}.npy",
            EEG_NODE, "numpy or pickle", f"preprocessed {partition} EEG of subject {subject}",
        )
        for partition in PARTITIONS
    )  # fmt: skip


def raw(subject: int) -> tuple[RemoteFile, ...]:
    """The recordings of a subject's four sessions: 63 channels and the stimulus channel at 1000 Hz."""
    return tuple(
        _osf(
            f"raw_data/sub-{subject:02d}/ses-{session:02d}/raw_eeg_{partition}.npy",
            EEG_NODE, "numpy or pickle", f"raw {partition} EEG of subject {subject}, session {session}",
        )
        for session in SESSIONS
        for partition in PARTITIONS
    )  # fmt: skip


PREPROCESSED = tuple(file for subject in SUBJECTS for file in preprocessed(subject))
RAW = tuple(file for subject in SUBJECTS for file in raw(subject))
REMOTE = IMAGES + PREPROCESSED
