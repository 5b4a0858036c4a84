"""What may stand behind the `?` of a question."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent_analytics_collector.dashboards import FILTERS, Question
from agent_analytics_collector.errors import AskedWrongly

MOST_LIMIT = 10_000
USUAL_LIMIT = 1_000


def _in_range(day: date) -> date:
    if not 1970 <= day.year < 2262:
        raise ValueError("must lie between 1970 and 2262")
    return day


Day = Annotated[date, AfterValidator(_in_range)]
Text = Annotated[str, Field(max_length=1024)]
Texts = Annotated[list[Text], Field(max_length=100)]


class Paging(BaseModel):
    """Pages of a listing."""

    # A filter with a slip of the pen would restrict nothing.
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MOST_LIMIT, description="Rows of a page")] = USUAL_LIMIT
    cursor: Annotated[
        str | None,
        Field(max_length=4096, description="`next_cursor` of the page before, asked the same"),
    ] = None


class Days(Paging):
    """Days and pages."""

    since: Annotated[Day | None, Field(description="First day", examples=["2026-03-01"])] = None
    until: Annotated[
        Day | None, Field(description="Last day, included", examples=["2026-03-31"])
    ] = None


class Filters(Days):
    """Filters of a question; of a text several may be given, for any of them."""

    agent: Annotated[Texts, Field(examples=[["claude_code"]])] = []
    model: Texts = []
    developer: Texts = []
    team: Texts = []
    project: Annotated[Texts, Field(examples=[["https://github.com/acme/widgets"]])] = []
    repository: Texts = []
    tier: Annotated[Texts, Field(description="Evidence of a commit", examples=[["lines"]])] = []
    time_zone: Annotated[
        str | None,
        Field(
            max_length=64,
            description="IANA name; without it the one that is set. Days of views are those of the "
            "zone that is set, hours and weekdays those of this one.",
            examples=["Europe/Berlin"],
        ),
    ] = None

    def given(self, question: Question) -> dict[str, object]:
        """The values of the filters that were given. Raises AskedWrongly for another question's."""
        values = {
            name: tuple(value) if isinstance(value, list) else value
            for name in FILTERS
            if (value := getattr(self, name)) not in (None, [])
        }
        if foreign := [name for name in values if name not in question.filters]:
            known = ", ".join(question.filters) or "none"
            raise AskedWrongly(
                f"{question.id} cannot be restricted by {', '.join(foreign)}. Its filters: {known}."
            )
        if self.since and self.until and self.since > self.until:
            raise AskedWrongly(f"since {self.since} is after until {self.until}.")
        return values
