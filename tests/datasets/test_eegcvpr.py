"""EEGCVPR from files in its exact formats: which trials come out, and what is refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

import eegcvpr_files as files
from eegbench.backbones.tensors import read_tensors_as_arrays
from eegbench.contracts import Silent
from eegbench.datasets.eegcvpr import EegCvpr, source
from eegbench.datasets.eegcvpr.labels import NAMES
from eegbench.datasets.prepared import MANIFEST
from eegbench.errors import EegbenchError, InputError, MissingError, UsageError
from memory import at_most, laughs

Value = dict[str, Any]
SIDE = 32


def opened(root: Path, **options: Any) -> EegCvpr:
    return EegCvpr(root=root, image_side=SIDE, **options)


def prepare(dataset: EegCvpr, *subjects: int) -> list[Path]:
    return dataset.prepare(subjects or (4,), tensors=read_tensors_as_arrays, progress=Silent())


def refused(dataset: EegCvpr, *subjects: int, kind: type[EegbenchError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        prepare(dataset, *subjects)
    said = str(caught.value)
    assert "\n" not in said and len(said) < 500
    return said


def stimulus(value: Value, trial: Value) -> str:
    name = value["images"][trial["image"]]
    return f"{name.partition('_')[0]}/{name}"


def expected(value: Value, fold: int, part: str, subject: int, *, single: bool) -> list[Value]:
    """The trials of a part, worked out anew from what the published files and their authors' loader do."""
    split = files.splits(value, single=subject if single else None)["splits"][fold][part]
    if single:
        mine = [trial for trial in value["dataset"] if trial["subject"] == subject]
        found = [mine[place] for place in split]
    else:
        found = [value["dataset"][place] for place in split if value["dataset"][place]["subject"] == subject]
    return [trial for trial in found if 450 <= trial["eeg"].shape[1] <= 600]


def assert_trials(value: Value, trials: list[Value], eeg: Any, stimuli: list[str]) -> None:
    assert len(trials) == len(eeg) > 0
    assert [stimulus(value, trial) for trial in trials] == stimuli
    np.testing.assert_array_equal(eeg, np.stack([trial["eeg"].numpy()[:, 20:460] for trial in trials]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Value]:
    """The published files of one band, prepared with both splits; and what the recording holds."""
    root = tmp_path_factory.mktemp("eegcvpr")
    value = files.write(root)
    for split in ("all", "single"):
        prepare(opened(root, split=split))
    return root, value


@pytest.mark.parametrize("fold", [0, 1])
@pytest.mark.parametrize("split", ["all", "single"])
def test_the_trials_of_a_fold_come_out_as_in_the_files(whole: tuple[Path, Value], split: str, fold: int) -> None:
    root, value = whole
    dataset = opened(root, split=split, fold=fold)
    train, queries, answers = dataset.train(4), dataset.queries(4), dataset.answers(4)
    wanted = {part: expected(value, fold, part, 4, single=split == "single") for part in ("train", "test")}
    assert_trials(value, wanted["train"], train.eeg, [train.stimuli[i] for i in train.shown])
    assert_trials(value, wanted["test"], queries.eeg, list(queries.stimuli))
    assert queries.stimuli == answers.stimuli
    assert train.eeg.dtype == np.float32 and train.eeg.shape[1:] == (128, 440)
    assert not set(train.stimuli) & set(queries.stimuli)


def test_the_length_filter_leaves_trials_out_of_training(whole: tuple[Path, Value]) -> None:
    root, value = whole
    lengths = [value["dataset"][i]["eeg"].shape[1] for i in files.splits(value)["splits"][0]["train"]]
    kept = [n for n in lengths if n in (460, 498, 500, 512, 600)]
    assert set(lengths) - set(kept) == {449, 601} and {460, 600} <= set(kept)
    assert len(opened(root, protocol="pooled").train(4).eeg) == len(kept)


def test_pooled_trains_on_all_subjects_and_tests_on_the_own(whole: tuple[Path, Value]) -> None:
    root, value = whole
    train, alone = opened(root, protocol="pooled").train(4), opened(root).train(4)
    wanted = [t for i in files.splits(value)["splits"][0]["train"] if (t := value["dataset"][i])]
    wanted = [t for t in wanted if 450 <= t["eeg"].shape[1] <= 600]
    assert {t["subject"] for t in wanted} == set(range(1, 7))
    assert_trials(value, wanted, train.eeg, [train.stimuli[i] for i in train.shown])
    assert np.bincount(train.shown).max() > 1 and len(set(train.stimuli)) == len(train.stimuli)
    assert np.bincount(alone.shown).max() == 1
    assert len(train.images) == len(train.concepts) == len(train.captions) == len(train.stimuli)
    one, other = opened(root, protocol="pooled").queries(4), opened(root).queries(4)
    assert one.stimuli == other.stimuli and np.array_equal(one.eeg, other.eeg)


def test_every_stimulus_stands_with_its_own_image_and_concept(whole: tuple[Path, Value]) -> None:
    root, _ = whole
    train, answers = opened(root).train(2), opened(root).answers(2)
    seen = [*zip(train.stimuli, train.images, train.concepts, strict=True)]
    seen += [*zip(answers.stimuli, answers.images, answers.concepts, strict=True)]
    assert len(seen) > 5
    for name, image, concept in seen:
        wnid = name.partition("/")[0]
        assert concept == {"n02106662": "German shepherd", "n02124075": "cat"}.get(wnid, wnid)
        with Image.open(next(root.glob(f"images/{name}.*"))) as file:
            least = min(file.size)
            left, top = (file.width - least) // 2, (file.height - least) // 2
            square = file.convert("RGB").crop((left, top, left + least, top + least))
        np.testing.assert_array_equal(image, np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)))


def test_there_are_no_captions_for_labels_are_made_from_concepts(whole: tuple[Path, Value]) -> None:
    from eegbench.methods.neuroimagen import NeuroImagen

    train = opened(whole[0]).train(4)
    assert set(train.captions) == {()}
    said = NeuroImagen(captions="label", template="An image of {}").prompts(train)
    assert said[0] == "An image of German shepherd" and len(said) == len(train.stimuli)


def test_info_is_the_published_recordings(whole: tuple[Path, Value]) -> None:
    from eegbench.checks.rehearse import RECORDINGS

    info = opened(whole[0]).info
    assert info == RECORDINGS["eegcvpr"]
    assert (len(info.channels), info.rate, info.start, info.times, info.unit) == (128, 1000.0, 0.02, 440, "z-scored")
    assert opened(whole[0], signals="raw").info.unit == "unstated"


def test_forty_classes_have_names() -> None:
    assert len(NAMES) == len(set(NAMES.values())) == 40
    assert all(re.fullmatch(r"n\d{8}", wnid) for wnid in NAMES)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_all_four_recordings_in_both_formats(tmp_path: Path, legacy: bool) -> None:
    bands: tuple[Literal["5_95", "14_70", "55_95", "raw"], ...] = ("5_95", "14_70", "55_95", "raw")
    assert source.RECORDINGS == files.RECORDINGS
    small = files.Small(each=2, lengths=(460, 449))
    value = files.write(tmp_path, small=small, signals=bands, legacy=legacy)
    seen = set()
    for band in bands:
        dataset = opened(tmp_path, signals=band)
        prepare(dataset, 1)
        train = dataset.train(1)
        seen.add(train.eeg.tobytes())
        if band == "5_95":
            wanted = expected(value, 0, "train", 1, single=False)
            assert_trials(value, wanted, train.eeg, [train.stimuli[i] for i in train.shown])
    assert len(seen) == 4


@pytest.mark.parametrize("average", [2, 0, True, "some"])
def test_each_image_was_shown_once(whole: tuple[Path, Value], average: int | str) -> None:
    dataset = opened(whole[0])
    assert np.array_equal(dataset.queries(4, average=1).eeg, dataset.queries(4).eeg)
    with pytest.raises(UsageError, match="wanted 'all' or 1"):
        dataset.queries(4, average=average)


def test_wrong_options_and_subjects(whole: tuple[Path, Value]) -> None:
    with pytest.raises(UsageError, match="protocol=pooled wants split=all"):
        opened(whole[0], split="single", protocol="pooled")
    with pytest.raises(UsageError, match=r"fold is 2; .* folds 0 to 1"):
        opened(whole[0], fold=2).train(4)
    with pytest.raises(UsageError, match="fold is -1"):
        opened(whole[0], fold=-1)
    with pytest.raises(UsageError, match="image_side is 2"):
        EegCvpr(root=whole[0], image_side=2)
    for ask in (opened(whole[0]).train, opened(whole[0]).queries, opened(whole[0]).answers, opened(whole[0]).digests):
        with pytest.raises(UsageError, match="unknown subject '7'"):
            ask(7)


def test_the_caution_names_the_block_design_and_its_references() -> None:
    said = EegCvpr.caution
    assert said.startswith("Block design") and "not zero-shot" in said
    assert all(words in said for words in ("Li et al.", "43(1):316-333, 2021", "Ahmed et al.", "2012.03849"))


def test_the_files_of_a_configuration_are_told_with_their_page(tmp_path: Path) -> None:
    for band, recording in files.RECORDINGS.items():
        for split, name in files.SPLITS.items():
            wanted = opened(tmp_path, signals=band, split=split).remote((4,))
            assert [file.path for file in wanted] == [recording, name, "images"]
            assert all(file.page.startswith("https://") for file in wanted)


def test_what_is_not_prepared_says_the_command(tmp_path: Path) -> None:
    dataset = opened(tmp_path)
    for ask in (dataset.train, dataset.queries, dataset.answers, dataset.digests):
        with pytest.raises(
            MissingError, match=r"not prepared; run: eegbench datasets prepare eegcvpr --from 5_95 --root .*all"
        ):
            ask(4)


def test_digests_are_of_what_was_prepared(whole: tuple[Path, Value]) -> None:
    digests = opened(whole[0]).digests(4)
    assert set(digests) == {"prepared/5_95", "prepared/splits-all", "prepared/images-32"}
    single = opened(whole[0], split="single").digests(4)
    assert single["prepared/5_95"] == digests["prepared/5_95"] and "prepared/splits-single" in single
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in digests.values())


@pytest.mark.parametrize("name", ["eeg_5_95_std.pth", "block_splits_by_image_all.pth", "images/n02106662"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    files.write(tmp_path)
    path = tmp_path / name
    if path.is_dir():
        path = path / "n02106662_10.JPEG"
    path.unlink()
    said = refused(opened(tmp_path), kind=MissingError)
    assert str(path) in said and "eegbench datasets fetch" in said


def trial(place: int, **values: Any) -> Callable[[Value], object]:
    return lambda value: value["dataset"][place].update(values)


NAN = torch.full((128, 500), 0.5)
NAN[3, 30] = float("nan")
INFINITE = torch.full((128, 500), 1e300, dtype=torch.float64)
BAD_RECORDINGS: dict[str, tuple[Callable[[Value], object], str]] = {
    "NaN": (trial(2, eeg=NAN), r"NaN or infinite samples in electrode 4 \(1 sample in 1 of 51 .* dataset\[2\]"),
    "beyond float32": (
        trial(2, eeg=INFINITE),
        r"samples up to 1e\+300, too large for any unit of EEG, in electrode 1,",
    ),
    "channels": (trial(2, eeg=torch.zeros(127, 500)), r"dataset\[2\]: eeg is float32 of shape \(127, 500\); wanted"),
    "turned": (trial(2, eeg=torch.zeros(500, 128)), r"eeg is float32 of shape \(500, 128\); wanted floats of shape"),
    "one axis": (trial(2, eeg=torch.zeros(128)), r"eeg is float32 of shape \(128,\)"),
    "whole numbers": (trial(2, eeg=torch.zeros(128, 500, dtype=torch.int16)), "eeg is int16"),
    "no tensor": (trial(2, eeg=[1.0]), "eeg is list"),
    "kept but too short": (trial(2, eeg=torch.zeros(128, 455)), r"dataset\[2\] has 455 samples; at least 460"),
    "image past the end": (trial(2, image=12), r"dataset\[2\]: image is 12; wanted a whole number from 0 to 11"),
    "image below 0": (trial(2, image=-1), r"dataset\[2\]: image is -1"),
    "label past the end": (trial(2, label=3), r"label is 3; wanted a whole number from 0 to 2"),
    "label of another": (trial(2, label=2), r"the image n02106662_10 has the label n99999999"),
    "subject 7": (trial(2, subject=7), r"subject is 7; wanted a whole number from 1 to 6"),
    "subject in words": (trial(2, subject="3"), r"subject is '3'"),
    "subject missing": (lambda v: v["dataset"][2].pop("subject"), r"dataset\[2\] is not a trial with"),
    "no dataset": (lambda v: v.pop("dataset"), "holds no list 'dataset': not the published file"),
    "empty": (lambda v: v.update(dataset=[]), "holds no list 'dataset'"),
    "image climbs": (lambda v: v["images"].__setitem__(0, "../../x"), r"images\[0\] is '../../x'; wanted a name"),
    "label is no wnid": (lambda v: v["labels"].__setitem__(0, "dog"), r"labels\[0\] is 'dog'; wanted a WordNet id"),
    "one subject's": (
        lambda v: v.update(dataset=[t for t in v["dataset"] if t["subject"] == 4]),
        "no trial of subject 1, 2, 3, 5, 6; .* a file filtered by subject would give other trials",
    ),
    "all too long": (
        lambda v: [t.update(eeg=torch.zeros(128, 601)) for t in v["dataset"]],
        "none of 72 trials has 450 to 600 samples",
    ),
}


@pytest.mark.parametrize("case", BAD_RECORDINGS)
def test_a_recording_that_is_not_as_published_is_refused(tmp_path: Path, case: str) -> None:
    change, wanted = BAD_RECORDINGS[case]
    files.write(tmp_path, change=change)
    said = refused(opened(tmp_path))
    assert said.startswith(f"{tmp_path / 'eeg_5_95_std.pth'}: ") and re.search(wanted, said)
    with pytest.raises(MissingError):
        opened(tmp_path).train(4)


def first(part: str, *more: Any) -> Callable[[Value], object]:
    return lambda split: split["splits"][0][part].extend(more)


BAD_SPLITS: dict[str, tuple[Callable[[Value], object], str]] = {
    "one past the end": (first("test", 72), r"splits\[0\] has the index 72 in test, and the list .* ends at 71"),
    "past the end, in val": (first("val", 100), "has the index 100 in val"),
    "below 0": (first("train", -1), "the index -1 in train; wanted whole numbers from 0"),
    "a fraction": (first("train", 1.0), "the index 1.0 in train"),
    "true": (first("train", True), "the index True in train"),
    "twice": (lambda s: s["splits"][0]["train"].append(s["splits"][0]["train"][0]), "comes twice"),
    "in two parts": (lambda s: s["splits"][0]["train"].append(s["splits"][0]["test"][0]), "in one part or in two"),
    "an image on both sides": (
        lambda s: s["splits"][0]["train"].append(s["splits"][0]["test"].pop(0)),
        "has n02106662/n02106662_10 in train and in test: a model would be tested on what it was trained on",
    ),
    "no test part": (lambda s: s["splits"][0].pop("test"), r"splits\[0\] has no list 'test'"),
    "no test trials": (lambda s: s["splits"][0].update(test=[]), "has no test trial of subject 4"),
    "a table": (lambda s: s["splits"][0].update(test=torch.zeros(2, 2, dtype=torch.int64)), "has no list 'test'"),
    "no splits": (lambda s: s.pop("splits"), "holds no list 'splits'"),
}


@pytest.mark.parametrize("case", BAD_SPLITS)
def test_a_split_that_is_not_as_published_is_refused(tmp_path: Path, case: str) -> None:
    change, wanted = BAD_SPLITS[case]
    files.write(tmp_path, change_split=change)
    dataset = opened(tmp_path, protocol="pooled")
    said = refused(dataset)
    assert said.startswith(f"{tmp_path / 'block_splits_by_image_all.pth'}: ") and re.search(wanted, said)


MANY = laughs(1)
HUNGRY: dict[str, tuple[Callable[[Value], object], str]] = {
    "a name": (lambda v: v["images"].__setitem__(0, MANY), r"images\[0\] is \[\[\["),
    "a label": (lambda v: v["labels"].__setitem__(0, MANY), r"labels\[0\] is \[\[\["),
    "a subject": (trial(2, subject=MANY), r"subject is \[\[\["),
    "a subject that is many": (trial(2, subject=torch.zeros(10**6, dtype=torch.int32)), "subject is array"),
    "a place": (first("train", MANY), r"the index \[\[\[.* in train"),
    "places of one value": (
        lambda v: v["splits"][0].update(train=torch.zeros(1, dtype=torch.int64).expand(10**7)),
        "a tensor of 80000000 bytes in a storage of 8",
    ),
    "too many places": (
        lambda v: v["splits"][0].update(train=torch.zeros(10**6 + 1, dtype=torch.uint8)),
        "1000001 indices in train; wanted at most 1000000 in all folds",
    ),
}


@pytest.mark.parametrize("case", HUNGRY)
def test_small_files_do_not_fill_the_memory(tmp_path: Path, case: str) -> None:
    change, wanted = HUNGRY[case]
    recording = files.recording(files.Small(each=1))
    path, value = tmp_path / "a.pth", recording
    read: Callable[..., object] = source.read_trials
    if "place" in case:
        value, read = files.splits(recording), source.read_splits
    change(value)
    torch.save(value, path)
    with at_most(), pytest.raises(InputError, match=wanted) as error:
        read(path, read_tensors_as_arrays)
    said = str(error.value)
    assert "\n" not in said and len(said) < 500


def test_folds_have_so_many_places_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = files.splits(files.recording(), folds=2)  # of 72 trials each
    torch.save(value, tmp_path / "a.pth")
    monkeypatch.setattr(source, "MOST", 144)
    assert len(source.read_splits(tmp_path / "a.pth", read_tensors_as_arrays)) == 2
    monkeypatch.setattr(source, "MOST", 143)
    with pytest.raises(InputError, match=r"splits\[1\]: \d+ indices in test; wanted at most 143 in all folds"):
        source.read_splits(tmp_path / "a.pth", read_tensors_as_arrays)


def test_a_single_split_ends_where_the_subjects_own_list_does(tmp_path: Path) -> None:
    files.write(tmp_path, change_split=first("train", 12))  # in the list of all there is a trial 12; it has 72
    said = refused(opened(tmp_path, split="single"))
    assert "has the index 12 in train, and the list of the trials of subject 4 ends at 11" in said
    assert "set split=all" in said


def test_two_test_trials_of_one_image_are_refused(tmp_path: Path) -> None:
    def again(value: Value) -> None:
        twin = dict(value["dataset"][3])
        value["dataset"].append(twin)

    files.write(tmp_path, change=again, change_split=lambda s: s["splits"][0]["test"].append(72) or None)
    with pytest.raises(InputError, match="tests on an image twice"):
        prepare(opened(tmp_path))


class Harm:
    """Pickles to a call that leaves a folder behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_code_is_named_and_not_run(tmp_path: Path, legacy: bool) -> None:
    files.write(tmp_path, legacy=legacy, change=lambda value: value.update(more=Harm(tmp_path / "harm")))
    said = refused(opened(tmp_path))
    assert "eeg_5_95_std.pth" in said and re.search(r"(posix|nt)\.mkdir", said)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"<!DOCTYPE html>\n<html><body>Virus scan warning</body></html>", "a web page"),
        (b"\n  <HTML>", "a web page"),
        (b"", "cannot be read as torch data"),
        (b"not data at all", "cannot be read as torch data"),
    ],
)
def test_what_is_no_torch_file_is_refused(tmp_path: Path, content: bytes, wanted: str) -> None:
    files.write(tmp_path)
    (tmp_path / "eeg_5_95_std.pth").write_bytes(content)
    assert wanted in refused(opened(tmp_path))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float, legacy: bool) -> None:
    files.write(tmp_path, small=files.Small(each=2), legacy=legacy)
    path = tmp_path / "eeg_5_95_std.pth"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "cannot be read as torch data" in refused(opened(tmp_path))


def test_an_interrupted_preparation_goes_on(tmp_path: Path) -> None:
    value = files.write(tmp_path)
    image = tmp_path / "images/n02124075/n02124075_12.png"
    whole, read = image.read_bytes(), list[str]()
    image.write_bytes(whole[:-40])

    def tensors(path: Path) -> Any:
        read.append(path.name)
        return read_tensors_as_arrays(path)

    dataset = opened(tmp_path)
    assert "n02124075_12.png: cannot be read as an image" in refused(dataset)
    with pytest.raises(MissingError, match="not prepared"):
        dataset.train(4)
    image.write_bytes(whole)
    dataset.prepare((4,), tensors=tensors, progress=Silent())
    assert read == []  # neither the recording nor the split is read again
    train = dataset.train(4)
    assert_trials(
        value, expected(value, 0, "train", 4, single=False), train.eeg, [train.stimuli[i] for i in train.shown]
    )


def test_a_recording_that_is_killed_half_way_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = files.write(tmp_path)
    crop, calls = source.cropped, list[int]()

    def killed(path: Path, place: int, trial: Any) -> Any:
        calls.append(place)
        if len(calls) > 9:
            raise KeyboardInterrupt
        return crop(path, place, trial)

    monkeypatch.setattr(source, "cropped", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare(opened(tmp_path))
    monkeypatch.undo()
    assert not (tmp_path / "prepared/5_95" / MANIFEST).exists()
    made = prepare(opened(tmp_path))
    wanted = expected(value, 0, "test", 4, single=False)
    queries = opened(tmp_path).queries(4)
    assert_trials(value, wanted, queries.eeg, list(queries.stimuli))
    assert [path.name for path in made] == ["5_95", "splits-all", "images-32"]
    assert not list(tmp_path.rglob("*.part"))


def test_preparing_again_changes_nothing_and_another_file_everything(tmp_path: Path) -> None:
    files.write(tmp_path)
    dataset = opened(tmp_path)
    prepare(dataset)
    before = dataset.digests(4)
    prepare(dataset)
    assert dataset.digests(4) == before
    files.write(tmp_path, change=lambda value: value["dataset"][0]["eeg"].add_(1))
    prepare(dataset)
    assert dataset.digests(4)["prepared/5_95"] != before["prepared/5_95"]


def test_an_array_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    files.write(tmp_path)
    dataset = opened(tmp_path)
    prepare(dataset)
    before = dataset.train(4).eeg
    (tmp_path / "prepared/5_95/eeg.npy").unlink()
    prepare(dataset)
    assert np.array_equal(dataset.train(4).eeg, before)


def test_verify_finds_nothing_wrong_with_sound_data(whole: tuple[Path, Value]) -> None:
    for split in ("all", "single"):
        assert opened(whole[0], split=split).verify((4,), progress=Silent()) == []


def test_verify_names_damage_and_images_on_both_sides(tmp_path: Path) -> None:
    files.write(tmp_path)
    folder = tmp_path / "images/n02106662"
    (folder / "n02106662_12.JPEG").write_bytes((folder / "n02106662_10.JPEG").read_bytes())  # 10 is tested
    with Image.open(folder / "n02106662_10.JPEG") as image:
        image.resize((90, 68)).save(folder / "n02106662_13.JPEG", quality=60)
    dataset = opened(tmp_path)
    prepare(dataset)
    near, same = sorted(dataset.verify((3, 4), progress=Silent()))
    tested = "test image n02106662/n02106662_10 is"
    assert same == f"{tested} the training image n02106662/n02106662_12"
    assert re.fullmatch(rf"{tested} nearly the training image n02106662/n02106662_13: [0-6] of 64 bits .* differ", near)
    with (tmp_path / "prepared/5_95/eeg.npy").open("r+b") as file:
        file.seek(500)
        file.write(b"\xff")
    (line,) = dataset.verify((4,), progress=Silent())
    assert "eeg.npy: damaged, its sha256 is not the one of its manifest" in line


def test_verify_names_a_subject_without_trials(tmp_path: Path) -> None:
    files.write(tmp_path, change_split=lambda s: s["splits"][0].update(train=[14]))  # subject 3's
    dataset = opened(tmp_path)
    prepare(dataset, 3)
    (line,) = dataset.verify((3, 4), progress=Silent())
    assert "splits[0] has no train trial of subject 4" in line


def test_a_fold_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    files.write(tmp_path)
    dataset = opened(tmp_path)
    prepare(dataset)
    fold = tmp_path / "prepared/splits-all/fold-0.csv"
    before = fold.read_bytes()
    fold.unlink()
    with pytest.raises(InputError, match=r"fold-0.csv: missing, wanted \d+ bytes; delete it, and prepare"):
        dataset.queries(4)
    prepare(dataset)
    assert fold.read_bytes() == before and dataset.queries(4).stimuli


def test_a_row_that_the_array_has_not_is_refused(tmp_path: Path) -> None:
    files.write(tmp_path)
    dataset = opened(tmp_path)
    prepare(dataset)
    table = tmp_path / "prepared/5_95/trials.csv"
    whole = table.read_text()
    table.write_text(re.sub(r",[1-4]\d$", ",99", whole, flags=re.MULTILINE))
    assert len(table.read_text()) == len(whole)
    with pytest.raises(InputError, match=r"trials.csv: names rows that eeg.npy has not; delete it, and prepare"):
        dataset.train(4)
