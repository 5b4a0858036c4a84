"""Reading the spool from a position, while another process appends to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agent_analytics_collector.envelope import Envelope, Signal
from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.recovery import find_entry
from agent_analytics_collector.spool.segments import Position, list_segments, segment_path


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, or (envelope None) a run of bytes that was stepped over: damaged or erased."""

    envelope: Envelope | None
    after: Position
    damaged_bytes: int = 0


def read_entries(folder: Path, position: Position) -> Iterator[Entry]:
    """Entries from `position` on, up to what has been written so far.

    Stops before an entry that is still being written. One segment is in memory at a time.
    """
    segments = [number for number in list_segments(folder) if number >= position.segment]
    for number in segments:
        start = position.offset if number == position.segment else 0
        try:
            with segment_path(folder, number).open("rb") as file:
                file.seek(start)
                data = file.read()
        except FileNotFoundError:
            continue  # removed after loading, by the spool's own housekeeping
        yield from _entries(data, number, start, newest=number == segments[-1])


def _entries(data: bytes, number: int, base: int, *, newest: bool) -> Iterator[Entry]:
    offset = 0
    while offset < len(data):
        try:
            envelope, header = frame.decode(data, offset)
        except frame.Erased as erased:
            offset += erased.frame_length
            yield Entry(None, Position(number, base + offset))
        except (frame.Incomplete, frame.Damaged) as problem:
            if newest and isinstance(problem, frame.Incomplete):
                return
            found = find_entry(data, offset + 1)
            if newest and found is None:
                return
            end = len(data) if found is None else found
            yield Entry(None, Position(number, base + end), end - offset)
            offset = end
        else:
            offset += header.frame_length
            yield Entry(envelope, Position(number, base + offset))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What stands in the spool after a position."""

    entries: int
    records: dict[Signal, int]
    bytes: int
    oldest_at_ns: int | None = None
    """When the first of them was received, UTC nanoseconds since 1970."""

    @property
    def total_records(self) -> int:
        return sum(self.records.values())


def count_waiting(folder: Path, position: Position) -> Waiting:
    """Entries and records after `position`, reading headers only."""
    entries, size = 0, 0
    oldest_at_ns: int | None = None
    records = dict.fromkeys(Signal, 0)
    for header, _, _ in walk_entries(folder, position):
        entries += 1
        records[header.signal] += header.records
        size += header.frame_length
        oldest_at_ns = header.received_at_ns if oldest_at_ns is None else oldest_at_ns
    return Waiting(entries, records, size, oldest_at_ns)


def read_signal(folder: Path, signal: Signal) -> Iterator[Envelope]:
    """All entries of one signal that the spool still holds; of others only headers are read."""
    for header, file, offset in walk_entries(folder, Position()):
        if header.signal is signal:
            file.seek(offset)
            try:
                envelope, _ = frame.decode(file.read(header.frame_length))
            except (frame.Damaged, frame.Erased):  # erased since its header was read
                continue
            yield envelope


def walk_entries(
    folder: Path, position: Position, last_segment: int | None = None
) -> Iterator[tuple[frame.Header, BinaryIO, int]]:
    """Header, open segment and offset of each entry from `position` on that is whole.

    Up to the end of `last_segment`; None is the end of the spool.
    """
    for number in list_segments(folder):
        if number < position.segment:
            continue
        if last_segment is not None and number > last_segment:
            return
        offset = position.offset if number == position.segment else 0
        try:
            file = segment_path(folder, number).open("rb")
        except FileNotFoundError:
            continue
        with file:
            end = file.seek(0, os.SEEK_END)
            while offset < end:
                file.seek(offset)
                try:
                    header = frame.read_header(file.read(frame.HEADER_SIZE))
                except frame.Incomplete:
                    break
                except frame.Erased as erased:
                    offset += erased.frame_length
                    continue
                except frame.Damaged:
                    file.seek(offset)
                    found = find_entry(file.read(), 1)
                    if found is None:
                        break
                    offset += found
                    continue
                if offset + header.frame_length > end:
                    break  # torn, or being written
                yield header, file, offset
                offset += header.frame_length


def end_of_spool(folder: Path) -> Position:
    """Position after the last byte written so far."""
    for number in reversed(list_segments(folder)):
        try:
            size = segment_path(folder, number).stat().st_size
        except FileNotFoundError:  # removed after loading
            continue
        if size:
            return Position(number, size)
    return Position()
