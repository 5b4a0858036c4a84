"""What a plan would have cost for requests, by month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.whatif.query import Row, UnknownName

_COVERED = """
select agent from main.dim_agents
where agent = $agent or vendor = (select vendor from main.dim_agents where agent = $agent)"""
_CENT = Decimal("0.000000001")


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan and its prices over time."""

    name: str
    display_name: str
    agents: frozenset[str]
    """Whose requests it covers: all of its vendor's agents."""
    prices: Sequence[Row]
    """monthly_usd, included_usd, valid_from, valid_to, origin."""

    def price_on(self, day: date) -> Row:
        """The row in force, the user's before the catalogue's; without any the nearest in time."""
        return min(
            self.prices,
            key=lambda row: (_days_off(row, day), row["origin"] != "user"),
        )


def read_plan(marts: duckdb.DuckDBPyConnection, name: str) -> Plan:
    """Raises UnknownName."""
    rows = fetch(marts, "select * from main.dim_plans where plan = $plan", {"plan": name})
    if not rows:
        known = fetch(marts, "select distinct plan from main.dim_plans order by 1", {})
        raise UnknownName(
            "plan", name, [row["plan"] for row in known],
            "`agent-analytics plans` shows all; `agent-analytics plans price` adds one.",
        )  # fmt: skip
    agent = rows[0]["agent"]
    covered = fetch(marts, _COVERED, {"agent": agent})
    agents = frozenset({agent, *(row["agent"] for row in covered)})
    return Plan(name, rows[0]["display_name"], agents, rows)


def plan_months(
    plan: Plan, used: Iterable[Row], amount: str, since: date, until: date
) -> list[Row]:
    """By month of the usage: month, days (of it in the range), seats, requests, list_usd,
    is_partial, seats_usd, included_usd, beyond_usd, plan_usd and difference_usd.

    A seat for each developer with requests that month, prorated by the days of the range. Where the
    plan says what a seat includes, usage above it is paid at list price (`beyond_usd`), else it is
    0. `amount` names the cost of a row of `used`; `is_partial`: part of it is unknown.
    """
    months: dict[date, list[Row]] = {}
    for row in used:
        months.setdefault(row["month"], []).append(row)
    return [
        _month(plan, month, rows, amount, since, until) for month, rows in sorted(months.items())
    ]


def subscribed_usd(
    marts: duckdb.DuckDBPyConnection, plan: Plan, months: Iterable[date]
) -> dict[date, Decimal]:
    """By month, what seats of that vendor's plans cost that are subscribed to."""
    rows = fetch(
        marts,
        """select month, sum(plan_usd) as plan_usd from main.fct_plan_months
        where list_contains($agents::varchar[], agent) and list_contains($months::date[], month)
        group by month""",
        {"agents": sorted(plan.agents), "months": list(months)},
    )
    return {row["month"]: row["plan_usd"] for row in rows}


def _month(
    plan: Plan, month: date, rows: Sequence[Row], amount: str, since: date, until: date
) -> Row:
    length = monthrange(month.year, month.month)[1]
    last = min(until, month + timedelta(days=length - 1))
    days = (last - max(since, month)).days + 1
    price = plan.price_on(last)
    by_developer: dict[str | None, Decimal] = {}
    for row in rows:
        costs = by_developer.setdefault(row["developer_id"], Decimal(0))
        by_developer[row["developer_id"]] = costs + (row[amount] or 0)
    seats = len(by_developer)
    included = _prorated(price["included_usd"], days, length)
    beyond = (
        Decimal(0)
        if included is None
        else sum((max(Decimal(0), cost - included) for cost in by_developer.values()), Decimal(0))
    )
    list_usd = sum(by_developer.values(), Decimal(0))
    seats_usd = (_prorated(price["monthly_usd"], days, length) or Decimal(0)) * seats
    return {
        "month": f"{month:%Y-%m}",
        "days": days,
        "seats": seats,
        "requests": sum(row["requests"] for row in rows),
        "list_usd": list_usd,
        "is_partial": any(row["is_partial"] for row in rows),
        "seats_usd": seats_usd,
        "included_usd": None if included is None else included * seats,
        "beyond_usd": beyond,
        "plan_usd": seats_usd + beyond,
        "difference_usd": seats_usd + beyond - list_usd,
    }


def _prorated(monthly: Any, days: int, length: int) -> Decimal | None:
    return None if monthly is None else (Decimal(monthly) * days / length).quantize(_CENT)


def _days_off(row: Row, day: date) -> int:
    if row["valid_from"] and day < row["valid_from"]:
        return int((row["valid_from"] - day).days)
    if row["valid_to"] and day >= row["valid_to"]:
        return int((day - row["valid_to"]).days) + 1
    return 0
