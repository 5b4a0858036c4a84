"""The HTTP API: for now, whether the collector is well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from agent_analytics_collector.http_guard import refuse_foreign


def build_app(health: Callable[[], dict[str, Any]], allowed_hosts: tuple[str, ...]) -> Starlette:
    """The ASGI application of the API port; `health` gives the body of `/healthz`."""

    async def healthz(request: Request) -> Response:
        if problem := refuse_foreign(request.headers, allowed_hosts):
            return PlainTextResponse(problem, 403)
        return JSONResponse(health())

    return Starlette(routes=[Route("/healthz", healthz, methods=["GET"])])
