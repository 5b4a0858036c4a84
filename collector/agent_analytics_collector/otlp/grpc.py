"""OTLP over gRPC: three `Export` methods and the health service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio  # type: ignore[attr-defined]  # the stubs lack it

from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.access.expiry import expiry_header
from agent_analytics_collector.edge.http_server import MOST_HEADER_BYTES
from agent_analytics_collector.envelope import Encoding, Signal
from agent_analytics_collector.otlp.receiver import Receiver, response

SERVICES = {
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
}

MOST_STREAMS = 100
"""Requests under way on one connection."""
CONNECTION_AGE_S = 600
"""After which a client is asked to connect anew, which costs it nothing."""

_METHODS = frozenset(f"/{name}/Export" for name in SERVICES.values())
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"


async def build_server(
    receiver: Receiver,
    authenticator: Authenticator,
    max_request_bytes: int,
    request_timeout_s: int,
    connections: int,
) -> grpc.aio.Server:
    """A server with no port yet, its health service answering SERVING."""
    server = grpc.aio.server(
        interceptors=(_Gate(receiver, authenticator),),
        options=(
            ("grpc.max_receive_message_length", max_request_bytes),
            ("grpc.so_reuseport", 0),  # else two collectors would share the port silently
            ("grpc.max_metadata_size", MOST_HEADER_BYTES),
            ("grpc.max_allowed_incoming_connections", connections),
            ("grpc.max_concurrent_streams", MOST_STREAMS),
            ("grpc.server_handshake_timeout_ms", request_timeout_s * 1_000),
            # A client that is gone, or that keeps a connection busy for ever, makes room.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", request_timeout_s * 1_000),
            ("grpc.max_connection_age_ms", CONNECTION_AGE_S * 1_000),
            ("grpc.max_connection_age_grace_ms", request_timeout_s * 1_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.http2.max_ping_strikes", 2),
        ),
    )
    health = aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for name in ("", *SERVICES.values()):
        await health.set(name, health_pb2.HealthCheckResponse.SERVING)
    for signal, name in SERVICES.items():
        # Raw bytes: grpc-python would answer INTERNAL, on which clients drop their data, to
        # what it cannot deserialize itself.
        method = grpc.unary_unary_rpc_method_handler(_export(receiver, authenticator, signal))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, {"Export": method}),)
        )
    return server


def _export(
    receiver: Receiver, authenticator: Authenticator, signal: Signal
) -> Callable[[bytes, _Context], Awaitable[bytes]]:
    async def export(body: bytes, context: _Context) -> bytes:
        headers = _headers(context.invocation_metadata())
        try:
            principal = authenticator.principal(headers, otlp=True)
            context.set_trailing_metadata(tuple(expiry_header(principal).items()))
            checked = await receiver.accept(
                signal, Encoding.PROTOBUF, body, dict(headers), principal
            )
        except Exception as error:
            await _abort(receiver, error, context)
        return response(signal, checked).SerializeToString() if checked.rejected else b""

    return export


class _Gate(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # it takes none when run
    """Refuses who has no key before a byte of the body is read, of which there may be many."""

    def __init__(self, receiver: Receiver, authenticator: Authenticator) -> None:
        self._receiver = receiver
        self._authenticator = authenticator

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        if handler_call_details.method in _METHODS:
            headers = _headers(handler_call_details.invocation_metadata)
            try:
                self._authenticator.principal(headers, otlp=True)
            except Exception as error:
                # As a stream of requests, of which the first is not waited for.
                return grpc.stream_unary_rpc_method_handler(self._refusing(error))
        return await continuation(handler_call_details)

    def _refusing(self, error: Exception) -> Callable[[Any, Any], Any]:
        async def refuse(_: Any, context: _Context) -> bytes:
            await _abort(self._receiver, error, context)

        return refuse


async def _abort(receiver: Receiver, error: Exception, context: _Context) -> NoReturn:
    refusal = receiver.refuse(error)
    details = (("grpc-status-details-bin", refusal.status().SerializeToString()),)
    await context.abort(refusal.grpc_code, refusal.message, details)


def _headers(metadata: Any) -> list[tuple[str, str]]:
    return [(key, value) for key, value in metadata or () if isinstance(value, str)]
