"""Who looked at whose data: written before it is shown, and told to those it is about."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_collector.access.access_log import Look, append_look, read_looks
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.errors import AccessNotLogged
from agent_analytics_collector.home import Home
from tests.service.conftest import RunningService
from tests.service.reading import MONTH, api, asked, facts, key_of, publish

SPEND = "/v1/views/cost_tracking/spend"


@pytest.fixture
def keys(home: Home) -> dict[str, str]:
    publish(home, facts(count=60))
    every = (Scope.READ, Scope.ADMIN)
    return {
        "ada": key_of(home, "ada"),
        "hal": key_of(home, "hal"),
        "lead": key_of(home, "bo", Role.LEAD, ("core",)),
        "admin": key_of(home, "cy", Role.ADMIN, scopes=every),
    }


@pytest.fixture
def running(home: Home, keys: dict[str, str]) -> Iterator[RunningService]:
    service = RunningService(home, time_zone="UTC")
    yield service
    service.stop()


def get(running: RunningService, key: str, path: str, **parameters: Any) -> Any:
    with api(running, key) as client:
        return asked(client, path, **parameters)


@pytest.mark.slow
def test_looks_at_others_are_written_down_and_told_to_those_they_are_about(
    home: Home, running: RunningService, keys: dict[str, str]
) -> None:
    for path in ("/v1/me", SPEND, "/v1/usage", "/v1/me/sessions", "/v1/views"):
        get(running, keys["ada"], path)
    get(running, keys["admin"], SPEND, developer="cy")
    assert list(read_looks(home)) == [], "one's own data is nobody else's business"

    get(running, keys["lead"], SPEND, **MONTH)
    get(running, keys["admin"], SPEND, developer=["hal", "jo"])
    get(running, keys["admin"], "/v1/usage")
    found = [look for _, look in read_looks(home)]
    assert [(look.role, look.developer_id, look.question) for look in found] == [
        ("admin", "cy", "usage/usage_by_day"),
        ("admin", "cy", "cost_tracking/spend"),
        ("lead", "bo", "cost_tracking/spend"),
    ]
    assert [(look.developers, look.teams) for look in found] == [
        ((), ()), (("hal", "jo"), ()), ((), ("core",)),
    ]  # fmt: skip
    assert found[1].route == "/v1/views/{view}/{question}"
    assert found[1].rows == 1

    ada = get(running, keys["ada"], "/v1/me/access-log")["looks"]
    hal = get(running, keys["hal"], "/v1/me/access-log")["looks"]
    assert [look["teams"] for look in ada] == [[], ["core"]]
    assert [look["developers"] for look in hal] == [[], ["hal"]], "jo's name is not hal's business"
    assert get(running, keys["ada"], "/v1/me")["looks"] == ada


@pytest.mark.slow
def test_an_administrator_reads_the_log_page_by_page_and_that_is_written_down_too(
    home: Home, running: RunningService, keys: dict[str, str]
) -> None:
    for number in range(5):
        get(running, keys["admin"], SPEND, developer=f"somebody {number}")
    first = get(running, keys["admin"], "/v1/access-log", limit=2)
    second = get(running, keys["admin"], "/v1/access-log", limit=2, cursor=first["next_cursor"])
    third = get(running, keys["admin"], "/v1/access-log", limit=2, cursor=second["next_cursor"])
    pages = [look["developers"] for page in (first, second, third) for look in page["looks"]]
    assert pages == [[f"somebody {number}"] for number in (4, 3, 2, 1, 0)]
    assert third["next_cursor"] is None
    newest = next(read_looks(home))[1]
    assert (newest.route, newest.rows) == ("/v1/access-log", 1)
    only = get(running, keys["admin"], "/v1/access-log", developer="somebody 3")["looks"]
    assert {tuple(look["developers"]) for look in only} == {(), ("somebody 3",)}
    assert get(running, keys["admin"], "/v1/access-log", until="2020-01-01")["looks"] == []


def test_what_cannot_be_written_down_is_not_shown(
    home: Home, running: RunningService, keys: dict[str, str]
) -> None:
    home.access_log.write_text("a file in the place of the folder")
    with api(running, keys["admin"]) as client:
        answer = client.get(SPEND)
        assert answer.status_code == 503
        assert "rows" not in answer.json()
        assert client.get(SPEND, params={"developer": "cy"}).status_code == 200


def test_the_files_are_their_owners_alone(home: Home) -> None:
    append_look(home, look("2026-11-02T10:00:00.000+00:00"))
    assert stat.S_IMODE(home.access_log.stat().st_mode) == 0o700
    (file,) = home.access_log.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("2026-11.jsonl", 0o600)


def test_a_line_that_a_crash_cut_off_costs_only_itself(home: Home) -> None:
    append_look(home, look("2026-10-31T10:00:00.000+00:00", "before"))
    append_look(home, look("2026-11-02T10:00:00.000+00:00", "cut"))
    file = home.access_log / "2026-11.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    append_look(home, look("2026-11-03T10:00:00.000+00:00", "after"))
    assert [found.key_id for _, found in read_looks(home)] == ["after", "before"]
    assert [found.key_id for _, found in read_looks(home, date(2026, 11, 1))] == ["after"]


def test_pages_stay_the_same_while_the_log_grows(home: Home) -> None:
    for day in range(1, 6):
        append_look(home, look(f"2026-11-0{day}T10:00:00.000+00:00", str(day)))
    places = [place for place, _ in read_looks(home)]
    append_look(home, look("2026-11-09T10:00:00.000+00:00", "new"))
    assert [found.key_id for _, found in read_looks(home, None, places[1])] == ["3", "2", "1"]


def test_a_file_that_cannot_be_read_is_said(home: Home) -> None:
    (home.access_log / "2026-11.jsonl").mkdir(parents=True)
    with pytest.raises(AccessNotLogged, match=r"2026-11\.jsonl"):
        list(read_looks(home))


def test_the_command_shows_whom_somebody_looked_at(home: Home) -> None:
    append_look(home, look("2026-11-02T10:00:00.000+00:00", "k1", developers=("ada",)))
    append_look(home, look("2026-11-03T10:00:00.000+00:00", "k2", teams=("core",)))
    append_look(home, look("2026-11-04T10:00:00.000+00:00", "k3"))
    shown = run("access-log")
    assert [line.split()[2] for line in shown.stdout.splitlines()[-3:]] == ["k3", "k2", "k1"]
    assert "everybody" in shown.stdout
    about_ada = json.loads(run("access-log", "--developer", "ada", "--json").stdout)
    assert [found["key_id"] for found in about_ada] == ["k3", "k1"]
    late = run("access-log", "--since", "2026-11-03", "--csv").stdout
    assert [line.split(",")[1] for line in late.splitlines()] == ["key_id", "k3", "k2"]


def test_the_command_says_that_nobody_looked(home: Home) -> None:
    result = run("access-log", "--json")
    assert json.loads(result.stdout) == []
    assert "keys create" in result.stderr


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(cli, [*arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def look(at: str, key_id: str = "key", **about: Any) -> Look:
    return Look(
        at=at, key_id=key_id, role=Role.ADMIN, developer_id="cy", route="/v1/usage", **about
    )
