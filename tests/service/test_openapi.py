"""What OpenAPI says of every route, held against what the routes answer; and odd requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.home import Home
from tests.service.conftest import RunningService
from tests.service.reading import MONTH, facts, key_of, publish

OPEN = {"/healthz", "/readyz"}
SHOWN = {
    "/v1/views/{view}/{question}": "/v1/views/cost_tracking/spend_by_model",
}
"""Templates whose parts must be filled in."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """An administrator's, with a limit of requests that is out of reach."""
    home = Home(tmp_path_factory.mktemp("openapi") / "home")
    home.create()
    publish(home, facts(count=60))
    key = key_of(home, "ada", Role.ADMIN, scopes=(Scope.INGEST, Scope.READ, Scope.ADMIN))
    flags = {"limits.requests_per_minute": 1_000_000, "time_zone": "UTC"}
    running = RunningService(home, **flags)
    headers = {"x-api-key": key}
    with httpx.Client(base_url=running.state.api_url, headers=headers, timeout=60) as made:
        yield made
    running.stop()


@pytest.fixture(scope="module")
def described(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_route_says_what_it_is_what_it_answers_and_which_problems_it_has(
    described: dict[str, Any],
) -> None:
    ids = set()
    for path, method, operation in operations(described):
        where = f"{method} {path}"
        assert operation["summary"], where
        ids.add(operation["operationId"])
        (content,) = operation["responses"]["200"]["content"].values()
        assert content["schema"], where
        for parameter in operation.get("parameters", ()):
            assert parameter["schema"], where
        if path in OPEN:
            assert "security" not in operation, where
            continue
        assert {name for each in operation["security"] for name in each} == {
            "HTTPBearer", "APIKeyHeader",
        }, where  # fmt: skip
        problems = {code: it for code, it in operation["responses"].items() if code != "200"}
        assert {"401", "403"} <= problems.keys(), where
        for code, answer in problems.items():
            content = answer["content"]["application/problem+json"]
            assert {"type", "title", "status", "detail"} <= content["schema"]["properties"].keys()
            assert content["example"]["status"] == int(code), where
        if method == "post":
            assert operation["requestBody"]["content"]["application/json"]["schema"], where
            assert {"400", "413", "415", "422", "503"} <= problems.keys(), where
    assert len(ids) == len(list(operations(described))), "two routes have one name"


def test_there_are_examples_for_what_is_sent_in_a_query(described: dict[str, Any]) -> None:
    parameters = described["paths"]["/v1/views/{view}/{question}"]["get"]["parameters"]
    by_name = {parameter["name"]: parameter["schema"] for parameter in parameters}
    assert {"since", "until", "agent", "developer", "limit", "cursor", "time_zone"} < set(by_name)
    for name in ("view", "question", "agent", "since", "time_zone"):
        assert by_name[name].get("examples"), name


def test_answers_are_as_described(client: httpx.Client, described: dict[str, Any]) -> None:
    for path, method, operation in operations(described):
        if method != "get" or path == "/metrics":
            continue
        answer = client.get(SHOWN.get(path, path), params={} if path in OPEN else None)
        assert answer.status_code == 200, (path, answer.text)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": described["components"]}
        jsonschema.validate(answer.json(), whole)


def test_problems_are_as_described(client: httpx.Client, described: dict[str, Any]) -> None:
    for path, method, operation in operations(described):
        if path in OPEN:
            continue
        for headers, status in (({"x-api-key": "wrong"}, 401), ({"host": "evil.example"}, 403)):
            answer = client.request(method, SHOWN.get(path, path), headers=headers)
            assert answer.status_code == status, path
            assert answer.headers["content-type"] == "application/problem+json"
            described_as = operation["responses"][str(status)]["content"]
            jsonschema.validate(answer.json(), described_as["application/problem+json"]["schema"])


VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "2026-09-01", "2026-09-30", "0001-01-01", "9999-12-31", "-1", "0", "1", "99999999999",
            "day", "hour", "Europe/Berlin", "localtime", "../../etc/passwd", "UTC+1", "null", "NaN",
            "codex", "core", "ada", "' or 1=1 --", "$agent", "%00", "[]", "{}", "e30", "W10", "\0",
        ]
    ),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(
        [
            "since", "until", "agent", "model", "developer", "team", "project", "repository",
            "tier", "limit", "cursor", "time_zone", "by",
        ]
    ),
    st.text(max_size=8),
)  # fmt: skip
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=5)


@pytest.mark.slow
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from(
        [
            "/v1/usage", "/v1/views", "/v1/me", "/v1/me/sessions", "/v1/me/commits",
            "/v1/me/access-log", "/v1/access-log", "/v1/key", "/v1/views/cost_tracking/spend",
            "/v1/views/team_activity/weekday_hours", "/v1/views/git_integration/survival",
            "/v1/views/cost_tracking/limits", "/v1/views/roi/plans",
        ]
    ),
    query=QUERIES,
)  # fmt: skip
def test_no_query_makes_the_collector_fail(
    client: httpx.Client, path: str, query: list[tuple[str, str]]
) -> None:
    encodable: Any = [(name, value.encode(errors="replace").decode()) for name, value in query]
    answer = client.get(path, params=encodable)
    assert answer.status_code in (200, 403, 404, 410, 422), answer.text
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(view=st.text(max_size=90), question=st.text(max_size=90))
def test_no_path_makes_the_collector_fail(client: httpx.Client, view: str, question: str) -> None:
    parts = [quote(part.encode(errors="replace"), safe="") for part in (view, question)]
    assert client.get(f"/v1/views/{parts[0]}/{parts[1]}").status_code < 500


def test_a_cursor_that_was_changed_goes_on_nowhere(client: httpx.Client) -> None:
    path, asked = "/v1/views/cost_tracking/spend_by_day", {**MONTH, "limit": "3"}
    cursor = client.get(path, params=asked).json()["next_cursor"]
    assert re.fullmatch(r"[\w-]+", cursor)
    for place in range(0, len(cursor), 3):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        answer = client.get(path, params={**asked, "cursor": changed})
        assert answer.status_code in (200, 410, 422), answer.text
