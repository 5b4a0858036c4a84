"""The user's CSV files as dbt reads them: the same casts, and which rows it leaves out.

DuckDB casts here too: it takes `2026/1/5`, `7e2` and `1_000`, and its rules are not Python's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from agent_analytics_cli.money.seed_files import SeedKind, SeedRow
from agent_analytics_cli.value_types import MOST_USD
from agent_analytics_collector.home import Home

VENDORS = ("anthropic", "openai", "github", "cursor", "google", "other")
SCOPES = ("team", "project", "developer", "agent")
"""Of a budget that has a name; the budget of everything is `all`."""
_MEASURES = ("list", "paid")
_MOST_BUDGETED = Decimal(100_000_000)
_USD = "decimal(18, 9)"
_MOST_TOLD = 3

Typed = dict[str, Any]


def typed(rows: Sequence[SeedRow], types: Mapping[str, str]) -> list[Typed]:
    """The rows with these columns cast; None is an empty cell, and what is not of that type.

    The types are `usd`, `date` and SQL's own.
    """
    import duckdb  # 70 ms that `--help` must not take

    result: list[Typed] = [dict(row) for row in rows]
    with duckdb.connect() as connection:
        for column, kind in types.items():
            cast = f"try_cast(cell AS {_USD if kind == 'usd' else kind})"
            found = connection.execute(
                f"SELECT list_transform($1::varchar[], lambda cell: {cast})",
                [[row[column] for row in rows]],
            ).fetchone()
            assert found is not None
            for row, value in zip(result, found[0], strict=True):
                # A year beyond those of Python comes as text.
                row[column] = None if kind == "date" and not isinstance(value, date) else value
    return result


def plausible(amount: Decimal | int | None, most: Decimal | int) -> bool:
    """Whether it is known, not below nothing and not above `most`."""
    return amount is not None and 0 <= amount <= most


def unread_invoices(rows: Sequence[SeedRow]) -> list[SeedRow]:
    """Those that `stg_invoices` leaves out."""
    months = [row | {"month": f"{row['month']}-01"} for row in rows]
    read = typed(months, {"month": "date", "amount_usd": "usd"})
    return [
        row
        for row, cells in zip(rows, read, strict=True)
        if cells["month"] is None
        or cells["amount_usd"] is None
        or abs(cells["amount_usd"]) > MOST_USD
        or row["vendor"].lower() not in VENDORS
    ]


def unread_budgets(rows: Sequence[SeedRow]) -> list[SeedRow]:
    """Those that `stg_budgets` leaves out."""
    read = typed(rows, {"monthly_usd": "usd", "since": "date"})
    return [
        row
        for row, cells in zip(rows, read, strict=True)
        if not plausible(cells["monthly_usd"], _MOST_BUDGETED)
        or (cells["since"] is None and row["since"])
        or row["scope"].lower() not in ("all", *SCOPES)
        or (row["measure"].lower() or "list") not in _MEASURES
        or (row["scope"].lower() == "all") == bool(row["name"])
    ]


def repeated(rows: Sequence[SeedRow]) -> list[SeedRow]:
    """Rows that were there before, cell by cell; each is named once. The warehouse has a set."""
    return [row for number, row in enumerate(rows) if rows[:number].count(row) == 1]


def left_out(home: Home, kind: SeedKind, unread: Sequence[SeedRow], of: int, why: str) -> str:
    """The sentence that names rows of a file which no mart counts."""
    return (
        f"{len(unread)} of {of} rows count nowhere, because {why} cannot be read: "
        f"{told(kind, unread)}. Mend them in {kind.path(home)}."
    )


def told(kind: SeedKind, rows: Sequence[SeedRow]) -> str:
    """The first of the rows, as a sentence names them: `cursor 2026-13 5; acme 2026-10 5`."""
    return "; ".join(
        " ".join(row[name] for name in kind.columns if row[name]) or "(empty)"
        for row in rows[:_MOST_TOLD]
    )
