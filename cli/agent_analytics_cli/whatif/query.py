"""The same requests at another model's prices or on a plan, from the published marts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.reports.report_query import days_with, fetch
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.scrub.text import without_home

CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
"""What has a price of its own; a request's tokens are `<class>_tokens`."""

Row = dict[str, Any]

_SELECTED = """
    agent = coalesce($agent, agent)
    and (
        $project::varchar is null or project_id = $project
        or ends_with(project_id, '/' || $project)
    )
    and ($from_model::varchar is null or model = $from_model)"""
_REQUESTS = f"""
with dated as (
    select
        *,
        cast(timezone($time_zone, requested_at) - to_hours($rollover_hour) as date) as day,
        cast(timezone('UTC', requested_at) as date) as utc_day,
        coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0)
        + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0) as prompt_tokens
    from main.fct_agent_requests
    where not is_error
),
selected as (
    select * from dated where day between $since and $until and {_SELECTED}
)"""
_TOKENS = ", ".join(f"cast(sum({name}_tokens) as bigint) as {name}_tokens" for name in CLASSES)
# A wider factor, because DuckDB multiplies narrow decimals in 64 bits.
_COST = " + ".join(
    f"case when coalesce({name}_tokens, 0) = 0 or {name}_usd_per_million is null then 0 "
    f"else cast({name}_tokens as decimal(20, 0)) * {name}_usd_per_million "
    "* cast(0.000001 as decimal(7, 6)) end"
    for name in CLASSES
)
_UNPRICED = ", ".join(
    f"cast(coalesce(sum({name}_tokens) filter (is_priced and {name}_usd_per_million is null), 0) "
    f"as bigint) as unpriced_{name}_tokens"
    for name in CLASSES
)
# A sum of tokens times a price is the sum of the costs, where day, service tier and the bounds of
# long prompts are the same: `bound` is the highest that a request's prompt is longer than. The
# price is the one that holds on the request's day, else the nearest in time; a service tier that
# the model lacks is priced as standard; the user's own price stands before the shipped one.
_PRICED = f"""
{_REQUESTS},
prices as (
    select * from main.dim_model_prices where model = $model and is_current
),
bounds as (select list(distinct tier_from_tokens) as bounds from prices),
groups as (
    select
        agent, model, developer_id, date_trunc('month', day)::date as month, service_tier, utc_day,
        total_tokens is not null as has_tokens, cost_usd is not null as has_cost,
        coalesce(list_max(list_filter(bounds, bound -> prompt_tokens > bound)), 0) as bound,
        count(*) as requests,
        count(*) filter (cost_source = 'unpriced') as unpriced_requests,
        sum(cost_usd) as cost_usd, {_TOKENS}
    from selected cross join bounds
    group by all
),
numbered as (select *, row_number() over () as group_id from groups),
chosen as (
    select
        numbered.group_id,
        prices.service_tier = numbered.service_tier as is_own_tier,
        {", ".join(f"prices.{name}_usd_per_million" for name in CLASSES)}
    from numbered
    inner join prices
        on prices.service_tier in (numbered.service_tier, 'standard')
        and prices.tier_from_tokens <= numbered.bound
    qualify row_number() over (
        partition by numbered.group_id
        order by
            is_own_tier desc,
            case
                when prices.valid_from > numbered.utc_day then prices.valid_from - numbered.utc_day
                when prices.valid_to <= numbered.utc_day then numbered.utc_day - prices.valid_to + 1
                else 0
            end,
            prices.origin = 'user' desc,
            prices.tier_from_tokens desc,
            prices.valid_from desc nulls last
    ) = 1
),
priced as (
    select
        numbered.*, chosen.* exclude (group_id),
        has_tokens and chosen.group_id is not null as is_priced,
        {_COST} as price_usd
    from numbered left join chosen on numbered.group_id = chosen.group_id
)
select
    agent, model, developer_id, month,
    cast(sum(requests) as bigint) as requests,
    cast(sum(unpriced_requests) as bigint) as unpriced_requests,
    cast(coalesce(sum(requests) filter (not is_priced), 0) as bigint) as uncounted_requests,
    cast(coalesce(sum(requests) filter (is_priced and not is_own_tier), 0) as bigint)
        as other_tier_requests,
    cast(coalesce(sum(requests) filter (is_priced and has_cost), 0) as bigint)
        as compared_requests,
    sum(cost_usd) as cost_usd,
    cast(sum(price_usd) filter (is_priced) as decimal(18, 9)) as whatif_usd,
    cast(sum(price_usd - cost_usd) filter (is_priced and has_cost) as decimal(18, 9))
        as difference_usd,
    {_UNPRICED}
from priced
group by all"""
_RECORDED = f"""
{_REQUESTS}
select
    agent, model, developer_id, date_trunc('month', day)::date as month, count(*) as requests,
    count(*) filter (cost_source = 'unpriced') as unpriced_requests, sum(cost_usd) as cost_usd
from selected group by all"""
_LEFT_OUT = f"""
select sum(cost_usd) as cost_usd
from (
    select agent, project_id, model, booked_at, cost_usd from main.fct_metric_remainders
    union all
    select agent, project_id, model, booked_at, cost_usd from main.fct_vendor_spend
)
where cast(timezone($time_zone, booked_at) - to_hours($rollover_hour) as date)
    between $since and $until and {_SELECTED}"""
MOMENTS = "select requested_at as moment from main.fct_agent_requests"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which requests: days of the user, both included, and what else they have in common."""

    since: date | None
    until: date | None
    days: Days
    agent: str | None = None
    project: str | None = None
    """The whole identity or its last names."""
    from_model: str | None = None

    def parameters(self) -> dict[str, object]:
        return {
            **self.days.parameters(),
            "since": self.since,
            "until": self.until,
            "agent": self.agent,
            "project": self.project and without_home(self.project),
            "from_model": self.from_model,
        }


class UnknownName(AgentAnalyticsError):
    """No model or plan is called so."""

    def __init__(self, what: str, name: str, known: Sequence[str], listing: str) -> None:
        self.nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        meant = f" Did you mean {', '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(
            f"No {what} in the published marts is called {as_text(name)!r}.{meant} {listing}"
        )


def recorded_days(marts: duckdb.DuckDBPyConnection, days: Days) -> list[date]:
    """Days with requests, in order."""
    return days_with(marts, MOMENTS, days)


def check_model(marts: duckdb.DuckDBPyConnection, model: str) -> None:
    """Raises UnknownName where no price of that model is known."""
    rows = fetch(marts, "select distinct model from main.dim_model_prices order by 1", {})
    _check("model with a price", model, [row["model"] for row in rows],
           "`agent-analytics prices show MODEL` tells the prices of one.")  # fmt: skip


def check_recorded_model(marts: duckdb.DuckDBPyConnection, model: str) -> None:
    """Raises UnknownName where no request was sent to that model."""
    sql = "select distinct model from main.fct_agent_requests where model is not null order by 1"
    _check("model with requests", model, [row["model"] for row in fetch(marts, sql, {})],
           "`agent-analytics report --by model --json` shows those that have some.")  # fmt: skip


def read_recorded(marts: duckdb.DuckDBPyConnection, asked: Asked) -> list[Row]:
    """By agent, model, developer and month, failed requests left out: requests,
    unpriced_requests, cost_usd."""
    return fetch(marts, _RECORDED, asked.parameters())


def read_priced(marts: duckdb.DuckDBPyConnection, asked: Asked, model: str) -> list[Row]:
    """The same and, at that model's prices, `whatif_usd`; None where nothing could be priced.

    `difference_usd` is what `compared_requests` would have cost more: those with a known cost and a
    price. `uncounted_requests` told no tokens, or the model has no price for them at all;
    `other_tier_requests` are priced as standard, because the model lacks their service tier;
    `unpriced_<class>_tokens` are of a class for which it has no price, and cost nothing here.
    """
    return fetch(marts, _PRICED, {**asked.parameters(), "model": model})


def left_out_usd(marts: duckdb.DuckDBPyConnection, asked: Asked) -> Any:
    """Spend that metrics or vendors alone tell, which is no request; None where there is none."""
    return fetch(marts, _LEFT_OUT, asked.parameters())[0]["cost_usd"]


def _check(what: str, name: str, known: Sequence[str], listing: str) -> None:
    if name not in known:
        raise UnknownName(what, name, known, listing)
