"""What a destination has not had yet, counted in the spool without reading any body."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from agent_analytics_collector.forward.destination import Destination, destinations
from agent_analytics_collector.forward.progress import (
    Dropped,
    Progress,
    read_dropped,
    read_progress,
)
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.reader import walk_entries
from agent_analytics_collector.spool.segments import Position, list_segments, segment_path


@dataclass(slots=True)
class Backlog:
    """What waits in the spool for one destination."""

    requests: int = 0
    records: int = 0
    bytes: int = 0
    oldest_ns: int | None = None
    """When the first of it was received, nanoseconds since 1970; None when nothing waits."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One destination, as `status`, `doctor` and `/metrics` tell of it."""

    destination: Destination
    progress: Progress
    dropped: Dropped
    backlog: Backlog = field(default_factory=Backlog)


def standings(home: Home, settings: Settings) -> list[Standing]:
    """Of every destination in the settings, its backlog counted: a look at each waiting header."""
    progress, dropped = read_progress(home), read_dropped(home)
    found = []
    for each in destinations(home, settings):
        known = progress.get(each.key) or Progress(each.forward.endpoint)
        waiting = count_backlog(each, known.position)
        found.append(Standing(each, known, dropped.get(each.key) or Dropped(), waiting))
    return found


def count_backlog(
    destination: Destination, position: Position, last_segment: int | None = None
) -> Backlog:
    """What the destination takes of the entries after `position`, up to the end of a segment."""
    backlog = Backlog()
    for header, file, offset in walk_entries(destination.home.spool, position, last_segment):
        kept: dict[str, str] = {}
        if destination.forward.agents is not None and header.metadata_length:
            file.seek(offset + frame.HEADER_SIZE)
            kept = msgspec.json.decode(file.read(header.metadata_length), type=dict[str, str])
        if destination.takes(header.signal, kept):
            backlog.requests += 1
            backlog.records += header.records
            backlog.bytes += header.body_length
            backlog.oldest_ns = backlog.oldest_ns or header.received_at_ns
    return backlog


def bytes_after(spool: Path, position: Position) -> int:
    """Bytes of the spool behind a position, whatever they hold: asks the names of files only."""
    size = 0
    for number in list_segments(spool):
        if number >= position.segment:
            begin = position.offset if number == position.segment else 0
            try:
                size += max(segment_path(spool, number).stat().st_size - begin, 0)
            except FileNotFoundError:  # removed after loading
                continue
    return size
