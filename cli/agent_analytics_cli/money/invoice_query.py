"""Invoices beside what our records say, from `fct_invoice_reconciliation` and its causes."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.reports.report_query import fetch

FACTS = (
    "month", "vendor", "source", "invoiced_usd", "recorded_usd", "residual_usd", "list_cost_usd",
    "unpriced_requests",
)  # fmt: skip
"""Keys of an invoice, in order. `month` is its first day; residual is invoiced less recorded."""
CAUSE_FACTS = ("cause", "amount_usd", "requests", "explanation")
"""Keys of a cause, in order; the amounts of an invoice's causes add up to its residual."""


def read_invoices(
    marts: duckdb.DuckDBPyConnection, month: date | None = None
) -> list[dict[str, Any]]:
    """A row of FACTS per invoice, newest month first, with its `causes`, the largest first."""
    invoices = fetch(
        marts,
        f"""
        select invoice_key, {", ".join(FACTS)} from fct_invoice_reconciliation
        where $month is null or month = $month
        order by month desc, vendor, source
        """,
        {"month": month},
    )
    causes = fetch(
        marts,
        f"""
        select invoice_key, {", ".join(CAUSE_FACTS)} from fct_invoice_causes
        order by abs(amount_usd) desc nulls last, cause
        """,
        {},
    )
    for invoice in invoices:
        key = invoice.pop("invoice_key")
        invoice["causes"] = [
            {name: cause[name] for name in CAUSE_FACTS}
            for cause in causes
            if cause["invoice_key"] == key
        ]
    return invoices
