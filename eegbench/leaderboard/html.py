"""The leaderboard as one HTML file that asks nobody for anything: tables, pictures, distributions, records.

Without scripts all of it is there; the script sorts and filters. The same runs give the same bytes.
"""

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Setting, Table
from eegbench.leaderboard.claims import Assessed
from eegbench.leaderboard.distributions import distributions
from eegbench.leaderboard.exhibits import Gallery
from eegbench.leaderboard.html_claims import claims as published
from eegbench.leaderboard.html_gallery import exhibited, gallery
from eegbench.leaderboard.html_protocols import protocols as html_protocols
from eegbench.leaderboard.html_table import Linked, grid, records
from eegbench.leaderboard.html_text import home_of, text
from eegbench.leaderboard.protocols import SideBySide
from eegbench.runs.folder import Run

__all__ = ["exhibited", "home_of", "page"]

TITLE = "EEG-to-image leaderboard"
LINKS = "A value leads to the record of its run, or to the list of its runs' records."
NONE: Mapping[Setting, Gallery] = MappingProxyType({})


def page(
    tables: Sequence[Table],
    runs: Sequence[Run],
    *,
    pictures: Mapping[Setting, Gallery] = NONE,
    home: str = "",
    claims: Sequence[Assessed] = (),
    protocols: Sequence[SideBySide] = (),
    notice: str = "",
) -> str:
    """The page. `runs` are those that the tables were made of; `pictures` what was found of them, by setting.

    home: the address of the folder of runs as seen from the page, by `home_of`; "" leaves the links out. notice: HTML
    that stands above all tables. protocols: methods under several protocols, which stand below the tables.
    """
    by_path = {run.path: run for run in runs}
    linked = [Linked(table, f"t{number}", by_path, home) for number, table in enumerate(tables, start=1)]
    body = [
        f"<header>\n<h1>{TITLE}</h1>\n",
        *(_warning(warning, why) for warning, why in wording.warnings(tables)),
        notice,
    ]
    body += [_legend(tables), _controls(tables), _contents(linked)] if tables else ["<p>No runs.</p>\n"]
    sections = [_section(one, pictures.get(one.table.setting)) for one in linked]
    body += ["</header>\n<main>\n", *sections, html_protocols(protocols), published(claims), "</main>\n"]
    script = _file("page.js")
    return f"{_head(script)}<body>\n{''.join(body)}<script>{script}</script>\n</body>\n</html>\n"


def _head(script: str) -> str:
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f'<title>{TITLE}</title>\n<link rel="icon" href="data:,">\n<style>\n{_file("page.css")}</style>\n</head>\n'
    )


@functools.cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _warning(warning: str, why: str) -> str:
    return f'<p class="caution"><strong>{text(warning)}</strong> {text(why)}</p>\n'


def _legend(tables: Sequence[Table]) -> str:
    sentences = [text(words, len(words)) for words in (*wording.legend(tables), LINKS)]
    lines = "".join(f"<li>{words}</li>\n" for words in sentences).replace("<li>Bold:", "<li><b>Bold</b>:")
    return f'<details class="legend"><summary>How to read a table</summary>\n<ul>\n{lines}</ul></details>\n'


def _controls(tables: Sequence[Table]) -> str:
    """What the script filters by; hidden where it does not run."""
    tracks = sorted({table.setting.track for table in tables})
    boxes = [f'<label><input type="checkbox" name="track" value="{t}" checked> {t}</label>' for t in map(text, tracks)]
    group = f'<div role="group" aria-label="Track">Track {" ".join(boxes)}</div>\n'
    chosen = group if len(tracks) > 1 else ""
    return (
        '<form class="controls scripted">\n<label>Methods <input type="search" name="method" autocomplete="off" '
        f'spellcheck="false" placeholder="part of a name"></label>\n{chosen}<output></output>\n</form>\n'
    )


def _contents(linked: Sequence[Linked]) -> str:
    if len(linked) < 2:
        return ""
    lines = [
        f'<li data-track="{text(entry.table.setting.track)}"><a href="#{entry.name}">'
        f"{text(wording.title(entry.table))}</a></li>\n"
        for entry in linked
    ]
    return f'<nav aria-label="Tables"><ul>\n{"".join(lines)}</ul></nav>\n'


def _section(linked: Linked, pictures: Gallery | None) -> str:
    table = linked.table
    warned = [
        f'<p class="caution"><strong>Caution.</strong> {text(words, wording.LONGEST_CAUTION)}</p>\n'
        for words in table.cautions
    ]
    sentences = [f"<strong>{text(words)}</strong>" for words in wording.loud(table.setting)]
    sentences += [text(words) for words in wording.facts(table)]
    first, *more = [text(sentence, len(sentence)) for sentence in table.ranking] or [""]
    ranking = f'<p class="ranking"><strong>{first}</strong> {" ".join(more)}</p>\n' if first else ""
    notes = f'<p class="notes">Notes: {"; ".join(map(text, table.notes))}.</p>\n' if table.notes else ""
    return (
        f'<section class="setting" id="{linked.name}" data-track="{text(table.setting.track)}">\n'
        f'<h2>{text(wording.title(table))}</h2>\n{"".join(warned)}<p class="facts">{" ".join(sentences)}</p>\n'
        f"{ranking}{grid(linked)}{notes}{gallery(linked, pictures)}{distributions(linked)}{records(linked)}</section>\n"
    )
