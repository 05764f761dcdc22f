"""Which kind of file some bytes are, told by the first of them: data, or a web page in their place."""

import re
from collections.abc import Mapping
from pathlib import Path

from eegbench.errors import InputError, unknown

HEAD = 512  # bytes that tell a file's kind

_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
KINDS: Mapping[str, tuple[bytes, ...]] = {  # the first bytes that a file of the kind may have
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "numpy": (b"\x93NUMPY",),
    "numpy or pickle": (b"\x93NUMPY", *_PICKLES),
    "torch": (b"PK\x03\x04", *_PICKLES),
}
_HTML = re.compile(rb"(\xef\xbb\xbf)?\s*(<(\?xml|!--)[^>]*>\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)


def check_kind(path: Path, kind: str | None, name: str = "") -> None:
    """InputError naming `name`, or `path`, for a file that is empty, an HTML page or not of the kind."""
    with path.open("rb") as file:
        check_head(name or str(path), file.read(HEAD), checked_kind(kind))


def is_page(head: bytes) -> bool:
    """Whether a file's first bytes are those of HTML or XML, as no array's and no pickle's are."""
    return head.lstrip(b"\xef\xbb\xbf\t\r\n ").startswith(b"<")


def check_head(name: str, head: bytes, kind: str | None) -> None:
    if not head:
        raise wrong(name, "an empty file", kind)
    if _HTML.match(head):
        raise wrong(name, "an HTML page", kind)
    if kind is not None and not head.startswith(KINDS[kind]):
        raise wrong(name, f"a file that begins with {head[:8]!r}", kind)


def wrong(name: str, came: str, kind: str | None) -> InputError:
    return InputError(f"{name}: {came}, wanted {f'a file of kind {kind}' if kind else 'data'}; look at it in a browser")


def checked_kind(kind: str | None) -> str | None:
    if kind is not None and kind not in KINDS:
        raise unknown("kind of file", kind, KINDS)
    return kind
