"""Models that were used and have no price, from the published marts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.prices.known import CLASSES, KnownPrices, Lines

# No price was found (no version), or the row that was found lacks one for tokens of some class.
_UNPRICED = f"""
select
    model_reported,
    model,
    service_tier,
    price_version is not null as has_row,
    count(*) as requests,
    count(*) filter (where cost_usd is null) as unpriced_requests,
    sum(total_tokens) as total_tokens,
    cast(min(timezone($time_zone, requested_at) - to_hours($rollover_hour)) as date) as first_day,
    cast(max(timezone($time_zone, requested_at) - to_hours($rollover_hour)) as date) as last_day,
    {", ".join(f"coalesce(sum({name}_tokens), 0) > 0 as uses_{name}" for name in CLASSES)}
from main.fct_agent_requests
where computed_cost_usd is null and not is_error
group by model_reported, model, service_tier, has_row
order by unpriced_requests desc, requests desc, model_reported, service_tier, has_row
"""


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Requests of one reported model and service tier for which no price could be computed."""

    facts: Mapping[str, Any]
    """The columns of `COLUMNS`."""
    override: Lines | None
    """What to put into the user's prices; None where the agent names no model or all are known."""
    alias: Lines | None
    """What to add to his aliases, in case it is another name of `nearest`."""
    needs_recompute: bool
    """Its requests have a price that lacks a class of tokens, so a new one is for later ones."""


COLUMNS = (
    *("model_reported", "model", "service_tier", "problem", "requests", "unpriced_requests"),
    *("total_tokens", "first_day", "last_day", "nearest"),
)


def read_unpriced(
    marts: duckdb.DuckDBPyConnection, known: KnownPrices, days: Days
) -> list[Unpriced]:
    """What was used without a price, those without any cost first.

    `requests` have no computed cost; `unpriced_requests` of them have no cost at all, because
    their agent reported none either. Days are the user's.
    """
    parameters = {"time_zone": days.time_zone, "rollover_hour": days.rollover_hour}
    result = marts.execute(_UNPRICED, parameters)
    names = [column[0] for column in result.description]
    return [_explained(dict(zip(names, row, strict=True)), known) for row in result.fetchall()]


def _explained(row: dict[str, Any], known: KnownPrices) -> Unpriced:
    model, tier = row["model"], row["service_tier"]
    if not model:
        problem = "the agent names no model"
        return Unpriced(_facts(row, problem, None), None, None, False)
    used = {name for name in CLASSES if row[f"uses_{name}"]}
    missing = sorted(used & known.classes_without_price(model, tier)) if row["has_row"] else []
    if row["has_row"]:
        problem = f"no price for {', '.join(missing)}" if missing else "its price is known only now"
    elif known.has(model):
        problem = f"no price for service tier {tier}" if tier != "standard" else "no price that day"
    else:
        problem = "unknown model"
    is_new = not (row["has_row"] or known.has(model))
    nearest = known.nearest(model) if is_new else None
    return Unpriced(
        _facts(row, problem, nearest),
        known.override_lines(model, tier, missing) if missing or not row["has_row"] else None,
        known.alias_line(model, nearest) if nearest else None,
        row["has_row"],
    )


def _facts(row: Mapping[str, Any], problem: str, nearest: str | None) -> dict[str, Any]:
    return {name: {"problem": problem, "nearest": nearest, **row}[name] for name in COLUMNS}
