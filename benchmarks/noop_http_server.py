"""The baseline of `installations`: the collector's kind of HTTP server with nothing behind it.

Prints its port and serves until standard input is closed.
"""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent_analytics_collector.ports import bind


async def _export(request: Request) -> Response:
    await request.body()
    return Response(media_type="application/x-protobuf")


async def _serve() -> None:
    app = Starlette(routes=[Route("/v1/logs", _export, methods=["POST"])])
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    socket = bind("HTTP", "--http-port", "127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    print(socket.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(_serve())
