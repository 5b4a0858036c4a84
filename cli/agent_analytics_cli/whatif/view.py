"""What `agent-analytics whatif` answers and prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import rich_click as click

from agent_analytics_cli.display_names import DisplayNames
from agent_analytics_cli.shares import usd
from agent_analytics_cli.tables import Column, Kind, print_table
from agent_analytics_cli.whatif.plan import plan_months, read_plan, subscribed_usd
from agent_analytics_cli.whatif.query import (
    CLASSES,
    Asked,
    Row,
    check_model,
    check_recorded_model,
    left_out_usd,
    read_priced,
    read_recorded,
)

_UNPRICED = tuple(f"unpriced_{name}_tokens" for name in CLASSES)
_COUNTS = ("requests", "unpriced_requests", "uncounted_requests", "other_tier_requests",
           "compared_requests", *_UNPRICED)  # fmt: skip
_AMOUNTS = ("cost_usd", "whatif_usd", "difference_usd")
_MONTH_SUMS = ("requests", "list_usd", "seats_usd", "beyond_usd", "plan_usd", "difference_usd")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Both answers, as far as they were asked for. None is unknown."""

    asked: Asked
    model: str | None
    plan: str | None
    plan_name: str | None
    models: list[Row]
    """By agent and model, the costliest first: what `read_priced` says, `cost_is_partial` and
    `whatif_is_partial` (a lower bound); without a model asked for only what it cost."""
    total: Row
    """Of all of them."""
    months: list[Row]
    """What `plan_months` says and `subscribed_usd`; empty without a plan."""
    plan_total: Row | None
    left_out_usd: Decimal | None
    """Spend in the range that is no request, so that nothing can be said of it."""


def what_if(
    marts: duckdb.DuckDBPyConnection, asked: Asked, model: str | None, plan: str | None
) -> WhatIf:
    """Raises UnknownName for a model or plan that nobody knows."""
    if asked.from_model is not None:
        check_recorded_model(marts, asked.from_model)
    if model is None:
        rows = read_recorded(marts, asked)
    else:
        check_model(marts, model)
        rows = read_priced(marts, asked, model)
    models = _by_model(rows)
    months: list[Row] = []
    name = None
    if plan is not None:
        known = read_plan(marts, plan)
        name = known.display_name
        if asked.since and asked.until:
            # Another model's requests are sent by an agent of the plan; without one these are.
            used = [
                {**row, "is_partial": _is_partial(row, model)}
                for row in rows
                if model is not None or row["agent"] in known.agents
            ]
            amount = "cost_usd" if model is None else "whatif_usd"
            months = plan_months(known, used, amount, asked.since, asked.until)
            held = subscribed_usd(marts, known, {row["month"] for row in used})
            by_name = {f"{month:%Y-%m}": amount for month, amount in held.items()}
            months = [{**row, "subscribed_usd": by_name.get(row["month"])} for row in months]
    return WhatIf(
        asked, model, plan, name, models, _summed(models), months, _plan_total(months),
        left_out_usd(marts, asked) if asked.since else None,
    )  # fmt: skip


def for_programs(answer: WhatIf) -> dict[str, Any]:
    """The whole as JSON has it."""
    asked = answer.asked
    return {
        "model": answer.model,
        "plan": answer.plan,
        "since": asked.since,
        "until": asked.until,
        "time_zone": asked.days.time_zone,
        "agent": asked.agent,
        "project": asked.project,
        "from": asked.from_model,
        "rows": answer.models,
        "total": answer.total,
        "months": answer.months,
        "plan_total": answer.plan_total,
        "left_out_usd": answer.left_out_usd,
    }


def print_what_if(answer: WhatIf, names: DisplayNames) -> None:
    """What it cost by model beside the other model, then by month beside the plan."""
    if answer.model is not None and answer.models:
        model = names.shown({"model": answer.model})["model"]
        print_table(
            (
                Column("agent", "agent"),
                Column("model", "model"),
                Column("requests", "requests", Kind.COUNT),
                Column("cost_usd", "cost", Kind.USD, lower_bound_if="cost_is_partial"),
                Column("whatif_usd", f"at\n{model}", Kind.USD, lower_bound_if="whatif_is_partial"),
                Column("difference_usd", "difference", Kind.USD),
            ),
            [names.shown(row) for row in answer.models],
            {"agent": "total", "model": "", **answer.total},
        )
    if answer.months:
        if answer.model is not None:
            click.echo()
        print_table(
            (
                Column("month", "month"),
                Column("days", "days", Kind.COUNT),
                Column("requests", "requests", Kind.COUNT),
                Column("list_usd", "list cost", Kind.USD, lower_bound_if="is_partial"),
                Column("seats", "seats", Kind.COUNT),
                Column("seats_usd", f"seats of\n{answer.plan_name}", Kind.USD),
                Column("beyond_usd", "beyond\nincluded", Kind.USD, only_if_any=True),
                Column("difference_usd", "difference", Kind.USD),
                Column("subscribed_usd", "seats\nheld now", Kind.USD, only_if_any=True),
            ),
            answer.months,
            {"month": "total", "days": None, "seats": None, **(answer.plan_total or {})},
        )


def notes_of(answer: WhatIf) -> Iterator[str]:
    """What to know about it, in whole sentences."""
    total = answer.total
    if answer.model is not None and answer.models:
        yield (
            "The same tokens at list prices, those of each request's day. Another model would use "
            "other tokens: it counts text differently, answers at other length and may need more "
            "or fewer requests."
        )
        unpriced = [
            f"{total[name]:,} {name.removeprefix('unpriced_').removesuffix('_tokens')}"
            for name in _UNPRICED
            if total[name]
        ]
        if unpriced:
            yield (
                f"It has no price for tokens of {' and '.join(unpriced)}: they cost nothing here, "
                "so that `≥` is a lower bound."
            )
        if total["uncounted_requests"]:
            yield (
                f"{_requests(total['uncounted_requests'])} told no tokens or have no price there; "
                "they are not in its cost."
            )
        if total["other_tier_requests"]:
            yield (
                f"{_requests(total['other_tier_requests'])} used a service tier that it does not "
                "have, and are priced as standard."
            )
        if total["compared_requests"] < total["requests"]:
            yield (
                f"The difference is that of the {total['compared_requests']:,} requests of which "
                "both costs are known."
            )
    elif total["unpriced_requests"]:
        yield f"The cost of {_requests(total['unpriced_requests'])} is unknown and not counted."
    if answer.months:
        yield from _plan_notes(answer)
    if answer.left_out_usd:
        yield (
            f"{usd(answer.left_out_usd)} that only metrics or vendors tell is left out: it has no "
            "requests."
        )


def _plan_notes(answer: WhatIf) -> Iterator[str]:
    yield (
        f"{answer.plan_name}: a seat for each developer with requests in a month, prorated by "
        "days, beside the list cost of those requests. Its limits are not taken into account."
    )
    if all(row["included_usd"] is None for row in answer.months):
        yield "Nothing is known of usage that a seat includes, so nothing is added to it."
    else:
        yield "Usage above what a seat includes is added at list price."


def _requests(count: int) -> str:
    return f"{count:,} request{'s'[: count != 1]}"


def _by_model(rows: Iterable[Row]) -> list[Row]:
    groups: dict[tuple[Any, Any], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["agent"], row["model"]), []).append(row)
    summed = [
        {"agent": agent, "model": model, **_summed(group)}
        for (agent, model), group in groups.items()
    ]
    return sorted(
        summed, key=lambda row: (-(row["cost_usd"] or 0), row["agent"], str(row["model"]))
    )


def _summed(rows: Sequence[Row]) -> Row:
    """The counts and amounts of rows together, and of which only a part is known."""
    summed = {
        **{name: sum(row.get(name, 0) for row in rows) for name in _COUNTS},
        **{name: _known_sum(row.get(name) for row in rows) for name in _AMOUNTS},
    }
    return {
        **summed,
        "cost_is_partial": summed["unpriced_requests"] > 0 and summed["cost_usd"] is not None,
        "whatif_is_partial": summed["whatif_usd"] is not None
        and any(summed[name] for name in ("uncounted_requests", *_UNPRICED)),
    }


def _is_partial(row: Mapping[str, Any], model: str | None) -> bool:
    if model is None:
        return bool(row["unpriced_requests"])
    return any(row[name] for name in ("uncounted_requests", *_UNPRICED))


def _plan_total(months: Sequence[Row]) -> Row | None:
    if not months:
        return None
    return {
        **{name: sum(row[name] for row in months) for name in _MONTH_SUMS},
        "subscribed_usd": _known_sum(row["subscribed_usd"] for row in months),
        "is_partial": any(row["is_partial"] for row in months),
    }


def _known_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None
