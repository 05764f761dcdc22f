"""Downloads: a file of a web server, whole and of the wanted kind, or not at all.

What has come lies beside the target as `<name>.part`, and a note of which version of the file it belongs to as
`<name>.part.json`: the next call goes on from there, or begins anew if the server's file has changed since. The file
gets its name when it is whole. (RFC 9110, sections 13.1.5 and 14: If-Range, Range, Content-Range.)
"""

import http.client
import itertools
import json
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib.parse import urlsplit

from eegbench import __version__
from eegbench.contracts import Progress
from eegbench.errors import InputError, MissingError, UsageError, unknown
from eegbench.places import claimed, writing
from eegbench.records import file_digest, read_json, write_text

PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before each further try; headway begins the count anew
PATIENCE = 60.0  # seconds that a server may be silent
MOST_BYTES = 2**38  # of one file: ten times the largest that the field publishes
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # statuses that may pass
PIECE = 2**18
HEAD = 512  # bytes that tell a file's kind
MEND = "choose another folder"

_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
KINDS: Mapping[str, tuple[bytes, ...]] = {  # the first bytes that a file of the kind may have
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "numpy": (b"\x93NUMPY",),
    "numpy or pickle": (b"\x93NUMPY", *_PICKLES),
    "torch": (b"PK\x03\x04", *_PICKLES),
}
_HTML = re.compile(rb"(\xef\xbb\xbf)?\s*(<(\?xml|!--)[^>]*>\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")


class Unreachable(MissingError):
    """A server that cannot be reached, or breaks off again and again: asking it for more files is in vain."""


class _Broken(Exception):
    """This try failed; another may not."""


def download(
    address: str,
    path: Path,
    *,
    progress: Progress,
    size: int | None = None,
    kind: str | None = None,
    sha256: str = "",
    most: int = MOST_BYTES,
) -> str:
    """Fetch `address`, http or https, to `path` and return its sha256; goes on where an earlier call was cut short.

    size: bytes that it must have. kind: what its first bytes must say, a key of KINDS. sha256: its digest, or the
    head of it. An HTML page is never taken for data. Raises MissingError for what cannot be fetched or has no room,
    InputError for other bytes than wanted, of which nothing is kept, and UsageError where the folder cannot be used.
    """
    order = _Order(_checked_address(address), path.with_name(f"{path.name}.part"), size, _checked_kind(kind), most)
    with _claimed(order.part) as file:
        _collect(order, file, progress)
        if sys.platform == "win32":
            file.close()  # there an open file gets no other name
        try:
            found = _examine(order, sha256)
        except InputError:
            _drop(order.part)
            raise
        with writing(path, mend=MEND):
            order.part.replace(path)
            _note_file(order.part).unlink(missing_ok=True)
    return found


def check_kind(path: Path, kind: str | None, name: str = "") -> None:
    """InputError naming `name`, or `path`, for a file that is empty, an HTML page or not of the kind."""
    with path.open("rb") as file:
        _check_head(name or str(path), file.read(HEAD), _checked_kind(kind))


def is_page(head: bytes) -> bool:
    """Whether a file's first bytes are those of HTML or XML, as no array's and no pickle's are."""
    return head.lstrip(b"\xef\xbb\xbf\t\r\n ").startswith(b"<")


def check_room(folder: Path, size: int) -> None:
    """MissingError if the disk that `folder` is on has no room for `size` more bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise MissingError(f"{folder}: {size} bytes are to come, the disk has {free} left; free some and try again")


@dataclass(frozen=True)
class _Order:
    """What is wanted: from where, to which unfinished file."""

    address: str
    part: Path
    size: int | None
    kind: str | None
    most: int


@dataclass(frozen=True)
class _Note:
    """Which version of which file an unfinished file belongs to. `validator`: a strong ETag or the time of change."""

    address: str
    validator: str = ""
    total: int | None = None

    @classmethod
    def read(cls, order: _Order) -> "_Note":
        """The note beside the unfinished file; an empty one if there is none that can be used."""
        try:
            value = read_json(_note_file(order.part))
        except InputError:
            value = {}
        validator, total = value.get("validator"), value.get("total")
        if value.get("address") != order.address or not isinstance(validator, str) or not _is_header(validator):
            return cls(order.address)
        return cls(order.address, validator, total if type(total) is int else None)

    def write(self, part: Path) -> None:
        write_text(_note_file(part), json.dumps(asdict(self)) + "\n")


def _note_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _drop(part: Path) -> None:
    _note_file(part).unlink(missing_ok=True)
    part.unlink(missing_ok=True)  # last, for then another process may begin anew


@contextmanager
def _claimed(part: Path) -> Iterator[BinaryIO]:
    """The unfinished file, open for adding to it: by one process at a time, where the system can tell."""
    with writing(part, mend=MEND):
        part.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("ab")
    with file:
        if not _alone(file, part):
            raise UsageError(f"{part}: another process downloads it; wait for that one, then run it again")
        try:
            yield file
        finally:
            if not file.closed and not _size(file):
                file.close()
                _drop(part)


def _alone(file: BinaryIO, part: Path) -> bool:
    if sys.platform == "win32":
        return True
    try:  # and it got no other name since it was opened
        return claimed(file) and os.path.samestat(os.fstat(file.fileno()), part.stat())
    except FileNotFoundError:
        return False


def _size(file: BinaryIO) -> int:
    with writing(Path(file.name), mend=MEND):
        file.flush()
    return os.fstat(file.fileno()).st_size


def _collect(order: _Order, file: BinaryIO, progress: Progress) -> None:
    """Try until the file is whole; gives up after a few tries without headway."""
    most, tries = _size(file), 0
    while True:
        try:
            return _go_on(order, file, progress)
        except _Broken as error:
            if (have := _size(file)) > most:
                most, tries = have, 0
            if tries == len(PAUSES):
                said = f"{order.address}: cannot be fetched ({_plain(error)})"
                if have and _Note.read(order).validator:
                    said += f"; {have} bytes are kept, and the same command goes on from there"
                raise Unreachable(said) from None
            time.sleep(PAUSES[tries])
            tries += 1


def _go_on(order: _Order, file: BinaryIO, progress: Progress) -> None:
    """One try: ask for what is lacking, and add it."""
    note, have = _Note.read(order), _size(file)
    if have and have == note.total:
        return  # it was stopped between its last byte and its name
    fits = note.total is None or have < note.total
    headers = {"Range": f"bytes={have}-", "If-Range": note.validator} if have and note.validator and fits else {}
    with _ask(order, headers) as answer:
        start, total = _offer(order, answer, note, have if headers else 0)
        pieces = _pieces(answer)
        first = next(pieces, b"")
        if start == 0:
            if len(first) == HEAD or total in (None, len(first)):  # else it broke off, and says little
                _check_head(order.address, first, order.kind)
            with writing(order.part, mend=MEND):
                file.truncate(0)
                _Note(order.address, _validator(answer), total).write(order.part)
        if total is not None:
            check_room(order.part.parent, total - start)
        _add(order, file, itertools.chain([first], pieces), start, total, progress)
    have, whole = _size(file), total if total is not None else order.size
    if whole is not None and have < whole:
        raise _Broken(f"broke off after {have} of {whole} bytes")


def _add(
    order: _Order, file: BinaryIO, pieces: Iterator[bytes], start: int, total: int | None, progress: Progress
) -> None:
    most = min(size for size in (total, order.size, order.most) if size is not None)
    with progress.bar(f"fetch {order.part.stem}", total or order.size or 0) as advance:
        advance(start)
        for piece in pieces:
            start += len(piece)
            if start > most:
                file.truncate(0)
                raise InputError(f"{order.address}: more than the {most} bytes that were wanted; nothing was kept")
            with writing(order.part, mend=MEND):
                file.write(piece)
            advance(len(piece))


def _offer(order: _Order, answer: http.client.HTTPResponse, note: _Note, have: int) -> tuple[int, int | None]:
    """Where the answer's bytes begin and how many the whole file has, None where the server does not say."""
    headers = answer.headers
    if headers.get_content_type() in ("text/html", "application/xhtml+xml") and "Content-Type" in headers:
        raise _wrong(order.address, "an HTML page", order.kind)
    if (coding := headers.get("Content-Encoding", "identity").lower()) != "identity":
        raise _wrong(order.address, f"an answer packed as {_plain(coding)}", order.kind)
    total: int | None
    if answer.status == 206:
        total = _rest(order, answer, note, have)
    elif answer.status == 200:
        have, total = 0, answer.length  # the whole file: the server takes no ranges, or its file has changed
    else:
        raise MissingError(f"{order.address}: cannot be fetched (status {answer.status})")
    if total is not None and order.size not in (None, total):
        raise InputError(f"{order.address}: {total} bytes, wanted {order.size}: it is another file; look at its page")
    if total is not None and total > order.most:
        raise InputError(f"{order.address}: {total} bytes; at most {order.most} are fetched")
    return have, total


def _rest(order: _Order, answer: http.client.HTTPResponse, note: _Note, have: int) -> int:
    """The whole file's size from an answer that holds a part; what is there is given up if the part does not fit."""
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    changed = _validator(answer) not in ("", note.validator)
    if not have or match is None or int(match[1]) != have or changed or note.total not in (None, int(match[2])):
        _note_file(order.part).unlink(missing_ok=True)  # without it the next try begins anew
        raise _Broken("answered with another part than was asked for")
    return int(match[2])


def _ask(order: _Order, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    request = urllib.request.Request(order.address, headers={"User-Agent": f"eegbench/{__version__}", **headers})
    try:
        answer: http.client.HTTPResponse = urllib.request.build_opener(_Redirects).open(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the file is shorter than what is here
            _note_file(order.part).unlink(missing_ok=True)
        if error.code in (416, *AGAIN):
            raise _Broken(f"{error.code} {error.reason}") from None
        raise MissingError(f"{order.address}: cannot be fetched ({error.code} {_plain(error.reason)})") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(getattr(error, "reason", error)) from None
    except ValueError as error:  # a host that cannot be one
        raise MissingError(f"{order.address}: cannot be fetched (it is no address: {_plain(error)})") from None
    return answer


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https, and from http to http: no file, and nothing that is less safe than what was asked for."""

    def http_error_302(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError as error:
            raise urllib.error.HTTPError(req.full_url, code, f"leads to no address: {error}", headers, fp) from None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in {"https", req.type}:
            raise urllib.error.HTTPError(req.full_url, code, f"redirected to {newurl}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body: its first HEAD bytes, then what comes."""
    try:
        if piece := answer.read(HEAD):
            yield piece
        while piece := answer.read1(PIECE):
            yield piece
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(error) from None


def _examine(order: _Order, sha256: str) -> str:
    """The sha256 of what came, if it is what was wanted."""
    size = order.part.stat().st_size
    if order.size not in (None, size):
        raise InputError(f"{order.address}: {size} bytes, wanted {order.size}; nothing was kept")
    check_kind(order.part, order.kind, order.address)
    found = file_digest(order.part)
    if not found.startswith(sha256):
        raise InputError(f"{order.address}: sha256 {found[:16]}..., wanted {sha256[:16]}; nothing was kept")
    return found


def _check_head(name: str, head: bytes, kind: str | None) -> None:
    if not head:
        raise _wrong(name, "an empty file", kind)
    if _HTML.match(head):
        raise _wrong(name, "an HTML page", kind)
    if kind is not None and not head.startswith(KINDS[kind]):
        raise _wrong(name, f"a file that begins with {head[:8]!r}", kind)


def _wrong(name: str, came: str, kind: str | None) -> InputError:
    return InputError(f"{name}: {came}, wanted {f'a file of kind {kind}' if kind else 'data'}; look at it in a browser")


def _validator(answer: http.client.HTTPResponse) -> str:
    """What tells this version of the file from others; "" if nothing does. A weak ETag does not (RFC 9110, 13.1.5)."""
    etag = answer.headers.get("ETag", "")
    validator: str = answer.headers.get("Last-Modified", "") if etag[:1] != '"' else etag
    return validator if _is_header(validator) else ""


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _checked_address(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or not _is_header(address) or " " in address:
        raise InputError(f"{_plain(address)} is no address to download from; wanted https://...")
    return address


def _checked_kind(kind: str | None) -> str | None:
    if kind is not None and kind not in KINDS:
        raise unknown("kind of file", kind, KINDS)
    return kind


def _plain(text: object) -> str:
    """What a server said, fit to be shown in a line."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:200]
