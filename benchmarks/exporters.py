"""Many exporters in one process: `python -m benchmarks.exporters ADDRESS N REQUESTS FIRST`.

Each has a connection of its own and sends its next request when the last was answered. Bodies
are prepared and sent as bytes, so that the time is the server's. Prints the times of
`processes.Sent` as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time

import grpc

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.otlp.grpc import SERVICES
from benchmarks.workload import DEVELOPER, Requests

_METHOD = f"/{SERVICES[Signal.LOGS]}/Export"
_METADATA = (("x-developer-id", DEVELOPER),)


async def _run(address: str, exporters: int, requests: int, first: int) -> None:
    workload = Requests()
    bodies = [workload.body(number) for number in range(first, first + requests)]
    channels = [
        # Channels to one address would share one connection without this.
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(exporters)
    ]
    calls = [channel.unary_unary(_METHOD, None, None) for channel in channels]
    request_seconds: list[float] = []

    async def send(exporter: int) -> None:
        call = calls[exporter]
        for body in bodies[exporter::exporters]:
            began = time.perf_counter()
            answer = await call(body, metadata=_METADATA)
            request_seconds.append(time.perf_counter() - began)
            if answer:
                raise RuntimeError(f"not everything was accepted: {answer!r}")

    await asyncio.gather(*(call(b"", metadata=_METADATA) for call in calls))  # connects
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    await asyncio.gather(*map(send, range(exporters)))
    seconds = time.perf_counter() - began
    await asyncio.gather(*(channel.close(None) for channel in channels))
    json.dump({"seconds": seconds, "request_seconds": request_seconds}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], *map(int, sys.argv[2:])))
