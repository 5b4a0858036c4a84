"""Records that come over the API: checked one by one, made durable together, counted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from agent_analytics_collector.access.principal import Principal
from agent_analytics_collector.api.commit_payloads import Attribution, Commit, LineSurvival, Rewrite
from agent_analytics_collector.api.ownership import NotTheirs, refuse_others
from agent_analytics_collector.api.payloads import (
    CopilotMetrics,
    Problem,
    Received,
    SessionRecord,
    Survey,
    VendorUsage,
)
from agent_analytics_collector.envelope import (
    DEVELOPER_HEADER,
    FORWARDED_HEADER,
    Encoding,
    Envelope,
    Signal,
    record_digest,
)
from agent_analytics_collector.forward.loops import refuse_loop
from agent_analytics_collector.spool.reader import read_signal
from agent_analytics_collector.spool.writer import Spool

MODELS: dict[Signal, type[BaseModel]] = {
    Signal.COMMITS: Commit,
    Signal.REWRITES: Rewrite,
    Signal.SESSION_RECORDS: SessionRecord,
    Signal.COPILOT_METRICS: CopilotMetrics,
    Signal.VENDOR_USAGE: VendorUsage,
    Signal.LINE_SURVIVAL: LineSurvival,
    Signal.ATTRIBUTIONS: Attribution,
    Signal.SURVEYS: Survey,
}
_REMEMBERED = (
    Signal.COMMITS, Signal.REWRITES, Signal.ATTRIBUTIONS, Signal.SURVEYS, Signal.SESSION_RECORDS,
)  # fmt: skip
"""What vendors say of a day and what blame says of a commit may become what it was before, so only
the last delivery counts, and none is a duplicate."""
_MOST_REMEMBERED = 100_000
MOST_RECORDS = 20_000
"""In one request: checking 35,000 commits took 0.2 s."""
_MOST_PROBLEMS = 1_000
"""Told with their reason; our own clients send no more records at once."""
_LARGE_BODY = 64 * 1024
"""Bytes from which on a body is checked in a thread, so that OTLP need not wait."""


class NotJson(Exception):
    """The body is no JSON."""


class TooManyRecords(Exception):
    """One request has more records than are checked at once."""


class _Checked(NamedTuple):
    good: list[dict[str, Any]]
    problems: list[Problem]
    rejected: int


class _Sound(NamedTuple):
    encoded: bytes
    records: int


class Intake:
    """Takes JSON bodies for the spool; what `accept` returned for is durable.

    A commit that was accepted before, within the spool's replay window, is a duplicate and not
    written again. That is for the sender's eyes: what counts once is decided by the loader.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        accepted: Callable[[Signal, int], None],
        window_s: float,
        installation: str = "",
    ) -> None:
        """`installation` is the id of this one, whose own requests do not come back."""
        self._spool = spool
        self._accepted = accepted
        self._window_s = window_s
        self._installation = installation
        self._adapters = {signal: TypeAdapter(model) for signal, model in MODELS.items()}
        self._session_records = TypeAdapter(list[SessionRecord])
        self._seen: dict[bytes, float] = {}
        """When a record was accepted, by its digest; oldest first."""
        self._remembered = asyncio.Event()
        self.rejected: Counter[Signal] = Counter()
        self.duplicates: Counter[Signal] = Counter()

    async def remember(self, folder: Path) -> None:
        """Learn of the commits that the spool holds from earlier runs; `accept` waits for it."""
        try:
            await asyncio.to_thread(self._read_spool, folder)
        finally:
            self._remembered.set()

    def _read_spool(self, folder: Path) -> None:
        for signal in _REMEMBERED:
            for envelope in read_signal(folder, signal):
                developer_id = envelope.headers.get(DEVELOPER_HEADER)
                at = envelope.received_at_ns / 1e9
                if signal is Signal.SESSION_RECORDS:
                    self._seen[_whole_digest(developer_id, envelope.body)] = at
                    if len(envelope.body) > _LARGE_BODY:
                        continue
                for record in orjson.loads(envelope.body):
                    self._seen[record_digest(developer_id, record)] = at

    async def accept(
        self,
        signal: Signal,
        body: bytes,
        principal: Principal,
        named: str | None,
        forwarded: str | None = None,
    ) -> Received:
        """Make the good records of one body durable.

        They are the principal's; where the key is nobody's own, of the developer that the sender
        `named`. Records by which a developer tells of somebody else are rejected.

        Raises NotJson, TooManyRecords, SpoolFull, SpoolBroken.
        """
        developer_id = principal.developer_id or named
        headers = {FORWARDED_HEADER: forwarded} if forwarded else {}
        refuse_loop(self._installation, headers)
        if developer_id:
            headers[DEVELOPER_HEADER] = developer_id
        await self._remembered.wait()
        if signal is Signal.SESSION_RECORDS and len(body) > _LARGE_BODY:
            sound = await asyncio.to_thread(self._all_sound, body)
            if sound:
                return await self._put_whole(signal, sound, headers)
        if len(body) > _LARGE_BODY:
            checked = await asyncio.to_thread(self._checked, signal, body, principal)
        else:
            checked = self._checked(signal, body, principal)
        now = time.time()
        fresh: dict[bytes, dict[str, Any]] = {}
        for record in checked.good:
            digest = record_digest(developer_id, record)
            if not self._is_known(digest, now):
                fresh.setdefault(digest, record)
        if fresh:
            await self._put(signal, orjson.dumps(list(fresh.values())), len(fresh), headers)
            if signal in _REMEMBERED:
                self._remember_now(fresh, now)
        self.rejected[signal] += checked.rejected
        self.duplicates[signal] += len(checked.good) - len(fresh)
        return Received(
            accepted=len(fresh),
            duplicate=len(checked.good) - len(fresh),
            rejected=checked.rejected,
            problems=checked.problems,
        )

    async def _put_whole(self, signal: Signal, sound: _Sound, headers: dict[str, str]) -> Received:
        """Many records at once, as an import sends them: they are duplicates all or none."""
        digest = _whole_digest(headers.get(DEVELOPER_HEADER), sound.encoded)
        now = time.time()
        if self._is_known(digest, now):
            self.duplicates[signal] += sound.records
            return Received(accepted=0, duplicate=sound.records, rejected=0)
        await self._put(signal, sound.encoded, sound.records, headers)
        self._remember_now([digest], now)
        return Received(accepted=sound.records, duplicate=0, rejected=0)

    def _remember_now(self, digests: Iterable[bytes], now: float) -> None:
        self._seen.update(dict.fromkeys(digests, now))
        while len(self._seen) > _MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]

    async def _put(
        self, signal: Signal, encoded: bytes, records: int, headers: dict[str, str]
    ) -> None:
        envelope = Envelope(signal, Encoding.JSON, encoded, time.time_ns(), headers)
        await self._spool.put(envelope, records)
        self._accepted(signal, records)

    def _all_sound(self, body: bytes) -> _Sound | None:
        """Session records of which none is wrong, checked in one go; None sends them one by one.

        An import brings hundreds of thousands, and this takes half the time.
        """
        try:
            records = self._session_records.validate_json(body)
        except ValidationError:
            return None
        if not 0 < len(records) <= MOST_RECORDS:
            return None
        return _Sound(self._session_records.dump_json(records, exclude_none=True), len(records))

    def _checked(self, signal: Signal, body: bytes, principal: Principal) -> _Checked:
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise NotJson(f"The body is not JSON: {error}") from error
        items = found if isinstance(found, list) else [found]
        if len(items) > MOST_RECORDS:
            raise TooManyRecords(f"The body has {len(items):,} records; send {MOST_RECORDS:,}.")
        good: list[dict[str, Any]] = []
        problems: list[Problem] = []
        for index, item in enumerate(items):
            try:
                record = self._adapters[signal].validate_python(item)
                refuse_others(record, principal)
            except ValidationError as error:
                if len(problems) < _MOST_PROBLEMS:
                    problems.append(Problem(index=index, reason=_reason(error)))
            except NotTheirs as error:
                if len(problems) < _MOST_PROBLEMS:
                    problems.append(Problem(index=index, reason=str(error)))
            else:
                good.append(record.model_dump(mode="json", exclude_none=True))
        return _Checked(good, problems, len(items) - len(good))

    def _is_known(self, digest: bytes, now: float) -> bool:
        return now - self._seen.get(digest, 0.0) < self._window_s


def _whole_digest(developer_id: str | None, encoded: bytes) -> bytes:
    return record_digest(developer_id, {"body": blake2b(encoded, digest_size=16).hexdigest()})


def _reason(error: ValidationError) -> str:
    """What is wrong and where, without the values: they may be text or secrets."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'record'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:5]
    )
