"""Which day it is: days as the user counts them, in a time zone and from an hour of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import tzlocal

_AGO = re.compile(r"(\d{1,6})([dw])")


@dataclass(frozen=True, slots=True)
class Days:
    """How instants become days."""

    time_zone: str
    """IANA name."""
    rollover_hour: int = 0
    """Hour of the clock at which a new day begins."""

    def parameters(self) -> dict[str, object]:
        """Named parameters of SQL that turns instants into days: `time_zone`, `rollover_hour`."""
        return {"time_zone": self.time_zone, "rollover_hour": self.rollover_hour}

    def local(self, instant: datetime) -> datetime:
        """The clock at that instant in the time zone, without a zone."""
        return instant.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)

    def today(self) -> date:
        return self.day_of(datetime.now(UTC))

    def day_of(self, instant: datetime) -> date:
        return (self.local(instant) - timedelta(hours=self.rollover_hour)).date()

    def parse(self, text: str) -> date:
        """`2026-03-14`, `today`, `yesterday`, `7d` or `2w` (that long ago). Raises ValueError."""
        named = {"today": 0, "yesterday": 1}
        try:
            if text in named:
                return self.today() - timedelta(days=named[text])
            if ago := _AGO.fullmatch(text):
                days = int(ago[1]) * (7 if ago[2] == "w" else 1)
                return self.today() - timedelta(days=days)
            return date.fromisoformat(text)
        except (ValueError, OverflowError):
            raise ValueError(
                f"{text!r} is no day; write 2026-03-14, today, yesterday, 7d or 2w"
            ) from None


def is_time_zone(name: str) -> bool:
    """Whether this is the IANA name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return name != "localtime"  # a file of tzdata's folder on some systems, no zone's name


def machine_time_zone() -> str | None:
    """The machine's zone; None when it has none with a name."""
    try:
        name = tzlocal.get_localzone_name()
    except (KeyError, ValueError, OSError):
        return None
    return name if name and is_time_zone(name) else None
