"""Tables for programs: CSV with one line per cell, and JSON."""

import csv
import dataclasses
import io
import json
from collections.abc import Sequence

from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Setting, Table

COLUMNS = (
    *(field.name for field in dataclasses.fields(Setting)),
    *("normalised", "primary", "generalises", "fits", "row", "role", "method", "block", "reason"),
    *("ranked", "ranked_over", "ranking", "subjects", "seeds", "items_min", "items_max"),
    *("metric", "version", "higher_is_better", "chance", "value", "compared", "best", "tied", "floor", "ceiling"),
    *("ci_low", "ci_high", "seeds_sd", "visible", "at_n", "audit_p", "audit_rules", "verdict", "notes"),
    *("caution", "runs"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a spreadsheet knows a formula


def as_json(tables: Sequence[Table]) -> str:
    """The tables as a JSON array, keys sorted; a blank is null."""
    return json.dumps([dataclasses.asdict(table) for table in tables], indent=1, sort_keys=True, allow_nan=False) + "\n"


def as_csv(tables: Sequence[Table]) -> str:
    """One line per cell with its setting, row and column; a blank has an empty value and its reason in `notes`."""
    out = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for line in rows(tables):
        if writer is None:
            writer = csv.DictWriter(out, fieldnames=list(line), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _safe(value) for name, value in line.items()})
    return out.getvalue()


def rows(tables: Sequence[Table]) -> list[dict[str, object]]:
    """A row of COLUMNS for each cell."""
    return [
        dataclasses.asdict(table.setting)
        | {"normalised": table.normalised, "primary": table.primary}
        | {"generalises": table.generalises, "fits": table.fits}
        | {"row": row.label, "role": row.role, "method": row.method, "block": row.block, "reason": row.reason}
        | {"ranked": row.block == "ranked", "ranked_over": _over(table), "ranking": " ".join(table.ranking)}
        | {"subjects": len(row.subjects), "seeds": len(row.seeds), "items_min": row.items[0], "items_max": row.items[1]}
        | {"metric": column.metric, "version": column.release, "higher_is_better": column.higher_is_better}
        | {
            "chance": column.chance,
            "value": cell.value,
            "compared": cell.compared,
            "best": cell.best,
            "tied": cell.tied,
        }
        | {"floor": cell.floor, "ceiling": cell.ceiling}
        | {"ci_low": cell.ci[0] if cell.ci else None, "ci_high": cell.ci[1] if cell.ci else None}
        | {"seeds_sd": cell.seeds_sd, "visible": column.visible}
        | {"at_n": wording.between(*column.at_n) if column.at_n else ""}
        | {"audit_p": row.audit_p, "audit_rules": " ".join(row.audit_rules)}
        | {"verdict": row.verdict, "notes": "; ".join((*row.notes, *cell.notes))}
        | {"caution": " ".join(table.cautions), "runs": " ".join(source.path for source in row.runs)}
        for table in tables
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
    ]


def _over(table: Table) -> str:
    """The subjects and seeds that all ranked methods share: "sub-08/seed-0 sub-08/seed-1"."""
    return " ".join(f"sub-{subject:02d}/seed-{seed}" for subject, seed in table.shared)


def _safe(value: object) -> object:
    """Text on one line that no spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return value
    text = "".join(character if character.isprintable() else " " for character in value)
    return f"'{text}" if value.startswith(FORMULA) else text
