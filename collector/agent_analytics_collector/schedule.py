"""When dbt is due: soon after new data, at most once in an interval, and not when nothing came."""

from __future__ import annotations

from dataclasses import dataclass

SOON_S = 10.0
"""Data that comes after a quiet time is worth a run this soon."""
SETTLE_S = 900.0
"""A session's metrics are reconciled once it was quiet for ten minutes, so runs go on that long
after the last data, and then stop: an idle collector costs nothing."""


@dataclass(slots=True)
class Schedule:
    """Times are monotonic seconds; None means never."""

    interval_s: float
    first_new_data_at: float | None = None
    """First data that no run has seen from its start."""
    last_data_at: float | None = None
    last_run_at: float | None = None

    def data_came(self, now: float) -> None:
        self.last_data_at = now
        if self.first_new_data_at is None:
            self.first_new_data_at = now

    def run_started(self, now: float) -> None:
        self.last_run_at = now
        self.first_new_data_at = None

    def is_due(self, now: float) -> bool:
        """Whether dbt should run now, none running."""
        if self.last_run_at is not None and now < self.last_run_at + self.interval_s:
            return False
        if self.first_new_data_at is not None:
            return now >= self.first_new_data_at + SOON_S
        return (
            self.last_run_at is not None
            and self.last_data_at is not None
            and self.last_run_at < self.last_data_at + SETTLE_S
        )
