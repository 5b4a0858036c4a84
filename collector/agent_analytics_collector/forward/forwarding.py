"""Forwarding as the service sees it: a child process, and what of the spool has to wait for it."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from agent_analytics_collector import children
from agent_analytics_collector.backup.folder import oldest_needed
from agent_analytics_collector.forward.backlog import count_backlog
from agent_analytics_collector.forward.destination import destinations
from agent_analytics_collector.forward.progress import (
    Dropped,
    Progress,
    read_dropped,
    read_progress,
    write_dropped,
)
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.spool.segments import Position

log = structlog.get_logger()


class Forwarding:
    """Starts the forwarder where there is a destination, and tells what it still needs."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._destinations = destinations(home, settings)
        self._child = children.forwarder(home)

    async def tell(self) -> None:
        """Something was received. Raises OSError when the forwarder cannot be started."""
        if self._destinations:
            await self._child.tell()

    async def look(self) -> None:
        """Start a forwarder that ended before all was delivered. Raises OSError."""
        if self._destinations and not self._child.running:
            end = end_of_spool(self._home.spool)
            if any(position < end for position in self._positions().values()):
                await self._child.tell()

    async def stop(self) -> None:
        """End the forwarder; it goes on from where it was at the next start."""
        await self._child.stop()

    def needed(self) -> Position | None:
        """What lies after it some destination, or a restore of the newest backup, still needs."""
        backup = oldest_needed(self._home)
        positions = self._positions().values()
        return min([*positions, *([backup] if backup else [])], default=None)

    def dropping(self, segment: int) -> None:
        """Count what destinations will never get of a segment that has to make room."""
        known = read_dropped(self._home)
        for destination in self._destinations:
            position = max(self._positions()[destination.key], Position(segment))
            lost = count_backlog(destination, position, last_segment=segment)
            if not lost.requests:
                continue
            was = known.get(destination.key) or Dropped()
            known[destination.key] = Dropped(
                was.requests + lost.requests,
                was.records + lost.records,
                was.bytes + lost.bytes,
                datetime.now(UTC).isoformat(timespec="milliseconds"),
            )
            log.error(
                "forward_dropped", endpoint=destination.forward.endpoint, requests=lost.requests,
                records=lost.records, why="the spool is full",
            )  # fmt: skip
            write_dropped(self._home, known)

    def _positions(self) -> dict[str, Position]:
        if not self._destinations:
            return {}
        progress = read_progress(self._home)
        return {
            each.key: (progress.get(each.key) or Progress(each.forward.endpoint)).position
            for each in self._destinations
        }
