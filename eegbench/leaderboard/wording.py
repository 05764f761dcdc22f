"""What a board says, whatever its format: cautions, headings, numbers as papers print them; plain text, unescaped."""

import math
import statistics
from collections.abc import Mapping, Sequence

from eegbench.leaderboard.cells import Cell, Column, Row, Setting, Table
from eegbench.records import ROLES

BLOCKS: Mapping[str, str] = {
    "ranked": "",
    "floor": "floors: what is reached without a signal; not ranked",
    "ceiling": "ceilings: what is reached when told the answer; not ranked",
    "wider": "not ranked: the same methods on more than all of them share",
    "transductive": "uses all test trials at once (transductive): not ranked",
    "left out": "left out: neither ranked nor compared, for the reason at each row",
}
# Each caution: what is said aloud, and why.
SIMULATED = (
    "SIMULATED EEG: not comparable with any published number.",
    "The EEG of the tables marked so was computed, not recorded from people.",
)
MICRO = (
    "Suite micro: not comparable with papers.",
    "Its judges are small networks trained for this package, not the networks that papers use.",
)
ORACLE = "Oracle: each method was given a hint that was computed from the true image."
NORMALISED = (
    "Methods are shown as shares of the way from the best of floors and chance (0) to the best ceiling (1) on the same "
    "subjects and stimuli; both are taken as exact. Floors and ceilings stand there as they are."
)
NO_MEAN_IMAGE = "No mean_image among the floors: shares of pixel metrics flatter a blur; run `eegbench evaluate` again."
LEGEND = (
    "Each cell: value and 95 % interval.",
    "↑ more is better, ↓ less is better; behind @ stands the metric's version.",
    "One run: the interval is over its items, by bootstrap. Several seeds of one subject: over its items, of the mean "
    "over seeds. Several subjects: the mean over subjects, and a bootstrap over whole subjects, widened for their "
    "small number, joined with one over stimuli.",
    "Ranked methods, floors and ceilings stand on the subjects, seeds and stimuli that all ranked methods share: the "
    "line above each table names them. Rows below these are not ranked.",
    "Bold: the best value of the ranked methods. ≈: tied, not told apart from it by a paired sign-flip test over "
    "stimuli (p above .05 after Holm's correction over the column). Metrics of whole sets (is, kid, fid) have no test.",
)
TIED = "≈"
NOISE = 1e-9  # an interval no wider is the rounding of floating point
LONGEST = 300  # characters of any text from a record
LONGEST_CAUTION = 1000  # which is sentences with references


def warnings(tables: Sequence[Table]) -> list[tuple[str, str]]:
    """The cautions above all tables."""
    found = [SIMULATED] if any(table.setting.simulated for table in tables) else []
    return found + ([MICRO] if any(table.setting.suite == "micro" for table in tables) else [])


def visible(text: str, longest: int = LONGEST) -> str:
    """`text` on one line, cut, without control characters and marks that turn the direction of writing."""
    shown = "".join(character if character.isprintable() else " " for character in text[:longest])
    return shown + ("…" if len(text) > longest else "")


def title(table: Table) -> str:
    """The heading of a table: no two of a board are the same."""
    return ", ".join((heading(table.setting), *table.variant))


def heading(setting: Setting) -> str:
    """What is named first of a setting; tables that differ in other parts of it have the same."""
    scored = f"suite {setting.suite}, protocol {setting.protocol}" if setting.suite else "not scored yet"
    return f"{setting.dataset}@{setting.revision}, track {setting.track}, {scored}"


def loud(table: Table) -> list[str]:
    """What a table must say aloud."""
    setting = table.setting
    return (["Simulated EEG."] if setting.simulated else []) + ([ORACLE] if setting.track == "oracle" else [])


def facts(table: Table) -> list[str]:
    """What else its numbers depend on."""
    setting = table.setting
    found = [f"Test EEG averaged over {setting.average} repetitions."]
    if setting.samples > 1:
        found.append(f"{setting.samples} samples per stimulus, selection: {setting.selection}.")
    found += [f"Options of the data set: {setting.options}."] if setting.options != "{}" else []
    if table.normalised:
        found.append(NORMALISED)
        floors = {row.method for row in table.rows if row.role == "floor"}
        found += [NO_MEAN_IMAGE] if floors and "mean_image" not in floors else []
    return found


def ranked(count: int, shared: str, doubts: Sequence[str]) -> str:
    """Over what so many methods are ranked, or why none is."""
    if doubts:
        return f"Nothing is ranked: {'; '.join(doubts)}."
    if count < 2:
        return f"Nothing is best: {f'one method alone can be compared ({shared})' if count else 'no method can be'}."
    return f"Ranked over {shared}: what {'both' if count == 2 else f'all {count}'} methods share."


def unmarked(reason: str, columns: Sequence[str]) -> str:
    """That nothing is best in some columns, or with () in any, and why."""
    return f"Nothing is best{f' in {listed(columns)}' if columns else ''}: {reason}."


def left_out(roles: Sequence[str]) -> str:
    """How many rows are left out, from the role of each: "1 method and 2 floors are left out; their rows say why."."""
    counts = {role: roles.count(role) for role in ROLES if role in roles}
    told = listed([f"{count} {role}{'s' if count > 1 else ''}" for role, count in counts.items()])
    return f"{told} {'is left out; its row says' if len(roles) == 1 else 'are left out; their rows say'} why."


def counted_from(role: str, counted: Sequence[str], lacking: Sequence[str]) -> str:
    """Which of the floors or ceilings a share counts from, and why not from the others."""
    return f"of the {role}, counted from {listed(counted)} alone: {'; '.join(lacking)}"


def no_share(lacking: Sequence[str], made: bool) -> str:
    """That there is no floor, no ceiling, or neither. made: whether the table has some."""
    none = " and ".join(f"no {role}" for role in lacking)
    if made:
        return f"no share: {none} with a value on these subjects"
    return f"no share: {none} on these subjects; run `eegbench evaluate` without --no-references"


def over(pairs: Sequence[tuple[int, int]], stimuli: tuple[int, int] | None = None) -> str:
    """Pairs of subject and seed, and on how many stimuli of a subject: "subjects 1 and 8, seed 0, 200 stimuli"."""
    people, seeds = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    said = [subjects(people), f"{'seed' if len(seeds) == 1 else 'seeds'} {_numbers(seeds)}"]
    if len(pairs) < len(people) * len(seeds):
        said.append(f"{len(pairs)} runs")
    if stimuli:
        fewest, most = stimuli
        each = " each" if len(people) > 1 else ""
        said.append(
            f"{most if fewest == most else f'{fewest} to {most}'} {'stimulus' if most == 1 else 'stimuli'}{each}"
        )
    return ", ".join(said)


def subjects(numbers: Sequence[int]) -> str:
    return f"{'subject' if len(numbers) == 1 else 'subjects'} {_numbers(numbers)}"


def listed(words: Sequence[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), words[-1]])


def _numbers(numbers: Sequence[int]) -> str:
    """Whole numbers in order: "8", "1, 2 and 8", "1 to 10 and 12"."""
    stretches: list[list[int]] = []
    for number in numbers:
        if stretches and number == stretches[-1][-1] + 1:
            stretches[-1].append(number)
        else:
            stretches.append([number])
    words = [f"{one[0]} to {one[-1]}" if len(one) > 2 else ", ".join(map(str, one)) for one in stretches]
    return listed(", ".join(words).split(", "))


def release(column: Column) -> str:
    return f"{column.metric}@{column.release}"


def direction(column: Column) -> str:
    """The arrow, and what chance gives."""
    chance = "" if column.chance is None else f" (chance {number(column.chance, 3).rstrip('0').rstrip('.') or '0'})"
    return ("↑" if column.higher_is_better else "↓") + chance


def items(row: Row) -> str:
    fewest, most = row.items
    return str(most) if fewest == most else f"{fewest} to {most}"


def decimals(table: Table) -> list[int]:
    """For each column the decimals of its intervals: as many as show half their typical width; values get one more."""
    return [_decimals([row.cells[i] for row in table.rows]) for i in range(len(table.columns))]


def value(cell: Cell, places: int) -> str:
    """A cell's value; "" for a blank. `places` are those of the column's intervals."""
    return "" if cell.value is None else number(cell.value, places + 1)


def interval(cell: Cell, places: int) -> str:
    """A cell's interval in brackets; "" where it has none."""
    if cell.value is None or cell.ci is None:
        return ""
    return f"[{number(cell.ci[0], places)}, {number(cell.ci[1], places)}]"


def number(value: float, decimals: int) -> str:
    """`value` with that many decimals and no zero before the point, as papers print scores: .712, -.05, 12.3.

    What rounds to nothing is 0.
    """
    text = f"{value:.{decimals}f}" if abs(value) < 1e7 else f"{value:.3g}"
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if not digits.strip("0."):
        return "0"
    return sign + (digits[1:] if digits.startswith("0.") else digits)


def _decimals(cells: Sequence[Cell]) -> int:
    widths = [cell.ci[1] - cell.ci[0] for cell in cells if cell.ci is not None and cell.ci[1] - cell.ci[0] > NOISE]
    if not widths:
        return 2
    return min(6, max(0, -math.floor(math.log10(statistics.median(widths) / 4))))
