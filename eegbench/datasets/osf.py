"""What a node of the Open Science Framework (OSF) holds, by its API, version 2: pages of JSON, folders within folders.

A listing comes from a stranger: names, links and lengths are checked before they are used.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from eegbench.contracts import Silent
from eegbench.download import download
from eegbench.errors import InputError, UsageError
from eegbench.files import Json, read_json
from eegbench.guards.limits import SHA256
from eegbench.guards.redaction import shown

API = "https://api.osf.io/v2/"
MOST_PAGES, MOST_FILES, DEEPEST = 2000, 20_000, 8  # of one node's listing
MOST_LISTED = 2**24  # bytes of one page of it
_NAME = re.compile(r"(?!\.\.?$)[^/\\\x00-\x1f\x7f]{1,255}")
_NODE = re.compile(r"[a-z0-9]{3,24}")


@dataclass(frozen=True)
class ListedFile:
    """A file that a node of the OSF lists. path: within the node. size: bytes, None where it is not told."""

    path: str
    address: str
    size: int | None = None
    sha256: str = ""


def osf(node: str, *, api: str = API) -> tuple[ListedFile, ...]:
    """The files that the OSF lists in a node's own storage, folders within folders.

    Every link must lead where `api` is, and a download over the same scheme. Raises MissingError where the listing
    cannot be had and InputError for one that breaks the API's form or the limits, or holds a name that is a path.
    """
    if not _NODE.fullmatch(node):
        raise UsageError(f"{node!r} is no node of the OSF; wanted lower-case letters and digits, as anp5v")
    files: list[ListedFile] = []
    folders = [("", f"{api}nodes/{node}/files/osfstorage/")]
    pages = 0
    while folders:
        within, page = folders.pop()
        while page:
            pages += 1
            if pages > MOST_PAGES or len(files) + len(folders) > MOST_FILES or within.count("/") > DEEPEST:
                most = f"{MOST_PAGES} pages, {MOST_FILES} files or {DEEPEST} folders deep"
                raise InputError(f"{api}: node {node} lists more than {most}; fetch its files by hand")
            listing = _page(page)
            entries = listing.get("data")
            if not isinstance(entries, list):
                raise InputError(f"{shown(page)}: no listing of files; wanted the OSF's, of its API version 2")
            for entry in entries:
                path = within + _name(page, entry)
                if _dig(entry, "attributes", "kind") == "folder":
                    href = _dig(entry, "relationships", "files", "links", "related", "href")
                    folders.append((f"{path}/", _link(page, href, api, abroad=False)))
                else:
                    files.append(_file(page, path, entry, api))
            following = _dig(listing, "links", "next")
            page = "" if following is None else _link(page, following, api, abroad=False)
    return tuple(files)


def _page(address: str) -> Json:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "listing.json"
        download(address, path, progress=Silent(), most=MOST_LISTED)
        try:
            return read_json(path)
        except InputError:
            raise InputError(f"{shown(address)}: not JSON; wanted the OSF's listing of files") from None


def _name(page: str, entry: object) -> str:
    name = _dig(entry, "attributes", "name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"{shown(page)}: lists the name {str(name)[:80]!r}; wanted the name of a file, it is refused")
    return name


def _file(page: str, path: str, entry: object, api: str) -> ListedFile:
    size = _dig(entry, "attributes", "size")
    sha256 = _dig(entry, "attributes", "extra", "hashes", "sha256")
    return ListedFile(
        path,
        _link(page, _dig(entry, "links", "download"), api, abroad=True),
        size if type(size) is int and size >= 0 else None,
        sha256 if isinstance(sha256, str) and SHA256.fullmatch(sha256) else "",
    )


def _link(page: str, link: object, api: str, *, abroad: bool) -> str:
    """`link` if it keeps the API's scheme, and its server unless `abroad`."""
    home = urlsplit(api)
    try:
        parts = urlsplit(link if isinstance(link, str) else "")
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != home.scheme or not parts.netloc or not (abroad or parts.netloc == home.netloc):
        raise InputError(
            f"{shown(page)}: links to {shown(str(link))[:120]!r}; wanted {home.scheme}://{home.netloc}, it is refused"
        )
    return str(link)


def _dig(value: object, *keys: str) -> Any:
    """What lies in objects within objects, None where a key is lacking."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
