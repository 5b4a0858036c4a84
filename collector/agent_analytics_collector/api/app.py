"""The HTTP API: commits, session records and vendors' figures in; whether all is well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Request
from fastapi_offline import FastAPIOffline
from starlette.responses import JSONResponse, Response

from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.access.expiry import expiry_header
from agent_analytics_collector.api.authorization import Ingesting
from agent_analytics_collector.api.intake import MODELS, Intake
from agent_analytics_collector.api.openapi import Health, Readiness, problems
from agent_analytics_collector.api.payloads import Received
from agent_analytics_collector.api.problems import answer_with_problems, problem
from agent_analytics_collector.envelope import Signal, header_text
from agent_analytics_collector.http_guard import refuse_foreign

MOST_BODY_BYTES = 16 * 1024 * 1024

_ROUTES = {
    Signal.COMMITS: ("Record commits", "One commit or an array of them, as git tells of them."),
    Signal.REWRITES: ("Record rewrites", "Commits that an amend or a rebase replaced."),
    Signal.SESSION_RECORDS: ("Record session files", "Lines of an agent's session files."),
    Signal.COPILOT_METRICS: (
        "Record GitHub Copilot's metrics",
        "Days of users or organisations; a later delivery replaces an earlier one.",
    ),
    Signal.VENDOR_USAGE: (
        "Record what vendors report",
        "Days of actors and models; a later delivery replaces an earlier one.",
    ),
    Signal.LINE_SURVIVAL: (
        "Record which lines are alive",
        "Commits at an age in days; a later delivery replaces an earlier one.",
    ),
    Signal.ATTRIBUTIONS: (
        "Record who wrote which lines",
        "Lines of git-ai notes and of Agent Trace records.",
    ),
    Signal.SURVEYS: (
        "Record what agents saved",
        "A developer's own range of hours for a few days; it has no field for text.",
    ),
}
_EVENTS = (
    "/v1/events",
    Signal.SESSION_RECORDS,
    "Record what an agent of your own did",
    "The records of `/v1/session-records`, for tools that are no agent with session files.",
)


def build_app(
    *,
    health: Callable[[], dict[str, Any]],
    readiness: Callable[[], list[str]],
    intake: Intake,
    authenticator: Authenticator,
    allowed_hosts: tuple[str, ...],
    version: str,
) -> FastAPI:
    """The ASGI application of the API port.

    `health` gives the body of `/healthz`; `readiness` what keeps `/readyz` from being 200.
    """
    app = FastAPIOffline(
        title="agent-analytics",
        version=version,
        description="What the CLI, git hooks and tools tell the collector, and what its figures "
        "say. OTLP has ports of its own.",
        redoc_url=None,
    )
    app.state.authenticator = authenticator
    answer_with_problems(app)

    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if foreign := refuse_foreign(request.headers, allowed_hosts):
            return problem(403, foreign)
        request.state.principal = None
        response = await call_next(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if request.state.principal is not None:
            response.headers.update(expiry_header(request.state.principal))
        return response

    @app.get("/healthz", summary="Whether the collector runs", response_model=Health)
    async def healthz() -> dict[str, Any]:
        return health()

    @app.get(
        "/readyz",
        summary="Whether it takes and loads what it is sent",
        response_model=Readiness,
        responses={503: {"model": Readiness, "description": "It does not, for these reasons"}},
    )
    async def readyz() -> Response:
        reasons = readiness()
        status = {"status": "not ready" if reasons else "ready", "reasons": reasons}
        return JSONResponse(status, 503 if reasons else 200)

    for path, signal, summary, description in (
        *((f"/v1/{signal.replace('_', '-')}", signal, *said) for signal, said in _ROUTES.items()),
        _EVENTS,
    ):
        app.add_api_route(
            path,
            _endpoint(signal, intake),
            methods=["POST"],
            response_model=Received,
            summary=summary,
            description=description,
            responses=problems(400, 401, 403, 413, 415, 422, 503),
            openapi_extra={"requestBody": {"required": True, "content": _content(signal)}},
        )
    return app


def _endpoint(signal: Signal, intake: Intake) -> Callable[..., Awaitable[Any]]:
    async def post(
        request: Request,
        principal: Ingesting,
        x_developer_id: Annotated[
            str | None,
            Header(description="Whom the records are of, where the key is nobody's own"),
        ] = None,
        agent_analytics_forwarded: Annotated[
            str | None, Header(description="Ids of the installations that sent it on")
        ] = None,
    ) -> Received | Response:
        body = await _read_body(request)
        named = header_text(x_developer_id) if x_developer_id else None
        received = await intake.accept(signal, body, principal, named, agent_analytics_forwarded)
        if received.rejected and not received.accepted + received.duplicate:
            detail = f"No record could be taken. {received.problems[0].reason}"
            return problem(422, detail, **received.model_dump())
        return received

    return post


def _content(signal: Signal) -> dict[str, Any]:
    """The request body as OpenAPI wants it: one record or an array.

    Written out because the body is not FastAPI's to check: a bad record must not cost its
    neighbours.
    """
    schema = MODELS[signal].model_json_schema()
    return {"application/json": {"schema": {
        "oneOf": [schema, {"type": "array", "items": schema}],
    }}}  # fmt: skip


async def _read_body(request: Request) -> bytes:
    """The whole body. Raises HTTPException 413 and 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, f"Content-Type {kind!r} is not taken; send application/json.")
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BODY_BYTES:
            raise HTTPException(413, f"The body is larger than {MOST_BODY_BYTES:,} bytes.")
        parts.append(chunk)
    return b"".join(parts)
