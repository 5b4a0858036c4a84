"""Published marts of some teams' September, one fact behind all of them, and keys to read them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import httpx

from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from tests.dashboards import marts

if TYPE_CHECKING:
    from tests.service.conftest import RunningService

RUN = "20261001T060000_000000Z"
FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
MONTH = {"since": str(FIRST), "until": str(LAST)}
TEAMS = {
    **dict.fromkeys(("ada", "bo", "cy", "di", "eve", "fay", "gus"), "core"),
    **dict.fromkeys(("hal", "ida"), "web"),
    "jo": None,
}
AGENTS, MODELS = ("claude_code", "codex", "cursor"), ("opus", "gpt", None)
PROJECTS, OUTCOMES = ("app", "lib", None), ("committed", "edited", "answered")


@dataclass(frozen=True)
class Fact:
    """One session with some requests of one model."""

    number: int
    developer: str
    day: date
    agent: str
    model: str | None
    project: str | None
    outcome: str
    requests: int
    cost: str

    @property
    def week(self) -> date:
        return self.day - timedelta(days=self.day.weekday())


def facts(seed: int = 1, count: int = 400) -> list[Fact]:
    """Sessions of September and of the days around it."""
    chance = random.Random(seed)
    # Some agents, projects and days are of few people.
    favourites = {name: chance.choice(AGENTS[:2]) for name in TEAMS}
    made = []
    for number in range(count):
        developer = chance.choice([*TEAMS])
        agent = favourites[developer] if chance.random() < 0.7 else chance.choice(AGENTS)
        project = chance.choice(PROJECTS) if developer < "d" else chance.choice(PROJECTS[:2])
        made.append(
            Fact(
                number, developer, FIRST + timedelta(days=chance.randrange(-3, 33)), agent,
                chance.choice(MODELS), project, chance.choice(OUTCOMES), chance.randrange(1, 9),
                f"{chance.randrange(1, 900) / 100:.2f}",
            )
        )  # fmt: skip
    return made


def publish(home: Home, made: Iterable[Fact], run: str = RUN) -> None:
    """All marts as one published run: those of usage filled from the facts, the others empty."""
    folder = home.published / run
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        marts.make(connection, 0)
        for mart, rows in _rows(list(made)).items():
            kinds = {name: marts.columns()[mart][name] for name in rows[0]} if rows else {}
            connection.execute(
                f"insert into {mart} by name select unnest(from_json(?, ?), recursive := true)",
                [json.dumps(rows, default=str), json.dumps([kinds])],
            )
    current = home.published / "current"
    current.unlink(missing_ok=True)
    current.symlink_to(run)


def _rows(made: list[Fact]) -> dict[str, list[dict[str, Any]]]:
    usage, sessions, commits, requests = [], [], [], []
    for fact in made:
        moment = f"{fact.day} {fact.number % 24:02}:15:00+00"
        whose = {
            "developer_id": fact.developer, "agent": fact.agent, "project_id": fact.project,
            "cost_usd": fact.cost,
        }  # fmt: skip
        used = {**whose, "model": fact.model, "requests": fact.requests, "input_tokens": 10}
        usage.append((used, fact.day, moment))
        sessions.append(
            {
                **whose, "session_key": f"s{fact.number}", "session_id": f"s{fact.number}",
                "main_model": fact.model, "outcome": fact.outcome, "prompts": 1,
                "requests": fact.requests, "started_at": moment, "started_date": fact.day,
            }
        )  # fmt: skip
        requests += [
            {
                **whose, "request_key": f"r{fact.number}/{each}", "model": fact.model,
                "requested_at": moment, "requested_date": fact.day,
            }
            for each in range(fact.requests)
        ]  # fmt: skip
        if fact.outcome == "committed":
            commits.append(
                {
                    **whose, "commit_key": f"c{fact.number}", "commit_hash": f"{fact.number:040x}",
                    "repository": fact.project, "attribution_tier": "lines",
                    "committed_at": moment, "committed_date": fact.day, "is_reverted": False,
                    "effective_lines_added": 5, "ai_lines": 3,
                }
            )  # fmt: skip
    return {
        "dim_developers": [{"developer_id": name, "team": team} for name, team in TEAMS.items()],
        "fct_agent_costs": [{**used, "usage_date": day} for used, day, _ in usage],
        "fct_daily_agent_usage": [{**used, "usage_date": day} for used, day, _ in usage],
        "fct_usage_15min": [{**used, "quarter_hour_at": moment} for used, _, moment in usage],
        "fct_agent_sessions": sessions,
        "fct_agent_requests": requests,
        "fct_git_commits": commits,
    }


def key_of(
    home: Home,
    developer: str | None,
    role: Role = Role.DEVELOPER,
    teams: tuple[str, ...] = (),
    scopes: tuple[Scope, ...] = (Scope.READ,),
) -> str:
    """A new key."""
    settings = load_settings(home).settings
    token, _ = create_key(
        home, settings, developer_id=developer, scopes=scopes, role=role, teams=teams
    )
    return token


@contextmanager
def api(running: RunningService, token: str) -> Iterator[httpx.Client]:
    """A client with that key, which is not limited in how often it asks."""
    headers = {"x-api-key": token}
    with httpx.Client(base_url=running.state.api_url, headers=headers, timeout=60) as client:
        yield client


def asked(client: httpx.Client, path: str, **parameters: Any) -> dict[str, Any]:
    """The answer, which there must be."""
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def by_name(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an answer, each by its columns' names."""
    names = [column["name"] for column in table["columns"]]
    return [dict(zip(names, row, strict=True)) for row in table["rows"]]
