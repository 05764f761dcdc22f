"""Downloads against a server that breaks off, lies, changes its mind or sends pages instead of data."""

import hashlib
import itertools
import json
import shutil
import socket
import struct
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from eegbench import download as module
from eegbench.contracts import Progress, Silent
from eegbench.download import Unreachable, download
from eegbench.errors import InputError, MissingError, Notice, UsageError
from eegbench.files import file_digest

CONTENT = b"PK\x03\x04" + bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PAGE = b"\n<!DOCTYPE html><html><body>Please sign in</body></html>"


# What came in several parts is told of wherever its digest is not known: see the test of that.
pytestmark = pytest.mark.filterwarnings("ignore::eegbench.errors.Notice")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "file.zip"


def get(address: str, path: Path, **options: Any) -> str:
    return download(address, path, **{"progress": Silent(), **options})


def nothing(path: Path) -> bool:
    """Neither the file nor a part of it is there."""
    return not list(path.parent.iterdir())


def test_a_file_comes_whole_with_its_digest(web: Any, path: Path) -> None:
    assert get(web.put("/f", CONTENT), path, kind="zip", size=len(CONTENT), sha256=SHA256) == SHA256
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_a_connection_that_drops_is_taken_up_where_it_was(web: Any, path: Path) -> None:
    for _ in range(8):  # more often than the tries without headway
        web.put("/f", CONTENT, stop=10_000)
    address = web.put("/f", CONTENT)
    assert get(address, path) == SHA256
    gained = 10_000 - module.OVERLAP
    assert [asked for _, asked in web.asked] == ["", *(f"bytes={n * gained}-" for n in range(1, 9))]


def test_a_connection_that_is_reset_is_taken_up(web: Any, path: Path) -> None:
    def reset(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

    web.do("/f", reset)
    assert get(web.put("/f", CONTENT), path) == SHA256


def test_the_next_call_goes_on_where_the_last_gave_up(web: Any, path: Path) -> None:
    web.put("/f", CONTENT, stop=10_000)
    address = web.put("/f", CONTENT, stop=0)
    with pytest.raises(Unreachable, match=r"broke off after 10000 of 102404 bytes\); 10000 bytes are kept"):
        get(address, path)
    assert not path.exists()
    web.steps.clear()
    web.put("/f", CONTENT)
    web.asked.clear()
    assert get(address, path) == SHA256
    assert web.asked == [("/f", f"bytes={10_000 - module.OVERLAP}-")]


def test_progress_counts_what_was_there(web: Any, path: Path) -> None:
    class Counting(Progress):
        bars: list[tuple[str, int, list[int]]] = []

        @contextmanager
        def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
            steps: list[int] = []
            self.bars.append((label, total, steps))
            yield steps.append

    web.put("/f", CONTENT, stop=10_000)
    get(web.put("/f", CONTENT), path, progress=Counting())
    assert [(label, total) for label, total, _ in Counting.bars] == [("fetch file.zip", len(CONTENT))] * 2
    assert [sum(steps) for *_, steps in Counting.bars] == [10_000, len(CONTENT)]


def test_last_modified_serves_where_the_etag_is_weak(web: Any, path: Path) -> None:
    day = "Wed, 21 Oct 2015 07:28:00 GMT"
    web.put("/f", CONTENT, etag=day, ETag='W/"1"', Last_Modified=day, stop=5000)
    asked = 5000 - module.OVERLAP
    rest = bytes(asked) + CONTENT[asked:]  # the whole file only for one who asks for the rest alone
    assert get(web.put("/f", rest, etag=day, ETag='W/"1"', Last_Modified=day), path) == SHA256


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"ranges": False}, id="server ignores Range"),
        pytest.param({}, {"etag": '"2"'}, id="file changed"),
        pytest.param({"etag": ""}, {"etag": ""}, id="no version to go by"),
    ],
)
def test_what_cannot_be_resumed_begins_anew(
    web: Any, path: Path, before: dict[str, Any], after: dict[str, Any]
) -> None:
    web.put("/f", CONTENT[::-1] if after else CONTENT, stop=5000, **before)
    assert get(web.put("/f", CONTENT, **after), path) == SHA256


def test_a_part_of_a_changed_file_is_not_joined_to_the_old(web: Any, path: Path) -> None:
    def ignores_if_range(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 5000-{len(CONTENT) - 1}/{len(CONTENT)}")
        handler.send_header("ETag", '"2"')
        handler.end_headers()
        handler.wfile.write(CONTENT[5000:])

    web.put("/f", b"PK\x03\x04" + bytes(len(CONTENT) - 4), stop=5000)
    web.do("/f", ignores_if_range)
    assert get(web.put("/f", CONTENT, etag='"2"'), path) == SHA256


def test_416_begins_anew(web: Any, path: Path) -> None:
    web.put("/f", CONTENT, stop=5000)
    web.say("/f", 416)
    assert get(web.put("/f", CONTENT), path) == SHA256
    assert [asked for _, asked in web.asked] == ["", f"bytes={5000 - module.OVERLAP}-", ""]


def test_a_file_that_only_lacks_its_name_is_not_asked_for(web: Any, path: Path) -> None:
    path.parent.mkdir()
    part = path.with_name("file.zip.part")
    part.write_bytes(CONTENT)
    note = {"address": f"{web.url}/f", "validator": '"1"', "total": len(CONTENT)}
    part.with_name("file.zip.part.json").write_text(json.dumps(note))
    assert get(f"{web.url}/f", path, sha256=SHA256[:8]) == SHA256
    assert web.asked == []


@pytest.mark.parametrize("note", ["", "{", '{"address": "http://other/f", "validator": "x", "total": 9}', "[]"])
def test_a_part_of_unknown_origin_is_thrown_away(web: Any, path: Path, note: str) -> None:
    path.parent.mkdir()
    path.with_name("file.zip.part").write_bytes(b"rubbish!!")
    path.with_name("file.zip.part.json").write_text(note)
    assert get(web.put("/f", CONTENT), path) == SHA256


def test_a_truncated_file_without_a_length_is_found_by_its_size(web: Any, path: Path) -> None:
    address = web.put("/f", CONTENT[:5000], etag="", Content_Length="")
    with pytest.raises(MissingError, match=r"broke off after 5000 of 102404 bytes\)$"):
        get(address, path, size=len(CONTENT))
    assert not path.exists()


@pytest.mark.parametrize("kind", [None, "torch"])
@pytest.mark.parametrize("told", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_page_is_not_taken_for_data(web: Any, path: Path, told: str, kind: str | None) -> None:
    with pytest.raises(InputError, match=r"/f: an HTML page, wanted .*look at it in a browser$"):
        get(web.put("/f", PAGE, Content_Type=told), path, kind=kind)
    assert nothing(path)
    assert len(web.asked) == 1


def test_a_page_in_between_does_not_cost_what_has_come(web: Any, path: Path) -> None:
    web.put("/f", CONTENT, stop=5000)
    address = web.put("/f", PAGE, etag="")
    with pytest.raises(InputError, match="an HTML page"):
        get(address, path)
    web.steps.clear()
    web.put("/f", CONTENT)
    assert get(address, path) == SHA256
    assert web.asked[-1] == ("/f", f"bytes={5000 - module.OVERLAP}-")


class Wrong(NamedTuple):
    content: bytes
    options: dict[str, Any]
    said: str


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(b"GIF89a", {"kind": "zip"}, r"a file that begins with b'GIF89a', wanted a file of kind zip"),
        Wrong(b"\x80\x04x", {"kind": "numpy"}, "wanted a file of kind numpy"),
        Wrong(b"", {}, "an empty file, wanted data"),
        Wrong(CONTENT, {"size": 7}, "102404 bytes, wanted 7"),
        Wrong(CONTENT, {"most": 7}, "102404 bytes; at most 7"),
        Wrong(CONTENT, {"sha256": "0" * 64}, f"sha256 {SHA256[:16]}..., wanted 0000000000000000; nothing was kept"),
    ],
    ids=lambda wrong: wrong.said[:20],
)
def test_wrong_bytes_are_refused_and_not_kept(web: Any, path: Path, wrong: Wrong) -> None:
    with pytest.raises(InputError, match=wrong.said) as error:
        get(web.put("/f", wrong.content), path, **wrong.options)
    assert nothing(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("limit", ["size", "most"])
def test_a_body_without_a_length_is_held_to_the_limits(web: Any, path: Path, limit: str) -> None:
    with pytest.raises(InputError, match="more than the 7 bytes"):
        get(web.put("/f", CONTENT, Content_Length=""), path, **{limit: 7})
    assert nothing(path)


def test_an_answer_packed_on_the_way_is_refused(web: Any, path: Path) -> None:
    with pytest.raises(InputError, match="packed as gzip"):
        get(web.put("/f", CONTENT, Content_Encoding="gzip"), path)


@pytest.mark.parametrize(("content", "kind"), [(b"\x93NUMPY\x01", "numpy or pickle"), (b"\x80\x04.", "torch")])
def test_files_of_the_kind_are_taken(web: Any, path: Path, content: bytes, kind: str) -> None:
    get(web.put("/f", content), path, kind=kind)
    assert path.read_bytes() == content


def test_a_server_out_of_order_is_asked_again(web: Any, path: Path) -> None:
    web.say("/f", 500)
    web.say("/f", 503)
    assert get(web.put("/f", CONTENT), path) == SHA256


def test_a_file_that_is_not_there_is_asked_for_once(web: Any, path: Path) -> None:
    with pytest.raises(MissingError, match=r"/f: cannot be fetched \(404 Not Found\)") as error:
        get(f"{web.url}/f", path)
    assert not isinstance(error.value, Unreachable)
    assert len(web.asked) == 1
    assert nothing(path)


def test_without_a_network_it_gives_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0,))
    with pytest.raises(Unreachable, match=r"http://127.0.0.1:9/f: cannot be fetched \(a test opened a connection"):
        get("http://127.0.0.1:9/f", path)
    assert nothing(path)


def test_a_redirect_is_followed_with_its_range(web: Any, path: Path) -> None:
    web.put("/f", CONTENT, stop=5000)
    web.put("/f", CONTENT)
    assert get(web.say("/r", 302, Location="/f"), path) == SHA256
    assert web.asked[-1] == ("/f", f"bytes={5000 - module.OVERLAP}-")


@pytest.mark.parametrize("target", ["file:///etc/hosts", "ftp://127.0.0.1/f", "data:text/plain,x"])
def test_a_redirect_leads_nowhere_but_to_the_web(web: Any, path: Path, target: str) -> None:
    with pytest.raises(MissingError, match=r"cannot be fetched \(302"):
        get(web.say("/r", 302, Location=target), path)
    assert nothing(path)


@pytest.mark.parametrize(
    "target", ["http://[::1", "http://\u4f8b/".encode().decode("latin-1"), f"http://{'a' * 70}.org/"]
)
@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_to_no_address_is_one_line(web: Any, path: Path, target: str, status: int) -> None:
    with pytest.raises(MissingError, match=r"/r: cannot be fetched \(30. leads to no address: ") as error:
        get(web.say("/r", status, Location=target), path)
    assert "\n" not in str(error.value) and len(web.asked) == 1
    assert nothing(path)


def test_a_host_that_cannot_be_one_is_one_line(path: Path) -> None:
    with pytest.raises(MissingError, match=r"org/: cannot be fetched \(it is no address: "):
        get(f"http://{'a' * 70}.org/", path)


@pytest.mark.parametrize(
    "address", ["http://[::1", "file:///etc/hosts", "ftp://x/f", "https://", "http://x/a b", "http://x/\n"]
)
def test_other_addresses_are_refused(path: Path, address: str) -> None:
    with pytest.raises(InputError, match="no address to download from"):
        get(address, path)


def test_what_a_server_says_cannot_steer_a_terminal(web: Any, path: Path) -> None:
    web.do("/f", lambda handler: handler.send_response_only(403, "\x1b[2Jno") or handler.end_headers())
    with pytest.raises(MissingError, match=r"403  \[2Jno"):
        get(f"{web.url}/f", path)


def test_a_full_disk_is_told_before_it_is_full(web: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 4, 5))
    with pytest.raises(MissingError, match="102404 bytes are to come, the disk has 5 left"):
        get(web.put("/f", CONTENT), path)


def test_two_downloads_of_one_file_do_not_mix(web: Any, path: Path) -> None:
    path.parent.mkdir()
    with module._claimed(path.with_name("file.zip.part")) as file:
        file.write(b"x")
        with pytest.raises(UsageError, match="another process downloads it"):
            get(web.put("/f", CONTENT), path)


def test_a_file_is_examined_and_named_before_another_process_may_begin(
    web: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, digest = web.put("/f", CONTENT), file_digest

    def meanwhile(part: Path) -> str:
        with pytest.raises(UsageError, match="another process downloads it"):
            get(address, path)
        return digest(part)

    monkeypatch.setattr(module, "file_digest", meanwhile)
    assert get(address, path) == SHA256
    assert list(path.parent.iterdir()) == [path]


def test_a_file_of_untold_size_is_whole_when_it_is_examined(web: Any, path: Path) -> None:
    assert get(web.put("/f", CONTENT[:700], Content_Length=""), path) == hashlib.sha256(CONTENT[:700]).hexdigest()


def test_a_folder_that_cannot_be_written_is_one_line(web: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UsageError, match="cannot be written"):
        get(web.put("/f", CONTENT), tmp_path / "data" / "file.zip")


def test_an_unknown_kind_lists_what_there_is(web: Any, path: Path) -> None:
    with pytest.raises(UsageError, match="unknown kind of file 'zipp'; did you mean 'zip'"):
        get(web.put("/f", CONTENT), path, kind="zipp")


def test_a_file_in_parts_of_unknown_digest_is_told_of_with_its_own(web: Any, path: Path) -> None:
    web.put("/f", CONTENT, stop=10_000)
    with pytest.warns(Notice, match=rf"came in 2 parts, and no digest of it is known: .* compare sha256 {SHA256} with"):
        get(web.put("/f", CONTENT), path)


def test_parts_of_an_earlier_call_are_counted_and_a_known_digest_is_enough(web: Any, path: Path) -> None:
    for sha256 in ("", SHA256[:8]):
        for _ in range(2):
            web.put("/f", CONTENT, stop=10_000)
        web.put("/f", CONTENT, stop=0)
        with pytest.raises(Unreachable):
            get(f"{web.url}/f", path)
        web.steps.clear()
        web.put("/f", CONTENT)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            get(f"{web.url}/f", path, sha256=sha256)
        assert ["came in 3 parts" in str(one.message) for one in told] == ([] if sha256 else [True])
        web.steps.clear()


def test_a_whole_file_is_told_of_by_nothing(web: Any, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        get(web.put("/f", CONTENT), path)


def test_a_file_that_changes_under_one_version_is_not_spliced(web: Any, path: Path) -> None:
    other = b"PK\x03\x04" + CONTENT[:3:-1]
    web.put("/f", other, stop=10_000)
    assert get(web.put("/f", CONTENT), path) == SHA256
    assert [asked for _, asked in web.asked] == ["", f"bytes={10_000 - module.OVERLAP}-", ""]


WHOLE = f'HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\nETag: "1"\r\n\r\n'.encode()
SLOW: dict[str, Callable[[], Iterator[bytes]]] = {
    "the body": lambda: itertools.chain([WHOLE, CONTENT[:600]], itertools.repeat(b"x")),
    "the headers": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: y\r\n")),
    "a promise": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a redirect": lambda: itertools.chain([b"HTTP/1.1 302 Found\r\nLocation: /f\r\n\r\n"], itertools.repeat(b"x" * 64)),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_server_that_drips_is_left(drip: Any, path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0,))
    monkeypatch.setattr(module, "WINDOW", 0.1)
    monkeypatch.setattr(module, "RATE", 10_000.0)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"cannot be fetched \(too slow: \d+ bytes in \d+ s\)"):
        get(f"{drip(lambda _: SLOW[case](), pause=0.01)}/f", path)
    assert time.monotonic() - began < 30  # s; on a machine that does nothing else it takes .2


@pytest.mark.parametrize("case", ["the headers", "a promise", "a redirect"])
def test_what_comes_before_a_body_has_an_end(drip: Any, path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.setattr(module, "PAUSES", ())
    with pytest.raises(MissingError, match=r"more than 1048576 bytes before its body|100 headers"):
        get(f"{drip(lambda _: SLOW[case]())}/f", path)


def test_headway_that_is_too_slow_does_not_begin_the_tries_anew(
    drip: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def a_little_more(number: int) -> Iterator[bytes]:
        asked.append(number)
        yield from (WHOLE, CONTENT[: 600 + number], b"")

    monkeypatch.setattr(module, "PAUSES", (0.0,) * 3)
    monkeypatch.setattr(module, "RATE", 1e6)
    with pytest.raises(Unreachable, match="broke off after"):
        get(f"{drip(a_little_more, pause=0.005)}/f", path)
    assert asked == [0, 1, 2, 3]


class Ticking(Progress):
    """Bytes take time: so many come in a second of its clock."""

    def __init__(self, speed: float) -> None:
        self.speed, self.now = speed, 0.0

    def monotonic(self) -> float:
        return self.now

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        def advance(count: int) -> None:
            self.now += count / self.speed

        yield advance


def test_a_call_has_seconds_by_the_bytes_that_came(drip: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SECONDS": 0.2, "AVERAGE": 1e5, "PIECE": 1000, "OVERLAP": 1000}.items():
        monkeypatch.setattr(module, name, value)
    address = f"{drip([WHOLE, CONTENT])}/f"
    for speed in (2e5, 5e4):
        monkeypatch.setattr("eegbench.guards.web.time", ticking := Ticking(speed))
        if speed > module.AVERAGE:
            assert get(address, path, progress=ticking) == SHA256
            continue
        with pytest.raises(Unreachable, match=r"too slow: not done after .*; \d+ bytes are kept, and the same command"):
            get(address, path, progress=ticking)
        assert 0.2 < ticking.now < 1


def test_what_an_address_is_signed_with_is_neither_shown_nor_kept(web: Any, path: Path) -> None:
    address = web.put("/f?sig=topsecretword", CONTENT, stop=10_000)
    web.put("/f?sig=topsecretword", CONTENT, stop=0)
    with pytest.raises(Unreachable, match=r"/f\?…: cannot be fetched") as error:
        get(address, path)
    note = path.with_name("file.zip.part.json").read_text()
    assert "topsecretword" not in str(error.value) + note
    web.steps.clear()
    web.put("/f?sig=topsecretword", CONTENT)
    assert get(address, path) == SHA256 and web.asked[-1][1] == f"bytes={10_000 - module.OVERLAP}-"


def test_where_a_redirect_leads_is_shown_without_its_signature(web: Any, path: Path) -> None:
    for target in ("ftp://h/f?sig=topsecretword", "http://user:topsecretword@127.0.0.1/f"):
        with pytest.raises(MissingError, match=r"redirected to (ftp|http)://") as error:
            get(web.say(f"/{target[:3]}", 302, Location=target), path)
        assert "topsecretword" not in str(error.value)


@pytest.mark.parametrize(
    "address", ["https://user:topsecretword@h/f", "https://user:topsec/retword@h/f", "https://topsecretword@h:x/"]
)
def test_an_address_with_a_password_is_refused_unseen(path: Path, address: str) -> None:
    with pytest.raises(InputError, match="without a password") as error:
        get(address, path)
    assert "topsec" not in str(error.value) and "retword" not in str(error.value)


def test_the_password_of_a_proxy_is_not_shown(web: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:top:secretword@127.0.0.1:9:topsecretword")
    monkeypatch.setattr(module, "PAUSES", ())
    with pytest.raises(MissingError) as error:
        get("http://a.example/f", path)
    assert "secretword" not in str(error.value)
