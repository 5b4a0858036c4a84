"""The facts of a status line as one line of text, or as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agent_analytics_cli.statusline.facts import Facts, Window

UNKNOWN = "—"
_SHORT = {"five_hour": "5h", "seven_day": "7d"}


def as_line(facts: Facts, now: float) -> str:
    """`Opus 4.5 · session $1.23 · today ≥ $4.56 · 5h 24% (pace 0.8, resets 2h10m)`."""
    today = _usd(facts.today_cost_usd)
    if facts.today_is_lower_bound and facts.today_cost_usd is not None:
        today = f"≥ {today}"
    parts = [facts.model or UNKNOWN, f"session {_usd(facts.session_cost_usd)}", f"today {today}"]
    return " · ".join(parts + [_window(window, now) for window in facts.windows])


def as_json(facts: Facts, now: float) -> dict[str, Any]:
    """The same for programs; times in ISO 8601."""
    return {
        "session_id": facts.session_id,
        "model": facts.model,
        "session_cost_usd": facts.session_cost_usd,
        "today_cost_usd": facts.today_cost_usd,
        "today_is_lower_bound": facts.today_is_lower_bound,
        "windows": [
            {
                "window": window.name,
                "used_percentage": window.used_percentage,
                "resets_at": moment(window.resets_at),
                "pace": window.pace(now),
                "runs_out_at": moment(window.runs_out_at(now)),
                "cost_usd": window.cost_usd,
                "estimated": window.used_percentage is None,
            }
            for window in facts.windows
        ],
    }


def moment(seconds: float | None) -> str | None:
    """ISO 8601 in UTC; None also for what no calendar has."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def duration(seconds: float) -> str:
    """`3d4h`, `2h05m`, `7m`: two units at most."""
    minutes = max(int(seconds // 60), 0)
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days}d{hours % 24}h"
    return f"{hours}h{minutes % 60:02}m" if hours else f"{minutes}m"


def _window(window: Window, now: float) -> str:
    name = _SHORT.get(window.name, window.name.replace("seven_day_", "7d "))
    ends = None if window.resets_at is None else window.resets_at - now
    if window.used_percentage is None:
        left = "" if ends is None else f", ends {duration(ends)}"
        return f"{name} {_usd(window.cost_usd)} (estimated{left})"
    about = []
    if (pace := window.pace(now)) is not None:
        about.append(f"pace {pace:.1f}")
    if (out_at := window.runs_out_at(now)) is not None and out_at > now:
        about.append(f"out in {duration(out_at - now)}")
    elif ends is not None:
        about.append(f"resets {duration(ends)}")
    return f"{name} {window.used_percentage:.0f}%" + (f" ({', '.join(about)})" if about else "")


def _usd(amount: float | None) -> str:
    if amount is None:
        return UNKNOWN
    return "<$0.01" if 0 < amount < 0.005 else f"${amount:,.2f}"
