"""What every HTTP request passes first: limits of its headers and of its sender, and a watch."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.api.problems import problem
from agent_analytics_collector.edge.connections import sender_of
from agent_analytics_collector.edge.http_server import MOST_HEADER_BYTES
from agent_analytics_collector.edge.rate import RequestLimit, Verdict, is_limited
from agent_analytics_collector.errors import KeysUnusable, Unauthenticated

_PROBES = frozenset({"/healthz", "/readyz"})
"""Asked every few seconds by whoever keeps the collector running; they cost nothing."""

Measured = Callable[[str, str, int, float], None]
"""Told of each answer: method, route's template ("" where there is none), status, seconds."""


class RequestSize:
    """Refuses requests whose headers are too large, before anything looks at them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        size += len(scope["raw_path"]) + len(scope["query_string"])
        if size > MOST_HEADER_BYTES:
            detail = f"URL and headers are larger than {MOST_HEADER_BYTES:,} bytes."
            await problem(431, detail)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Watched:
    """Measures how long an answer takes, by route."""

    def __init__(self, app: ASGIApp, measured: Measured) -> None:
        self._app = app
        self._measured = measured

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 500
        began = time.perf_counter()

        async def listen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, listen)
        finally:
            route = getattr(scope.get("route"), "path", "")
            self._measured(scope["method"], route, status, time.perf_counter() - began)


class RateLimited:
    """Counts the requests of each key, and of each address that has none; says how many are left.

    Who it is, is found out here and once more by the route; a key that was seen before is found by
    its digest.
    """

    def __init__(self, app: ASGIApp, authenticator: Authenticator, limit: RequestLimit) -> None:
        self._app = app
        self._authenticator = authenticator
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = self._sender(scope)
        if sender is None or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        verdict = self._limit.ask(sender)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_encoded(verdict)]
            await send(message)

        if verdict.retry_after_s is None:
            await self._app(scope, receive, tell)
        else:
            detail = (
                f"More than {self._limit.limit:,} requests in a minute. Come again in "
                f"{verdict.retry_after_s} s, or send more records in each request."
            )
            headers = {"Retry-After": str(verdict.retry_after_s)}
            await problem(429, detail, headers)(scope, receive, tell)

    def _sender(self, scope: Scope) -> str | None:
        """A key's id or an address; None of whom nothing is counted."""
        try:
            principal = self._authenticator.principal(Headers(scope=scope).items(), otlp=False)
        except (Unauthenticated, KeysUnusable):
            client = scope.get("client")
            return f"address {sender_of(client[0])}" if client else "address unknown"
        return principal.key_id if is_limited(principal) else None


def _encoded(verdict: Verdict) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in verdict.headers]
