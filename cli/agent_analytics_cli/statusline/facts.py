"""What a status line shows: what Claude Code says of its session, and what was published.

Claude Code gives its status-line command one JSON object on standard input (2.1): session_id,
version, model {id, display_name}, cost {total_cost_usd, …}, workspace, context_window and, of
subscribers after a session's first answer, rate_limits {five_hour, seven_day}, each
{used_percentage, resets_at} with seconds since 1970; 2.1.96 left rate_limits out. Any of it may be
missing. Nothing heavy is imported here: a status line has 100 ms.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any, NamedTuple

from agent_analytics_collector.home import Home

FIVE_HOUR_S = 5 * 3600.0
SEVEN_DAY_S = 7 * 86_400.0
_LONGEST_NAME = 60
_MOST_PERCENT = 1000.0


class Window(NamedTuple):
    """One limit window."""

    name: str
    """five_hour, seven_day, else as the agent names it."""
    used_percentage: float | None
    """None of a five-hour block, which is estimated."""
    resets_at: float | None
    """Seconds since 1970."""
    cost_usd: float | None = None
    """Of a block."""

    @property
    def length_s(self) -> float | None:
        """None where the name does not tell."""
        if self.name.startswith("seven_day"):
            return SEVEN_DAY_S
        return FIVE_HOUR_S if self.name == "five_hour" else None

    def pace(self, now: float) -> float | None:
        """Used share by elapsed share: above 1 it does not last. None where it cannot be told."""
        share = self._elapsed_share(now)
        if self.used_percentage is None or not share:
            return None
        return self.used_percentage / 100 / share

    def runs_out_at(self, now: float) -> float | None:
        """When it is used up at this pace; None where it lasts until the reset."""
        pace, length_s = self.pace(now), self.length_s
        if not pace or length_s is None or self.resets_at is None:
            return None
        at = (
            self.resets_at
            - length_s
            + length_s * (self._elapsed_share(now) or 0) * 100 / (self.used_percentage or 1)
        )
        return at if at < self.resets_at else None

    def _elapsed_share(self, now: float) -> float | None:
        if self.length_s is None or self.resets_at is None:
            return None
        return min(max(1 - (self.resets_at - now) / self.length_s, 0.0), 1.0)


class Facts(NamedTuple):
    """Everything that is known; None is unknown."""

    session_id: str | None
    agent_version: str | None
    model: str | None
    session_cost_usd: float | None
    today_cost_usd: float | None
    today_is_lower_bound: bool
    """Some of today's usage has no known price."""
    windows: tuple[Window, ...]
    told: bool
    """The windows are those of the input, not those that were published."""


def read_facts(given: bytes, home: Home, now: float) -> Facts:
    """Facts of the input and of the published run; whatever is no sense is unknown."""
    status, today = _object(given), _published(home)
    model, cost = _mapping(status.get("model")), _mapping(status.get("cost"))
    told = tuple(_told_windows(_mapping(status.get("rate_limits")), now))
    is_today = (_number(today.get("begins_at")) or 0) <= now < (_number(today.get("ends_at")) or 0)
    return Facts(
        session_id=_name(status.get("session_id")),
        agent_version=_name(status.get("version")),
        model=_name(model.get("display_name")) or _name(model.get("id")),
        session_cost_usd=_number(cost.get("total_cost_usd")),
        today_cost_usd=_number(today.get("cost_usd")) if is_today else None,
        today_is_lower_bound=today.get("is_lower_bound") is True,
        windows=told or _published_windows(today, now),
        told=bool(told),
    )


def _told_windows(limits: dict[str, Any], now: float) -> Iterator[Window]:
    """Those that make sense and still run: an idle session repeats what has ended since."""
    for name, each in limits.items():
        window = _mapping(each)
        used, resets_at = _number(window.get("used_percentage")), _number(window.get("resets_at"))
        if used is None or used > _MOST_PERCENT or not _name(name):
            continue
        if resets_at is None or resets_at > now:
            yield Window(name, used, resets_at)


def _published(home: Home) -> dict[str, Any]:
    try:
        return _object(home.today.read_bytes())
    except OSError:  # nothing is published yet
        return {}


def _published_windows(today: dict[str, Any], now: float) -> tuple[Window, ...]:
    listed = today.get("windows")
    return tuple(
        Window(name, _number(each.get("used_percentage")), resets_at, _number(each.get("cost_usd")))
        for each in (map(_mapping, listed) if isinstance(listed, list) else ())
        if (name := _name(each.get("window")))
        and (resets_at := _number(each.get("resets_at")))
        and resets_at > now
    )


def _object(text: bytes) -> dict[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) and number >= 0 else None


def _name(value: object) -> str | None:
    """A short text of one line that a terminal shows without obeying it."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME or not value.isprintable():
        return None
    return value
