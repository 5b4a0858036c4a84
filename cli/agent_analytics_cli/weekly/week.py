"""Which week is reported, and with which days it is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday, or to today while it runs."""

    monday: date
    until: date
    """Last day, included."""
    is_running: bool = False
    """The last day of the week is not over."""

    @classmethod
    def of(cls, day: date, today: date) -> Week:
        """The week of that day. Raises ValueError when it has not begun."""
        monday = _monday(day)
        if monday > today:
            raise ValueError(f"the week of {day} has not begun; today is {today}")
        sunday = monday + timedelta(days=6)
        return cls(monday, min(sunday, today), is_running=sunday >= today)

    @classmethod
    def latest(cls, recorded: Sequence[date], today: date) -> Week:
        """The last whole week; where nothing is recorded of it, the one with the last record."""
        last_whole = _monday(today) - _WEEK
        known = sorted(day for day in recorded if day <= today)
        if known and not any(_monday(day) == last_whole for day in known):
            return cls.of(known[-1], today)
        return cls.of(last_whole, today)

    @property
    def before(self) -> Week:
        """The same days of the week before."""
        return Week(self.monday - _WEEK, self.until - _WEEK)

    @property
    def days(self) -> tuple[date, ...]:
        count = (self.until - self.monday).days + 1
        return tuple(self.monday + timedelta(days=number) for number in range(count))

    def parameters(self) -> dict[str, date]:
        """Named parameters of SQL about both weeks."""
        return {
            "since": self.monday,
            "until": self.until,
            "since_before": self.before.monday,
            "until_before": self.before.until,
        }


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
