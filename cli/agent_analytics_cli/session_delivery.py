"""Posts session records in batches, patiently, and remembers the files that arrived whole."""

from __future__ import annotations

import random
import time
from typing import Any

import msgspec
import orjson

from agent_analytics_cli.agents.session_file import Record, SessionFile
from agent_analytics_cli.api_client import ApiClient, ApiRefused, ApiUnreachable
from agent_analytics_cli.imported import Imported

PATH = "/v1/session-records"
BATCH_RECORDS = 1000
BATCH_BYTES = 2_000_000
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_MOST_PROBLEMS = 20
"""Reasons that are kept: one mistake repeats itself."""
_NONE_TAKEN = 422
"""Status of an answer that rejects every record; the next batch may fare better."""


class Answers(msgspec.Struct):
    """What the collector said of the records, in sum."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    problems: list[str] = []
    """`source file: reason` of the first rejected records."""


class Delivery:
    """`add` records, `end_file` after the last of a file, `flush` at the end."""

    def __init__(self, api: ApiClient, timeout_s: float, imported: Imported) -> None:
        self.answers = Answers()
        self.files = 0
        """Files that arrived whole."""
        self._api, self._timeout_s, self._imported = api, timeout_s, imported
        self._records: list[msgspec.Raw] = []
        self._sources: list[str] = []
        self._bytes = 0
        self._ended: list[SessionFile] = []

    def add(self, record: Record) -> None:
        """Raises what `flush` raises."""
        encoded = orjson.dumps(record)
        if len(self._records) == BATCH_RECORDS or self._bytes + len(encoded) >= BATCH_BYTES:
            self.flush()
        self._records.append(msgspec.Raw(encoded))
        self._sources.append(record["source_file"])
        self._bytes += len(encoded) + 1

    def end_file(self, file: SessionFile) -> None:
        """All records of the file were added."""
        self._ended.append(file)

    def flush(self) -> None:
        """Send what waits, then remember the files that ended.

        Raises ApiUnreachable when nothing was taken for `timeout_s`, ApiRefused, HomeUnusable.
        """
        if self._records:
            self._count(self._post())
            self._records, self._sources, self._bytes = [], [], 0
        if self._ended:
            self._imported.add(self._ended)
            self.files += len(self._ended)
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
        counts = self.answers
        counts.accepted += answer["accepted"]
        counts.duplicate += answer["duplicate"]
        counts.rejected += answer["rejected"]
        for problem in answer["problems"][: _MOST_PROBLEMS - len(counts.problems)]:
            counts.problems.append(f"{self._sources[problem['index']]}: {problem['reason']}")
