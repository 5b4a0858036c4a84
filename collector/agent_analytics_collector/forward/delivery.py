"""One destination's deliveries: read the spool on, send, write down how far, be patient."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.forward.batches import WAVE_BYTES, Batch, Wave, next_wave
from agent_analytics_collector.forward.destination import Destination
from agent_analytics_collector.forward.progress import Progress
from agent_analytics_collector.forward.sender import NotNow, Sender, Sent
from agent_analytics_collector.spool.reader import end_of_spool, read_entries

log = structlog.get_logger()

AT_ONCE = 4
"""Requests under way to one destination."""
TRIES = 4
"""Of one batch before its wave is given up; it is then read from the spool again."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 300.0
LONGEST_ASKED_S = 3600.0
"""A destination that asks for a longer pause is asked again earlier."""
GATHER_S = 0.5
"""Between news and reading on, so that what comes together travels together."""
_LOOK_S = 1.0


class Delivery:
    """Everything that goes to one destination, until cancelled."""

    def __init__(
        self,
        destination: Destination,
        installation: str,
        progress: Progress,
        save: Callable[[Progress], None],
    ) -> None:
        self.destination, self._installation = destination, installation
        self._spool = destination.home.spool
        self.progress, self._save = progress, save
        self._news = asyncio.Event()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._pause_s = FIRST_PAUSE_S

    @property
    def is_idle(self) -> bool:
        """Whether everything in the spool is settled."""
        return self.progress.position >= end_of_spool(self._spool)

    def tell(self) -> None:
        """There may be something new in the spool."""
        self._news.set()

    async def run(self) -> None:
        """Deliver what is there and what comes."""
        while True:
            try:
                async with Sender(self.destination, self._installation) as sender:
                    await self._deliver(sender)
            except NotNow as error:
                self._note(error)
                asked_s = min(error.wait_s or 0.0, LONGEST_ASKED_S)
                await self._pause(max(self._pause_s * random.uniform(0.5, 1.0), asked_s))
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            except AgentAnalyticsError as error:
                self._note(error)
                await self._pause(LONGEST_PAUSE_S * random.uniform(0.5, 1.0))

    async def _deliver(self, sender: Sender) -> None:
        """Until something is in the way. Raises NotNow, Blocked, HeadersUnusable."""
        while True:
            self._news.clear()
            entries = read_entries(self._spool, self.progress.position)
            while True:
                # After trouble in small steps: what arrived of a wave that failed is sent again.
                most_bytes = 1 if self.progress.problem else WAVE_BYTES
                wave = await asyncio.to_thread(
                    next_wave, entries, self.destination.takes, most_bytes=most_bytes
                )
                if wave is None:
                    break
                self._settle(wave, await self._send(sender, wave))
                self._pause_s = FIRST_PAUSE_S
            await self._news.wait()
            await asyncio.sleep(GATHER_S)

    async def _send(self, sender: Sender, wave: Wave) -> Sent:
        own_headers = self.destination.headers()
        sent = Sent()
        under_way = [
            asyncio.create_task(self._send_one(sender, batch, own_headers))
            for batch in wave.batches
        ]
        try:
            for task in under_way:
                sent.add(await task)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        return sent

    async def _send_one(self, sender: Sender, batch: Batch, own_headers: dict[str, str]) -> Sent:
        pause_s = FIRST_PAUSE_S
        async with self._at_once:
            for _ in range(TRIES - 1):
                try:
                    return await sender.send(batch, own_headers)
                except NotNow as error:
                    if error.wait_s is not None and error.wait_s > pause_s:
                        raise
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s *= 2
            return await sender.send(batch, own_headers)

    def _settle(self, wave: Wave, sent: Sent) -> None:
        was = self.progress
        now = _now()
        if was.problem:
            log.info("forward_goes_on", endpoint=was.endpoint)
        if sent.refused:
            log.warning(
                "forward_refused", endpoint=was.endpoint, requests=sent.refused,
                problem=sent.last_refusal,
            )  # fmt: skip
        self._put(
            msgspec.structs.replace(
                was,
                segment=wave.after.segment,
                offset=wave.after.offset,
                delivered=was.delivered + sent.delivered,
                refused=was.refused + sent.refused,
                rejected=was.rejected + sent.rejected,
                last_refusal=sent.last_refusal or was.last_refusal,
                last_delivery_at=now if sent.delivered else was.last_delivery_at,
                # What was passed over says nothing of how the destination is.
                **(_WELL if wave.batches else {}),
            )
        )

    def _note(self, error: AgentAnalyticsError) -> None:
        was = self.progress
        if was.problem != str(error):
            log.warning("forward_waits", endpoint=was.endpoint, problem=str(error))
        self._put(
            msgspec.structs.replace(
                was,
                problem=str(error),
                problem_since=was.problem_since or _now(),
                is_blocked=not isinstance(error, NotNow),
            )
        )

    def _put(self, progress: Progress) -> None:
        self.progress = progress
        try:
            self._save(progress)
        except OSError as error:
            # On a full disk it goes on from memory; begun anew, all of it would be sent again.
            log.error("forward_not_written_down", problem=str(error))

    async def _pause(self, seconds: float) -> None:
        """Wait; not any longer once the file of headers is another."""
        path = self.destination.headers_path
        was = _version(path)
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0 and _version(path) == was:
            await asyncio.sleep(min(left, _LOOK_S))


_WELL = {"problem": None, "problem_since": None, "is_blocked": False}


def _version(path: Path | None) -> int | None:
    try:
        return path.stat().st_mtime_ns if path else None
    except OSError:
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
