"""Replaying the invariants on a home's own numbers."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb

from agent_analytics_cli.audit.source import Numbers
from agent_analytics_cli.verify_checks import CHECKS, Check

_CHUNK = 10_000
_PUBLISHED = Check(
    "published_is_live",
    "The published marts are row for row those in the DuckDB file.",
    examined="",
    offending="",
    next_step="`agent-analytics transform` publishes them again",
    is_below_marts=True,
)


class Outcome(enum.Enum):
    PASS = "pass"
    FAIL = "fail"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of one check."""

    check: Check
    outcome: Outcome
    examined: str = ""
    """`1,234 requests`"""
    failures: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The first of the offending rows."""
    reason: str | None = None
    """Why it was not checked."""


def verify(numbers: Numbers, rows: int) -> Iterator[Verified]:
    """Each check in turn, with at most `rows` offending rows."""
    for check in CHECKS:
        if check.is_below_marts and not numbers.is_live:
            yield Verified(check, Outcome.NOT_CHECKED, reason=numbers.not_live)
        else:
            yield _replay(numbers, check, rows)
    yield _compare_published(numbers, rows)


def compared_sources(numbers: Numbers) -> dict[str, int]:
    """Explanation → pairs of sources with it, from `fct_reconciliation`, the commonest first."""
    found = numbers.rows(
        "select explanation, count(*) as pairs from fct_reconciliation group by all "
        "order by pairs desc, explanation"
    )
    return {row["explanation"]: row["pairs"] for row in found}


def _replay(numbers: Numbers, check: Check, rows: int) -> Verified:
    try:
        [(count, what)] = numbers.connection.execute(check.examined).fetchall()
        result = numbers.connection.execute(check.offending)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        reason = f"the marts are of another version ({str(error).splitlines()[0]})"
        return Verified(check, Outcome.NOT_CHECKED, reason=reason)
    names = [column[0] for column in result.description]
    failures = 0
    shown: list[dict[str, Any]] = []
    while chunk := result.fetchmany(_CHUNK):
        failures += len(chunk)
        shown += [dict(zip(names, row, strict=True)) for row in chunk[: rows - len(shown)]]
    outcome = Outcome.FAIL if failures else Outcome.PASS
    return Verified(check, outcome, f"{count:,} {what}", failures, shown)


def _compare_published(numbers: Numbers, rows: int) -> Verified:
    """Marts by their number of rows and a hash of all of them, whatever their order."""
    if numbers.published is None:
        reason = numbers.not_live or "nothing can be read that was published"
        return Verified(_PUBLISHED, Outcome.NOT_CHECKED, reason=reason)
    marts = numbers.rows(
        "select live.table_name as mart, published.table_name is not null as is_published "
        "from (select table_name from duckdb_tables() where schema_name = 'marts' "
        "    and database_name = current_database()) as live "
        "left join (select table_name from duckdb_tables() where database_name = 'published') "
        "    as published on live.table_name = published.table_name order by mart"
    )
    differing = []
    for row in marts:
        mart = row["mart"]
        sums = [
            numbers.connection.execute(
                f'select count(*), bit_xor(hash(rows_of_mart)) from {schema}."{mart}" '
                "as rows_of_mart"
            ).fetchall()[0]
            for schema in (["marts", "published.main"] if row["is_published"] else ["marts"])
        ]
        if len(sums) < 2 or sums[0] != sums[1]:
            published = sums[1][0] if len(sums) > 1 else None
            differing.append({"mart": mart, "rows": sums[0][0], "published_rows": published})
    outcome = Outcome.FAIL if differing else Outcome.PASS
    examined = f"{len(marts):,} marts of run {numbers.published}"
    return Verified(_PUBLISHED, outcome, examined, len(differing), differing[:rows])
