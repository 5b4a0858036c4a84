"""Who may do what: every route of every port, for everybody who might ask.

A row names a route and what each asker is answered. A route without a row fails the first test,
so that nobody adds one without deciding who may use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import grpc
import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import Mount

from agent_analytics_collector.access.access_log import read_looks
from agent_analytics_collector.api import app as api
from agent_analytics_collector.otlp import http as otlp_http
from tests.service.reading import facts, publish
from tests.service.team import TeamServer, team_server

ASKERS = (None, "ingest", "bo", "lead", "admin")
"""Nobody; ada's key that only sends; bo, who asks of ada; the lead of both; an administrator."""

OPEN = (200, 200, 200, 200, 200)
SENDERS = (401, 200, 200, 200, 200)
READERS = (401, 403, 200, 200, 200)
ADMINS = (401, 403, 403, 403, 200)


class Row(NamedTuple):
    """A request of one route, and the statuses for ASKERS in their order."""

    method: str
    route: str
    expected: tuple[int, ...]
    url: str = ""
    """With its query; empty is the route itself."""
    body: Any = None


def posts(route: str, body: Any, expected: tuple[int, ...] = SENDERS) -> Row:
    return Row("POST", route, expected, body=body)


VIEW = "/v1/views/{view}/{question}"
MONTH = "since=2026-09-01&until=2026-09-30"
ADAS_DAY = {"day": "2026-11-01", "developer_id": "ada"}
ADAS_USAGE = {"vendor": "cursor", "day": "2026-11-01", "actor": "ada"}
RECORD = {
    "agent": "own_tool", "session_id": "s", "kind": "prompt", "timestamp": "2026-11-22T10:00:00Z",
}  # fmt: skip

API = (
    Row("GET", "/openapi.json", OPEN),
    Row("GET", "/docs", OPEN),
    Row("GET", "/docs/oauth2-redirect", OPEN),
    Row("GET", "/static-offline-docs", OPEN, "/static-offline-docs/swagger-ui.css"),
    Row("GET", "/healthz", OPEN),
    Row("GET", "/readyz", OPEN),
    Row("GET", "/metrics", ADMINS),
    posts("/v1/commits", []),
    posts("/v1/rewrites", []),
    posts("/v1/session-records", [RECORD]),
    posts("/v1/events", [RECORD]),
    posts("/v1/line-survival", []),
    posts("/v1/attributions", []),
    posts("/v1/surveys", []),
    posts("/v1/copilot-metrics", []),
    posts("/v1/copilot-metrics", [ADAS_DAY], (401, 200, 422, 422, 200)),
    posts("/v1/copilot-metrics", [{"day": "2026-11-01", "organisation": "acme"}],
          (401, 422, 422, 422, 200)),
    posts("/v1/vendor-usage", []),
    posts("/v1/vendor-usage", [ADAS_USAGE], (401, 200, 422, 422, 200)),
    posts("/v1/vendor-usage", [{"vendor": "cursor", "day": "2026-11-01"}],
          (401, 422, 422, 422, 200)),
    Row("GET", "/v1/key", SENDERS),
    Row("GET", "/v1/views", READERS),
    # A developer is answered of themselves, a lead of the team, whatever they ask; not of ada.
    Row("GET", VIEW, READERS, f"/v1/views/team_activity/teams?{MONTH}"),
    Row("GET", VIEW, (401, 403, 200, 403, 200), f"/v1/views/team_activity/teams?team=web&{MONTH}"),
    Row("GET", VIEW, READERS, f"/v1/views/team_activity/projects?{MONTH}"),
    Row("GET", VIEW, READERS, f"/v1/views/cost_tracking/spend_by_day?{MONTH}"),
    Row("GET", VIEW, ADMINS, "/v1/views/cost_tracking/spend?developer=ada"),
    Row("GET", VIEW, ADMINS, f"/v1/views/cost_tracking/spend?team=core&developer=ada&{MONTH}"),
    Row("GET", VIEW, (401, 403, 200, 403, 200), "/v1/views/team_activity/developers"),
    Row("GET", VIEW, ADMINS, "/v1/views/team_activity/developers?developer=ada"),
    Row("GET", VIEW, (401, 403, 200, 403, 200), "/v1/views/git_integration/recent_commits"),
    Row("GET", VIEW, ADMINS, "/v1/views/git_integration/recent_commits?developer=ada"),
    Row("GET", VIEW, (401, 403, 404, 404, 404), "/v1/views/cost_tracking/nothing"),
    Row("GET", "/v1/usage", READERS, f"/v1/usage?{MONTH}"),
    Row("GET", "/v1/usage", ADMINS, "/v1/usage?developer=ada"),
    Row("GET", "/v1/usage", (401, 403, 200, 403, 200), "/v1/usage?team=web"),
    # The personal page is the asker's own, whatever is asked.
    Row("GET", "/v1/me", READERS),
    Row("GET", "/v1/me", (401, 403, 422, 422, 422), "/v1/me?developer=ada"),
    Row("GET", "/v1/me/sessions", READERS),
    Row("GET", "/v1/me/sessions", (401, 403, 403, 403, 403), "/v1/me/sessions?developer=ada"),
    Row("GET", "/v1/me/commits", READERS),
    Row("GET", "/v1/me/commits", (401, 403, 403, 403, 403), "/v1/me/commits?developer=ada"),
    Row("GET", "/v1/me/access-log", READERS),
    Row("GET", "/v1/me/access-log", (401, 403, 422, 422, 422), "/v1/me/access-log?developer=ada"),
    Row("GET", "/v1/access-log", ADMINS),
    Row("GET", "/v1/access-log", ADMINS, "/v1/access-log?developer=ada"),
)  # fmt: skip
OTLP = tuple(posts(path, {}) for path in ("/", "/v1/logs", "/v1/metrics", "/v1/traces"))

NO_KEY = grpc.StatusCode.UNAUTHENTICATED
OK = grpc.StatusCode.OK
_OTLP = "opentelemetry.proto.collector"
GRPC = {
    f"/{_OTLP}.logs.v1.LogsService/Export": (NO_KEY, OK, OK, OK, OK),
    f"/{_OTLP}.metrics.v1.MetricsService/Export": (NO_KEY, OK, OK, OK, OK),
    f"/{_OTLP}.trace.v1.TraceService/Export": (NO_KEY, OK, OK, OK, OK),
    "/grpc.health.v1.Health/Check": (OK, OK, OK, OK, OK),
    "/grpc.health.v1.Health/Watch": (OK, OK, OK, OK, OK),
}


class Routes(NamedTuple):
    """What a collector serves."""

    api: set[tuple[str, str]]
    otlp: set[tuple[str, str]]
    grpc: set[str]


@pytest.fixture(scope="module")
def served() -> Routes:
    return Routes(set(), set(), set())


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, served: Routes) -> Iterator[TeamServer]:
    """The server; its routes are put into `served` as it makes them, so that none is missed."""
    apps: list[Starlette] = []
    methods: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        for module in (api, otlp_http):
            patch.setattr(module, "build_app", _noting(module.build_app, apps.append))
        make_handler = grpc.method_handlers_generic_handler

        def noted(service: str, handlers: dict[str, Any]) -> Any:
            methods.update(f"/{service}/{name}" for name in handlers)
            return make_handler(service, handlers)

        patch.setattr(grpc, "method_handlers_generic_handler", noted)
        with team_server(tmp_path_factory.mktemp("team")) as server:
            publish(server.home, facts())
            otlp_app, api_app = apps
            served.api.update(_routes(api_app))
            served.otlp.update(_routes(otlp_app))
            served.grpc.update(methods)
            yield server


def _noting(build: Any, note: Any) -> Any:
    def build_and_note(*positional: Any, **named: Any) -> Any:
        app = build(*positional, **named)
        note(app)
        return app

    return build_and_note


def _routes(app: Starlette) -> set[tuple[str, str]]:
    found = set()
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount):
            found.add(("GET", route.path))
        else:
            found |= {(method, str(context.path)) for method in context.methods or {"GET"}}
    return {(method, path) for method, path in found if method != "HEAD"}


@pytest.mark.usefixtures("team")
def test_every_route_has_a_row_and_every_row_a_route(served: Routes) -> None:
    assert served.api == {(row.method, row.route) for row in API}
    assert served.otlp == {(row.method, row.route) for row in OTLP}
    assert served.grpc == set(GRPC)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as opened:
        yield opened


def statuses(client: httpx.Client, team: TeamServer, base: str, row: Row) -> tuple[int, ...]:
    found = []
    for asker in ASKERS:
        headers = {"x-api-key": team.tokens[asker]} if asker else {}
        url = base + (row.url or row.route)
        answer = client.request(row.method, url, headers=headers, json=row.body)
        found.append(answer.status_code)
        if asker in ("bo", "lead") and answer.is_success and not row.route.startswith("/docs"):
            assert not names_ada(answer), f"{asker} was told of ada"
    return tuple(found)


def names_ada(answer: httpx.Response) -> bool:
    return '"ada"' in answer.text


@pytest.mark.parametrize("row", API, ids=lambda row: f"{row.method} {row.url or row.route}")
def test_the_api_answers_each_as_the_table_says(
    client: httpx.Client, team: TeamServer, row: Row
) -> None:
    assert statuses(client, team, team.running.state.api_url, row) == row.expected


@pytest.mark.parametrize("row", OTLP, ids=lambda row: row.route)
def test_otlp_over_http_answers_each_as_the_table_says(
    client: httpx.Client, team: TeamServer, row: Row
) -> None:
    assert statuses(client, team, f"http://{team.running.state.http}", row) == row.expected


@pytest.mark.parametrize("path", GRPC)
def test_grpc_answers_each_as_the_table_says(team: TeamServer, path: str) -> None:
    with grpc.insecure_channel(team.running.state.grpc) as channel:
        found = tuple(_grpc_status(channel, path, asker and team.tokens[asker]) for asker in ASKERS)
    assert found == GRPC[path]


def _grpc_status(channel: grpc.Channel, path: str, token: str | None) -> grpc.StatusCode:
    metadata = (("x-api-key", token),) if token else ()
    try:
        if path.endswith("/Watch"):
            stream = channel.unary_stream(path, None, None)(b"", 10, metadata)
            next(iter(stream))
        else:
            channel.unary_unary(path, None, None)(b"", 10, metadata)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


def test_the_figures_that_were_asked_for_do_tell_of_ada(team: TeamServer) -> None:
    """So that their absence from others' answers says something."""
    api_url, month = team.running.state.api_url, {"since": "2026-09-01", "until": "2026-09-30"}
    asked = httpx.get(
        f"{api_url}/v1/views/team_activity/developers",
        headers={"x-api-key": team.tokens["admin"]}, params=month,
    )  # fmt: skip
    assert names_ada(asked)
    own = httpx.get(f"{api_url}/v1/me", headers={"x-api-key": team.tokens["ada"]}, params=month)
    assert names_ada(own)


def test_whoever_looked_at_others_stands_in_the_log_and_whoever_was_refused_does_not(
    team: TeamServer,
) -> None:
    """After the rows above, which ask everything for everybody."""
    readers = {look.key_id for _, look in read_looks(team.home)}
    assert readers == {team.keys["lead"].key_id, team.keys["admin"].key_id}
