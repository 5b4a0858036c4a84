"""Posts one batch and says what became of it."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import msgspec
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agent_analytics_collector.addresses import is_loopback
from agent_analytics_collector.connectors.answer import asked_wait_s
from agent_analytics_collector.envelope import FORWARDED_HEADER, OTLP_SIGNALS, Encoding, Signal
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.forward.batches import Batch
from agent_analytics_collector.forward.destination import Destination
from agent_analytics_collector.forward.loops import sent_on_by

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_MEDIA_TYPES = {Encoding.PROTOBUF: "application/x-protobuf", Encoding.JSON: "application/json"}
_FAULTS_OF_THE_BODY = (400, 411, 413, 414, 415, 422, 431)
"""Other refusals are about who sends, or where to: the next request would get them too."""
_LATER = (408, 425, 429)
_REJECTED = {
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejected_data_points"),
    Signal.TRACES: (ExportTraceServiceResponse, "rejected_spans"),
}


class NotNow(AgentAnalyticsError):
    """The destination does not take it now; the same again later may do."""

    def __init__(self, problem: str, wait_s: float | None = None) -> None:
        self.wait_s = wait_s
        super().__init__(problem)


class Blocked(AgentAnalyticsError):
    """The destination refuses whoever sends, or is not at this address: a person has to act."""


@dataclass(slots=True)
class Sent:
    """What became of a batch; sums of several add up."""

    delivered: int = 0
    """Requests."""
    refused: int = 0
    """Requests that will never be taken."""
    rejected: int = 0
    """Records that were not taken of what was delivered."""
    last_refusal: str | None = None

    def add(self, other: Sent) -> None:
        self.delivered += other.delivered
        self.refused += other.refused
        self.rejected += other.rejected
        self.last_refusal = other.last_refusal or self.last_refusal


class Sender:
    """The connections to one destination: `async with Sender(…) as sender: await sender.send(…)`.

    `async with` raises Blocked when the file of `ca_file` cannot be used.
    """

    def __init__(self, destination: Destination, installation: str) -> None:
        self._destination, self._installation = destination, installation

    async def __aenter__(self) -> Sender:
        is_here = is_loopback(self._destination.forward.endpoint)
        # A proxy of the environment has no business between us and the loopback interface.
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT, trust_env=not is_here, verify=_trusted(self._destination),
            headers={"User-Agent": "agent-analytics-forward"},
        )  # fmt: skip
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._client.aclose()

    async def send(self, batch: Batch, own_headers: Mapping[str, str]) -> Sent:
        """Post a batch, in halves where it is refused as a whole. Raises NotNow, Blocked."""
        answer = await self._post(batch, own_headers)
        if answer.is_success:
            return Sent(len(batch.bodies), 0, _rejected(batch.signal, answer))
        url = str(answer.request.url)
        said = f"{url} answers {answer.status_code} {answer.reason_phrase}".rstrip()
        if answer.status_code >= 500 or answer.status_code in _LATER:
            raise NotNow(said, asked_wait_s(answer.headers))
        if answer.status_code not in _FAULTS_OF_THE_BODY:
            raise Blocked(f"{said}. {_advice(answer.status_code, self._destination)}")
        if len(batch.bodies) == 1:
            return Sent(refused=1, last_refusal=said)
        sent = Sent()
        for half in batch.halves():
            sent.add(await self.send(half, own_headers))
        return sent

    async def _post(self, batch: Batch, own_headers: Mapping[str, str]) -> httpx.Response:
        url = self._destination.url(batch.signal)
        headers = sent_on_by(self._installation, batch.headers)
        if self._destination.is_third_party:
            headers = {FORWARDED_HEADER: headers[FORWARDED_HEADER]}
        headers |= dict(own_headers)
        headers["Content-Type"] = _MEDIA_TYPES[batch.encoding]
        body = batch.body()
        if batch.signal in OTLP_SIGNALS:
            headers["Content-Encoding"] = "gzip"
            body = await asyncio.to_thread(gzip.compress, body, 5)
        # Of names beyond ASCII the receiver makes UTF-8 again, as with every client.
        # One with spaces around it, as gRPC brings, would keep back everything behind it.
        encoded = [(name.encode(), value.strip().encode()) for name, value in headers.items()]
        try:
            return await self._client.post(url, content=body, headers=encoded)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Blocked(f"{url} is no address to send to: {error}") from error
        except httpx.HTTPError as error:
            raise NotNow(f"{url}: {error or type(error).__name__}") from error


def _trusted(destination: Destination) -> ssl.SSLContext | bool:
    """Whom the destination's certificate must come from. Raises Blocked."""
    path = destination.ca_path
    if path is None:
        return True
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # an SSLError is one
        raise Blocked(f"{path}, the ca_file of `forward`, cannot be used: {error}") from error


def _advice(status: int, destination: Destination) -> str:
    if status in (401, 403):
        file = destination.headers_path or "headers_file, which `forward` does not name,"
        return (
            f"It does not take our key. Put one that holds into {file} "
            "(`agent-analytics init --server` does that)."
        )
    return "Correct the addresses under `forward` in config.yaml, or what it takes (`signals`)."


def _rejected(signal: Signal, answer: httpx.Response) -> int:
    """Records that were not taken. Raises NotNow when it is not the destination that answers."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/html":  # a hotel's login page says 200 to everything
        raise NotNow(f"{answer.request.url} answers with a web page")
    if signal not in _REJECTED:
        try:
            said = msgspec.json.decode(answer.content, type=dict[str, object])
            return int(str(said["rejected"]))
        except (msgspec.DecodeError, KeyError, ValueError) as error:
            raise NotNow(f"{answer.request.url} does not answer as an agent-analytics") from error
    response_type, field = _REJECTED[signal]
    response = response_type()
    try:
        if kind == "application/json":
            Parse(answer.content, response, ignore_unknown_fields=True)
        elif kind == "application/x-protobuf":
            response.ParseFromString(answer.content)
    except (ParseError, DecodeError):
        return 0  # vendors answer with what they like; the status is what counts
    return max(int(getattr(response.partial_success, field)), 0)
