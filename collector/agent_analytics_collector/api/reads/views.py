"""`GET /v1/views`: the questions of the five views, and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from starlette.responses import Response

from agent_analytics_collector.access.principal import Principal
from agent_analytics_collector.api.authorization import Reading
from agent_analytics_collector.api.openapi import problems
from agent_analytics_collector.api.reads.audience import roles_of
from agent_analytics_collector.api.reads.documents import (
    Answered,
    Views,
    columns_told,
    json_response,
    published_told,
)
from agent_analytics_collector.api.reads.filters import Filters
from agent_analytics_collector.api.reads.reader import Asked, Reader
from agent_analytics_collector.dashboards import Dashboard, Question
from agent_analytics_collector.published_runs import PublishedRun, newest_run

_Name = Annotated[str, Path(max_length=64)]


def views_router(reader: Reader, dashboards: tuple[Dashboard, ...]) -> APIRouter:
    """The routes of the views."""
    router = APIRouter(prefix="/v1/views", tags=["views"])
    questions = {(view.id, each.id): each for view in dashboards for each in view.questions}
    described: dict[str, Mapping[str, Mapping[str, str]]] = {}

    def columns(run: PublishedRun | None) -> Mapping[str, Mapping[str, str]]:
        """Question → column → type, looked up once for each published run."""
        if run is not None and run.name not in described:
            with reader.marts(run) as marts:
                found = {
                    f"{view}/{name}": marts.columns_of(question)
                    for (view, name), question in questions.items()
                }
            described.clear()
            described[run.name] = found
        return described.get(run.name, {}) if run else {}

    @router.get(
        "",
        summary="List the views and their questions",
        response_model=Views,
        responses=problems(401, 403, 503),
    )
    async def list_views(principal: Reading) -> Response:
        """What can be asked, with which filters, and by whom."""

        def read() -> dict[str, Any]:
            run = newest_run(reader.home)
            known = columns(run)
            return {
                "views": [
                    {
                        "id": view.id,
                        "title": view.title,
                        "description": view.description,
                        "questions": [
                            _offered(each, known.get(f"{view.id}/{each.id}"), principal)
                            for each in view.questions
                        ],
                    }
                    for view in dashboards
                ],
                "published": published_told(run),
            }

        return json_response(await reader.in_thread(read))

    @router.get(
        "/{view}/{question}",
        summary="Ask a question of a view",
        response_model=Answered,
        responses=problems(401, 403, 404, 410, 422, 503),
    )
    async def ask(
        view: Annotated[_Name, Path(examples=["cost_tracking"])],
        question: Annotated[_Name, Path(examples=["spend_by_day"])],
        filters: Annotated[Filters, Query()],
        principal: Reading,
    ) -> Response:
        """Answer from the latest published run, page by page.

        A developer is answered of their own data. A lead is answered of one of their teams and one
        calendar month that is over, without the rows that too few people are behind.
        """
        found = questions.get((view, question))
        if found is None:
            raise HTTPException(404, "There is no such question. GET /v1/views lists them.")
        asked = Asked(principal, "/v1/views/{view}/{question}", view, found, filters)
        return json_response(await reader.answer(asked))

    return router


def _offered(
    question: Question, columns: Mapping[str, str] | None, principal: Principal
) -> dict[str, Any]:
    roles = roles_of(question)
    return {
        "id": question.id,
        "title": question.title,
        "description": question.description,
        "columns": columns_told(columns, columns.values(), question.chart) if columns else None,
        "filters": question.filters,
        "roles": roles,
        "may_ask": principal.role in roles,
    }
