"""Fetching a data set's files, from a server that plays the OSF, and saying what is left to a person."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eegbench.contracts import Silent
from eegbench.datasets import osf as listing
from eegbench.datasets.eegcvpr import files as eegcvpr
from eegbench.datasets.osf import osf
from eegbench.datasets.remote import LOCK, ByHand, RemoteFile, fetch
from eegbench.datasets.things_eeg2 import files as things
from eegbench.errors import InputError, MissingError, UsageError

ARRAY = b"\x93NUMPY and more"
JSON = "application/vnd.api+json"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file(path: str, **options: str) -> RemoteFile:
    return RemoteFile(path, **{"page": "https://page", "kind": "numpy", **options})


def get(files: tuple[RemoteFile, ...], root: Path, web: Any, **options: Any) -> tuple[str, ...]:
    return fetch(files, root, progress=Silent(), api=f"{web.url}/v2/", **options)


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def entry(web: Any, name: str, content: bytes, **changes: Any) -> dict[str, Any]:
    """A file as the OSF lists it; its bytes are served."""
    attributes = {"name": name, "kind": "file", "size": len(content), "extra": {"hashes": {"sha256": sha256(content)}}}
    number = len(web.steps)
    return {
        "attributes": attributes | changes,
        "links": {"download": web.put(f"/download/{number}", content, etag="")},
    }


def folder(web: Any, name: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    href = listed(web, f"/v2/folder/{len(web.steps)}/", entries)
    return {
        "attributes": {"name": name, "kind": "folder"},
        "relationships": {"files": {"links": {"related": {"href": href}}}},
    }


def listed(web: Any, path: str, entries: list[Any], following: str | None = None) -> str:
    page = json.dumps({"data": entries, "links": {"next": following}}).encode()
    address: str = web.put(path, page, Content_Type=JSON)
    return address


def node(web: Any, entries: list[Any], following: str | None = None, name: str = "anp5v") -> None:
    listed(web, f"/v2/nodes/{name}/files/osfstorage/", entries, following)


def lock(root: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((root / LOCK).read_text())
    return value


def test_a_direct_address_is_fetched_once_and_locked(web: Any, tmp_path: Path) -> None:
    files = (file("sub/x.npy", address=web.put("/x", ARRAY)),)
    assert get(files, tmp_path, web) == ("sub/x.npy",)
    assert (tmp_path / "sub" / "x.npy").read_bytes() == ARRAY
    row = lock(tmp_path)["sub/x.npy"]
    assert {**row, "date": ""} == {"sha256": sha256(ARRAY), "bytes": 15, "address": f"{web.url}/x", "date": ""}
    assert len(row["date"]) == 10
    assert get(files, tmp_path, web) == ()
    assert len(web.asked) == 1


def test_another_digest_than_the_locked_one_is_reported(web: Any, tmp_path: Path) -> None:
    files = (file("x.npy", address=web.put("/x", ARRAY)),)
    get(files, tmp_path, web)
    (tmp_path / "x.npy").write_bytes(ARRAY + b"!")
    with pytest.raises(InputError, match=rf"x.npy: sha256 .*, {LOCK} has {sha256(ARRAY)[:16]}"):
        get(files, tmp_path, web)


def test_a_file_put_there_by_hand_is_locked_if_it_is_of_the_kind(web: Any, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"<html>sign in</html>")
    with pytest.raises(InputError, match=r"x.npy: an HTML page, wanted a file of kind numpy"):
        get((file("x.npy"),), tmp_path, web)
    (tmp_path / "x.npy").write_bytes(ARRAY)
    assert get((file("x.npy"),), tmp_path, web, offline=True) == ()
    assert lock(tmp_path)["x.npy"]["address"] == ""


@pytest.mark.parametrize("content", ["[]", '{"x.npy": {}}', '{"x.npy": 1}'])
def test_a_broken_lock_file_is_reported(web: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK).write_text(content)
    with pytest.raises(InputError, match=LOCK):
        get((file("x.npy"),), tmp_path, web)


def test_what_has_no_address_is_left_to_a_person_after_the_rest(web: Any, tmp_path: Path) -> None:
    files = (
        file("a/one.npy", page="https://one"),
        file("x.npy", address=web.put("/x", ARRAY)),
        file("a/two.npy", page="https://two"),
        file("three", page="https://one", kind="folder"),
    )
    with pytest.raises(ByHand) as error:
        get(files, tmp_path, web)
    assert str(error.value) == (
        f"3 not fetched (no direct address is known). Put into {tmp_path}, from https://one: a/one.npy, three/; "
        f"from https://two: a/two.npy"
    )
    assert [one.path for one in error.value.files] == ["a/one.npy", "a/two.npy", "three"]
    assert error.value.exit_code == MissingError.exit_code
    assert (tmp_path / "x.npy").is_file()


def test_offline_opens_no_connection_and_says_all(web: Any, tmp_path: Path) -> None:
    with pytest.raises(
        ByHand, match=r"offline.*from https://osf.io/anp5v/: preprocessed_data/sub-08/preproc.*test.npy"
    ):
        get(things.official(8), tmp_path, web, offline=True)
    assert web.asked == []
    assert not (tmp_path / LOCK).exists()


def test_without_a_network_each_server_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegbench.download.PAUSES", ())
    files = tuple(file(f"{n}.npy", address=f"http://127.0.0.1:9/{n}") for n in range(5))
    with pytest.raises(ByHand, match=r"5 not fetched \(http://127.0.0.1:9/0: cannot be fetched [^;]*\). Put"):
        fetch(files, tmp_path, progress=Silent())
    with pytest.raises(ByHand, match=r"2 not fetched \(https://api.osf.io/v2/nodes/anp5v/.*: cannot be fetched"):
        fetch(things.official(8), tmp_path, progress=Silent())


def test_a_page_instead_of_data_does_not_stop_the_others(web: Any, tmp_path: Path) -> None:
    page = web.put("/page", b"<html>", Content_Type="text/html")
    files = (file("a.npy", address=page), file("b.npy", address=web.put("/x", ARRAY)))
    with pytest.raises(ByHand, match=r"1 not fetched .*an HTML page.*from https://page: a.npy$"):
        get(files, tmp_path, web)
    assert (tmp_path / "b.npy").is_file()


def test_osf_lists_pages_and_folders(web: Any) -> None:
    second = listed(web, "/v2/second", [entry(web, "b", b"2", size=None, extra={})])
    node(web, [entry(web, "a", b"1"), folder(web, "f", [folder(web, "g", [entry(web, "c", b"3")])])], second)
    found = {one.path: (one.size, one.sha256) for one in osf("anp5v", api=f"{web.url}/v2/")}
    assert found == {"a": (1, sha256(b"1")), "b": (None, ""), "f/g/c": (1, sha256(b"3"))}


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../x", "a\\b", "a\x00", None, 3, "x" * 300])
def test_osf_names_are_names(web: Any, name: Any) -> None:
    node(web, [entry(web, "x", b"1") | {"attributes": {"name": name, "kind": "file"}}])
    with pytest.raises(InputError, match="wanted the name of a file, it is refused"):
        osf("anp5v", api=f"{web.url}/v2/")


@pytest.mark.parametrize("link", ["file:///etc/hosts", "https://other/x", "http://other/x", "", None, 3, "http://[x"])
def test_osf_pages_stay_with_the_server(web: Any, link: Any) -> None:
    bad = folder(web, "f", [])
    bad["relationships"]["files"]["links"]["related"]["href"] = link
    node(web, [bad])
    with pytest.raises(InputError, match=r"links to .*it is refused"):
        osf("anp5v", api=f"{web.url}/v2/")


@pytest.mark.parametrize("link", ["file:///etc/hosts", "ftp://x/y", None, []])
def test_osf_downloads_come_from_the_web(web: Any, link: Any) -> None:
    node(web, [entry(web, "x", b"1") | {"links": {"download": link}}])
    with pytest.raises(InputError, match=r"links to .*it is refused"):
        osf("anp5v", api=f"{web.url}/v2/")


@pytest.mark.parametrize("page", [b"[]", b"{}", b"rubbish", b'{"data": 3}', b'{"data": [3]}'])
def test_what_is_no_listing_is_refused(web: Any, page: bytes) -> None:
    web.put("/v2/nodes/anp5v/files/osfstorage/", page, Content_Type=JSON)
    with pytest.raises(InputError):
        osf("anp5v", api=f"{web.url}/v2/")


def test_a_listing_that_never_ends_is_ended(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_PAGES", 5)
    node(web, [], f"{web.url}/v2/nodes/anp5v/files/osfstorage/")
    with pytest.raises(InputError, match="node anp5v lists more than 5 pages"):
        osf("anp5v", api=f"{web.url}/v2/")
    assert len(web.asked) == 5


def test_a_listing_that_goes_too_deep_is_ended(web: Any) -> None:
    address = f"{web.url}/v2/nodes/anp5v/files/osfstorage/"
    loop = folder(web, "f", [])
    loop["relationships"]["files"]["links"]["related"]["href"] = address
    node(web, [loop])
    with pytest.raises(InputError, match="8 folders deep"):
        osf("anp5v", api=f"{web.url}/v2/")


def test_a_node_is_no_path(web: Any) -> None:
    with pytest.raises(UsageError, match="no node of the OSF"):
        osf("../users", api=f"{web.url}/v2/")


@pytest.mark.parametrize("outer", ["preprocessed_data", ""])
def test_files_of_a_node_are_told_by_their_paths(web: Any, tmp_path: Path, outer: str) -> None:
    wanted = things.official(8)
    subjects = [
        folder(web, f"sub-{n:02d}", [entry(web, Path(one.path).name, ARRAY + bytes([n])) for one in wanted])
        for n in (7, 8, 9)
    ]
    node(web, [folder(web, outer, subjects)] if outer else subjects)
    assert get(wanted, tmp_path, web) == tuple(one.path for one in wanted)
    assert (tmp_path / wanted[0].path).read_bytes() == ARRAY + bytes([8])


def test_a_name_alone_does_not_tell_the_subject(web: Any, tmp_path: Path) -> None:
    node(web, [entry(web, "preprocessed_eeg_training.npy", ARRAY)])
    with pytest.raises(ByHand, match=r"2 not fetched .the node anp5v lists no such name"):
        get(things.official(8), tmp_path, web)


def test_two_files_of_one_name_are_left_to_a_person(web: Any, tmp_path: Path) -> None:
    node(web, [entry(web, "x.npy", ARRAY), folder(web, "old", [entry(web, "x.npy", ARRAY)])])
    with pytest.raises(ByHand, match="the node anp5v lists several files of that name"):
        get((file("x.npy", node="anp5v"),), tmp_path, web)


@pytest.mark.parametrize("listed", ["archive", "files"])
def test_what_lies_in_a_folder_of_another_name_is_not_downloaded(web: Any, tmp_path: Path, listed: str) -> None:
    names = [Path(one.path).name for one in things.official(8)]
    packed = entry(web, "sub-08.zip", zipped(dict.fromkeys(names, ARRAY)))
    plain = folder(web, "sub-08", [entry(web, name, ARRAY) for name in names])
    node(web, [folder(web, "raw_data", [packed if listed == "archive" else plain])])
    with pytest.raises(ByHand, match=r"2 not fetched .the node anp5v lists no such name"):
        get(things.official(8), tmp_path, web)
    assert not any(path.startswith("/download") for path, _ in web.asked)


def test_of_two_archives_of_one_name_the_one_in_the_wanted_folder_is_taken(web: Any, tmp_path: Path) -> None:
    wanted = things.official(8)
    mine = zipped({Path(one.path).name: ARRAY for one in wanted})
    folders = [("raw_data", zipped({"x": b"x"})), ("preprocessed_data", mine)]
    node(web, [folder(web, name, [entry(web, "sub-08.zip", content)]) for name, content in folders])
    assert get(wanted, tmp_path, web) == tuple(one.path for one in wanted)


def test_the_listed_digest_is_demanded(web: Any, tmp_path: Path) -> None:
    node(web, [entry(web, "x.npy", ARRAY, extra={"hashes": {"sha256": "0" * 64}})])
    with pytest.raises(ByHand, match=r"sha256 .*, wanted 0000000000000000; nothing was kept"):
        get((file("x.npy", node="anp5v"),), tmp_path, web)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("inner", ["sub-08/", ""])
def test_an_archive_named_as_a_folder_is_unpacked(web: Any, tmp_path: Path, inner: str) -> None:
    wanted = things.official(8)
    contents = {f"{inner}{Path(one.path).name}": ARRAY + one.path.encode() for one in wanted}
    node(web, [entry(web, "sub-08.zip", zipped(contents | {"__MACOSX/x": b"x"}))])
    get(wanted, tmp_path, web)
    for one in wanted:
        assert (tmp_path / one.path).read_bytes() == ARRAY + one.path.encode()
        assert lock(tmp_path)[one.path]["sha256"] == sha256(ARRAY + one.path.encode())
    assert [path.name for path in (tmp_path / "preprocessed_data").iterdir()] == ["sub-08"]
    assert sum(path.startswith("/download") for path, _ in web.asked) == 1


def test_folders_of_images_come_out_of_archives(web: Any, tmp_path: Path) -> None:
    training = {"training_images/00001_a/a.jpg": b"1", "training_images/00002_b/b.jpg": b"2", "x": b"elsewhere"}
    test = {"00001_c/c.jpg": b"3"}
    entries = [entry(web, "training_images.zip", zipped(training)), entry(web, "test_images.zip", zipped(test))]
    node(web, [*entries, entry(web, "image_metadata.npy", ARRAY)], name="y63gw")
    assert len(get(things.IMAGES, tmp_path, web)) == 3
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    images = ("training_images/00001_a/a.jpg", "training_images/00002_b/b.jpg", "test_images/00001_c/c.jpg")
    assert found == {*(f"image_set/{image}" for image in images), "image_metadata.npy", LOCK}
    assert get(things.IMAGES, tmp_path, web) == ()


def test_an_archive_that_came_is_not_fetched_again(web: Any, tmp_path: Path) -> None:
    node(web, [entry(web, "sub-08.zip", zipped({"sub-08/preprocessed_eeg_test.npy": ARRAY}))])
    for _ in range(2):
        with pytest.raises(ByHand, match=r"1 not fetched .sub-08.zip does not hold it.*preprocessed_eeg_training.npy$"):
            get(things.official(8), tmp_path, web)
    assert sum(path.startswith("/download") for path, _ in web.asked) == 1
    assert (tmp_path / things.official(8)[1].path).read_bytes() == ARRAY


def test_no_file_of_an_archive_is_taken_if_one_is_of_another_kind(web: Any, tmp_path: Path) -> None:
    contents = {
        f"sub-08/preprocessed_eeg_{part}.npy": data for part, data in (("training", ARRAY), ("test", b"GIF89a"))
    }
    node(web, [entry(web, "sub-08.zip", zipped(contents))])
    with pytest.raises(ByHand, match=r"2 not fetched .*preprocessed_eeg_test.npy: a file that begins with b'GIF89a'"):
        get(things.official(8), tmp_path, web)
    assert not (tmp_path / "preprocessed_data" / "sub-08").exists()


def test_an_archive_with_harm_in_it_is_left_to_a_person(web: Any, tmp_path: Path) -> None:
    root = tmp_path / "root"
    node(web, [entry(web, "sub-08.zip", zipped({"../../../../evil": b"x"}))])
    with pytest.raises(ByHand, match="no path inside a folder; it is refused"):
        get(things.official(8), root, web)
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("path", ["../x", "/x", "a\\b"])
def test_a_data_set_names_paths_below_its_root(path: str) -> None:
    with pytest.raises(UsageError, match="wanted a path below its root"):
        file(path)


def test_the_published_files_are_named_once_each_with_a_page() -> None:
    published = eegcvpr.EEG + eegcvpr.SPLITS + eegcvpr.IMAGES
    every = things.IMAGES + things.official(8) + things.nice(8) + things.raw(8)
    for files, number in ((every, 3 + 2 + 2 + 8), (published, 7)):
        assert len({one.path for one in files}) == len(files) == number
        assert all(one.page.startswith("https://") for one in files)
    assert {one.node for one in every} == {"anp5v", "y63gw", ""}
    assert {one.address + one.node for one in published} == {""}
