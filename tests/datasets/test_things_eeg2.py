"""THINGS-EEG2 from files in its exact formats: what comes out, and what is refused."""

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

import raw_files
import things_files as files
from eegbench.benchmark import fit
from eegbench.benchmark.plan import Options, plan
from eegbench.channels import THINGS_NICE, THINGS_OCCIPITAL
from eegbench.contracts import Silent
from eegbench.datasets.prepared import MANIFEST, Prepared
from eegbench.datasets.things_eeg2 import ThingsEEG2, published
from eegbench.datasets.things_eeg2.raw import RawOptions
from eegbench.errors import EegbenchError, InputError, MissingError, UsageError
from eegbench.files import digest
from memory import at_most, laughs

Version = Literal["nice", "official"]
VERSIONS: tuple[Version, ...] = ("nice", "official")
SMALL = files.Small()


def no_tensors(path: Path) -> Any:
    raise AssertionError("THINGS-EEG2 has no such files")


def prepare(dataset: ThingsEEG2, *subjects: int) -> list[Path]:
    return dataset.prepare(subjects or (8,), tensors=no_tensors, progress=Silent())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both versions of one subject, as published."""
    root = tmp_path_factory.mktemp("things")
    files.write(root, "nice")
    files.write_subject(root, "official", SMALL)
    return root


@pytest.fixture(scope="module", params=VERSIONS)
def dataset(whole: Path, request: pytest.FixtureRequest) -> ThingsEEG2:
    """Prepared."""
    made = ThingsEEG2(preprocessing=request.param, root=whole)
    prepare(made)
    return made


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A root that a test may spoil, of NICE's version."""
    files.write(tmp_path, "nice", SMALL)
    return tmp_path


def test_training_data_are_the_files_means_with_images_and_concepts(dataset: ThingsEEG2) -> None:
    train = dataset.train(8)
    truth = files.eeg_of(dataset.preprocessing, SMALL, "train", 8)
    np.testing.assert_allclose(train.eeg, truth.mean(1), rtol=1e-5, atol=1e-5)
    assert train.eeg.dtype == np.float32 and isinstance(train.eeg, np.memmap)
    assert train.info.channels == (THINGS_NICE if dataset.preprocessing == "nice" else THINGS_OCCIPITAL)
    assert (train.info.rate, train.info.start) == ((250.0, 0.0) if dataset.preprocessing == "nice" else (100.0, -0.2))
    assert train.stimuli[:2] == ("00001_thing1/thing1_01s", "00001_thing1/thing1_02b")
    assert train.concepts[9:11] == ("thing1", "thing2") and train.shown.tolist() == list(range(30))
    file = dataset.root / "image_set/training_images/00002_thing2/thing2_01s.jpg"
    np.testing.assert_array_equal(train.images[10], np.asarray(Image.open(file)))


def test_each_repetition_can_be_a_trial_of_its_own(dataset: ThingsEEG2) -> None:
    train = dataclasses.replace(dataset, trials="each").train(8)
    truth = files.eeg_of(dataset.preprocessing, SMALL, "train", 8)
    np.testing.assert_allclose(train.eeg, truth.reshape(-1, *truth.shape[2:]), rtol=1e-5, atol=1e-6)
    assert train.shown.tolist() == np.repeat(np.arange(30), 4).tolist() and len(train.images) == 30
    assert isinstance(train.eeg, np.memmap)


def test_queries_average_all_repetitions_or_some_that_are_drawn(dataset: ThingsEEG2) -> None:
    truth = files.eeg_of(dataset.preprocessing, SMALL, "test", 8)
    every = dataset.queries(8)
    np.testing.assert_allclose(every.eeg, truth.mean(1), rtol=1e-5, atol=1e-5)
    some = dataset.queries(8, average=3)
    sets = [[np.abs(truth[i, list(three)].mean(0) - some.eeg[i]).max() < 1e-5 for three in _threes()] for i in range(4)]
    assert all(sum(found) == 1 for found in sets)
    np.testing.assert_array_equal(some.eeg, dataset.queries(8, average=3).eeg)
    assert (some.eeg != dataclasses.replace(dataset, draw=1).queries(8, average=3).eeg).any()
    np.testing.assert_allclose(dataset.queries(8, average=8).eeg, every.eeg, atol=1e-5)
    for wrong in (0, 9, "some", True):
        with pytest.raises(UsageError, match="wanted 'all' or a whole number from 1 to 8"):
            dataset.queries(8, average=wrong)


def _threes() -> list[tuple[int, int, int]]:
    return [(a, b, c) for a in range(8) for b in range(a + 1, 8) for c in range(b + 1, 8)]


def test_answers_are_the_test_images_by_id(dataset: ThingsEEG2) -> None:
    answers = dataset.answers(8)
    assert answers.stimuli == dataset.queries(8).stimuli and answers.stimuli[0] == "00001_other1/other1_06s"
    assert answers.images.shape == (4, 500, 500, 3) and answers.concepts == ("other1", "other2", "other3", "other4")


def test_channels_are_matched_by_name(copy: Path) -> None:
    path = copy / "Preprocessed_data_250Hz/sub-08" / files.NAMES["test"]
    content = pickle.loads(path.read_bytes())
    order = np.random.default_rng(0).permutation(63)
    content["ch_names"] = [content["ch_names"][i] for i in order]
    content["preprocessed_eeg_data"] = content["preprocessed_eeg_data"][:, :, order]
    files.save("nice", path, content)
    dataset = ThingsEEG2(root=copy)
    prepare(dataset)
    np.testing.assert_allclose(
        dataset.queries(8).eeg, files.eeg_of("nice", SMALL, "test", 8).mean(1), rtol=1e-5, atol=1e-5
    )


def test_raw_files_are_prepared_by_options_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = files.Small(concepts=1, tests=2, repetitions=(4, 80))
    monkeypatch.setattr(raw_files, "CONDITIONS", small.conditions)
    monkeypatch.setattr(raw_files, "COUNTS", {"train": (2, 2), "test": (4, 20)})
    files.write_images(tmp_path, small)
    raw_files.write_subject(tmp_path / "raw_data" / "sub-08")
    dataset = ThingsEEG2(preprocessing="raw", raw=RawOptions("occipital", rate=100.0), root=tmp_path)
    folder = prepare(dataset)[0]
    train, queries = dataclasses.replace(dataset, trials="each").train(8), dataset.queries(8)
    assert train.eeg.shape == (40, 17, 100) and queries.eeg.shape == (2, 17, 100)
    assert train.info.channels == THINGS_OCCIPITAL and train.info.unit == "whitened"
    rows = Prepared.read(folder, remedy="").table("trials.csv")
    assert len(rows) == 40 + 160 and list(rows[0].values()) == ["train", "00001_thing1/thing1_01s", "thing1", "1", "1"]
    assert list(rows[-1].values()) == ["test", "00002_other2/other2_06s", "other2", "80", "4"]
    other = dataclasses.replace(dataset, raw=RawOptions("occipital", rate=100.0, mvnn="official"))
    with pytest.raises(
        MissingError, match=r"--from raw --set raw.channels=occipital --set raw.mvnn=official --set raw"
    ):
        other.train(8)  # a preparation with other options is another one
    with pytest.raises(UsageError, match="raw is set, and preprocessing is nice, as published; set it to raw"):
        ThingsEEG2(raw=RawOptions("occipital"))


def test_what_is_prepared_is_left_and_what_was_cut_off_goes_on(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, asked = ThingsEEG2(root=copy), list[str]()
    read = published.read_recording

    def counted(path: Path, *rest: Any) -> Any:
        asked.append(path.name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return read(path, *rest)

    monkeypatch.setattr("eegbench.datasets.things_eeg2.published.read_recording", counted)
    with pytest.raises(KeyboardInterrupt):
        prepare(dataset)
    with pytest.raises(MissingError, match=r"not prepared to its end; run: eegbench datasets prepare things-eeg2"):
        dataset.queries(8)
    for _ in range(2):
        prepare(dataset)
    assert asked == [files.NAMES["train"], files.NAMES["test"], files.NAMES["test"]]
    files.save("nice", copy / "Preprocessed_data_250Hz/sub-08" / asked[0], files.held("nice", SMALL, "train", 5))
    prepare(dataset)  # from other files: anew
    np.testing.assert_allclose(
        dataset.train(8).eeg, files.eeg_of("nice", SMALL, "train", 5).mean(1), rtol=1e-5, atol=1e-5
    )


def test_every_byte_is_verified(copy: Path) -> None:
    dataset = ThingsEEG2(root=copy)
    folder = prepare(dataset)[0]
    assert dataset.verify([8], progress=Silent()) == []
    before = dataset.digests(8)
    assert set(before) == {"prepared/nice/sub-08", "prepared/images"}
    with (folder / "test.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    (problem,) = dataset.verify([8], progress=Silent())
    assert "test.npy: damaged, its sha256" in problem
    (folder / "test.npy").write_bytes(b"short")
    with pytest.raises(InputError, match=r"test.npy: 5 bytes, wanted \d+ bytes; delete it, and prepare"):
        dataset.queries(8, average=2)
    (folder / MANIFEST).write_text("{}")
    with pytest.raises(InputError, match="no manifest of version 1"):
        dataset.queries(8)


def test_a_near_duplicate_is_reported_and_the_same_image_refused(copy: Path) -> None:
    train = copy / "image_set/training_images/00002_thing2/thing2_01s.jpg"
    test = copy / "image_set/test_images/00003_other3/other3_06s.jpg"
    Image.open(train).save(test, quality=60)
    dataset = ThingsEEG2(root=copy)
    prepare(dataset)
    (problem,) = dataset.verify([8], progress=Silent())
    assert problem.startswith("test image 00003_other3/other3_06s is almost the training image 00002_thing2/thing2_01s")
    test.write_bytes(train.read_bytes())
    with pytest.raises(InputError, match="are one and the same image: a model would be tested on what it was trained"):
        prepare(dataset)


Spoil = Callable[[dict[str, Any]], object]


def _put(key: str, value: object) -> Spoil:
    return lambda content: content | {key: value}


def _data(change: Callable[[Any], Any]) -> Spoil:
    return lambda content: content | {"preprocessed_eeg_data": change(content["preprocessed_eeg_data"])}


def _with(value: float) -> Callable[[Any], Any]:
    def change(data: Any) -> Any:
        data[17, 2, 5, 7] = value
        return data

    return change


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_data(_with(np.nan)), r"NaN or infinite samples in AF4 \(1 sample in 1 of 120 trials, .* 3 of condition 18"),
        (_data(_with(-np.inf)), "NaN or infinite samples in AF4"),
        (_data(_with(1e300)), r"samples up to 1e\+300, too large for any unit of EEG, in AF4"),
        (_data(lambda data: data[:29]), "EEG of 29 conditions; the images' metadata name 30"),
        (_data(lambda data: data[..., :240]), r"240 samples, times 0.04 to 0.996 s; the version 'nice' has 250"),
        (_data(lambda data: data[:, :, :62]), "62 channels under 63 names, wanted the 63"),
        (_data(lambda data: data.mean(1)), r"the EEG is float64 of shape \(30, 63, 250\); wanted floats"),
        (_data(lambda data: data.astype(int)), "the EEG is int64 of shape"),
        (_data(lambda data: data.tolist()), "the EEG is list"),
        (_put("ch_names", ["Cz"] * 63), "is not on both sides"),
        (_put("ch_names", "Cz"), "63 channels under 0 names"),
        (_put("times", np.arange(250) / 100), "the version 'nice' has 250, from 0 to 0.996 s"),
        (_put("times", "none"), "times none"),
        (_put("times", [[0.0], [0.0, 1.0]]), "times none"),
        (_put("times", np.zeros((2, 250))), "times none"),
        (_put("times", [10**400] * 250), "times none"),
        (_put("ch_names", [*THINGS_NICE, 1]), "63 channels under 0 names"),
        (lambda content: {"eeg": 1}, r"holds the keys eeg; wanted a dictionary with preprocessed_eeg_data, ch_names"),
        (lambda content: [1, 2], "holds a list; wanted a dictionary with preprocessed_eeg_data"),
    ],
)
def test_a_file_that_is_not_the_published_one_is_refused(copy: Path, spoil: Spoil, message: str) -> None:
    path = copy / "Preprocessed_data_250Hz/sub-08" / files.NAMES["train"]
    files.save("nice", path, spoil(files.held("nice", SMALL, "train", 8)))
    _refused(copy, f"{files.NAMES['train']}: .*{message}")


def _refused(root: Path, message: str, kind: type[EegbenchError] = InputError) -> None:
    with pytest.raises(kind, match=message) as caught:
        prepare(ThingsEEG2(root=root))
    assert "\n" not in str(caught.value)
    assert not list(root.glob("prepared/**/*.part")) and not list(root.glob(f"prepared/**/sub-08/{MANIFEST}"))


def test_a_page_of_the_web_a_torn_file_and_a_program_are_refused(copy: Path, tmp_path: Path) -> None:
    path = copy / "Preprocessed_data_250Hz/sub-08" / files.NAMES["train"]
    whole = path.read_bytes()
    path.write_bytes(b"<!DOCTYPE html><html><body>Sign in</body></html>")
    _refused(copy, "refused: it is a page of the web, not data; get the file itself")
    path.write_bytes(whole[: len(whole) // 2])
    _refused(copy, "not a whole numpy or pickle file")
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    _refused(copy, "refused: it asks for 'os.system'|a part of the pickle language")
    assert not (tmp_path / "ran").exists()
    path.unlink()
    _refused(copy, "no such file; `eegbench datasets fetch things-eeg2` gets it", MissingError)


def test_a_subjects_file_under_anothers_name_is_refused(copy: Path) -> None:
    dataset = ThingsEEG2(root=copy)
    prepare(dataset)
    files.write_subject(copy, "nice", SMALL, 5)
    source = copy / "Preprocessed_data_250Hz"
    (source / "sub-05" / files.NAMES["test"]).write_bytes((source / "sub-08" / files.NAMES["test"]).read_bytes())
    with pytest.raises(
        InputError,
        match=r"sub-05/preprocessed_eeg_test.npy: is byte for byte .*250Hz/sub-08/preprocessed_eeg_test.npy",
    ):
        prepare(dataset, 5)


def test_eeg_is_never_joined_to_images_of_another_order(copy: Path) -> None:
    dataset = ThingsEEG2(root=copy)
    prepare(dataset)
    path = copy / "image_metadata.npy"
    held = np.load(path, allow_pickle=True).item()
    np.save(path, {key: names[::-1] for key, names in held.items()}, allow_pickle=True)  # type: ignore[arg-type]
    files.write_subject(copy, "nice", SMALL, 9)
    prepare(dataset, 9)
    assert dataset.queries(9).stimuli[0] == "00004_other4/other4_06s"
    for ask in (dataset.train, dataset.queries, dataset.answers):
        with pytest.raises(InputError, match=r"sub-08: was prepared for other images than .*; run: eegbench .* 8"):
            ask(8)
    prepare(dataset, 8)
    assert dataset.queries(8).stimuli == dataset.queries(9).stimuli


def test_a_table_that_lost_a_row_or_its_header_is_refused(copy: Path) -> None:
    dataset = ThingsEEG2(root=copy)
    prepare(dataset)
    table = copy / "prepared/images/train.csv"
    whole = table.read_bytes()
    for spoilt in (whole.replace(b"\n", b" ", 5).replace(b" ", b"\n", 4), b"x" + whole[1:]):
        table.write_bytes(spoilt)
        with pytest.raises(InputError, match=r"train.csv: (cannot be read|damaged, its rows are not).*; delete it"):
            dataset.train(8)


def test_an_image_that_was_replaced_is_read_anew(copy: Path) -> None:
    dataset = ThingsEEG2(root=copy)
    prepare(dataset)
    before = dataset.answers(8).images, dataset.digests(8)
    path = copy / "image_set/test_images/00001_other1/other1_06s.jpg"
    size = path.stat().st_size
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path, quality=60)
    path.write_bytes(path.read_bytes().ljust(size, b"\0"))
    assert path.stat().st_size == size
    prepare(dataset)
    after = dataset.answers(8).images, dataset.digests(8)
    assert (after[0][0] != before[0][0]).any() and (after[0][1:] == before[0][1:]).all() and after[1] != before[1]


def test_a_session_under_anothers_name_is_refused(tmp_path: Path) -> None:
    files.write_images(tmp_path, SMALL)
    raw_files.write_subject(tmp_path / "raw_data" / "sub-08")
    sessions = tmp_path / "raw_data/sub-08"
    (sessions / "ses-03/raw_eeg_test.npy").write_bytes((sessions / "ses-01/raw_eeg_test.npy").read_bytes())
    with pytest.raises(InputError, match=r"ses-01/raw_eeg_test.npy: is byte for byte raw_data/sub-08/ses-03/raw_eeg"):
        prepare(ThingsEEG2(preprocessing="raw", root=tmp_path))


def test_which_repetitions_are_drawn_shapes_no_fit(whole: Path, tmp_path: Path) -> None:
    prepare(ThingsEEG2(root=whole))
    plans = [
        plan("mean_image", 8, Options(dataset="things-eeg2", dataset_table={"root": whole, **more}), device="cpu")
        for more in ({}, {"draw": 1}, {"trials": "each"})
    ]
    shapes = [digest(fit.shape(planned)) for planned in plans]
    assert shapes[0] == shapes[1] != shapes[2] and len({planned.spec.key for planned in plans}) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test_img_files": ["../../x.jpg"] * 4}, r"test_img_files holds '../../x.jpg', which is no name of a file"),
        ({"train_img_concepts": ["/etc"] * 30}, r"train_img_concepts holds '/etc'"),
        ({"train_img_files": ["a.jpg"] * 30}, r"names the image '00001_thing1/a' twice"),
        ({"train_img_files": ["a.jpg"] * 3}, r"3 images of 30 concepts in the split train"),
        ({"train_img_files": 7}, r"train_img_files is a int; wanted a list of names"),
    ],
)
def test_metadata_that_lead_elsewhere_are_refused(copy: Path, change: dict[str, Any], message: str) -> None:
    path = copy / "image_metadata.npy"
    np.save(path, np.load(path, allow_pickle=True).item() | change, allow_pickle=True)
    _refused(copy, message)


@pytest.mark.parametrize("names", [[laughs("a", 1)] * 4, np.array([["a.jpg"]] * 4), np.array("a.jpg"), [1] * 4])
def test_names_that_are_no_words_are_refused(copy: Path, names: object) -> None:
    path = copy / "image_metadata.npy"
    files.save("nice", path, np.load(path, allow_pickle=True).item() | {"test_img_files": names})
    _refused(copy, "test_img_files (holds .*, which is no name of a file or folder|is a str; wanted a list of names)")


def test_small_metadata_do_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "image_metadata.npy"
    np.save(path, {"train_img_concepts": laughs("a"), "train_img_files": ["a"]}, allow_pickle=True)  # type: ignore[arg-type]
    with at_most(), pytest.raises(InputError, match="train_img_concepts holds") as error:
        published.read_metadata(tmp_path)
    assert path.stat().st_size < 1000 > len(str(error.value))


@pytest.mark.parametrize(("key", "value", "said"), [("ch_names", "a", "under 0 names"), ("times", 0.0, "times none")])
def test_small_recordings_do_not_fill_the_memory(tmp_path: Path, key: str, value: object, said: str) -> None:
    content = {"preprocessed_eeg_data": np.zeros((1, 1, 63, 250)), "ch_names": [*THINGS_NICE], "times": [0.0]}
    files.save("nice", tmp_path / "a.npy", content | {key: laughs(value)})
    with at_most(), pytest.raises(InputError, match=said):
        published.read_recording(tmp_path / "a.npy", "nice", 1)


def test_an_image_that_is_not_there_or_of_another_size_is_named(copy: Path) -> None:
    path = copy / "image_set/test_images/00002_other2/other2_06s.jpg"
    Image.open(path).resize((400, 500)).save(path)
    with pytest.raises(InputError, match=r"other2_06s.jpg: 400 x 500 pixels; the published images have 500 x 500"):
        prepare(ThingsEEG2(root=copy))
    path.unlink()
    with pytest.raises(MissingError, match=r"other2_06s.jpg: no such image"):
        prepare(ThingsEEG2(root=copy))


def test_unknown_subjects_and_unprepared_ones_are_said(whole: Path) -> None:
    dataset = ThingsEEG2(root=whole)
    with pytest.raises(UsageError, match="unknown subject '11'"):
        dataset.train(11)
    with pytest.raises(MissingError, match=r"sub-03: not prepared; run: eegbench datasets prepare .* --subject 3"):
        dataset.train(3)
