"""The baseline of `acknowledge`: the collector's kind of gRPC server with nothing behind it.

Prints its address and serves until standard input is closed.
"""

from __future__ import annotations

import asyncio
import sys

import grpc

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.otlp.grpc import SERVICES
from agent_analytics_collector.settings import Settings


async def _export(body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    return b""


async def _serve() -> None:
    server = grpc.aio.server(
        options=(
            ("grpc.max_receive_message_length", Settings().otlp.max_request_bytes),
            ("grpc.so_reuseport", 0),
        )
    )
    method = grpc.unary_unary_rpc_method_handler(_export)
    service = SERVICES[Signal.LOGS]
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Export": method}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(_serve())
