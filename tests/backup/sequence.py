"""Log records that are numbered, so that a file can be compared with what was sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import duckdb
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agent_analytics_collector.backup.folder import Backup, alone_with_backups
from agent_analytics_collector.backup.restore import (
    Rehearsal,
    Restored,
    put_in_place,
    rehearsed,
)
from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, SpoolSettings
from agent_analytics_collector.spool.writer import Spool
from agent_analytics_collector.warehouse.flush import flush


def request(numbers: Iterable[int]) -> Envelope:
    """One request with a log record for each number."""
    export = ExportLogsServiceRequest()
    records = export.resource_logs.add().scope_logs.add().log_records
    for number in numbers:
        record = records.add(time_unix_nano=time.time_ns())
        record.attributes.add(key="n").value.int_value = number
    return Envelope(Signal.LOGS, Encoding.PROTOBUF, export.SerializeToString(), time.time_ns(), {})


def send(home: Home, numbers: range, each: int = 10) -> None:
    """Put the numbers into the spool, in a segment of their own."""

    async def put() -> None:
        spool = Spool(home.spool, SpoolSettings())
        for start in numbers[::each]:
            part = range(start, min(start + each, numbers.stop))
            await spool.put(request(part), len(part))
        spool.close()

    asyncio.run(put())


def restore(home: Home, backup: Backup) -> tuple[Rehearsal, Restored]:
    """As the command does it."""
    with alone_with_backups(home), rehearsed(home, backup) as rehearsal:
        return rehearsal, put_in_place(home, rehearsal)


def load(home: Home) -> None:
    flush(home, Settings(), 60)


def stored(database: Path) -> list[int]:
    """The numbers in a DuckDB file, sorted."""
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "SELECT CAST(attributes ->> 'n' AS BIGINT) FROM raw_otel_logs ORDER BY 1"
        ).fetchall()
    return [row[0] for row in rows]
