"""An answer to the survey: a range of hours for some days, as `POST /v1/surveys` takes it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

_RANGE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:[-\N{EN DASH}]|to)\s*(\d+(?:\.\d+)?)")
_HOURS_OF_A_DAY = 24
_SURVEYS = uuid.uuid5(uuid.NAMESPACE_URL, "agent-analytics:surveys")


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are asked about, both included."""

    start: date
    end: date

    @property
    def hours(self) -> int:
        return ((self.end - self.start).days + 1) * _HOURS_OF_A_DAY


def last_seven_days(today: date) -> Period:
    """Those that end with today."""
    return Period(today - timedelta(days=6), today)


def week_of(day: date, today: date) -> Period:
    """Monday to Sunday around the day, or to today. Raises ValueError for a day to come."""
    if day > today:
        raise ValueError(f"{day} is still to come")
    monday = day - timedelta(days=day.weekday())
    return Period(monday, min(monday + timedelta(days=6), today))


def parse_hours(text: str, period: Period) -> tuple[float, float]:
    """The least and the most hours: `2-4`, or `0`. Raises ValueError for anything else."""
    text = text.strip().removesuffix("h").strip()
    found = _RANGE.fullmatch(text)
    if found:
        low, high = float(found[1]), float(found[2])
    elif re.fullmatch(r"0+(\.0+)?", text):
        low = high = 0.0
    else:
        raise ValueError(
            f"{text!r} is no range of hours; write 2-4, or 0. Nobody knows it to the hour"
        )
    if low > high:
        raise ValueError(f"the range begins above its end; write {high:g}-{low:g}")
    if high > period.hours:
        raise ValueError(f"those days have only {period.hours} hours")
    return low, high


def answer_body(
    developer_id: str, period: Period, hours: tuple[float, float], helped: int | None
) -> dict[str, Any]:
    """The record of one answer given now; it holds no text.

    Its id is that of the developer and the days, so that a second answer corrects the first.
    """
    named = f"{developer_id.strip().lower()} {period.start} {period.end}"
    body: dict[str, Any] = {
        "survey_id": str(uuid.uuid5(_SURVEYS, named)),
        "period_start": str(period.start),
        "period_end": str(period.end),
        "hours_saved_low": hours[0],
        "hours_saved_high": hours[1],
        "answered_at": datetime.now(UTC).isoformat(timespec="microseconds"),
    }
    return body if helped is None else body | {"helped": helped}
