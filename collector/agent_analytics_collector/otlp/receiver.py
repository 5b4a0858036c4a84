"""What both transports do with a request: parse, check, make durable, count, answer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping

import structlog
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agent_analytics_collector.access.principal import Principal, Scope, require
from agent_analytics_collector.edge.rate import OtlpBudget
from agent_analytics_collector.envelope import (
    DEVELOPER_HEADER,
    KEPT_HEADERS,
    Encoding,
    Envelope,
    Signal,
    header_text,
)
from agent_analytics_collector.forward.loops import refuse_loop
from agent_analytics_collector.otlp.check import Checked, check
from agent_analytics_collector.otlp.messages import parse
from agent_analytics_collector.otlp.status import Refusal, is_known, refusal
from agent_analytics_collector.spool.writer import Spool

log = structlog.get_logger()

LARGE = {Encoding.PROTOBUF: 1024 * 1024, Encoding.JSON: 32 * 1024}
"""Bodies above this many bytes are parsed in a thread, so that small requests need not wait
(180 KB of Codex's JSON take 24 ms)."""

Response = ExportLogsServiceResponse | ExportMetricsServiceResponse | ExportTraceServiceResponse


class Receiver:
    """Accepts requests; what `accept` returned for is durable."""

    def __init__(
        self,
        spool: Spool,
        budget: OtlpBudget,
        *,
        accepted: Callable[[Signal, float], None],
        installation: str = "",
    ) -> None:
        """`installation` is the id of this one, whose own requests do not come back."""
        self._spool = spool
        self._budget = budget
        self._installation = installation
        self._accepted = accepted
        """Called after each request that brought records, with the seconds it took."""
        self.records: Counter[Signal] = Counter()
        """Records accepted since the start."""
        self.rejected: Counter[Signal] = Counter()
        """Records that could not be stored, of requests that were accepted."""
        self.refused: Counter[str] = Counter()
        """Requests refused since the start, by status."""

    async def accept(
        self,
        signal: Signal,
        encoding: Encoding,
        body: bytes,
        headers: Mapping[str, str],
        principal: Principal,
    ) -> Checked:
        """Make one request durable. `headers` have lower-case names.

        Its records are the principal's, where the key is somebody's own. Raises what `otlp.status`
        has a row for.
        """
        began = time.perf_counter()
        require(principal, Scope.INGEST)
        refuse_loop(self._installation, headers)
        if not body:
            return Checked(0, 0, None)
        self._budget.ask(principal, len(body))
        if len(body) > LARGE[encoding]:
            checked = await asyncio.to_thread(_parse_and_check, signal, encoding, body)
        else:
            checked = _parse_and_check(signal, encoding, body)
        if checked.records:
            self._budget.take(principal, len(body), checked.records)
            kept = {name: header_text(headers[name]) for name in KEPT_HEADERS & {*headers}}
            if principal.developer_id is not None:
                kept[DEVELOPER_HEADER] = principal.developer_id
            envelope = Envelope(signal, encoding, body, time.time_ns(), kept)
            await self._spool.put(envelope, checked.records)
            self.records[signal] += checked.records - checked.rejected
            self.rejected[signal] += checked.rejected
            self._accepted(signal, time.perf_counter() - began)
        return checked

    def refuse(self, error: Exception) -> Refusal:
        """The answer to a request that could not be accepted; bugs are logged."""
        answer = refusal(error)
        self.refused[answer.grpc_code.name] += 1
        if not is_known(error):
            log.error("request_failed", exc_info=error)
        return answer


def _parse_and_check(signal: Signal, encoding: Encoding, body: bytes) -> Checked:
    return check(signal, parse(signal, encoding, body).message)


def response(signal: Signal, checked: Checked) -> Response:
    """The OTLP response; `partial_success` is set only when something was rejected."""
    reason = checked.reason or ""
    if signal is Signal.LOGS:
        logs = ExportLogsServiceResponse()
        if checked.rejected:
            logs.partial_success.rejected_log_records = checked.rejected
            logs.partial_success.error_message = reason
        return logs
    if signal is Signal.METRICS:
        metrics = ExportMetricsServiceResponse()
        if checked.rejected:
            metrics.partial_success.rejected_data_points = checked.rejected
            metrics.partial_success.error_message = reason
        return metrics
    traces = ExportTraceServiceResponse()
    if checked.rejected:
        traces.partial_success.rejected_spans = checked.rejected
        traces.partial_success.error_message = reason
    return traces
