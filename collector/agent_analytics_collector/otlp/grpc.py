"""OTLP over gRPC: three `Export` methods and the health service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio  # type: ignore[attr-defined]  # the stubs lack it

from agent_analytics_collector.envelope import Encoding, Signal
from agent_analytics_collector.otlp.receiver import Receiver, response

SERVICES = {
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
}

_Export = Callable[[bytes, "grpc.aio.ServicerContext[bytes, bytes]"], Awaitable[bytes]]


async def build_server(receiver: Receiver, max_request_bytes: int) -> grpc.aio.Server:
    """A server with no port yet, its health service answering SERVING."""
    server = grpc.aio.server(
        options=(
            ("grpc.max_receive_message_length", max_request_bytes),
            ("grpc.so_reuseport", 0),  # else two collectors would share the port silently
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        )
    )
    health = aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for name in ("", *SERVICES.values()):
        await health.set(name, health_pb2.HealthCheckResponse.SERVING)
    for signal, name in SERVICES.items():
        # Raw bytes: grpc-python would answer INTERNAL, on which clients drop their data, to
        # what it cannot deserialize itself.
        method = grpc.unary_unary_rpc_method_handler(_export(receiver, signal))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, {"Export": method}),)
        )
    return server


def _export(receiver: Receiver, signal: Signal) -> _Export:
    async def export(body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        metadata = context.invocation_metadata() or ()
        headers = {key: value for key, value in metadata if isinstance(value, str)}
        try:
            checked = await receiver.accept(signal, Encoding.PROTOBUF, body, headers)
        except Exception as error:
            refusal = receiver.refuse(error)
            details = (("grpc-status-details-bin", refusal.status().SerializeToString()),)
            await context.abort(refusal.grpc_code, refusal.message, details)
        return response(signal, checked).SerializeToString() if checked.rejected else b""

    return export
