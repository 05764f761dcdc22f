"""What a board says, whatever its format: cautions, headings, numbers as papers print them; plain text, unescaped."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence

from eegbench.leaderboard.cells import Cell, Column, Row, Setting, Table
from eegbench.runs.protocol import in_words, seen_words
from eegbench.runs.record import ROLES, SIMULATED_EEG
from eegbench.tables import fixed

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
    f"{SIMULATED_EEG}: not comparable with any published number.",
    "The EEG of the tables marked so was computed, not recorded from people.",
)
MICRO = (
    "Suite micro: not comparable with papers.",
    "Its judges are small networks trained for this package, not the networks that papers use.",
)
ORACLE = "Oracle: each method was given a hint that was computed from the true image."
NORMALISED = (
    "Methods are shown as shares of the way from the best of floors and chance (0) to the best ceiling (1) on the same "
    "subjects and stimuli. Floors and ceilings stand there as they are.",
    "Intervals of shares resample method, floors and ceilings together, and choose the best ones anew each time; "
    "chance is taken as exact. Without values by stimulus, as for metrics of whole sets, a share has no interval.",
)
IN_TRAINING = (
    "All these people were in training: no number speaks of other people. Intervals and ties count how people differ "
    "all the same, so that they err on the safe side."
)
NO_MEAN_IMAGE = "No mean_image among the floors: shares of pixel metrics flatter a blur; run `eegbench evaluate` again."
LEGEND = (
    "Each cell: value and 95 % interval.",
    "↑ more is better, ↓ less is better; behind @ stands the metric's version.",
    "Intervals speak of new stimuli. Of several seeds they speak of new fits too, of three or more subjects of new "
    "people too. Two subjects have none.",
    "Ranked methods, floors and ceilings stand on the subjects, seeds and stimuli that all ranked methods share: the "
    "line above each table names them. Rows below these are not ranked.",
    "Bold: the best value of the ranked methods. ≈: tied, not told apart from it on the same stimuli (p above .05). p "
    "is corrected by Holm: in the column of the primary metric, which the line above each table names, for the number "
    "of methods; in all other columns for methods and columns together.",
    "Bold is selected: the interval of the best of several is not that of a value named beforehand. Of equal "
    "methods that err on different stimuli it covers the truth in 88 % of cases for the best of 5, in 80 % of 10.",
    "Smallest visible difference: the true difference between two methods that such runs show in 4 of 5 cases, at .05 "
    "before correction.",
    "Metrics of whole sets (at n = ...) are not ranked: their value changes with the number of images. is_10split has "
    "no interval of its own.",
    "Audit: one test over all metrics of whether the EEG contributes; of several runs one p of all.",
)
SEEDS = "sd between seeds: the standard deviation between the runs of one subject."
COUNTED = (
    "(counted rule): an older record, whose audit counted the metrics with a contribution clear of zero. That rule "
    "misses most small contributions, and its “mixed” is mostly noise. `eegbench evaluate` on such a run tests it anew."
)
TIED = "≈"
NOISE = 1e-9  # an interval no wider is the rounding of floating point
LONGEST = 300  # characters of any text from a record
LONGEST_CAUTION = 1000  # which is sentences with references


def warnings(tables: Sequence[Table]) -> list[tuple[str, str]]:
    """The cautions above all tables."""
    cautions = [SIMULATED] if any(table.setting.simulated for table in tables) else []
    return cautions + ([MICRO] if any(table.setting.suite == "micro" for table in tables) else [])


def legend(tables: Sequence[Table]) -> list[str]:
    """How to read the tables: `LEGEND`, and what only some boards have."""
    rows = [row for table in tables for row in table.rows]
    sentences = [*LEGEND]
    sentences += [SEEDS] if any(cell.seeds_sd is not None for row in rows for cell in row.cells) else []
    return sentences + ([COUNTED] if any("counted" in row.audit_rules for row in rows) else [])


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
    return ", ".join([f"{setting.dataset}@{setting.revision}", f"track {setting.track}", *protocol(setting), scored])


def protocol(setting: Setting) -> list[str]:
    """Who was trained on and what of the EEG was seen, where that is not the usual."""
    words = in_words(
        train_on=setting.train_on,
        calibration=setting.calibration,
        others=setting.others,
        scale=setting.scale,
        average=setting.average,
        view=json.loads(setting.view),
    )
    return [visible(word) for word in words]


def seen(view: Mapping[str, object]) -> dict[str, str]:
    """What of the EEG was seen, by name: {"window": "0:0.2 s"}."""
    return {name: visible(value) for name, value in seen_words(view).items()}


def loud(setting: Setting) -> list[str]:
    """What a table of this setting must say aloud."""
    return (["Simulated EEG."] if setting.simulated else []) + ([ORACLE] if setting.track == "oracle" else [])


def facts(table: Table) -> list[str]:
    """What else its numbers depend on."""
    setting = table.setting
    sentences = [f"Test EEG averaged over {setting.average} repetitions."]
    if setting.samples > 1:
        sentences.append(f"{setting.samples} samples per stimulus, selection: {setting.selection}.")
    sentences += [f"Options of the data set: {setting.options}."] if setting.options != "{}" else []
    sentences += [IN_TRAINING] if setting.pooled and any(len(row.subjects) > 1 for row in table.rows) else []
    if table.normalised:
        sentences += NORMALISED
        floors = {row.method for row in table.rows if row.role == "floor"}
        sentences += [NO_MEAN_IMAGE] if floors and "mean_image" not in floors else []
    return sentences


def ranked(count: int, shared: str, doubts: Sequence[str]) -> str:
    """Over what so many methods are ranked, or why none is."""
    if doubts:
        return f"Nothing is ranked: {'; '.join(doubts)}."
    if count < 2:
        return f"Nothing is best: {f'one method alone can be compared ({shared})' if count else 'no method can be'}."
    return f"Ranked over {shared}: what {'both' if count == 2 else f'all {count}'} methods share."


def speaks_of(what: str, shared: Sequence[tuple[int, int]], fits: int) -> str:
    """Of what ties and bold speak, from `standing.generalises`, and how many fits a method has."""
    people = len({subject for subject, _ in shared})
    count = f"{fits} {'fit' if fits == 1 else 'fits'} per method"
    rest = {
        "stimuli": f"new stimuli; of this person and these fits alone ({count})",
        "stimuli and fits": f"new stimuli and new fits; of this person alone ({count})",
        "stimuli and seeds": f"new stimuli and new seeds; of this person and these fits alone ({count})",
        "people and stimuli": f"new people and new stimuli ({people} people, {count})",
        "stimuli of people in training": f"new stimuli; of these {people} people, who were all in training ({count})",
    }
    return f"Ties and bold speak of {rest[what]}."


def foot(table: Table, places: Sequence[int]) -> list[tuple[str, list[str]]]:
    """The lines below the ranked methods: what each is, and its numbers by column, "" for none."""
    spreads = [
        [s for row in table.rows if row.block == "ranked" and (s := row.cells[i].seeds_sd) is not None]
        for i in range(len(table.columns))
    ]
    lines = {
        "smallest visible difference": [column.visible for column in table.columns],
        "sd between seeds": [statistics.fmean(x * x for x in own) ** 0.5 if own else None for own in spreads],
    }
    return [
        (name, ["" if value is None else spread(value, d) for value, d in zip(values, places, strict=True)])
        for name, values in lines.items()
        if any(value is not None for value in values)
    ]


def unmarked(reason: str, columns: Sequence[str]) -> str:
    """That nothing is best in some columns, or with () in any, and why."""
    return f"Nothing is best{f' in {listed(columns)}' if columns else ''}: {reason}."


def left_out(roles: Sequence[str]) -> str:
    """How many rows are left out, from the role of each: "1 method and 2 floors are left out; their rows say why."."""
    counts = {role: roles.count(role) for role in ROLES if role in roles}
    counted = listed([f"{count} {role}{'s' if count > 1 else ''}" for role, count in counts.items()])
    return f"{counted} {'is left out; its row says' if len(roles) == 1 else 'are left out; their rows say'} why."


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
    parts = [subjects(people), f"{'seed' if len(seeds) == 1 else 'seeds'} {_numbers(seeds)}"]
    if len(pairs) < len(people) * len(seeds):
        parts.append(f"{len(pairs)} runs")
    if stimuli:
        fewest, most = stimuli
        each = " each" if len(people) > 1 else ""
        parts.append(f"{between(fewest, most)} {'stimulus' if most == 1 else 'stimuli'}{each}")
    return ", ".join(parts)


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
    words = [
        f"{stretch[0]} to {stretch[-1]}" if len(stretch) > 2 else ", ".join(map(str, stretch)) for stretch in stretches
    ]
    return listed(", ".join(words).split(", "))


def release(column: Column) -> str:
    return f"{column.metric}@{column.release}"


def direction(column: Column) -> str:
    """The parts of `directions` on one line."""
    return " ".join(directions(column))


def directions(column: Column) -> list[str]:
    """The arrow with what chance gives, and of a metric of whole sets on how many stimuli it stands."""
    chance = "" if column.chance is None else f" (chance {fixed(column.chance, 3).rstrip('0').rstrip('.') or '0'})"
    return [
        f"{'↑' if column.higher_is_better else '↓'}{chance}",
        *([f"at n = {between(*column.at_n)}"] if column.at_n else []),
    ]


def items(row: Row) -> str:
    return between(*row.items)


def between(fewest: int, most: int) -> str:
    return str(most) if fewest == most else f"{fewest} to {most}"


def decimals(table: Table) -> list[int]:
    """For each column the decimals of its intervals: as many as show half their typical width; values get one more.

    Where methods are shown as shares, these decide.
    """
    rows = [row for row in table.rows if row.role == "method" or not table.normalised]
    return [decimals_of([row.cells[i] for row in rows]) for i in range(len(table.columns))]


def value(cell: Cell, places: int) -> str:
    """A cell's value; "" for a blank. `places` are those of the column's intervals."""
    return "" if cell.value is None else fixed(cell.value, places + 1)


def interval(cell: Cell, places: int) -> str:
    """A cell's interval in brackets; "" where it has none."""
    if cell.value is None or cell.ci is None:
        return ""
    return f"[{fixed(cell.ci[0], places)}, {fixed(cell.ci[1], places)}]"


def spread(value: float, places: int) -> str:
    """A deviation or difference beside values with `places` decimals in their intervals: two digits of it or more."""
    digits = 1 - math.floor(math.log10(value)) if value > 0 else 0
    return fixed(value, min(6, max(places + 1, digits)))


def decimals_of(cells: Sequence[Cell]) -> int:
    """Of one column's intervals. Without any a value gets three decimals, or one where values are large."""
    widths = [cell.ci[1] - cell.ci[0] for cell in cells if cell.ci is not None and cell.ci[1] - cell.ci[0] > NOISE]
    if not widths:
        return 0 if any(cell.value is not None and abs(cell.value) >= 10 for cell in cells) else 2
    return min(6, max(0, -math.floor(math.log10(statistics.median(widths) / 4))))
