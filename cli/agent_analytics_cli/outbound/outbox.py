"""What could not be delivered yet: bounded queues in `outbox/` that survive a kill.

`commits.jsonl`, `events.jsonl` and `surveys.jsonl`, so that no flood of one drops another. One
JSON object a line, the oldest first. Appending, removing and setting aside happen under one
lock and leave the old file or the new one.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from agent_analytics_cli.private_files import open_private
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home

COMMITS = "/v1/commits"
REWRITES = "/v1/rewrites"
SESSION_RECORDS = "/v1/session-records"
SURVEYS = "/v1/surveys"
QUEUES = ("commits", "events", "surveys")
"""Of git hooks; of what agents' own hooks tell; of what developers answered."""
PATHS = (COMMITS, REWRITES, SESSION_RECORDS, SURVEYS)
MAX_ENTRIES = 10_000
MAX_BYTES = 32 * 1024 * 1024
SHORTEST_LINE = 40
"""Bytes that no entry is shorter than."""
MAX_DAMAGED_BYTES = 1024 * 1024
BATCH_ENTRIES = 500
BATCH_BYTES = 2 * 1024 * 1024


class OutboxUnusable(AgentAnalyticsError):
    """The outbox cannot be read or written."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be used: {error.strerror or error}. Make room or make it writable; "
            "what waits in it stays."
        )


class Entry(msgspec.Struct, frozen=True):
    """One record to be posted."""

    path: str
    """One of PATHS."""
    body: dict[str, Any]


class Waiting(msgspec.Struct, frozen=True):
    """The next entries to deliver, all for one path."""

    path: str
    bodies: list[dict[str, Any]]
    lines: list[bytes]


class Outbox:
    """One of a home's QUEUES. Every method raises OutboxUnusable."""

    def __init__(self, home: Home, queue: str = "commits") -> None:
        self.path = home.outbox / f"{queue}.jsonl"
        self.damaged_path = home.outbox / "damaged.jsonl"
        self._lock_path = home.outbox / f"{queue}.lock"

    def append(self, entries: Iterable[Entry]) -> int:
        """Keep entries, durably. Returns how many of the oldest were dropped to make room."""
        added = [msgspec.json.encode(entry) for entry in entries]
        if not added:
            return 0
        with self._locked():
            size = self._append(self.path, added)
            # Counting lines needs the whole file: only one that can hold too many is read.
            if size <= min(MAX_BYTES, MAX_ENTRIES * SHORTEST_LINE):
                return 0
            lines = self._lines()
            kept = _newest(lines)
            if len(kept) < len(lines):
                self._replace(kept)
            return len(lines) - len(kept)

    def next_batch(self) -> tuple[Waiting | None, int]:
        """The oldest entries, None when there are none; and how many damaged lines were met.

        Damaged lines are moved to `damaged.jsonl`.
        """
        with self._locked():
            lines = self._lines()
            damaged: list[bytes] = []
            batch = _first_batch(lines, damaged)
            if damaged:
                self._set_aside(damaged)
                self._replace(_without(lines, damaged))
        return batch, len(damaged)

    def remove(self, delivered: Sequence[bytes]) -> None:
        """Forget lines of a batch; what was appended meanwhile stays."""
        with self._locked():
            self._replace(_without(self._lines(), delivered))

    def _lines(self) -> list[bytes]:
        try:
            return [line for line in self.path.read_bytes().split(b"\n") if line]
        except FileNotFoundError:
            return []

    def _append(self, path: Path, lines: Sequence[bytes]) -> int:
        """The size of the file afterwards."""
        with open(path, "ab+", opener=open_private) as file:
            size = file.seek(0, os.SEEK_END)
            content = b"".join(line + b"\n" for line in lines)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":  # a line that a kill cut off
                    content = b"\n" + content
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            except OSError:  # a full disk
                os.ftruncate(file.fileno(), size)
                raise
        return size + len(content)

    def _replace(self, lines: Sequence[bytes]) -> None:
        temporary = self.path.with_suffix(".new")  # of a fixed name: a kill leaves no litter
        with open(temporary, "wb", opener=open_private) as file:
            file.writelines(line + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path)

    def _set_aside(self, lines: Sequence[bytes]) -> None:
        try:
            size = self.damaged_path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size + sum(map(len, lines)) <= MAX_DAMAGED_BYTES:
            self._append(self.damaged_path, lines)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with open(self._lock_path, "ab", opener=open_private) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise OutboxUnusable(self.path, error) from error


def _newest(lines: Sequence[bytes]) -> Sequence[bytes]:
    """As many of the last lines as the bounds allow."""
    room, first = MAX_BYTES, len(lines)
    while first > 0 and len(lines) - first < MAX_ENTRIES and len(lines[first - 1]) < room:
        first -= 1
        room -= len(lines[first]) + 1
    return lines[first:]


def _without(lines: Sequence[bytes], gone: Iterable[bytes]) -> list[bytes]:
    """The lines without the first occurrence of each that is gone."""
    left = Counter(gone)
    kept = []
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
        else:
            kept.append(line)
    return kept


def _first_batch(lines: Sequence[bytes], damaged: list[bytes]) -> Waiting | None:
    path = ""
    taken: list[bytes] = []
    bodies: list[dict[str, Any]] = []
    room = BATCH_BYTES
    for line in lines:
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            damaged.append(line)
            continue
        if entry.path not in PATHS:
            damaged.append(line)
            continue
        room -= len(line)
        if taken and (entry.path != path or len(taken) == BATCH_ENTRIES or room < 0):
            break
        path = entry.path
        taken.append(line)
        bodies.append(entry.body)
    return Waiting(path, bodies, taken) if taken else None
