"""Cursor's Admin API: what each member did on a UTC day, and the tokens and cost of each model.

Documentation of 2026-10 (`/teams/daily-usage-data`, `/teams/filtered-usage-events`): for teams of
the Enterprise plan, 20 questions a minute, spans of 30 days at most, figures of the hour. Events
are summed, for there are many; `chargedCents` is what adds up to `/teams/spend`. The classes of
tokens are disjoint (an event of 126 input tokens had 11,964 read from the cache).
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from agent_analytics_collector.connectors.http import Vendor, VendorApi
from agent_analytics_collector.connectors.records import VendorUsage, plus, usd

DAYS = "/teams/daily-usage-data"
EVENTS = "/teams/filtered-usage-events"
VENDOR = "cursor"
TRAILING_DAYS = 30
"""Days that are asked for again: the longest span of one question."""
_PAGE_ROWS = 1000

CURSOR = Vendor(
    "Cursor",
    {
        401: "It takes an Admin API key of the team (key_…), which a team admin makes in the "
        "dashboard under Settings, Advanced, Admin API Keys.",
        403: "The Admin API is for teams of the Enterprise plan and needs a key with admin rights.",
        404: "This Cursor address has no Admin API.",
    },
)


class _Day(msgspec.Struct, frozen=True, rename="camel"):
    email: str | None = None
    user_id: int | str | None = None
    day: date | None = None
    milliseconds: int | None = msgspec.field(name="date", default=None)
    is_active: bool = True


class _TokenUsage(msgspec.Struct, frozen=True, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_read_tokens: int | None = None
    total_cents: Decimal | None = None


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    timestamp: str | int
    user_email: str | None = None
    service_account_id: str | None = None
    model: str | None = None
    kind: str | None = None
    max_mode: bool | None = None
    is_chargeable: bool | None = None
    is_headless: bool | None = None
    requests_costs: Decimal | None = None
    token_usage: _TokenUsage | None = None
    charged_cents: Decimal | None = None
    cursor_token_fee: Decimal | None = None


class _Pagination(msgspec.Struct, frozen=True, rename="camel"):
    has_next_page: bool = False


class _Days(msgspec.Struct, frozen=True, rename="camel"):
    data: list[dict[str, Any]]
    pagination: _Pagination = _Pagination()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.data


class _Events(msgspec.Struct, frozen=True, rename="camel"):
    usage_events: list[_Event]
    pagination: _Pagination = _Pagination()

    @property
    def rows(self) -> list[_Event]:
        return self.usage_events


P = TypeVar("P", _Days, _Events)


@dataclass(slots=True)
class _Sum:
    """The events of one actor and model on one day."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_read_tokens: int | None = None
    charged_cents: Decimal | None = None
    cents: dict[str, Decimal] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)


def open_api(token: str, base_url: str) -> VendorApi:
    """Cursor's API with that key."""
    basic = base64.b64encode(f"{token}:".encode()).decode()
    return VendorApi(CURSOR, base_url, {"Authorization": f"Basic {basic}"}, token)


def last_day() -> date:
    """Today in UTC, as far as it has gone."""
    return datetime.now(UTC).date()


def fetch(api: VendorApi, since: date, until: date) -> Iterator[list[VendorUsage]]:
    """The records of up to 30 days at a time, oldest first.

    Each active member has a record without `model` on each day (`payload`: Cursor's row) and one
    for each model. Whole days only, for a later record replaces an earlier one. Raises
    VendorUnreachable, VendorRefused, UnexpectedAnswer.
    """
    while since <= until:
        end = min(until, since + timedelta(days=TRAILING_DAYS - 1))
        # Fixed now: what happens while pages are read must not push rows onto the next page.
        last = min(_milliseconds(end + timedelta(days=1)), _now()) - 1
        span = {"startDate": _milliseconds(since), "endDate": last}
        yield [*_members(api, span), *_models(api, span)]
        since = end + timedelta(days=1)


def _members(api: VendorApi, span: dict[str, int]) -> Iterator[VendorUsage]:
    for page in _pages(api, DAYS, span, _Days):
        for raw in page.rows:
            try:
                row = msgspec.convert(raw, _Day)
                day = row.day or _day_of(row.milliseconds)
            except (msgspec.ValidationError, ValueError) as error:
                raise api.unexpected(DAYS, str(error)) from error
            if row.is_active:
                payload = {k: v for k, v in raw.items() if k not in ("email", "day", "date")}
                actor = row.email or (None if row.user_id is None else f"user:{row.user_id}")
                yield VendorUsage(vendor=VENDOR, day=day, actor=actor, payload=payload)


def _models(api: VendorApi, span: dict[str, int]) -> Iterator[VendorUsage]:
    sums: dict[tuple[date, str | None, str], _Sum] = {}
    for page in _pages(api, EVENTS, span, _Events):
        for event in page.rows:
            account = event.service_account_id
            actor = event.user_email or (f"service_account:{account}" if account else None)
            try:
                key = (_day_of(event.timestamp), actor, event.model or "unknown")
            except ValueError as error:
                raise api.unexpected(EVENTS, str(error)) from error
            _add(sums.setdefault(key, _Sum()), event)
    for (day, actor, model), total in sums.items():
        yield VendorUsage(
            vendor=VENDOR,
            day=day,
            actor=actor,
            model=model,
            input_tokens=total.input_tokens,
            cache_read_tokens=total.cache_read_tokens,
            cache_write_tokens=total.cache_write_tokens,
            output_tokens=total.output_tokens,
            cost_usd=None if total.charged_cents is None else usd(total.charged_cents),
            payload={
                **total.counts,
                **{name: float(value) for name, value in total.cents.items()},
                "kinds": dict(total.kinds),
            },
        )


def _add(total: _Sum, event: _Event) -> None:
    tokens = event.token_usage or _TokenUsage()
    total.input_tokens = plus(total.input_tokens, tokens.input_tokens)
    total.output_tokens = plus(total.output_tokens, tokens.output_tokens)
    total.cache_write_tokens = plus(total.cache_write_tokens, tokens.cache_write_tokens)
    total.cache_read_tokens = plus(total.cache_read_tokens, tokens.cache_read_tokens)
    if event.charged_cents is not None:
        total.charged_cents = (total.charged_cents or Decimal(0)) + event.charged_cents
    total.counts["events"] += 1
    total.counts["chargeable_events"] += bool(event.is_chargeable)
    total.counts["headless_events"] += bool(event.is_headless)
    total.counts["max_mode_events"] += bool(event.max_mode)
    for name, value in (
        ("model_cents", tokens.total_cents),
        ("token_fee_cents", event.cursor_token_fee),
        ("requests_costs", event.requests_costs),
        ("chargeable_cents", event.charged_cents if event.is_chargeable else None),
    ):
        if value is not None:
            total.cents[name] = total.cents.get(name, Decimal(0)) + value
    if event.kind:
        total.kinds[event.kind] += 1


def _pages(api: VendorApi, path: str, span: dict[str, int], kind: type[P]) -> Iterator[P]:
    number = 1
    while True:
        body = {**span, "page": number, "pageSize": _PAGE_ROWS}
        page = api.ask("POST", path, kind, body=body)
        if page is None:
            return
        yield page
        if not page.pagination.has_next_page:
            return
        if not page.rows:
            raise api.unexpected(path, "an empty page that says there are more")
        number += 1


def _day_of(milliseconds: str | int | None) -> date:
    """Raises ValueError."""
    try:
        return datetime.fromtimestamp(int(milliseconds or "") / 1000, UTC).date()
    except (ValueError, OverflowError, OSError):
        raise ValueError("a time that is none") from None


def _milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
