"""One received request, as it travels from the receiver through the spool to the loader."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import orjson


class Signal(StrEnum):
    """What a request carries."""

    LOGS = "logs"
    METRICS = "metrics"
    TRACES = "traces"
    COMMITS = "commits"
    REWRITES = "rewrites"
    SESSION_RECORDS = "session_records"
    COPILOT_METRICS = "copilot_metrics"
    VENDOR_USAGE = "vendor_usage"
    LINE_SURVIVAL = "line_survival"
    ATTRIBUTIONS = "attributions"
    SURVEYS = "surveys"


OTLP_SIGNALS = (Signal.LOGS, Signal.METRICS, Signal.TRACES)
"""The signals of OpenTelemetry; the others come over the API, as JSON arrays of records."""


class Encoding(StrEnum):
    """How the body of a request is written."""

    PROTOBUF = "protobuf"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request as received, decompressed.

    `headers` holds only those in `KEPT_HEADERS`, lower case. `received_at_ns` is UTC
    nanoseconds since 1970; it becomes `created_at` of the rows, so that a warehouse rebuilt
    from the spool prices requests as the first one did.
    """

    signal: Signal
    encoding: Encoding
    body: bytes
    received_at_ns: int
    headers: Mapping[str, str] = field(default_factory=dict)


DEVELOPER_HEADER = "x-developer-id"
AGENT_HEADER = "x-agent-name"
"""Which agent sent it; `init` has an agent say so whose telemetry goes on to its old receiver."""
FORWARDED_HEADER = "agent-analytics-forwarded"
"""Ids of the installations that have sent it on, separated by commas."""
KEPT_HEADERS = frozenset({DEVELOPER_HEADER, AGENT_HEADER, FORWARDED_HEADER})
"""Headers that say whose it is and where it was. Credentials (x-api-key) are never written down."""
LONGEST_HEADER = 1024


def header_text(value: str) -> str:
    """A header as its sender wrote it: in UTF-8, which HTTP servers hand on as Latin-1.

    Without the spaces around it, which gRPC hands on and HTTP does not carry.
    """
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    return value.strip()[:LONGEST_HEADER].rstrip()


def record_digest(developer_id: str | None, record: dict[str, Any]) -> bytes:
    """128 bits over a record of the API and who sent it."""
    whole = orjson.dumps([developer_id, record], option=orjson.OPT_SORT_KEYS)
    return blake2b(whole, digest_size=16).digest()
