"""`GET /v1/usage`: usage by day or hour of any time zone."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from agent_analytics_collector.api.authorization import Reading
from agent_analytics_collector.api.openapi import problems
from agent_analytics_collector.api.reads.documents import Answered, json_response
from agent_analytics_collector.api.reads.filters import Filters
from agent_analytics_collector.api.reads.own_questions import own_question
from agent_analytics_collector.api.reads.reader import Asked, Reader

_ROUTE = "/v1/usage"


class UsageFilters(Filters):
    """Filters of usage."""

    by: Annotated[
        Literal["day", "hour"],
        Field(description="Days begin at `day_rollover_hour`; an hour is told by its beginning"),
    ] = "day"


def usage_router(reader: Reader) -> APIRouter:
    """The route of usage."""
    router = APIRouter(tags=["usage"])
    questions = {by: own_question(f"usage_by_{by}") for by in ("day", "hour")}

    @router.get(
        _ROUTE,
        summary="Read usage by day or hour",
        response_model=Answered,
        responses=problems(401, 403, 410, 422, 503),
    )
    async def usage(filters: Annotated[UsageFilters, Query()], principal: Reading) -> Response:
        """Requests, tokens and cost at list price by agent and model, in days of `time_zone`.

        A day that a vendor reports has no hour and stands at its noon. A lead is answered by day,
        of one team and month.
        """
        asked = Asked(principal, _ROUTE, "usage", questions[filters.by], filters)
        return json_response(await reader.answer(asked))

    return router
