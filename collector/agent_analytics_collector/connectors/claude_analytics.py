"""Claude Code Analytics (Anthropic's Admin API): what each actor did on a UTC day, and its tokens.

Documented 2025-09; `anthropic-version` 2023-06-01. It knows Claude Code on Anthropic's own API
alone, no Bedrock or Vertex, and as of 2026-11 leaves out people who sign in with a subscription
(anthropics/claude-code#27780). Figures lag about an hour behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from agent_analytics_collector.connectors.http import Vendor, VendorApi
from agent_analytics_collector.connectors.records import VendorUsage, plus, usd

PATH = "/v1/organizations/usage_report/claude_code"
VENDOR = "claude_code"
TRAILING_DAYS = 14
"""Days that are asked for again; each is a question of its own."""
_PAGE_ROWS = 1000

ANTHROPIC = Vendor(
    "Anthropic",
    {
        401: "It takes an Admin API key (sk-ant-admin…), which an organisation's admin makes in "
        "the Console under Admin keys; the key of a model does not do.",
        403: "The key needs to be an Admin API key of an organisation (sk-ant-admin…).",
        404: "This organisation has no Claude Code Analytics; individual accounts have none.",
    },
)


class _Cost(msgspec.Struct, frozen=True):
    currency: str | None = None
    amount: Decimal | None = None
    """Cents."""


class _Tokens(msgspec.Struct, frozen=True):
    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_creation: int | None = None


class _Model(msgspec.Struct, frozen=True):
    model: str
    tokens: _Tokens = _Tokens()
    estimated_cost: _Cost = _Cost()


class _Actor(msgspec.Struct, frozen=True):
    email_address: str | None = None
    api_key_name: str | None = None


class _Row(msgspec.Struct, frozen=True):
    date: str
    """Midnight in UTC of the day, ISO 8601."""
    actor: _Actor = _Actor()
    customer_type: str | None = None
    subscription_type: str | None = None
    terminal_type: str | None = None
    model_breakdown: list[_Model] | None = None


class _Page(msgspec.Struct, frozen=True):
    data: list[dict[str, Any]]
    has_more: bool = False
    next_page: str | None = None


def open_api(token: str, base_url: str) -> VendorApi:
    """Anthropic's API with that Admin key."""
    return VendorApi(
        ANTHROPIC, base_url, {"x-api-key": token, "anthropic-version": "2023-06-01"}, token
    )


def last_day() -> date:
    """Today in UTC, of which the last hour is missing."""
    return datetime.now(UTC).date()


def fetch(api: VendorApi, since: date, until: date) -> Iterator[list[VendorUsage]]:
    """The records of each day from `since` to `until`, oldest first; empty where it has none.

    Each actor has a record without `model` (`payload.rows`: sessions, lines, commits, decisions,
    by terminal) and one for each model. An actor is an address, or `api_key:NAME`. Raises
    VendorUnreachable, VendorRefused, UnexpectedAnswer.
    """
    day = since
    while day <= until:
        rows = [*_rows(api, day)]  # all pages, for the sums over terminals must be whole
        try:
            yield _summed(rows)
        except ValueError as error:  # msgspec's among them
            raise api.unexpected(f"{PATH}?starting_at={day}", str(error)) from error
        day += timedelta(days=1)


def _rows(api: VendorApi, day: date) -> Iterator[dict[str, Any]]:
    params = {"starting_at": day.isoformat(), "limit": str(_PAGE_ROWS)}
    asked: set[str] = set()
    while True:
        page = api.ask("GET", PATH, _Page, params=params)
        if page is None:
            return
        yield from page.data
        if not page.has_more:
            return
        if not page.next_page or page.next_page in asked:
            raise api.unexpected(f"{PATH}?starting_at={day}", "has_more without a new next_page")
        asked.add(page.next_page)
        params["page"] = page.next_page


def _summed(rows: list[dict[str, Any]]) -> list[VendorUsage]:
    """Rows, one for each terminal, as records, one for each model. Raises ValueError."""
    found: dict[tuple[date, str | None, str | None], VendorUsage] = {}
    for raw in rows:
        row = msgspec.convert(raw, _Row, strict=False)  # amounts may be strings
        day, actor = date.fromisoformat(row.date[:10]), _name(row.actor)
        activity = found.setdefault((day, actor, None), _empty(day, actor, None))
        activity.payload.setdefault("rows", []).append(
            {name: value for name, value in raw.items() if name not in ("actor", "model_breakdown")}
        )
        for part in row.model_breakdown or ():
            key = (day, actor, part.model)
            found[key] = _with(found.get(key) or _empty(*key), row, part)
    return [*found.values()]


def _empty(day: date, actor: str | None, model: str | None) -> VendorUsage:
    return VendorUsage(vendor=VENDOR, day=day, actor=actor, model=model, payload={})


def _with(usage: VendorUsage, row: _Row, part: _Model) -> VendorUsage:
    """The record with the tokens and cost of one more terminal."""
    tokens, cost = part.tokens, part.estimated_cost
    dollars = usage.cost_usd
    if cost.amount is not None and cost.currency in ("USD", None):
        dollars = (dollars or Decimal(0)) + usd(cost.amount)
    terminal = {
        "terminal_type": row.terminal_type,
        "customer_type": row.customer_type,
        "subscription_type": row.subscription_type,
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_tokens": tokens.cache_read,
        "cache_write_tokens": tokens.cache_creation,
        "estimated_cost_cents": None if cost.amount is None else float(cost.amount),
        "currency": cost.currency,
    }
    return msgspec.structs.replace(
        usage,
        input_tokens=plus(usage.input_tokens, tokens.input),
        output_tokens=plus(usage.output_tokens, tokens.output),
        cache_read_tokens=plus(usage.cache_read_tokens, tokens.cache_read),
        cache_write_tokens=plus(usage.cache_write_tokens, tokens.cache_creation),
        cost_usd=dollars,
        payload={"terminals": [*usage.payload.get("terminals", ()), terminal]},
    )


def _name(actor: _Actor) -> str | None:
    if actor.email_address:
        return actor.email_address
    return f"api_key:{actor.api_key_name}" if actor.api_key_name else None
