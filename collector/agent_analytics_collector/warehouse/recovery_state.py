"""`run/recovery.json`: what became of a damaged DuckDB file. Readable without DuckDB."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent_analytics_collector.home import Home
from agent_analytics_collector.state import write_bytes

FILE_NAME = "recovery.json"
RETIRED = "retired.json"


class Recovery(msgspec.Struct, frozen=True):
    """`run/recovery.json`: the last time that the DuckDB file was behind what was loaded."""

    at: str
    cause: str
    behind_segment: int
    behind_offset: int
    """Where the file had stood."""
    rows_before: dict[str, int]
    """Rows by signal that it had."""
    set_aside: tuple[str, ...] = ()
    """Files that hold what is damaged."""
    backup: str | None = None
    """The backup that took its place; None: none was needed or there is none."""
    gap_from: str | None = None
    """When the last request was received that the file has; None: it has none."""
    gap_to: str | None = None
    """When the first request was received that the spool still has."""
    finished_at: str | None = None
    """When loading was past where the file had stood; None while the spool is read again."""
    lost: dict[str, int] = {}
    """Records by signal that are gone; empty when nothing is."""
    lost_minutes: float | None = 0.0
    """Length of the time that they are of; None: all that was before the file's beginning."""

    @property
    def summary(self) -> str:
        """The sentence for a person."""
        if self.finished_at is None:
            return f"{self.cause}; what the spool has is being loaded again"
        if not self.lost:
            return f"{self.cause}; nothing was lost"
        records = ", ".join(f"{count:,} {signal}" for signal, count in self.lost.items())
        minutes = self.lost_minutes
        time = "of an unknown time" if minutes is None else f"of {minutes:,.0f} minutes"
        return f"{self.cause}; lost: {records}, {time}"


def read_recovery(home: Home) -> Recovery | None:
    """The last recovery of this home; None when there was none."""
    try:
        return msgspec.json.decode((home.run / FILE_NAME).read_bytes(), type=Recovery)
    except (OSError, msgspec.DecodeError):
        return None


def read_retired(home: Home) -> dict[str, int]:
    """`run/retired.json`: rows that retention ever removed, by table.

    They are no loss when they are missing, and are more than there was when a backup brings them
    back.
    """
    try:
        return msgspec.json.decode((home.run / RETIRED).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError):
        return {}


def add_retired(home: Home, rows: Mapping[str, int]) -> None:
    """Remember what retention removed now."""
    known = read_retired(home)
    total = {table: known.get(table, 0) + rows.get(table, 0) for table in known.keys() | rows}
    write_bytes(home.run / RETIRED, msgspec.json.encode(total))
