"""What the API takes, record by record. Unknown fields are left out: newer clients work too."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Any, Self, TypeVar
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

MOST_COUNT = 2**31 - 1
_Date = TypeVar("_Date", bound=datetime.date)
_MOST_PAYLOAD_BYTES = 64 * 1024
_MOST_DAY_BYTES = 1024 * 1024
"""A large organisation's day, by language, model and feature, is some 200 KiB."""
MOST_SURVEY_DAYS = 31
MOST_SURVEY_HOURS = 168
"""Those of a week."""


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


def _at_most(most_bytes: int) -> AfterValidator:
    def check(payload: dict[str, Any]) -> dict[str, Any]:
        if len(orjson.dumps(payload)) > most_bytes:
            raise ValueError(f"must be at most {most_bytes:,} bytes of JSON")
        return payload

    return AfterValidator(check)


def _in_duckdbs_time(moment: _Date) -> _Date:
    if not 1970 <= moment.year < 2262:
        raise ValueError("must lie between 1970 and 2262")
    return moment


# Strict, so that the first type that fits is the right one: trying all took a third longer.
Scalar = Annotated[
    StrictStr
    | StrictBool
    | Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]
    | StrictFloat
    | None,
    Field(union_mode="left_to_right"),
]
Text = Annotated[str, Field(max_length=65_536), AfterValidator(_storable)]
Name = Annotated[str, Field(max_length=1024), AfterValidator(_storable)]
Count = Annotated[int, Field(ge=0, le=MOST_COUNT)]
Tokens = Annotated[int, Field(ge=0, le=2**63 - 1)]
Hours = Annotated[float, Field(ge=0, le=MOST_SURVEY_HOURS, allow_inf_nan=False)]
_Day = Annotated[datetime.date, AfterValidator(_in_duckdbs_time)]


class SessionRecord(BaseModel):
    """A line of an agent's session file that carries meaning, without any text of it."""

    agent: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    session_id: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_storable)]
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$")]
    timestamp: Annotated[AwareDatetime, AfterValidator(_in_duckdbs_time)]
    project_path: Name | None = None
    git_branch: Name | None = None
    repository: Name | None = None
    source_file: Name | None = None
    payload: Annotated[dict[str, Scalar], _at_most(_MOST_PAYLOAD_BYTES)] = {}


class CopilotLanguage(BaseModel):
    """One language of a day, in all of Copilot's features or in one."""

    language: Name | None = None
    feature: Name | None = None
    suggestions: Count | None = None
    acceptances: Count | None = None
    lines_suggested: Count | None = None
    lines_accepted: Count | None = None


class CopilotMetrics(BaseModel):
    """A day of GitHub Copilot: of one user, or of an organisation."""

    day: datetime.date
    developer_id: Name | None = Field(
        None,
        description="GitHub's login, or `org:NAME`; without it `org:` and `organisation`, "
        "else the header `x-developer-id`",
    )
    organisation: Name | None = None
    total_suggestions: Count | None = None
    total_acceptances: Count | None = None
    total_lines_suggested: Count | None = None
    total_lines_accepted: Count | None = None
    total_active_users: Count | None = None
    language_breakdown: list[CopilotLanguage] | None = Field(None, max_length=10_000)
    ai_credits_used: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    payload: Annotated[dict[str, Any], _at_most(_MOST_DAY_BYTES)] = Field(
        {}, description="The row as GitHub sent it"
    )


class VendorUsage(BaseModel):
    """A day of one actor, as its vendor reports it; with `model` the tokens and cost of that."""

    vendor: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["cursor"])]
    day: datetime.date
    actor: Name | None = None
    model: Name | None = None
    input_tokens: Tokens | None = None
    cache_read_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = Field(None, description="Of lifetimes that are not told")
    cache_write_5m_tokens: Tokens | None = None
    cache_write_1h_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = Field(None, description="Those of the output tokens")
    cost_usd: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=9)] | None = None
    payload: Annotated[dict[str, Any], _at_most(_MOST_DAY_BYTES)] = {}


class Survey(BaseModel):
    """How many hours agents saved one developer, by their own answer. There is no text in it."""

    survey_id: Annotated[UUID, Field(description="Made by the client; told twice it counts once")]
    period_start: _Day
    period_end: Annotated[_Day, Field(description="The last day that is asked about")]
    hours_saved_low: Hours
    hours_saved_high: Hours
    helped: Annotated[int, Field(ge=1, le=5)] | None = Field(None, description="5 is very much")
    answered_at: Annotated[AwareDatetime, AfterValidator(_in_duckdbs_time)]

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not 0 <= (self.period_end - self.period_start).days < MOST_SURVEY_DAYS:
            raise ValueError(f"period_end must be within {MOST_SURVEY_DAYS} days of period_start")
        if self.hours_saved_low > self.hours_saved_high:
            raise ValueError("hours_saved_low must not be above hours_saved_high")
        return self


class Problem(BaseModel):
    """A record that was not taken."""

    index: int
    reason: str


class Received(BaseModel):
    """What became of the records: each is accepted, a duplicate or rejected."""

    accepted: int
    duplicate: int
    rejected: int
    problems: list[Problem] = []
