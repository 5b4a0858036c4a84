"""Anthropic's cost report: what it charges an organisation for a UTC day, by model.

`GET /v1/organizations/cost_report` of the Admin API, documented 2026-10; amounts are cents, as
text. It has all use of the organisation's API keys, not Claude Code's alone, and neither
subscriptions nor the Priority Tier: a figure to hold against our own, never spend beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from agent_analytics_collector.connectors.http import VendorApi
from agent_analytics_collector.connectors.records import VendorUsage, usd

PATH = "/v1/organizations/cost_report"
VENDOR = "anthropic"
_PAGE_DAYS = 31


class _Item(msgspec.Struct, frozen=True):
    amount: Decimal
    """Cents."""
    currency: str = "USD"
    model: str | None = None
    cost_type: str | None = None
    token_type: str | None = None
    service_tier: str | None = None
    context_window: str | None = None


class _Day(msgspec.Struct, frozen=True):
    starting_at: str
    """Midnight in UTC, ISO 8601."""
    results: list[_Item] = []


class _Page(msgspec.Struct, frozen=True):
    data: list[dict[str, Any]]
    has_more: bool = False
    next_page: str | None = None


def fetch(api: VendorApi, since: date, until: date) -> Iterator[list[VendorUsage]]:
    """The records of each day from `since` to `until` that has any cost, oldest first.

    One for each model, and one without `model` for what has none (web search, code execution).
    `payload.parts` has the amounts by kind of token; descriptions are left out. `cost_usd` is None
    where an amount is not in USD. Raises VendorUnreachable, VendorRefused, UnexpectedAnswer.
    """
    for raw in _days(api, since):
        try:
            found = msgspec.convert(raw, _Day, strict=False)  # amounts are strings
            day = date.fromisoformat(found.starting_at[:10])
        except ValueError as error:  # msgspec's among them
            raise api.unexpected(PATH, str(error)) from error
        if since <= day <= until and found.results:
            yield _summed(day, found.results)


def _days(api: VendorApi, since: date) -> Iterator[dict[str, Any]]:
    # No `ending_at`: whether a day that ends just then is in the report is not documented.
    params = {
        "starting_at": f"{since}T00:00:00Z",
        "bucket_width": "1d",
        "group_by[]": "description",
        "limit": str(_PAGE_DAYS),
    }
    asked: set[str] = set()
    while True:
        page = api.ask("GET", PATH, _Page, params=params)
        if page is None:
            return
        yield from page.data
        if not page.has_more:
            return
        if not page.next_page or page.next_page in asked:
            raise api.unexpected(PATH, "has_more without a new next_page")
        asked.add(page.next_page)
        params["page"] = page.next_page


def _summed(day: date, items: list[_Item]) -> list[VendorUsage]:
    by_model: dict[str | None, list[_Item]] = {}
    for item in items:
        by_model.setdefault(item.model, []).append(item)
    return [
        VendorUsage(
            vendor=VENDOR,
            day=day,
            actor=None,
            model=model,
            cost_usd=_dollars(parts),
            payload={"parts": [_part(item) for item in parts]},
        )
        for model, parts in by_model.items()
    ]


def _dollars(parts: list[_Item]) -> Decimal | None:
    if any(item.currency != "USD" for item in parts):
        return None
    return usd(sum((item.amount for item in parts), Decimal(0)))


def _part(item: _Item) -> dict[str, Any]:
    return {
        "cost_type": item.cost_type,
        "token_type": item.token_type,
        "service_tier": item.service_tier,
        "context_window": item.context_window,
        "amount_cents": float(item.amount),
        "currency": item.currency,
    }
