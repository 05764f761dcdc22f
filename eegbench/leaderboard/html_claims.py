"""Published numbers on the HTML page: a section of their own, below all that was measured."""

from collections.abc import Sequence

from eegbench.leaderboard.claims import Assessed
from eegbench.leaderboard.claims_markdown import COLUMNS, LEGEND, LONGEST_FOOTNOTE, marks_of, sources, words
from eegbench.leaderboard.html_text import text
from eegbench.tables import fixed


def claims(assessed: Sequence[Assessed]) -> str:
    """The section, with its footnotes and papers; "" for no claims."""
    if not assessed:
        return ""
    heads = "".join(f'<th scope="col">{head}</th>' for head in COLUMNS)
    footnotes: dict[str, int] = {}
    rows = "".join(_row(entry, footnotes) for entry in assessed)
    legend = LEGEND.replace("*", "").replace("`", "")
    notes = "".join(f"<li>{text(note, LONGEST_FOOTNOTE)}</li>\n" for note in footnotes)
    keys = list(dict.fromkeys(entry.claim.paper for entry in assessed))
    papers = "".join(f"<li>{text(paper, LONGEST_FOOTNOTE)}</li>\n" for paper in sources(keys))
    return (
        '<section class="claims" id="claims">\n<h2>Published numbers</h2>\n'
        f'<p class="facts">{text(legend, len(legend))}</p>\n<div class="scroll" tabindex="0"><table>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
        f'<ol class="footnotes">\n{notes}</ol>\n<ul class="footnotes">\n{papers}</ul>\n</section>\n'
    )


def _row(assessed: Assessed, footnotes: dict[str, int]) -> str:
    claim = assessed.claim
    published = f"{claim.value:g}" + ("" if claim.spread is None else f" ± {claim.spread:g}")
    published += f" ({claim.selection})" if claim.selection else ""
    marks = marks_of(claim, footnotes).replace(",", ",<wbr>")
    measured = ""
    if assessed.value is not None:
        ends = "" if assessed.ci is None else f" [{fixed(assessed.ci[0], 3)}, {fixed(assessed.ci[1], 3)}]"
        measured = f"{fixed(assessed.value, 3)}{ends} ({assessed.row})"
    cells = "".join(f"<td>{text(word)}</td>" for word in words(claim))
    cells += f"<td>{text(published)}{f'<sup>{marks}</sup>' if marks else ''}</td>"
    cells += f"<td>{text(measured)}</td><td>{text(assessed.verdict)}</td>"
    return f"<tr>{cells}</tr>\n"
