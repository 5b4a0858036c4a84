"""What no loader has stored yet: lines of session files, and requests that wait in the spool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.agents.kept_values import without_nulls
from agent_analytics_cli.agents.session_file import Record
from agent_analytics_cli.sessions.imported import Imported
from agent_analytics_cli.sessions.plan import Plan, of_machine, plan_import
from agent_analytics_collector.envelope import DEVELOPER_HEADER, Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.scrub.text import without_home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import count_waiting, read_entries
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import read_loader
from agent_analytics_collector.text_policy import TextPolicy
from agent_analytics_collector.warehouse import api_rows

if TYPE_CHECKING:
    import pyarrow as pa

SESSION_COLUMNS = (
    "agent", "session_id", "record_key", "timestamp", "kind", "project_path", "git_branch",
    "payload", "developer_id", "source_file", "created_at", "repository",
)  # fmt: skip
"""Of `raw_agent_session_records`, in the order of a loader's rows."""
_AT_ONCE = 20_000
"""Records that are decoded at a time."""


@dataclass(frozen=True, slots=True)
class News:
    """Where there is something new; it is read when it is asked for."""

    plan: Plan
    home: Home
    settings: Settings
    position: Position
    """Up to where the spool is loaded."""
    waiting_bytes: int
    """Of requests that were accepted and wait in the spool."""

    @property
    def size(self) -> int:
        """Bytes to be read."""
        return self.plan.size + self.waiting_bytes

    def __bool__(self) -> bool:
        return bool(self.plan.waiting or self.waiting_bytes)

    def session_rows(self) -> Iterator[dict[str, object]]:
        """Rows of `raw_agent_session_records` that an import now would make of session files.

        Each by SESSION_COLUMNS, its values as text; None where there is none.
        """
        developer_id = self.settings.developer_id
        asked = self.settings.privacy.text_developers
        include_text = self.settings.telemetry.include_prompts
        policy = TextPolicy(include_text=include_text and (asked is None or developer_id in asked))
        headers = {DEVELOPER_HEADER: developer_id} if developer_id else {}
        now = Envelope(Signal.SESSION_RECORDS, Encoding.JSON, b"", time.time_ns(), headers)
        arrived_at = datetime.now(UTC).isoformat()
        for each in self.plan.waiting:
            read = READERS[each.agent].read
            for record in read(each.file, self.plan.trouble, each.reading):
                accepted = as_accepted(of_machine(record, each.machine))
                for table, values in api_rows.rows(accepted, now, policy):
                    if table == "raw_agent_session_records":
                        row: dict[str, Any] = dict(zip(SESSION_COLUMNS, values, strict=True))
                        # As a loader stores them: rows of one session must name the same files.
                        yield {name: _without_home(value) for name, value in row.items()} | {
                            "record_key": row["record_key"].hex(),
                            "payload": without_home(row["payload"].decode()),
                            "timestamp": accepted["timestamp"],
                            "created_at": arrived_at,
                        }

    def waiting_tables(self) -> Iterator[tuple[str, pa.Table]]:
        """(raw table, rows) of what waits in the spool, in a loader's columns."""
        if not self.waiting_bytes:
            return
        # Not at the top: Arrow and OTLP take a tenth of a second, and the spool is mostly empty.
        from agent_analytics_collector.warehouse.batch import RawBatch

        texts: dict[str, Any] = {
            "include_text": self.settings.telemetry.include_prompts,
            "text_developers": self.settings.privacy.text_developers,
        }
        raw = RawBatch(**texts)
        for entry in read_entries(self.home.spool, self.position):
            if entry.envelope is not None:
                raw.add(entry.envelope)
            if raw.records >= _AT_ONCE:
                yield from raw.tables().items()
                raw = RawBatch(**texts)
        yield from raw.tables().items()


def look_for_news(home: Home, settings: Settings) -> News:
    """What there is beyond what was delivered (session files) and loaded (the spool)."""
    loaded = read_loader(home)
    position = Position(loaded.segment, loaded.offset)
    waiting = count_waiting(home.spool, position)
    # Who has `up` leave session files alone decides by hand what of them counts.
    watched = settings.sessions.watch
    plan = plan_import(home, settings) if watched else Plan(Imported.load(home, None))
    return News(plan, home, settings, position, waiting.bytes)


def _without_home(value: object) -> object:
    return without_home(value) if isinstance(value, str) else value


def as_accepted(record: Record) -> dict[str, Any]:
    """A reader's record as the API hands it on, so that both have one key.

    The API itself is asked nothing: its checks are for strangers, and take 0.1 s to import.
    """
    written = datetime.fromisoformat(record["timestamp"]).isoformat().replace("+00:00", "Z")
    return without_nulls(record | {"timestamp": written})
