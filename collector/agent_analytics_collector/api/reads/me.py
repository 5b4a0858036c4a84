"""`GET /v1/me`: the personal page, which nobody opens but whose key it is."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from agent_analytics_collector.access.access_log import read_looks
from agent_analytics_collector.access.principal import Principal, Role, Scope
from agent_analytics_collector.api.authorization import Known, Reading
from agent_analytics_collector.api.openapi import problems
from agent_analytics_collector.api.reads.audience import team_of
from agent_analytics_collector.api.reads.documents import (
    Answered,
    KeyTold,
    Looks,
    Me,
    json_response,
    published_told,
)
from agent_analytics_collector.api.reads.filters import Days, Filters
from agent_analytics_collector.api.reads.looks import look_told, looks_page
from agent_analytics_collector.api.reads.own_questions import own_question
from agent_analytics_collector.api.reads.reader import Asked, Reader
from agent_analytics_collector.errors import AskedWrongly, NotAllowed
from agent_analytics_collector.published_runs import newest_run

_LAST_LOOKS = 10
_LISTINGS = {"sessions": "Read your own sessions", "commits": "Read your own commits"}


def me_router(reader: Reader) -> APIRouter:
    """The routes of what is one's own."""
    router = APIRouter(tags=["me"])
    usage, records = own_question("my_usage"), own_question("my_records")

    @router.get(
        "/v1/key",
        summary="Read what your key is",
        response_model=KeyTold,
        responses=problems(401, 403, 503),
    )
    async def key(principal: Known) -> Response:
        """Whose key it is, what it may do and when it ends; any key that is taken may ask."""
        return json_response(_key_told(principal))

    @router.get(
        "/v1/me",
        summary="Read what is known of you",
        response_model=Me,
        responses=problems(401, 403, 422, 503),
    )
    async def me(days: Annotated[Days, Query()], principal: Reading) -> Response:
        """Your usage and cost, how many records are kept and how long, your key, and who looked."""
        if days.cursor:
            raise AskedWrongly("This is one page; it takes no cursor.")
        developer = _own(reader, principal)

        def read() -> dict[str, Any]:
            run = newest_run(reader.home)
            with reader.marts(run) as marts:
                own = reader.own(principal, marts)
                whose = {"developer": own, "since": days.since, "until": days.until}
                teams = team_of(marts, own) if marts else ()
                used = marts.ask(usage, whose) if marts else None
                kept = marts.ask(records, {"developer": own}).rows if marts else []
            told = (look.told_to(own, teams) for _, look in read_looks(reader.home))
            about = (look for look in told if look is not None)
            return {
                "developer_id": developer,
                "identities": own,
                "teams": teams,
                "key": _key_told(principal),
                "since": days.since,
                "until": days.until,
                "usage": dict(zip(used.columns, used.rows[0], strict=True)) if used else {},
                "records": [{"kind": kind, "records": count} for kind, count in kept],
                "keeping": _keeping(reader, own),
                "looks": [look_told(look) for look in islice(about, _LAST_LOOKS)],
                "published": published_told(run),
            }

        return json_response(await reader.in_thread(read))

    def add_listing(name: str, summary: str) -> None:
        question = own_question(f"my_{name}")

        async def listing(filters: Annotated[Filters, Query()], principal: Reading) -> Response:
            _own(reader, principal)
            # As a developer, whatever else the key may: this is never a page of somebody else.
            themselves = Principal(
                principal.key_id,
                reader.own_id(principal),
                principal.organisation,
                frozenset({Scope.READ}),
                Role.DEVELOPER,
            )
            asked = Asked(themselves, f"/v1/me/{name}", "me", question, filters)
            return json_response(await reader.answer(asked))

        router.add_api_route(
            f"/v1/me/{name}",
            listing,
            methods=["GET"],
            name=f"my_{name}",
            summary=summary,
            description="Newest first, page by page.",
            response_model=Answered,
            responses=problems(401, 403, 410, 422, 503),
        )

    for name, summary in _LISTINGS.items():
        add_listing(name, summary)

    @router.get(
        "/v1/me/access-log",
        summary="Read who looked at your data",
        response_model=Looks,
        responses=problems(401, 403, 422, 503),
    )
    async def my_access_log(days: Annotated[Days, Query()], principal: Reading) -> Response:
        """Looks by others at your data, at a team of yours or at everybody, newest first."""
        _own(reader, principal)

        def read() -> dict[str, Any]:
            with reader.marts(newest_run(reader.home)) as marts:
                own = reader.own(principal, marts)
                teams = team_of(marts, own) if marts else ()
            return looks_page(reader.home, days, lambda look: look.told_to(own, teams))

        return json_response(await reader.in_thread(read))

    return router


def _own(reader: Reader, principal: Principal) -> str:
    """Whose page it is. Raises NotAllowed."""
    developer = reader.own_id(principal)
    if developer is None:
        raise NotAllowed(
            "This is nobody's own key, so it has no page of its own. A developer's key has one; "
            "in a home of one user, `developer_id` in config.yaml says who it is."
        )
    return developer


def _key_told(principal: Principal) -> dict[str, Any]:
    ends = principal.expires_at
    return {
        "key_id": principal.key_id,
        "developer_id": principal.developer_id,
        "organisation": principal.organisation,
        "role": principal.role,
        "scopes": sorted(principal.scopes),
        "teams": principal.teams,
        "expires_at": datetime.fromtimestamp(ends, UTC) if ends is not None else None,
    }


def _keeping(reader: Reader, own: tuple[str, ...]) -> dict[str, Any]:
    """How long it is kept, and whether with text, as the settings say."""
    # Here, because it comes with DuckDB.
    from agent_analytics_collector.warehouse.retention_plan import kept

    keeps, privacy = kept(reader.home, reader.settings), reader.settings.privacy
    opted_in = privacy.text_developers is None or not set(own).isdisjoint(privacy.text_developers)
    return {
        "raw_days": keeps.raw_days,
        "aggregate_days": keeps.figure_days,
        "text_is_kept": reader.settings.telemetry.include_prompts and opted_in,
    }
