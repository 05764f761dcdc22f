"""Pages that are files outside docs/, and links to them.

A page named in PAGES holds nothing of its own: its text is that of the file, so that each is written once. Links that
lead on a code host to such a file lead on the site to its page; links to other files of the repository download them.
"""

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
PAGES = {
    "guides/overview": ROOT / "README.md",
    "guides/results-repository": ROOT / "examples/ci/README.md",
    "changelog": ROOT / "CHANGELOG.md",
}
LINK = re.compile(r"(?<=\]\()(?!#)(?![a-z]+:)([^)#\s]+)")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", read)
    return {"parallel_read_safe": True}


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put a file's text in the place of its page, and lead the links of any Markdown page to pages of the site."""
    page = Path(app.env.doc2path(docname))
    if page.suffix == ".md":
        file = PAGES.get(docname, page)
        app.env.note_dependency(str(file))
        text = file.read_text(encoding="utf-8") if docname in PAGES else source[0]
        source[0] = relinked(text, file, page)


def relinked(text: str, file: Path, page: Path) -> str:
    """The text of `file` with links that hold from the folder of `page`."""
    pages = {path: DOCS / f"{name}.md" for name, path in PAGES.items()} | {DOCS / "README.md": DOCS / "index.md"}

    def link(match: re.Match[str]) -> str:
        target = (file.parent / match[1]).resolve()
        return Path(os.path.relpath(pages.get(target, target), page.parent)).as_posix()

    return LINK.sub(link, text)
