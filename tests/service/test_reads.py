"""Reading over REST: what a developer, a lead and an administrator are answered, and what not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from agent_analytics_cli import assets
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.api.reads.own_questions import own_question
from agent_analytics_collector.dashboards import Question, bind, load_dashboards
from agent_analytics_collector.home import Home
from tests.service.conftest import RunningService
from tests.service.reading import (
    MONTH,
    RUN,
    TEAMS,
    Fact,
    api,
    asked,
    by_name,
    facts,
    key_of,
    publish,
)

QUESTIONS = {
    f"{view.id}/{each.id}": each
    for view in load_dashboards(assets.dashboards())
    for each in view.questions
}
WITHOUT_LIMIT = {"limits.requests_per_minute": 1_000_000, "time_zone": "UTC"}


@dataclass(frozen=True)
class Team:
    """A running collector with published marts, and who may read it."""

    home: Home
    made: list[Fact]
    running: RunningService
    keys: dict[str, str]

    def get(self, who: str, path: str, **parameters: Any) -> httpx.Response:
        with api(self.running, self.keys[who]) as client:
            return client.get(path, params=parameters)

    def table(self, who: str, path: str, **parameters: Any) -> dict[str, Any]:
        with api(self.running, self.keys[who]) as client:
            return asked(client, path, **parameters)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    home = Home(tmp_path_factory.mktemp("team") / "home")
    home.create()
    made = facts()
    publish(home, made)
    every = (Scope.INGEST, Scope.READ, Scope.ADMIN)
    keys = {
        "ada": key_of(home, "ada"),
        "lead": key_of(home, "ada", Role.LEAD, ("core",)),
        "lead of two": key_of(home, "bo", Role.LEAD, ("core", "web")),
        "lead of web": key_of(home, "hal", Role.LEAD, ("web",)),
        "admin": key_of(home, "bo", Role.ADMIN, scopes=every),
        "newcomer": key_of(home, "zoe"),
        "sender": key_of(home, "ada", scopes=(Scope.INGEST,)),
    }
    running = RunningService(home, **WITHOUT_LIMIT)
    keys["installation"] = home.token.read_text().strip()
    yield Team(home, made, running, keys)
    running.stop()


@pytest.fixture(scope="module")
def adas(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The marts as they would be if nobody but ada had worked here."""
    home = Home(tmp_path_factory.mktemp("adas"))
    publish(home, [fact for fact in team.made if fact.developer == "ada"])
    with duckdb.connect(str(home.current_marts), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def may_ask(team: Team, who: str) -> set[str]:
    listed = team.get(who, "/v1/views").json()["views"]
    return {f"{v['id']}/{q['id']}" for v in listed for q in v["questions"] if q["may_ask"]}


def test_the_views_are_listed_with_columns_filters_and_who_may_ask(team: Team) -> None:
    answer = team.get("ada", "/v1/views").json()
    assert [view["id"] for view in answer["views"]] == [
        "roi", "agent_comparison", "team_activity", "git_integration", "cost_tracking",
    ]  # fmt: skip
    assert answer["published"]["run"] == RUN
    by_day = next(
        each
        for view in answer["views"]
        for each in view["questions"]
        if each["id"] == "spend_by_day"
    )
    assert by_day["columns"] == [
        {"name": "day", "kind": "day", "unit": None},
        {"name": "agent", "kind": "text", "unit": None},
        {"name": "cost_usd", "kind": "number", "unit": "usd"},
    ]
    assert by_day["filters"][:3] == ["since", "until", "agent"]
    assert by_day["roles"] == ["developer", "lead", "admin"]


def test_each_role_may_ask_what_tells_nothing_that_is_not_theirs(team: Team) -> None:
    assert may_ask(team, "admin") == set(QUESTIONS)
    developers = may_ask(team, "ada")
    assert developers == {name for name, each in QUESTIONS.items() if "developer" in each.filters}
    assert "roi/paid" not in developers
    leads = may_ask(team, "lead")
    assert {"cost_tracking/spend", "team_activity/teams", "git_integration/yield"} <= leads
    of_persons = {
        "team_activity/developers", "git_integration/recent_commits", "cost_tracking/limits",
        "agent_comparison/cells", "roi/teams_and_projects",
    }  # fmt: skip
    assert not of_persons & leads


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_developer_is_answered_as_if_nobody_else_had_worked_here(
    team: Team, adas: duckdb.DuckDBPyConnection, name: str
) -> None:
    answer = team.get("ada", f"/v1/views/{name}")
    if "developer" not in QUESTIONS[name].filters:
        assert answer.status_code == 403
        return
    wanted = adas.execute(QUESTIONS[name].sql)
    columns = [each[0] for each in wanted.description or ()]
    assert [column["name"] for column in answer.json()["columns"]] == columns
    assert plain(answer.json()["rows"]) == plain(wanted.fetchall())
    assert answer.json()["suppressed"] == 0


@pytest.mark.parametrize("path", ["/v1/me/sessions", "/v1/me/commits", "/v1/usage"])
@pytest.mark.parametrize("who", ["ada", "lead", "admin"])
def test_listings_of_ones_own_are_of_nobody_else(team: Team, who: str, path: str) -> None:
    name = {"ada": "ada", "lead": "ada", "admin": "bo"}[who]
    own = [fact for fact in team.made if fact.developer == name]
    if path == "/v1/usage":
        rows = by_name(team.table("ada", path))
        own = [fact for fact in team.made if fact.developer == "ada"]
        assert sum(row["requests"] for row in rows) == sum(fact.requests for fact in own)
    elif path == "/v1/me/sessions":
        rows = by_name(team.table(who, path))
        assert {row["session_id"] for row in rows} == {f"s{fact.number}" for fact in own}
    else:
        rows = by_name(team.table(who, path))
        committed = {f"{f.number:040x}" for f in own if f.outcome == "committed"}
        assert {row["commit_hash"] for row in rows} == committed


def test_somebody_else_cannot_be_asked_for(team: Team) -> None:
    for path in ("/v1/views/cost_tracking/spend", "/v1/usage", "/v1/me/sessions"):
        assert team.get("ada", path, developer="ada").status_code == 200
        for others in ("bo", ["ada", "bo"]):
            assert team.get("ada", path, developer=others).status_code == 403, path
    # One's team restricts one's own data; it does not widen it.
    whole = team.table("ada", "/v1/views/cost_tracking/spend")["rows"]
    assert team.table("ada", "/v1/views/cost_tracking/spend", team="core")["rows"] == whole
    web = team.table("ada", "/v1/views/cost_tracking/spend", team="web")["rows"]
    assert web == [[None]]


def test_who_is_not_in_the_marts_yet_is_answered_nothing(team: Team) -> None:
    assert team.table("newcomer", "/v1/views/team_activity/developers")["rows"] == []
    assert team.table("newcomer", "/v1/me/sessions")["rows"] == []


@pytest.mark.slow
def test_a_person_with_several_names_reads_them_all(tmp_path: Path) -> None:
    home = Home(tmp_path / "several")
    home.create()
    publish(home, facts())
    csv = "identity,developer_id\nA.D@Example.com,ada\nJO,ada\n"
    (home.seeds / "developer_identities.csv").write_text(csv)
    keys = {who: key_of(home, who) for who in ("a.d@example.com", "ada", "bo", "JO")}
    running = RunningService(home, **WITHOUT_LIMIT)
    try:
        found = {}
        for who, token in keys.items():
            with api(running, token) as client:
                rows = by_name(asked(client, "/v1/views/team_activity/developers"))
                found[who] = {row["developer_id"] for row in rows}
    finally:
        running.stop()
    both = {"ada", "jo"}
    assert found == {"a.d@example.com": both, "ada": both, "JO": both, "bo": {"bo"}}


def test_a_key_that_only_sends_reads_nothing_and_learns_what_it_is(team: Team) -> None:
    for path in (
        "/v1/views", "/v1/views/cost_tracking/spend", "/v1/usage", "/v1/me", "/v1/me/sessions",
        "/v1/me/commits", "/v1/me/access-log", "/v1/access-log",
    ):  # fmt: skip
        assert team.get("sender", path).status_code == 403, path
    told = team.get("sender", "/v1/key").json()
    assert (told["developer_id"], told["scopes"], told["role"]) == ("ada", ["ingest"], "developer")
    assert told["expires_at"] > "2026"


def test_an_administrator_reads_everybody_with_the_people_behind_each_row(team: Team) -> None:
    rows = by_name(team.table("admin", "/v1/views/team_activity/teams"))
    assert {row["team"]: row["people"] for row in rows} == {"core": 7, "web": 2, None: 1}
    chosen = team.table("admin", "/v1/views/team_activity/developers", developer=["bo", "hal"])
    assert [row["developer_id"] for row in by_name(chosen)] == ["bo", "hal"]
    assert "developer_id = any($developer)" in chosen["sql"]
    installed = team.table("installation", "/v1/views/team_activity/developers")
    assert len(installed["rows"]) == len(TEAMS)


def test_the_personal_page_is_ones_own_whatever_the_key_may_else(team: Team) -> None:
    own = [fact for fact in team.made if fact.developer == "ada"]
    for who in ("ada", "lead"):
        me = team.get(who, "/v1/me").json()
        assert (me["developer_id"], me["identities"], me["teams"]) == ("ada", ["ada"], ["core"])
        assert me["usage"]["requests"] == sum(fact.requests for fact in own)
        assert {"kind": "sessions", "records": len(own)} in me["records"]
        assert me["keeping"] == {"raw_days": 90, "aggregate_days": 730, "text_is_kept": False}
    september = team.get("ada", "/v1/me", **MONTH).json()
    within = [fact for fact in own if MONTH["since"] <= str(fact.day) <= MONTH["until"]]
    assert september["usage"]["requests"] == sum(fact.requests for fact in within)
    assert team.get("ada", "/v1/me", developer="bo").status_code == 422
    refused = team.get("installation", "/v1/me")
    assert refused.status_code == 403
    assert "developer_id" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "parameters", "problem"),
    [
        ("/v1/views/cost_tracking/nothing", {}, "no such question"),
        ("/v1/views/roi/paid", {"agent": "codex"}, "cannot be restricted by agent"),
        ("/v1/views/cost_tracking/spend", {"develper": "bo"}, "develper"),
        ("/v1/views/cost_tracking/spend", {"since": "2026-13-01"}, "since"),
        ("/v1/views/cost_tracking/spend", {"since": "9999-01-01"}, "between 1970 and 2262"),
        ("/v1/views/cost_tracking/spend", {"since": "2026-02-02", "until": "2026-02-01"}, "after"),
        ("/v1/views/cost_tracking/spend", {"limit": 0}, "limit"),
        ("/v1/views/cost_tracking/spend", {"cursor": "x"}, "cursor"),
        ("/v1/usage", {"time_zone": "Mars/Olympus"}, "no IANA time zone"),
        ("/v1/usage", {"time_zone": "UTC'; attach 'x"}, "no IANA time zone"),
        ("/v1/usage", {"by": "minute"}, "by"),
        ("/v1/access-log", {"cursor": "e30"}, "cursor"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    team: Team, path: str, parameters: dict[str, Any], problem: str
) -> None:
    answer = team.get("admin", path, **parameters)
    assert answer.status_code == (404 if "nothing" in path else 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem in answer.json()["detail"]


def test_a_filter_cannot_become_sql(team: Team) -> None:
    hostile = ["x' or true --", "$agent", ":agent", "{{agent}}", "\\'; drop table x", "\0"]
    for value in hostile:
        answer = team.table("admin", "/v1/views/cost_tracking/spend_by_day", agent=value)
        assert answer["rows"] == []
        assert value not in answer["sql"] or value == "$agent"


@pytest.mark.slow
def test_pages_are_of_one_run_whatever_is_published_meanwhile(tmp_path: Path) -> None:
    home = Home(tmp_path / "pages")
    home.create()
    publish(home, facts(seed=1))
    running = RunningService(home, **WITHOUT_LIMIT)
    path = "/v1/views/cost_tracking/spend_by_day"
    month: dict[str, str | int] = {**MONTH, "limit": 20}
    try:
        with api(running, home.token.read_text().strip()) as client:
            whole = asked(client, path, **MONTH)["rows"]
            page = asked(client, path, **month)
            seen = page["rows"]
            publish(home, facts(seed=2), "20261002T060000_000000Z")
            while page["next_cursor"]:
                last = page["next_cursor"]
                page = asked(client, path, **month, cursor=last)
                seen += page["rows"]
                assert len(page["rows"]) <= 20
                assert page["published"]["run"] == RUN
            assert seen == whole
            assert asked(client, path, **MONTH)["rows"] != whole
            other = client.get(path, params={**month, "agent": "codex", "cursor": last})
            assert other.status_code == 422
            for file in (home.published / RUN).iterdir():
                file.unlink()
            gone = client.get(path, params={**month, "cursor": last})
            assert (gone.status_code, "without a cursor" in gone.text) == (410, True)
    finally:
        running.stop()


@pytest.mark.slow
def test_before_anything_is_published_answers_are_empty_and_say_so(tmp_path: Path) -> None:
    home = Home(tmp_path / "empty")
    home.create()
    ada = key_of(home, "ada")
    running = RunningService(home, **WITHOUT_LIMIT)
    try:
        with api(running, ada) as client:
            for path in ("/v1/views/cost_tracking/spend", "/v1/usage", "/v1/me/commits"):
                answer = asked(client, path)
                assert (answer["rows"], answer["published"]) == ([], None)
            assert client.get("/v1/views/roi/paid").status_code == 403
            assert asked(client, "/v1/views")["published"] is None
            assert asked(client, "/v1/me")["usage"] == {}
    finally:
        running.stop()


@pytest.mark.slow
def test_a_home_of_one_user_has_a_personal_page_and_logs_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "alone")
    home.create()
    publish(home, facts())
    running = RunningService(home, **WITHOUT_LIMIT, developer_id="ada")
    try:
        with api(running, home.token.read_text().strip()) as client:
            me = asked(client, "/v1/me")
            assert me["developer_id"] == "ada"
            assert me["keeping"]["raw_days"] is None
            assert asked(client, "/v1/views/team_activity/developers")["rows"]
    finally:
        running.stop()
    assert not home.access_log.exists()


@pytest.mark.slow
def test_the_marts_of_an_older_release_are_told_of_and_not_a_crash(tmp_path: Path) -> None:
    home = Home(tmp_path / "older")
    home.create()
    folder = home.published / "older"
    folder.mkdir()
    duckdb.connect(str(folder / "marts.duckdb")).close()
    (home.published / "current").symlink_to("older")
    running = RunningService(home, **WITHOUT_LIMIT)
    try:
        with api(running, home.token.read_text().strip()) as client:
            answer = client.get("/v1/views/cost_tracking/spend")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "agent-analytics transform" in answer.json()["detail"]
    finally:
        running.stop()


def plain(rows: Any) -> list[list[Any]]:
    """Values as JSON has them."""
    return [[_plain(value) for value in row] for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | str | None):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat().replace("+00:00", "Z")
    return float(value)


def test_sql_of_our_own_has_the_filters_that_roles_need() -> None:
    for name in ("usage_by_day", "usage_by_hour", "my_sessions", "my_commits", "my_usage"):
        question: Question = own_question(name)
        assert "developer" in question.filters
    assert "any($developer)" in bind(own_question("my_records"), {"developer": ["ada"]})[0]
