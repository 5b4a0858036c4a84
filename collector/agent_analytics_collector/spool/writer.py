"""Appending to the spool: many requests share one fsync, and only then are acknowledged."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import structlog

from agent_analytics_collector.envelope import Envelope, Signal
from agent_analytics_collector.errors import SpoolBroken, SpoolFull
from agent_analytics_collector.settings import SpoolSettings
from agent_analytics_collector.settings_checks import QUEUE_BYTES
from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.segments import (
    Position,
    list_segments,
    next_segment,
    segment_path,
)

log = structlog.get_logger()

SHARE = {
    Signal.TRACES: 0.5,
    Signal.METRICS: 0.75,
    Signal.SESSION_RECORDS: 0.75,
    Signal.COPILOT_METRICS: 0.75,
    Signal.VENDOR_USAGE: 0.75,
    Signal.LINE_SURVIVAL: 0.75,
    Signal.ATTRIBUTIONS: 0.75,
    Signal.LOGS: 1.0,
    Signal.COMMITS: 1.0,
    Signal.REWRITES: 1.0,
    Signal.SURVEYS: 1.0,
}
"""How full the spool may be for a signal still to be taken: spans are refused first, and a
quarter is kept for logs and commits, so that traces never cost the records that carry money.
Session records, notes and blame can be read again, and vendors asked again."""

KEPT = 0.75
"""How full the spool may be with what is loaded and only kept to be sent on or for a restore: the
rest is for what comes."""

SEGMENT_AGE_S = 3600.0
"""A segment older than this is followed by a new one, so that the replay window is kept."""

_Waiter = tuple[bytes, asyncio.Future[None]]


class Spool:
    """The one writer of a spool folder. `put` from one event loop; a thread writes and syncs."""

    def __init__(
        self,
        folder: Path,
        settings: SpoolSettings,
        loaded: Position = Position(),  # noqa: B008  (immutable)
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._sizes = {n: segment_path(folder, n).stat().st_size for n in list_segments(folder)}
        self._loaded = loaded
        self._queued_bytes = 0
        self._queue: SimpleQueue[_Waiter | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._file: int | None = None
        self._segment = 0
        self._opened_at = 0.0
        self.trouble: str | None = None
        """Why the last request could not be taken; None once one was."""
        self._close_idle = False
        """Set for the thread: the current segment is loaded and past the window."""
        self._thread = threading.Thread(target=self._write_groups, name="spool-writer", daemon=True)
        self._thread.start()

    async def put(self, envelope: Envelope, records: int) -> None:
        """Return when the request is durable. Raises SpoolFull, SpoolBroken."""
        entry = frame.encode(envelope, records)
        self._refuse_when_full(envelope.signal, len(entry))
        done: asyncio.Future[None] = self._loop.create_future()
        self._queued_bytes += len(entry)
        self._queue.put((entry, done))
        await done

    @property
    def pending_bytes(self) -> int:
        """Bytes not in the warehouse yet, as far as `forget_loaded` was told."""
        sizes = list(self._sizes.items())  # a copy: the thread adds segments
        waiting = sum(size for number, size in sizes if number > self._loaded.segment)
        partly = self._sizes.get(self._loaded.segment, 0) - self._loaded.offset
        return waiting + max(partly, 0) + self._queued_bytes

    def forget_loaded(
        self,
        loaded: Position,
        needed: Position | None = None,
        dropping: Callable[[int], None] = lambda segment: None,
    ) -> None:
        """Remove segments that are in the warehouse and past the replay window.

        What lies after `needed` stays beyond the window, in the share of the spool that is KEPT's.
        Loaded ones go earlier, oldest first, when the spool would exceed its size; `dropping` is
        called before one goes of which something is needed. What was cut from torn segments goes
        with the window too.
        """
        self._loaded = loaded
        oldest_kept = time.time() - self._settings.replay_window_hours * 3600
        total = sum(list(self._sizes.values()))
        for number in sorted(self._sizes):
            end = Position(number, self._sizes[number])
            if end > loaded:
                break
            path = segment_path(self._folder, number)
            aged = not path.exists() or path.stat().st_mtime < oldest_kept
            is_needed = needed is not None and needed < end
            room = self._settings.max_bytes * (KEPT if aged else 1.0)
            if (is_needed or not aged) and total <= room:
                break
            if number == self._segment:  # nothing came for the whole window
                self._close_idle = True
                self._queue.put((b"", self._loop.create_future()))
                break
            if is_needed:
                dropping(number)
            path.unlink(missing_ok=True)
            total -= self._sizes.pop(number)
        for torn in self._folder.glob("*.torn"):
            if torn.stat().st_mtime < oldest_kept:
                torn.unlink(missing_ok=True)

    def close(self) -> None:
        """Write what is queued, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _refuse_when_full(self, signal: Signal, size: int) -> None:
        limit = int(self._settings.max_bytes * SHARE[signal])
        pending = self.pending_bytes
        if pending + size > limit or self._queued_bytes + size > QUEUE_BYTES:
            full = SpoolFull(signal, pending, limit)
            self.trouble = str(full)
            raise full

    def _write_groups(self) -> None:
        """The thread: take all that waits, write it, sync once, answer all."""
        stopping = False
        while not stopping:
            group: list[_Waiter] = []
            item = self._queue.get()
            while True:
                if item is None:
                    stopping = True
                else:
                    group.append(item)
                if self._queue.empty():
                    break
                item = self._queue.get()
            if group:
                problem = self._write(b"".join([entry for entry, _ in group]))
                self._loop.call_soon_threadsafe(self._answer, group, problem)
        if self._file is not None:
            os.close(self._file)

    def _write(self, data: bytes) -> Exception | None:
        """Append durably; on failure nothing of `data` stays behind as an entry."""
        if self._close_idle:
            self._close_idle = False
            self._close_segment()
        if not data:
            return None
        try:
            if self._file is None or self._is_done():
                self._open_segment()
            assert self._file is not None
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            _sync(self._file)
        except Exception as problem:  # whatever it is, somebody waits for the answer
            log.error("spool_write_failed", problem=str(problem))
            self._abandon_segment()
            return problem
        self._sizes[self._segment] += len(data)
        return None

    def _is_done(self) -> bool:
        full = self._sizes[self._segment] >= self._settings.segment_bytes
        return full or time.monotonic() - self._opened_at > SEGMENT_AGE_S

    def _close_segment(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file, self._segment = None, 0

    def _open_segment(self) -> None:
        self._close_segment()
        number = next_segment(self._folder, self._loaded)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(segment_path(self._folder, number), flags, 0o600)
        self._segment, self._opened_at = number, time.monotonic()
        self._sizes[number] = 0
        _sync_folder(self._folder)

    def _abandon_segment(self) -> None:
        """After a failed write or fsync the file is cut back and never written again.

        An fsync that failed once may succeed the next time without the data being on disk.
        """
        if self._file is None:
            return
        size = self._sizes[self._segment]
        try:
            if size:
                os.ftruncate(self._file, size)
            else:
                segment_path(self._folder, self._segment).unlink()
                del self._sizes[self._segment]
        except OSError as problem:
            log.error("spool_truncate_failed", problem=str(problem))
        self._close_segment()

    def _answer(self, group: list[_Waiter], problem: Exception | None) -> None:
        said = f"The spool cannot be written: {problem}"
        self.trouble = None if problem is None else said
        for entry, done in group:
            self._queued_bytes -= len(entry)
            if done.done():
                continue  # the client hung up meanwhile
            if problem is None:
                done.set_result(None)
            else:
                done.set_exception(SpoolBroken(said))


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync there does not reach the medium
    else:
        os.fdatasync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
