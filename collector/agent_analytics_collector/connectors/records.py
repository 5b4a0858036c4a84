"""What connectors give: the records of `/v1/copilot-metrics` and `/v1/vendor-usage`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec


class LanguageBreakdown(msgspec.Struct, frozen=True, omit_defaults=True):
    """One language in one of Copilot's features."""

    language: str | None
    suggestions: int | None
    acceptances: int | None
    feature: str | None = None
    lines_suggested: int | None = None
    lines_accepted: int | None = None


class CopilotMetrics(msgspec.Struct, frozen=True, omit_defaults=True):
    """One day of one GitHub user, or of a whole organisation."""

    day: date
    developer_id: str
    """GitHub's login; `org:NAME` for an organisation or enterprise as a whole."""
    organisation: str
    total_suggestions: int | None = None
    total_acceptances: int | None = None
    total_lines_suggested: int | None = None
    total_lines_accepted: int | None = None
    total_active_users: int | None = None
    """Of an organisation; None for one user."""
    language_breakdown: list[LanguageBreakdown] = []
    ai_credits_used: float | None = None
    payload: dict[str, Any] = {}
    """The row as GitHub sent it."""


class VendorUsage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One day of one actor: with `model` its tokens and cost, without what else it did."""

    vendor: str
    day: date
    actor: str | None
    model: str | None = None
    input_tokens: int | None = None
    """Without those that were read from or written to a cache."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    """Of any lifetime: the vendor does not split them into 5 minutes and 1 hour."""
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    """As the vendor states it."""
    payload: dict[str, Any] = {}


Record = CopilotMetrics | VendorUsage


def plus(a: int | None, b: int | None) -> int | None:
    """The sum of what is known; None when nothing is."""
    return b if a is None else a if b is None else a + b


def usd(cents: Decimal) -> Decimal:
    """Dollars, to the nine places of the store."""
    return (cents / 100).quantize(Decimal("0.000000001"))
