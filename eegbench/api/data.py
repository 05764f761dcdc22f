"""`dataset`: a data set itself, with its options checked."""

from eegbench.api.arguments import settings as settings_of
from eegbench.api.arguments import word
from eegbench.api.border import own_errors
from eegbench.benchmark.plan import Options, dataset_of
from eegbench.configuration import read_tables
from eegbench.contracts import Dataset


@own_errors()
def dataset(name: str, **options: object) -> Dataset:
    """A data set by a name of `eegbench list datasets`: an `eegbench.contracts.Dataset`.

    options: its keys, checked as those of `--set`: dataset("sim-things", snr=0). `train(subject)` is a TrainingSet, EEG
    float32 (trials, channels, times) with the images that it showed; `queries(subject)` are Queries, test EEG and
    stimulus ids; `answers(subject)` are Answers, the test images, uint8 (n, h, w, 3).

    Raises UsageError for a name, key or value that cannot be, MissingError for files that are not there.
    """
    given = settings_of({f"dataset.{key}": value for key, value in options.items()})
    return dataset_of(Options(word("name", name), dataset_table=read_tables(None, given)["dataset"]))
