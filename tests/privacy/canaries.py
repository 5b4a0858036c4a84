"""Texts that stand nowhere else, planted in every kind of data about one developer."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from agent_analytics_collector.envelope import Encoding, Envelope, Signal

ADA, BOB = "ada@canary.example", "bob@canary.example"
ADA_PRIVATE = "ada.private@canary.example"
SESSION = "canary-session-ada-0001"
AT_NS = 1_763_800_000_000_000_000
RECEIVED_NS = AT_NS + 10**9


def canary(number: int) -> str:
    """A word that no scrubbing takes for a secret, and no other data has."""
    return f"canary{number:02d}word"


def otlp_logs(
    attributes: dict[str, str], *, resource: dict[str, str] | None = None, at_ns: int = AT_NS
) -> bytes:
    """A request of one log record."""
    message = ExportLogsServiceRequest()
    logs = message.resource_logs.add()
    logs.resource.attributes.extend(_pairs(resource or {}))
    record = logs.scope_logs.add().log_records.add(time_unix_nano=at_ns)
    record.attributes.extend(_pairs(attributes))
    return message.SerializeToString()


def mixed_logs(of_ada: dict[str, str], of_bob: dict[str, str]) -> bytes:
    """A request of one record each, as a gateway sends it."""
    message = ExportLogsServiceRequest()
    for attributes in (of_ada, of_bob):
        logs = message.resource_logs.add()
        logs.resource.attributes.extend(_pairs({"developer.id": attributes["developer.id"]}))
        record = logs.scope_logs.add().log_records.add(time_unix_nano=AT_NS)
        record.attributes.extend(_pairs(attributes))
    return message.SerializeToString()


def otlp_metrics(attributes: dict[str, str]) -> bytes:
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="canary.metric")
    point = metric.sum.data_points.add(time_unix_nano=AT_NS, as_double=1.0)
    point.attributes.extend(_pairs(attributes))
    return message.SerializeToString()


def otlp_spans(attributes: dict[str, str]) -> bytes:
    message = ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add(
        name="canary", trace_id=b"1" * 16, span_id=b"1" * 8, start_time_unix_nano=AT_NS,
        end_time_unix_nano=AT_NS + 1,
    )  # fmt: skip
    span.attributes.extend(_pairs(attributes))
    span.events.add(name="event").attributes.extend(_pairs({"detail": attributes["note"]}))
    return message.SerializeToString()


def envelopes() -> list[Envelope]:
    """Requests of Ada, of Bob and of both; canaries 1 to 29 are Ada's, 60 to 69 Bob's."""
    number = iter(range(1, 30))

    def note() -> str:
        return canary(next(number))

    ada = {"session.id": SESSION, "event.name": "api_request"}
    commit = _commit("a" * 40, ADA, note())
    return [
        *[
            otlp(Signal.LOGS, otlp_logs({**ada, "note": note(), "n": str(n)}), ADA)
            for n in range(5)
        ],
        # No developer is named, but the session is hers; and so is what names her e-mail alone.
        *[otlp(Signal.LOGS, otlp_logs({**ada, "note": note()})) for _ in range(3)],
        otlp(Signal.LOGS, otlp_logs({"user.email": ADA, "note": note()})),
        otlp(Signal.LOGS, otlp_logs({"user.id": "ada-machine", "note": note(), **ada})),
        otlp(Signal.LOGS, otlp_logs({"user.id": "ada-machine", "note": note()})),
        otlp(Signal.METRICS, otlp_metrics({**ada, "note": note()}), ADA),
        otlp(Signal.TRACES, otlp_spans({**ada, "note": note()}), ADA),
        otlp(
            Signal.LOGS,
            mixed_logs(
                {"developer.id": ADA, "note": note()},
                {"developer.id": BOB, "note": canary(60), "session.id": "s-bob"},
            ),
        ),
        _api(Signal.COMMITS, [commit, _commit("b" * 40, BOB, canary(61))], BOB),
        _api(Signal.COMMITS, [_commit("c" * 40, ADA_PRIVATE, note(), recorded_by="hook")], ADA),
        _api(Signal.COMMITS, [_commit("d" * 40, ADA_PRIVATE.upper(), note())], BOB),
        _api(
            Signal.SESSION_RECORDS,
            [_session_record(note()), _session_record(note(), project=f"/srv/{note()}")],
            ADA,
        ),
        _api(Signal.SESSION_RECORDS, [_session_record(note()) for _ in range(6)]),
        _api(Signal.SESSION_RECORDS, [_session_record(canary(62), session="s-bob")], BOB),
        _api(
            Signal.ATTRIBUTIONS,
            [{"commit_hash": "b" * 40, "source": "note", "contributor": ADA, "path": note()}],
        ),
        _api(
            Signal.REWRITES,
            [{"old_hash": "e" * 40, "new_hash": "a" * 40, "kind": "amend", "repository": note()}],
            BOB,
        ),
        _api(
            Signal.VENDOR_USAGE,
            [{"vendor": "cursor", "day": "2026-11-20", "actor": ADA, "payload": {"n": note()}}],
        ),
    ]  # fmt: skip


def young_commit(email: str, message: str) -> Envelope:
    """A commit that arrives now."""
    told = _api(Signal.COMMITS, [_commit("f" * 40, email, message)], email)
    return dataclasses.replace(told, received_at_ns=time.time_ns())


def otlp(signal: Signal, body: bytes, developer: str | None = None) -> Envelope:
    headers = {"x-developer-id": developer} if developer else {}
    return Envelope(signal, Encoding.PROTOBUF, body, RECEIVED_NS, headers)


def _api(signal: Signal, records: list[dict[str, Any]], developer: str | None = None) -> Envelope:
    headers = {"x-developer-id": developer} if developer else {}
    return Envelope(signal, Encoding.JSON, orjson.dumps(records), RECEIVED_NS, headers)


def _commit(sha: str, email: str, message: str, recorded_by: str = "backfill") -> dict[str, Any]:
    return {
        "commit_hash": sha, "commit_message": message, "author_name": f"name of {message}",
        "author_email": email, "timestamp": AT_NS // 10**9, "recorded_by": recorded_by,
        "repository": "https://example.com/acme/widgets",
        "files": [{"path": f"src/{message}.py", "lines_added": 1}],
        "trailers": {"Reviewed-by": [f"x <{email}>"]},
    }  # fmt: skip


def _session_record(note: str, session: str = SESSION, project: str = "/srv/x") -> dict[str, Any]:
    return {
        "agent": "claude_code", "session_id": session, "kind": "tool_call",
        "timestamp": "2026-11-20T10:00:00Z", "project_path": project, "payload": {"note": note},
    }  # fmt: skip


def _pairs(attributes: dict[str, str]) -> list[KeyValue]:
    return [
        KeyValue(key=name, value=AnyValue(string_value=value)) for name, value in attributes.items()
    ]
