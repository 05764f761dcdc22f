"""Pictures beside one another: for a few stimuli the truth, what each row of a table made of it, maps, and scores.

This room opens no image: a Gallery has them as data URIs, by the paths of the runs that `exhibited` names.
"""

import html
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Row, Table
from eegbench.leaderboard.exhibits import Exhibit, Gallery, Thumbnail
from eegbench.leaderboard.html_table import Linked
from eegbench.leaderboard.html_text import breakable, text
from eegbench.runs.folder import Run
from eegbench.tables import fixed

ROWS = 40
MAPS: Mapping[str, str] = {"control": "control map", "saliency": "saliency"}  # kinds that stand small below a picture


def exhibited(table: Table, runs: Sequence[Run]) -> list[Run]:
    """The run that stands for each of a table's first ROWS rows, where its folder holds more than records.

    The lowest seed of the subject that most of the rows have; of a row without that subject, of its first one.
    """
    by_path = {run.path: run for run in runs}
    rows = [row for row in table.rows if row.runs and row.block != "wider"][:ROWS]
    counts = Counter(subject for row in rows for subject in row.subjects)
    common = min(counts, key=lambda subject: (-counts[subject], subject), default=0)
    chosen = [min(row.runs, key=lambda s: (s.subject != common, s.subject, s.seed, s.path)) for row in rows]
    standing = [by_path[source.path] for source in chosen]
    return [run for run in standing if _has_folders(run)]


def _has_folders(run: Run) -> bool:
    try:
        return any(entry.is_dir() for entry in run.folder.iterdir())
    except OSError:  # it was taken away meanwhile
        return False


def gallery(linked: Linked, pictures: Gallery | None) -> str:
    """The pictures of a table; "" where there are none."""
    if pictures is None or not pictures.shown:
        return ""
    rows = {source.path: row for row in linked.table.rows for source in row.runs}
    specs = [linked.runs[p.run].record.spec for exhibit in pictures.shown for p in exhibit.pictures if p.run in rows]
    people = {(spec.subject, spec.seed) for spec in specs}
    all_of = "Subject {}, seed {}. ".format(*people.pop()) if len(people) == 1 else ""
    notes = "".join(f"<li>{text(note)}</li>\n" for note in pictures.notes)
    lost = f'<ul class="notes">\n{notes}</ul>\n' if notes else ""
    shown = [
        _stimulus(linked, number, exhibit, rows, bool(all_of)) for number, exhibit in enumerate(pictures.shown, start=1)
    ]
    return (
        f'<section class="gallery" id="{linked.name}-pictures"><h3>Pictures</h3>\n'
        f"<p>{len(pictures.shown)} of {pictures.of} stimuli, spread evenly over their ids; open one to see what was "
        f'made of it. {all_of}<span class="scripted">The keys ← and → go to the one before and the next.</span></p>\n'
        f'<div class="stimuli">\n{"".join(shown)}</div>\n{lost}</section>\n'
    )


def _stimulus(linked: Linked, number: int, exhibit: Exhibit, rows: Mapping[str, Row], alike: bool) -> str:
    name = text((exhibit.concept or exhibit.stimulus).replace("_", " "), 40)
    runs = list(dict.fromkeys(picture.run for picture in exhibit.pictures))
    cover = _image(exhibit.pictures[0], "") if exhibit.pictures else ""
    figures = [_figure(linked, exhibit, run, rows, alike) for run in runs if not run or run in rows]
    return (
        f'<details class="stimulus" id="{linked.name}-stimulus-{number}">'
        f"<summary>{cover}<span>{name}</span></summary>\n"
        f'<div class="panel"><p class="id">{text(exhibit.stimulus)}</p>\n'
        f'<div class="figures">\n{"".join(figures)}</div>\n'
        f"{_scores(linked, exhibit.stimulus, [run for run in runs if run in rows], rows)}</div></details>\n"
    )


def _figure(linked: Linked, exhibit: Exhibit, run: str, rows: Mapping[str, Row], alike: bool) -> str:
    """The picture of a run, or the truth, its maps below it, and whose it is."""
    label = rows[run].label if run else "truth"
    own = [picture for picture in exhibit.pictures if picture.run == run]
    large = [_image(p, f"{label}: {exhibit.stimulus}") for p in own if p.kind not in MAPS]
    small = [
        f"<div>{_image(p, f'{label}, {MAPS[p.kind]}: {exhibit.stimulus}')}<small>{MAPS[p.kind]}</small></div>"
        for p in own
        if p.kind in MAPS
    ]
    maps = f'<div class="maps">{"".join(small)}</div>' if small else ""
    which = "" if alike or not run else f"<small>{linked.runs[run].name}</small>"
    role = rows[run].role if run else "truth"
    head = f'<figure class="{role}" data-method="{text(label)}">'
    caption = f"{breakable(label)}{_unranked(rows[run]) if run else ''}{which}"
    return f"{head}{''.join(large)}<figcaption>{caption}</figcaption>{maps}</figure>\n"


def _unranked(row: Row) -> str:
    return f" <small>{row.block}</small>" if row.block in ("transductive", "left out") else ""


def _image(picture: Thumbnail, alternative: str) -> str:
    return f'<img src="{html.escape(picture.data)}" alt="{text(alternative)}" loading="lazy">'


def _scores(linked: Linked, stimulus: str, runs: Sequence[str], rows: Mapping[str, Row]) -> str:
    """What each metric makes of this stimulus alone, for the runs that are shown."""
    columns = [
        (place, column)
        for place, column in enumerate(linked.table.columns)
        if any(_score(linked.runs[run], stimulus, column.metric, column.version) is not None for run in runs)
    ]
    if not columns:
        return ""
    places = wording.decimals(linked.table)
    titles = "".join(
        f'<th scope="col">{breakable(wording.release(c))} {wording.direction(c)[0]}</th>' for _, c in columns
    )
    lines = []
    for run in runs:
        values = [_score(linked.runs[run], stimulus, column.metric, column.version) for _, column in columns]
        cells = [
            f"<td>{'' if value is None else fixed(column.clipped(value), places[place] + 1)}</td>"
            for (place, column), value in zip(columns, values, strict=True)
        ]
        row = rows[run]
        lines.append(
            f'<tr class="{row.role}" data-method="{text(row.label)}"><th scope="row">{breakable(row.label)}'
            f"{_unranked(row)}</th>{''.join(cells)}</tr>\n"
        )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="scores of {text(stimulus)}"><table class="scores">'
        f'\n<thead><tr><th scope="col">this stimulus</th>{titles}</tr></thead>\n'
        f"<tbody>\n{''.join(lines)}</tbody></table></div>\n"
    )


def _score(run: Run, stimulus: str, metric: str, version: int) -> float | None:
    values = run.values
    items = values.metrics.get((metric, version)) if values else None
    if values is None or items is None:
        return None
    place = int(np.searchsorted(values.stimuli, stimulus))  # which are sorted
    if place == len(values.stimuli) or values.stimuli[place] != stimulus or not np.isfinite(items[place]):
        return None
    return float(items[place])
