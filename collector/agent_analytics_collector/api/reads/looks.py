"""`GET /v1/access-log`: who looked at whose data."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from agent_analytics_collector.access.access_log import Look, Place, read_looks
from agent_analytics_collector.api.authorization import Administering
from agent_analytics_collector.api.openapi import problems
from agent_analytics_collector.api.reads import pages
from agent_analytics_collector.api.reads.documents import Looks, json_response
from agent_analytics_collector.api.reads.filters import Days, Text
from agent_analytics_collector.api.reads.reader import Reader
from agent_analytics_collector.home import Home

_ROUTE = "/v1/access-log"


class LookFilters(Days):
    """Filters of the access log; its days are UTC."""

    developer: Annotated[
        Text | None, Field(description="Looks that named this developer, or were of everybody")
    ] = None


def looks_router(reader: Reader) -> APIRouter:
    """The route of the access log."""
    router = APIRouter(tags=["access log"])

    @router.get(
        _ROUTE,
        summary="Read who looked at whose data",
        response_model=Looks,
        responses=problems(401, 403, 422, 503),
    )
    async def access_log(
        filters: Annotated[LookFilters, Query()], principal: Administering
    ) -> Response:
        """Every look at data that is not one's own, newest first; this one is written down too."""
        developer = filters.developer

        def read() -> dict[str, Any]:
            page = looks_page(
                reader.home,
                filters,
                lambda look: look if developer is None or look.is_about((developer,), ()) else None,
            )
            about = (developer,) if developer else ()
            reader.log_look(principal, _ROUTE, developers=about, rows=len(page["looks"]))
            return page

        return json_response(await reader.in_thread(read))

    return router


def looks_page(home: Home, days: Days, told: Callable[[Look], Look | None]) -> dict[str, Any]:
    """One page of `Looks`, each as `told` gives it; None leaves it out.

    Raises AskedWrongly, AccessNotLogged.
    """
    digest = pages.digest_of(days.model_dump(mode="json", exclude={"limit", "cursor"}))
    cursor = pages.decoded(days.cursor, digest)
    before = Place(cursor.run, cursor.offset) if cursor else None
    until = f"{days.until}" if days.until else "9999"
    found = (
        (place, shown)
        for place, look in read_looks(home, days.since, before)
        if look.at[:10] <= until and (shown := told(look)) is not None
    )
    page = list(islice(found, days.limit + 1))
    more = len(page) > days.limit
    page = page[: days.limit]
    last = pages.encoded(pages.Cursor(digest, *page[-1][0])) if more else None
    return {"looks": [look_told(look) for _, look in page], "next_cursor": last}


def look_told(look: Look) -> dict[str, Any]:
    """The look as JSON tells of it."""
    return msgspec.structs.asdict(look)
