"""How far each destination is: `run/forward.json` of the forwarder, and what it never got.

Positions are written after delivery, so a crash in between sends again, and never too little.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from agent_analytics_collector.home import Home
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import write_bytes


class Progress(msgspec.Struct, frozen=True):
    """One destination, as the forwarder knows it. Times are UTC, ISO 8601."""

    endpoint: str
    segment: int = 0
    offset: int = 0
    """Spool position up to which everything was delivered or refused for good."""
    delivered: int = 0
    """Requests that were received here and arrived there."""
    refused: int = 0
    """Requests that it will never take, and so were left out."""
    rejected: int = 0
    """Records that it did not take of requests that arrived."""
    last_refusal: str | None = None
    last_delivery_at: str | None = None
    problem: str | None = None
    """Why nothing goes there now; None while things go well."""
    problem_since: str | None = None
    is_blocked: bool = False
    """Trying again does not help: a person has to do what `problem` says."""

    @property
    def position(self) -> Position:
        return Position(self.segment, self.offset)


class Dropped(msgspec.Struct, frozen=True):
    """What the spool had no room to keep until a destination took it."""

    requests: int = 0
    records: int = 0
    bytes: int = 0
    last_at: str | None = None


def read_progress(home: Home) -> dict[str, Progress]:
    """By `Destination.key`; nothing where the forwarder never ran."""
    return _read(home.run / "forward.json", dict[str, Progress])


def write_progress(home: Home, progress: dict[str, Progress]) -> None:
    """For good, before it is acted upon."""
    write_bytes(home.run / "forward.json", msgspec.json.encode(progress), durable=True)


def read_dropped(home: Home) -> dict[str, Dropped]:
    """By `Destination.key`."""
    return _read(home.run / "forward_dropped.json", dict[str, Dropped])


def write_dropped(home: Home, dropped: dict[str, Dropped]) -> None:
    """Written by the service alone."""
    write_bytes(home.run / "forward_dropped.json", msgspec.json.encode(dropped), durable=True)


T = TypeVar("T", Progress, Dropped)


def _read(path: Path, kind: type[dict[str, T]]) -> dict[str, T]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return {}
