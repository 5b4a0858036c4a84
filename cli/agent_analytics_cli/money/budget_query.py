"""How much of each budget is used, from the published `fct_budget_status`."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.reports.report_query import fetch

FACTS = (
    "month", "scope", "name", "measure", "budget_usd", "month_to_date_usd", "projected_usd",
    "projected_low_usd", "projected_high_usd", "used_share", "days_elapsed", "days_in_month",
    "as_of_date", "status",
)  # fmt: skip
"""Keys of a row, in order. `month` is its first day."""


def read_budgets(
    marts: duckdb.DuckDBPyConnection, month: date | None = None
) -> list[dict[str, Any]]:
    """A row of FACTS per budget of the month, by default of the last one that there is."""
    columns = ", ".join(f'"{name}"' for name in FACTS)
    return fetch(
        marts,
        f"""
        select {columns} from fct_budget_status
        where month = coalesce($month, (select max(month) from fct_budget_status))
        order by scope <> 'all', scope, name, measure
        """,
        {"month": month},
    )
