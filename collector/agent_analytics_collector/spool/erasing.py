"""Taking entries out of the spool where they stand, or some of the records of one.

The bytes are overwritten in place, so no position moves and the collector may go on appending.
What is left of an entry and filler for the rest are as long as it was. A file beside the segment
holds the new bytes until they are on the disk, so that a kill in between costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agent_analytics_collector.envelope import Envelope
from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.recovery import find_entry
from agent_analytics_collector.spool.segments import Position, list_segments, segment_path
from agent_analytics_collector.state import write_bytes

_JOURNAL = ".erasing"


@dataclass(frozen=True, slots=True)
class Rest:
    """What stays of an entry."""

    envelope: Envelope
    records: int
    """0: nothing stays."""


class _Change(msgspec.Struct, frozen=True):
    offset: int
    content: bytes


def erase_entries(folder: Path, end: Position, rest_of: Callable[[Envelope], Rest | None]) -> int:
    """Overwrite entries before `end` by what `rest_of` leaves of them; how many were changed.

    `rest_of` gives None for an entry that stays as it is. Whoever reads at the same moment must
    not be before `end`.
    """
    finish_erasing(folder)
    count = 0
    for number in list_segments(folder):
        path = segment_path(folder, number)
        if number > end.segment or not path.exists():
            continue
        data = path.read_bytes()
        upto = min(len(data), end.offset) if number == end.segment else len(data)
        changes = list(_changes(data[:upto], rest_of))
        if changes:
            journal = path.with_suffix(_JOURNAL)
            write_bytes(journal, msgspec.msgpack.encode(changes), durable=True)
            _apply(path, changes)
            journal.unlink()
            count += len(changes)
    return count


def finish_erasing(folder: Path) -> None:
    """Write what a kill has kept from being written."""
    for journal in folder.glob(f"*{_JOURNAL}"):
        path = segment_path(folder, int(journal.stem))
        if path.exists():
            _apply(path, msgspec.msgpack.decode(journal.read_bytes(), type=list[_Change]))
        journal.unlink()


def _apply(path: Path, changes: list[_Change]) -> None:
    descriptor = os.open(path, os.O_WRONLY)  # not in append mode: pwrite would append
    try:
        for change in changes:
            os.pwrite(descriptor, change.content, change.offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _changes(data: bytes, rest_of: Callable[[Envelope], Rest | None]) -> Iterator[_Change]:
    offset: int | None = 0
    while offset is not None and offset < len(data):
        try:
            envelope, header = frame.decode(data, offset)
        except frame.Erased as erased:
            offset += erased.frame_length
        except (frame.Incomplete, frame.Damaged):
            # Nobody can tell whose bytes these are.
            found = find_entry(data, offset + 1)
            end = len(data) if found is None else found
            if end - offset >= frame.HEADER_SIZE:
                yield _Change(offset, frame.encode_erased(end - offset))
            else:
                yield _Change(offset, bytes(end - offset))
            offset = found
        else:
            rest = rest_of(envelope)
            if rest is not None:
                yield _Change(offset, _as_long(rest, header.frame_length))
            offset += header.frame_length


def _as_long(rest: Rest, length: int) -> bytes:
    """The rest as an entry, and filler, `length` bytes together; without room for it, filler."""
    if rest.records:
        entry = frame.encode(rest.envelope, rest.records)
        left = length - len(entry)
        if left == 0:
            return entry
        if left >= frame.HEADER_SIZE:
            return entry + frame.encode_erased(left)
        entry = frame.encode(rest.envelope, rest.records, length=length)
        if len(entry) == length:
            return entry
    return frame.encode_erased(length)
