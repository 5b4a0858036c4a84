"""Errors of the API as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse

from agent_analytics_collector.api.intake import NotJson, TooManyRecords
from agent_analytics_collector.errors import (
    AccessNotLogged,
    AskedWrongly,
    KeysUnusable,
    Looped,
    MartsUnreadable,
    NotAllowed,
    RunGone,
    SpoolBroken,
    SpoolFull,
    TookTooLong,
    TooManyAsk,
    Unauthenticated,
)

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """A problem document; `more` are members of its own."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status,
               "detail": detail, **more}  # fmt: skip
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Give every error of the application the one form."""

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, StarletteHTTPException)
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return problem(422, found)

    async def not_json(_: Request, error: Exception) -> JSONResponse:
        return problem(400, str(error))

    async def unauthenticated(_: Request, error: Exception) -> JSONResponse:
        return problem(401, str(error), {"WWW-Authenticate": "Bearer"})

    async def not_allowed(_: Request, error: Exception) -> JSONResponse:
        return problem(403, str(error))

    async def too_many(_: Request, error: Exception) -> JSONResponse:
        return problem(413, str(error))

    async def asked_wrongly(_: Request, error: Exception) -> JSONResponse:
        return problem(422, str(error))

    async def gone(_: Request, error: Exception) -> JSONResponse:
        return problem(410, str(error))

    async def full(_: Request, error: Exception) -> JSONResponse:
        return problem(503, str(error), {"Retry-After": str(RETRY_AFTER_S)})

    async def bug(_: Request, error: Exception) -> JSONResponse:
        log.error("api_failed", exc_info=error)
        return problem(500, "The collector failed on this request; its log says why.")

    app.add_exception_handler(StarletteHTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    for unfit in (NotJson, Looped):
        app.add_exception_handler(unfit, not_json)
    app.add_exception_handler(TooManyRecords, too_many)
    app.add_exception_handler(Unauthenticated, unauthenticated)
    app.add_exception_handler(NotAllowed, not_allowed)
    app.add_exception_handler(AskedWrongly, asked_wrongly)
    app.add_exception_handler(RunGone, gone)
    for retryable in (
        SpoolFull, SpoolBroken, KeysUnusable, TookTooLong, TooManyAsk, MartsUnreadable,
        AccessNotLogged,
    ):  # fmt: skip
        app.add_exception_handler(retryable, full)
    app.add_exception_handler(Exception, bug)
