"""What changed most against the week before, and why as far as it is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb

from agent_analytics_cli.display_names import DisplayNames
from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_cli.shares import UNKNOWN, usd
from agent_analytics_cli.short_names import short_project
from agent_analytics_cli.tables import as_text
from agent_analytics_cli.weekly.sections import Section
from agent_analytics_cli.weekly.week import Week
from agent_analytics_collector.dashboards import Chart
from agent_analytics_collector.web.series import words

_KEYS = {"project": "project_id", "model": "model", "agent": "agent"}
_AMOUNTS = ("this_week_usd", "week_before_usd", "change_usd")
_MOST_CHANGES = 6
_EXPLAINED = 3
_CAUSES_NAMED = 3
_SMALLEST = Decimal("0.01")
_IN_EITHER = (
    "(usage_date between $since and $until or usage_date between $since_before and $until_before)"
)


def biggest_changes(
    marts: duckdb.DuckDBPyConnection, week: Week, names: DisplayNames, *, has_causes: bool
) -> Section:
    """Projects, models and agents whose spend changed most, with what it is made of."""
    found = sorted(_read(marts, week), key=lambda row: -abs(row["change_usd"]))[:_MOST_CHANGES]
    rows = [
        (_shown(row, names), row["kind"], usd(row["cost_usd"], is_partial=bool(row["unpriced"])),
         usd(row["cost_before_usd"], is_partial=bool(row["unpriced_before"])), _change(row))
        for row in found
    ]  # fmt: skip
    drawn = [
        (_shown(row, names), row["kind"], row["cost_usd"], row["cost_before_usd"],
         row["change_usd"])
        for row in found
    ]  # fmt: skip
    sentences = [
        _sentence(row, _shown(row, names), _causes(marts, week, row) if has_causes else [])
        for row in _told_apart(found)[:_EXPLAINED]
    ]
    if not found:
        sentences = ["No project, model or agent cost a cent more or less than the week before."]
    return Section(
        "changes",
        "What changed most",
        tuple(sentences),
        ("what", "kind", *_AMOUNTS),
        rows,
        Chart("bar", x="what", y=("change_usd",), unit="usd"),
        drawn=drawn,
        written_numbers=_AMOUNTS,
    )


def avoidable(marts: duckdb.DuckDBPyConnection, week: Week) -> Section:
    """What known causes cost, and what avoiding them would have saved."""
    found = fetch(
        marts,
        """select cause, count(distinct request_key) as requests,
            sum(cause_cost_usd) as cause_cost_usd, sum(avoidable_usd) as avoidable_usd,
            count(*) - count(cause_cost_usd) as unpriced,
            count(*) - count(avoidable_usd) as unknowable
        from main.fct_cost_causes where requested_date between $since and $until
        group by cause order by 4 desc nulls last, 3 desc nulls last, 1""",
        {"since": week.monday, "until": week.until},
    )
    saved = [row["avoidable_usd"] for row in found if row["avoidable_usd"] is not None]
    is_partial = any(row["unpriced"] for row in found)
    rows = [
        (words(row["cause"]), row["requests"],
         usd(row["cause_cost_usd"], is_partial=bool(row["unpriced"])),
         usd(row["avoidable_usd"], is_partial=bool(row["unknowable"])))
        for row in found
    ]  # fmt: skip
    sentence = (
        f"{usd(sum(saved, Decimal(0)), is_partial=is_partial)} of the week's cost could have been "
        "avoided. "
        f"`agent-analytics explain {week.until}` names the requests of a day."
        if saved
        else "No cost of the week has a cause that is known to be avoidable."
    )
    return Section(
        "causes",
        "What could have cost less",
        (sentence,),
        ("cause", "requests", "cause_cost_usd", "avoidable_usd"),
        rows,
        Chart("bar", x="cause", y=("cause_cost_usd", "avoidable_usd"), unit="usd"),
        drawn=[(words(row["cause"]), *list(row.values())[1:4]) for row in found],
        written_numbers=("cause_cost_usd", "avoidable_usd"),
    )


def _read(marts: duckdb.DuckDBPyConnection, week: Week) -> list[dict[str, Any]]:
    """A row for each name that has a cost in both weeks together; of keys with several names.

    `requests` are those whose price is known, `unpriced` the others.
    """
    rows = []
    for kind, column in _KEYS.items():
        named = fetch(
            marts,
            f"""with named as (
                select {column} as name, usage_date >= $since as is_now, cost_usd,
                    case when cost_source <> 'unpriced' then requests end as requests,
                    case when cost_source = 'unpriced' then requests end as unpriced
                from main.fct_agent_costs where {_IN_EITHER}
            )
            select '{kind}' as kind, name,
                coalesce(sum(cost_usd) filter (where is_now), 0) as cost_usd,
                coalesce(sum(cost_usd) filter (where not is_now), 0) as cost_before_usd,
                coalesce(sum(requests) filter (where is_now), 0)::bigint as requests,
                coalesce(sum(requests) filter (where not is_now), 0)::bigint as requests_before,
                coalesce(sum(unpriced) filter (where is_now), 0)::bigint as unpriced,
                coalesce(sum(unpriced) filter (where not is_now), 0)::bigint as unpriced_before
            from named group by name having sum(named.cost_usd) is not null""",
            week.parameters(),
        )
        for row in named:
            row["change_usd"] = row["cost_usd"] - row["cost_before_usd"]
        if len(named) > 1:  # one name alone is the whole spend, which stands above already
            rows += [row for row in named if abs(row["change_usd"]) >= _SMALLEST]
    return rows


def _told_apart(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those that changed by the same amount: an agent's only project tells its story."""
    return list({row["change_usd"]: row for row in reversed(rows)}.values())[::-1]


def _causes(
    marts: duckdb.DuckDBPyConnection, week: Week, row: dict[str, Any]
) -> list[dict[str, Any]]:
    """Causes that grew (or shrank) as the cost did, the largest first."""
    column = _KEYS[row["kind"]]
    sign = 1 if row["change_usd"] > 0 else -1
    return fetch(
        marts,
        f"""select cause,
            $sign * sum(case when requested_date >= $since then cause_cost_usd
                else -cause_cost_usd end) as change_usd
        from main.fct_cost_causes
        where {_IN_EITHER.replace("usage_date", "requested_date")}
            and {column} is not distinct from $name
        group by cause having change_usd >= $smallest
        order by change_usd desc, cause limit {_CAUSES_NAMED}""",
        {**week.parameters(), "name": row["name"], "sign": sign, "smallest": _SMALLEST},
    )


def _sentence(row: dict[str, Any], name: str, causes: list[dict[str, Any]]) -> str:
    """`widgets (project): $4.10 more. $3.00 of it is more requests (10 → 40), $1.10 …`."""
    change = row["change_usd"]
    direction = "more" if change > 0 else "less"
    grows_by, shrinks_by = row["unpriced"], row["unpriced_before"]
    if change < 0:
        grows_by, shrinks_by = shrinks_by, grows_by
    amount = usd(abs(change), is_partial=bool(grows_by and not shrinks_by))
    text = f"{name} ({row['kind']}) cost {amount} {direction} than the week before"
    if shrinks_by:
        text += ", as far as prices are known"
    if row["requests"] and row["requests_before"]:
        by_count, by_price = split(row)
        text += (
            f": {_signed(by_count)} by the number of {_counted(row)} ({row['requests_before']:,} → "
            f"{row['requests']:,}), {_signed(by_price)} by the cost of each"
        )
    if causes:
        parts = (f"{words(each['cause'])} {usd(each['change_usd'])}" for each in causes)
        text += f". Causes with {direction} cost: {', '.join(parts)}"
    return f"{text}."


def split(row: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """The change as what other numbers of requests cost, and what another cost of each does.

    Both add up to `change_usd`. Requests that only metrics know of are in the second.
    """
    each_before = Decimal(row["cost_before_usd"]) / row["requests_before"]
    by_count = each_before * (row["requests"] - row["requests_before"])
    return by_count, Decimal(row["change_usd"]) - by_count


def _counted(row: dict[str, Any]) -> str:
    return "requests with a price" if row["unpriced"] or row["unpriced_before"] else "requests"


def _change(row: dict[str, Any]) -> str:
    """A bound of the difference where one week's cost is one; unknown where both weeks' are."""
    if row["unpriced"] and row["unpriced_before"]:
        return UNKNOWN
    text = usd(row["change_usd"], is_partial=bool(row["unpriced"]))
    return f"≤ {text}" if row["unpriced_before"] else text


def _signed(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else '+'}{usd(abs(amount))}"


def _shown(row: dict[str, Any], names: DisplayNames) -> str:
    name = row["name"]
    if name is None:
        return f"no {row['kind']}"
    if row["kind"] == "project":
        return as_text(short_project(name))
    return as_text(names.shown({row["kind"]: name})[row["kind"]])
