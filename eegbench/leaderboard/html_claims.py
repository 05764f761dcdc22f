"""Published numbers on the HTML page: a section of their own, below all that was measured."""

from collections.abc import Sequence

from eegbench.leaderboard import wording
from eegbench.leaderboard.claims import Assessed
from eegbench.leaderboard.claims_markdown import LEGEND
from eegbench.leaderboard.html_text import text
from eegbench.tables import fixed

HEADS = ("paper", "table", "method", "data set", "subject", "metric", "published", "measured here", "verdict")


def claims(assessed: Sequence[Assessed]) -> str:
    """The section; "" for no claims."""
    if not assessed:
        return ""
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    rows = "".join(_row(entry) for entry in assessed)
    return (
        '<section class="claims" id="claims">\n<h2>Published numbers</h2>\n'
        f'<p class="facts">{text(LEGEND.replace("*", ""), len(LEGEND))}</p>\n<div class="scroll" tabindex="0"><table>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )


def _row(assessed: Assessed) -> str:
    claim = assessed.claim
    spread = "" if claim.spread is None else f" ± {claim.spread:g}"
    measured = ""
    if assessed.value is not None:
        ends = "" if assessed.ci is None else f" [{fixed(assessed.ci[0], 3)}, {fixed(assessed.ci[1], 3)}]"
        measured = f"{fixed(assessed.value, 3)}{ends} ({assessed.row})"
    words = (claim.paper, claim.table, claim.method, claim.dataset, claim.subject, claim.metric)
    doubts = " ".join(filter(None, (claim.protocol, claim.uncertain)))
    title = f' title="{text(doubts, wording.LONGEST_CAUTION)}"' if doubts else ""
    cells = "".join(
        f"<td>{text(word)}</td>" for word in (*words, f"{claim.value:g}{spread}", measured, assessed.verdict)
    )
    return f"<tr{title}>{cells}</tr>\n"
