"""Sends one OTLP request, over gRPC or HTTP, and tells what the collector made of it."""

from __future__ import annotations

import email.utils
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import httpx
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from agent_analytics_cli import __version__
from agent_analytics_cli.outbound.recordings import Recording, Transport
from agent_analytics_collector.edge.trust import own_certificate, served_name, trust
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.state import ServiceState

_Response = (
    logs_service_pb2.ExportLogsServiceResponse
    | metrics_service_pb2.ExportMetricsServiceResponse
    | trace_service_pb2.ExportTraceServiceResponse
)
_USER_AGENT = f"agent-analytics-replay/{__version__}"
_CHUNK_BYTES = 64 * 1024
_METHODS = {
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
}
_RESPONSES: Mapping[Signal, type[_Response]] = {
    Signal.LOGS: logs_service_pb2.ExportLogsServiceResponse,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceResponse,
    Signal.TRACES: trace_service_pb2.ExportTraceServiceResponse,
}
_CONTENT_TYPES = {
    Transport.HTTP_PROTOBUF: "application/x-protobuf",
    Transport.HTTP_JSON: "application/json",
}
# The codes that OTLP calls retryable; RESOURCE_EXHAUSTED is one only with a RetryInfo.
_RETRYABLE_CODES = {
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}
_RETRYABLE_STATUSES = {429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    problem: str | None = None
    """Why it was not accepted whole; None when it was."""
    is_retryable: bool = False
    retry_after_s: float | None = None
    """How long the collector asked to wait; None when it did not say."""


class OtlpClient:
    """Connections to the two OTLP ports of one collector."""

    def __init__(
        self, grpc_address: str, http_url: str, certificate: Path | None, key: str | None
    ) -> None:
        """`certificate` is what the ports are served with, None plain text; `key` goes along."""
        self._key = {"x-api-key": key} if key else {}
        self._channel = _channel(grpc_address, certificate)
        # trust_env would take a proxy, and credentials from ~/.netrc.
        self._http = httpx.Client(
            base_url=http_url,
            trust_env=False,
            headers={"user-agent": _USER_AGENT},
            verify=True if certificate is None else trust(certificate),
        )

    @classmethod
    def of(cls, service: ServiceState, key: str | None) -> OtlpClient:
        """A client of this home's running collector. Raises TlsUnusable, OSError."""
        certificate = Path(service.certificate) if service.certificate else None
        return cls(service.grpc, service.http_url, certificate, key)

    def __enter__(self) -> OtlpClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()
        self._http.close()

    def send(self, recording: Recording, timeout_s: float) -> Answer:
        """Send once, as it was recorded; never raises for what the collector answers."""
        body = recording.body_file.read_bytes()
        if recording.request.transport is Transport.GRPC:
            return self._send_grpc(recording, body, timeout_s)
        return self._send_http(recording, body, timeout_s)

    def _send_grpc(self, recording: Recording, body: bytes, timeout_s: float) -> Answer:
        signal = recording.request.signal
        export = self._channel.unary_unary(_METHODS[signal], _as_is, _as_is)
        metadata = tuple((recording.custom_headers() | self._key).items())
        try:
            answer = export(body, timeout=timeout_s, metadata=metadata)
        except grpc.RpcError as error:
            return _grpc_refusal(error)
        return _accepted_or_not(signal, answer, is_json=False)

    def _send_http(self, recording: Recording, body: bytes, timeout_s: float) -> Answer:
        request = recording.request
        content_type = request.content_type or _CONTENT_TYPES[request.transport]
        try:
            response = self._http.post(
                request.path or f"/v1/{request.signal.value}",
                content=_chunks(body) if recording.was_chunked() else body,
                headers={**recording.custom_headers(), **self._key, "content-type": content_type},
                timeout=timeout_s,
            )
        except httpx.TransportError as error:
            return Answer(f"{type(error).__name__}: {error}", is_retryable=True)
        if response.status_code == 200:
            is_json = request.transport is Transport.HTTP_JSON
            return _accepted_or_not(request.signal, response.content, is_json=is_json)
        return Answer(
            f"HTTP {response.status_code} {response.reason_phrase}",
            is_retryable=response.status_code in _RETRYABLE_STATUSES,
            retry_after_s=_retry_after(response.headers.get("retry-after")),
        )


def _channel(address: str, certificate: Path | None) -> grpc.Channel:
    options = [
        ("grpc.enable_http_proxy", 0),
        ("grpc.primary_user_agent", _USER_AGENT),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if certificate is None:
        return grpc.insecure_channel(address, options)
    host, _, port = address.rpartition(":")
    name = served_name(host.strip("[]"), int(port), certificate)
    if name is not None:
        options.append(("grpc.ssl_target_name_override", name))
    pem = own_certificate(certificate).encode()
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(pem), options)


def _as_is(body: bytes) -> bytes:
    return body


def _chunks(body: bytes) -> Iterator[bytes]:
    """An iterator makes httpx send `Transfer-Encoding: chunked`."""
    for start in range(0, len(body), _CHUNK_BYTES):
        yield body[start : start + _CHUNK_BYTES]


def _accepted_or_not(signal: Signal, body: bytes, *, is_json: bool) -> Answer:
    response = _RESPONSES[signal]()
    try:
        if is_json:
            json_format.Parse(body or b"{}", response, ignore_unknown_fields=True)
        else:
            response.ParseFromString(body)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError):
        return Answer("the answer is no OTLP; is this a collector?")
    partial: Any = response.partial_success
    rejected = next(
        (count for field, count in partial.ListFields() if field.name.startswith("rejected_")), 0
    )
    if not rejected:
        return Answer()
    return Answer(f"{rejected:,} records were rejected: {partial.error_message}")


def _grpc_refusal(error: Any) -> Answer:
    """`error` is a grpc.RpcError that is a Call too, as every error of a unary call is."""
    code: grpc.StatusCode = error.code()
    delay = _retry_delay(error)
    exhausted = code is grpc.StatusCode.RESOURCE_EXHAUSTED and delay is not None
    return Answer(
        f"{code.name}: {error.details()}",
        is_retryable=code in _RETRYABLE_CODES or exhausted,
        retry_after_s=delay,
    )


def _retry_delay(error: Any) -> float | None:
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # the details contradict the status
        return None
    for detail in status.details if status is not None else ():
        info = RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return None


def _retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header, which is a number of them or a date."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        moment: datetime = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
