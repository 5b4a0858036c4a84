"""What OpenAPI says of health and of errors, every one a problem document (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"


class Health(BaseModel):
    """A collector that runs."""

    model_config = ConfigDict(extra="allow")

    status: Literal["ok"]
    version: str
    accepted_records: dict[str, int] = Field(description="Since its start, by signal")
    refused_requests: dict[str, int] = Field(description="Since its start, by reason")
    spool_pending_bytes: int = Field(description="Accepted, and not in DuckDB yet")


class Readiness(BaseModel):
    """Whether a collector takes and loads what it is sent."""

    status: Literal["ready", "not ready"]
    reasons: list[str]


class ProblemDocument(BaseModel):
    """Why a request was not answered as it asked."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Forbidden"])
    status: int = Field(examples=[403])
    detail: str = Field(description="What is wrong, and what to do")


_WHEN = {
    400: "The body is no JSON, or the request came back to the collector that sent it on",
    401: "No key, or one that is not taken",
    403: "A key that may not do this, or a foreign Host or Origin",
    404: "There is no such question",
    410: "The published run that the cursor goes on in is gone; ask again without one",
    413: "The body is too large",
    415: "The body is not said to be JSON",
    422: "A parameter cannot be used, or no record could be taken",
    429: "More requests in a minute than a key may send; come again after Retry-After",
    503: "What answers this is full, busy or broken; come again after Retry-After",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` of a route that may answer with these problems, 429 among them."""
    return {status: _response(status) for status in sorted({*statuses, 429})}


def _response(status: int) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    example = {
        "type": "about:blank", "title": title, "status": status, "detail": f"{_WHEN[status]}.",
    }  # fmt: skip
    content = {"schema": ProblemDocument.model_json_schema(), "example": example}
    return {"description": _WHEN[status], "content": {MEDIA_TYPE: content}}
