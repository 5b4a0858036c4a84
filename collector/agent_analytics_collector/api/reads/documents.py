"""What reading answers: the shapes that OpenAPI describes, and their JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, Field
from starlette.responses import Response

from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.dashboards import Chart, Unit, unit_of
from agent_analytics_collector.published_runs import PublishedRun

_JSON = msgspec.json.Encoder(decimal_format="number")
Kind = Literal["text", "number", "boolean", "day", "time"]
_KINDS: dict[str, Kind] = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "DATE": "day",
    "TIMESTAMP": "time",
    "TIMESTAMP WITH TIME ZONE": "time",
}


class Column(BaseModel):
    """A column of an answer. A number without a unit is a count; null is unknown, never 0."""

    name: str = Field(examples=["cost_usd"])
    kind: Kind
    unit: Unit | None = Field(None, examples=["usd"])


class Published(BaseModel):
    """The published run that an answer comes from."""

    run: str = Field(examples=["20261122T180000_000000Z"])
    at: datetime


class Table(BaseModel):
    """A page of rows, all pages of one published run."""

    columns: list[Column]
    rows: list[list[Any]] = Field(description="Each with its values in the columns' order")
    next_cursor: str | None = Field(None, description="For the next page; null ends it")
    published: Published | None = Field(None, description="null: nothing is published yet")


class Answered(Table):
    """The answer to a question."""

    view: str
    question: str
    since: date | None = Field(None, description="First day that was asked of")
    until: date | None = None
    suppressed: int = Field(
        0, description="Rows that are hidden, on all pages, because too few people are behind them"
    )
    sql: str = Field(description="What was asked, with DuckDB's named parameters")


class QuestionOffered(BaseModel):
    """A question of a view."""

    id: str
    title: str
    description: str
    columns: list[Column] | None = Field(None, description="null: nothing is published yet")
    filters: list[str] = Field(examples=[["since", "until", "agent"]])
    roles: list[Role] = Field(description="Who may ask it: developers of themselves alone")
    may_ask: bool = Field(description="Whether this key may")


class ViewOffered(BaseModel):
    """A view and its questions, in the order in which they are shown."""

    id: str
    title: str
    description: str
    questions: list[QuestionOffered]


class Views(BaseModel):
    """The five views."""

    views: list[ViewOffered]
    published: Published | None = None


class KeyTold(BaseModel):
    """The key that a request came with."""

    key_id: str
    developer_id: str | None
    organisation: str | None
    role: Role
    scopes: list[Scope]
    teams: list[str]
    expires_at: datetime | None


class LookTold(BaseModel):
    """Somebody looked at data that is not their own."""

    at: datetime
    key_id: str
    role: Role
    developer_id: str | None
    route: str
    question: str | None
    developers: list[str]
    teams: list[str]
    rows: int


class Looks(BaseModel):
    """A page of the access log, newest first."""

    looks: list[LookTold]
    next_cursor: str | None = None


class Records(BaseModel):
    """How many records of one kind are kept."""

    kind: str
    records: int


class Keeping(BaseModel):
    """How long what is kept is kept; null is for ever."""

    raw_days: int | None
    aggregate_days: int | None
    text_is_kept: bool = Field(description="Whether prompts and output of this developer are")


class Me(BaseModel):
    """What is known of the developer whose key asks."""

    developer_id: str
    identities: list[str] = Field(description="Names under which they are known here")
    teams: list[str]
    key: KeyTold
    since: date | None
    until: date | None
    usage: dict[str, Any] = Field(description="Of the days asked for")
    records: list[Records]
    keeping: Keeping
    looks: list[LookTold] = Field(description="The last ten by others")
    published: Published | None


def json_response(content: Any) -> Response:
    """The content as JSON: money as exact numbers, NaN as null."""
    return Response(_JSON.encode(content), media_type="application/json")


def columns_told(
    names: Iterable[str], types: Iterable[str], chart: Chart
) -> list[dict[str, str | None]]:
    """The columns, each with the unit that the chart or its own name gives it."""
    return [
        {
            "name": name,
            "kind": _KINDS.get(kind, "number"),
            "unit": chart.unit if name in chart.y and chart.unit else unit_of(name),
        }
        for name, kind in zip(names, types, strict=True)
    ]


def published_told(run: PublishedRun | None) -> dict[str, Any] | None:
    """The run; None when nothing is published."""
    return {"run": run.name, "at": run.at} if run else None
