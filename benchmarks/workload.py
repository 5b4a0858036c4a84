"""Requests as Claude Code sends them: recorded log records, each with times and ids of its own.

Building a message costs more than receiving it, so one body is built from the recordings and
the fields of fixed width are written over for each request.
"""

from __future__ import annotations

import asyncio
import struct
import time
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import SpoolSettings
from agent_analytics_collector.settings_checks import MIB
from agent_analytics_collector.spool.writer import Spool

RECORDINGS = Path(__file__).parents[1] / "tests" / "fixtures" / "claude"
DEVELOPER = "dev_bench"
RECORDS = 100
"""Log records a request, unless said otherwise."""

_STARTED_NS = 1_795_000_000 * 10**9
_STEP_NS = 1_000_000
"""Between two records: a thousand a second, a large team."""
_REQUESTS_A_SESSION = 40
_SESSION = "5e551011-0000-4000-8000-000000000000"
_PROMPT = "9401a9f7-0000-4000-8000-000000000000"
_TIME = 0x7171_7171_7100_0000
_PUT_AT_ONCE = 500


class Requests:
    """Serialized ExportLogsServiceRequests of `records` records; no two records are the same."""

    def __init__(self, records: int = RECORDS) -> None:
        self.records = records
        message = _recorded(records)
        self._template = message.SerializeToString()
        # time_unix_nano is field 1 and observed_time_unix_nano field 11, both fixed64.
        marks = [struct.pack("<Q", _TIME + number) for number in range(records)]
        self._times = [self._template.index(b"\x09" + mark) + 1 for mark in marks]
        self._observed = [self._template.index(b"\x59" + mark) + 1 for mark in marks]
        self._ids = [self._template.index(_request_id(number)) for number in range(records)]

    def body(self, number: int) -> bytes:
        """Request `number`; the same number is the same bytes, in every process."""
        session = f"5e551011-0000-4000-8000-{number // _REQUESTS_A_SESSION:012x}"
        prompt = f"9401a9f7-0000-4000-8000-{number:012x}"
        body = bytearray(
            self._template.replace(_SESSION.encode(), session.encode()).replace(
                _PROMPT.encode(), prompt.encode()
            )
        )
        first = number * self.records
        for record, (time_at, observed_at, id_at) in enumerate(
            zip(self._times, self._observed, self._ids, strict=True), first
        ):
            struct.pack_into("<Q", body, time_at, _STARTED_NS + record * _STEP_NS)
            struct.pack_into("<Q", body, observed_at, _STARTED_NS + record * _STEP_NS)
            body[id_at : id_at + 24] = _request_id(record)
        return bytes(body)


def fill_spool(home: Home, requests: Requests, count: int, first: int = 0) -> int:
    """Write `count` requests to the home's spool as the receiver does; their bytes."""

    async def put_all() -> int:
        spool = Spool(home.spool, SpoolSettings(max_bytes=64 * 1024 * MIB))
        size = 0
        for begin in range(first, first + count, _PUT_AT_ONCE):
            end = min(begin + _PUT_AT_ONCE, first + count)
            bodies = [requests.body(number) for number in range(begin, end)]
            size += sum(map(len, bodies))
            await asyncio.gather(*(spool.put(envelope(b), requests.records) for b in bodies))
        spool.close()
        return size

    return asyncio.run(put_all())


def envelope(body: bytes) -> Envelope:
    """What the receiver spools for `body`."""
    headers = {"x-developer-id": DEVELOPER}
    return Envelope(Signal.LOGS, Encoding.PROTOBUF, body, time.time_ns(), headers)


def _recorded(records: int) -> ExportLogsServiceRequest:
    """A request of `records` recorded records, marked where each request is written over."""
    paths = sorted(RECORDINGS.glob("*/*-logs.pb"))
    recorded = [ExportLogsServiceRequest.FromString(path.read_bytes()) for path in paths]
    found: list[LogRecord] = [
        record
        for request in recorded
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
        if not record.event_name and "plugin" not in record.body.string_value
    ]
    message = ExportLogsServiceRequest()
    message.CopyFrom(recorded[0])
    del message.resource_logs[1:]
    del message.resource_logs[0].scope_logs[1:]
    target = message.resource_logs[0].scope_logs[0].log_records
    del target[:]
    for number in range(records):
        record = target.add()
        record.CopyFrom(found[number % len(found)])
        record.time_unix_nano = record.observed_time_unix_nano = _TIME + number
        for name, value in (
            ("session.id", _SESSION),
            ("prompt.id", _PROMPT),
            ("request_id", _request_id(number).decode()),
        ):
            _attribute(record, name).value.string_value = value
        _attribute(record, "event.sequence").value.int_value = number + 1
    return message


def _attribute(record: LogRecord, name: str) -> KeyValue:
    for attribute in record.attributes:
        if attribute.key == name:
            return attribute
    return record.attributes.add(key=name)


def _request_id(number: int) -> bytes:
    return b"req_%020x" % number
