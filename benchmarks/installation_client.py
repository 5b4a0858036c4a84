"""Many installations that each send once a minute, in one process that is told by JSON on stdin.

A raw HTTP/1.1 client: httpx would take more of the machine than the server that is measured. The
time of a request is counted from when it was due, so that a server which falls behind shows it.
Prints `{request_seconds, statuses, acknowledged}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

from benchmarks.workload import Requests


@dataclass(slots=True)
class Run:
    """What is to be sent, and what came of it."""

    host: str
    port: int
    keys: list[str]
    records: int
    rate: float
    """Requests a second, evenly spaced."""
    requests: int
    first: int
    """Number of the first request, so that rounds do not send the same."""
    connections: int
    request_seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: int = 0


async def _send_all(run: Run) -> None:
    bodies = Requests(run.records)
    numbers = count()
    began = time.perf_counter() + 0.5

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(run.host, run.port)
        for number in numbers:
            if number >= run.requests:
                break
            due = began + number / run.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            body = bodies.body(run.first + number)
            key = run.keys[number % len(run.keys)]
            writer.write(_head(run, key, len(body)) + body)
            status = await _status(reader)
            run.request_seconds.append(time.perf_counter() - due)
            run.statuses[status] += 1
            run.acknowledged += status == 200
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(run.connections)))


def _head(run: Run, key: str, length: int) -> bytes:
    return (
        f"POST /v1/logs HTTP/1.1\r\nHost: {run.host}:{run.port}\r\n"
        f"Content-Type: application/x-protobuf\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    await reader.readexactly(int(headers.get("content-length", 0)))
    return int(status_line.split()[1])


def main() -> None:
    run = Run(**json.load(sys.stdin))
    asyncio.run(_send_all(run))
    json.dump(
        {
            "request_seconds": run.request_seconds,
            "statuses": run.statuses,
            "acknowledged": run.acknowledged,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
