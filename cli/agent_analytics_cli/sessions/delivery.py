"""Posts session records in batches, patiently, and tells which files arrived whole."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import orjson

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.agents.session_file import Record, SessionFile, Trouble
from agent_analytics_cli.outbound.api_client import ApiClient, ApiRefused, ApiUnreachable
from agent_analytics_cli.sessions.imported import Delivered
from agent_analytics_cli.sessions.plan import Waiting, of_machine
from agent_analytics_collector.line_hashes import LineHasher

PATH = "/v1/session-records"
BATCH_RECORDS = 1000
BATCH_BYTES = 2_000_000
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_MOST_PROBLEMS = 20
"""Reasons that are kept: one mistake repeats itself."""
_NONE_TAKEN = 422
"""Status of an answer that rejects every record; the next batch may fare better."""

Arrived = Callable[[list[tuple[SessionFile, Delivered]]], None]
"""Called with the files of which the collector has all whole lines."""


@dataclass(slots=True)
class Survey:
    """What records are about."""

    records: int = 0
    sessions: set[tuple[str, str]] = field(default_factory=set)
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, record: Record) -> None:
        """Count a record in."""
        at = datetime.fromisoformat(record["timestamp"])
        self.records += 1
        self.sessions.add((record["agent"], record["session_id"]))
        self.first_at = min(self.first_at or at, at)
        self.last_at = max(self.last_at or at, at)


@dataclass(slots=True)
class Outcome:
    """What reading and delivering came to; outcomes add up."""

    survey: Survey = field(default_factory=Survey)
    trouble: Trouble = field(default_factory=Trouble)
    files: int = 0
    """Files that arrived whole."""
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    problems: list[str] = field(default_factory=list)
    """`source file: reason` of the first rejected records, and why there is no more."""
    gave_up: bool = False
    """The collector did not take it in time."""

    def add(self, other: Outcome) -> None:
        """Count in what came of other files."""
        ours, theirs = self.survey, other.survey
        ours.records += theirs.records
        ours.sessions |= theirs.sessions
        first = [at for at in (ours.first_at, theirs.first_at) if at]
        last = [at for at in (ours.last_at, theirs.last_at) if at]
        ours.first_at, ours.last_at = min(first, default=None), max(last, default=None)
        self.trouble.add(other.trouble)
        self.files += other.files
        self.accepted += other.accepted
        self.duplicate += other.duplicate
        self.rejected += other.rejected
        self.problems += other.problems[: _MOST_PROBLEMS - len(self.problems)]
        self.gave_up |= other.gave_up


def deliver_files(
    waiting: Iterable[Waiting],
    api: ApiClient,
    timeout_s: float,
    arrived: Arrived,
    progress: Callable[[int], None] | None = None,
    hasher: LineHasher | None = None,
) -> Outcome:
    """Read files and deliver what they say; `progress` gets the bytes of each.

    Edits are delivered only with a hasher. What the collector asks to send later is sent again
    until `timeout_s` went by without anything being taken. Raises ApiRefused, and what `arrived`
    raises.
    """
    outcome = Outcome()
    delivery = _Delivery(api, timeout_s, arrived, outcome)
    try:
        for each in waiting:
            read = READERS[each.agent].read
            for record in read(each.file, outcome.trouble, each.reading, hasher):
                outcome.survey.add(record)
                delivery.add(of_machine(record, each.machine))
            if each.file.path not in outcome.trouble.unreadable:
                delivery.end_file(each)
            if progress:
                progress(each.size)
        delivery.flush()
    except ApiUnreachable as error:
        outcome.gave_up = True
        outcome.problems.append(str(error))
    return outcome


class _Delivery:
    """`add` records, `end_file` after the last of a file, `flush` at the end."""

    def __init__(
        self, api: ApiClient, timeout_s: float, arrived: Arrived, outcome: Outcome
    ) -> None:
        self._api, self._timeout_s = api, timeout_s
        self._arrived, self._outcome = arrived, outcome
        self._records: list[msgspec.Raw] = []
        self._sources: list[str] = []
        self._bytes = 0
        self._ended: list[tuple[SessionFile, Delivered]] = []

    def add(self, record: Record) -> None:
        """Raises what `flush` raises."""
        encoded = orjson.dumps(record)
        if len(self._records) == BATCH_RECORDS or self._bytes + len(encoded) >= BATCH_BYTES:
            self.flush()
        self._records.append(msgspec.Raw(encoded))
        self._sources.append(record["source_file"])
        self._bytes += len(encoded) + 1

    def end_file(self, waiting: Waiting) -> None:
        """All records of the file were added."""
        self._ended.append((waiting.file, Delivered.of(waiting.file, waiting.reading)))

    def flush(self) -> None:
        """Send what waits, then tell of the files that ended.

        Raises ApiUnreachable when nothing was taken for `timeout_s`, and ApiRefused.
        """
        if self._records:
            self._count(self._post())
            self._records, self._sources, self._bytes = [], [], 0
        if self._ended:
            self._arrived(self._ended)
            self._outcome.files += len(self._ended)
            self._ended = []

    def _post(self) -> dict[str, Any]:
        give_up_at = time.monotonic() + self._timeout_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._api.post(PATH, self._records)
            except ApiRefused as error:
                if error.status != _NONE_TAKEN:
                    raise
                rejected = [{"index": 0, "reason": error.detail}]
                count = len(self._records)
                return {"accepted": 0, "duplicate": 0, "rejected": count, "problems": rejected}
            except ApiUnreachable as error:
                wait_s = error.retry_after_s
                if wait_s is None:  # jitter, so that several imports do not come in step
                    wait_s = pause_s * random.uniform(0.5, 1.0)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                if time.monotonic() + wait_s >= give_up_at:
                    raise
                time.sleep(wait_s)

    def _count(self, answer: dict[str, Any]) -> None:
        outcome = self._outcome
        outcome.accepted += answer["accepted"]
        outcome.duplicate += answer["duplicate"]
        outcome.rejected += answer["rejected"]
        for problem in answer["problems"][: _MOST_PROBLEMS - len(outcome.problems)]:
            outcome.problems.append(f"{self._sources[problem['index']]}: {problem['reason']}")
