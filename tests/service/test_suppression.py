"""What a lead cannot learn: by the rows, by taking answers from each other, by asking otherwise."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from agent_analytics_cli import assets
from agent_analytics_collector.access.principal import Role
from agent_analytics_collector.api.reads.ranks import Ranks
from agent_analytics_collector.api.reads.suppression import hidden_rows
from agent_analytics_collector.dashboards import load_dashboards
from agent_analytics_collector.home import Home
from tests.service.conftest import RunningService
from tests.service.reading import MONTH, TEAMS, Fact, api, asked, by_name, facts, key_of, publish

K = 5
WITHOUT_LIMIT = {"limits.requests_per_minute": 1_000_000, "time_zone": "UTC"}
Key = tuple[Hashable, ...]
TABLES: dict[str, Callable[[Fact], Key]] = {
    "team_activity/sessions_by_day": lambda fact: (fact.day, fact.agent),
    "team_activity/outcomes": lambda fact: (fact.week, fact.outcome),
    "team_activity/projects": lambda fact: (fact.project,),
    "team_activity/teams": lambda fact: (TEAMS[fact.developer],),
    "agent_comparison/quality": lambda fact: (fact.agent,),
}
"""Questions that count sessions, and what their rows are known by."""
KEYS: dict[str, str] = {}
"""Of leads, by the teams that they lead."""


MORE_TABLES: dict[str, Callable[[Fact], Key]] = {
    **TABLES,
    "cost_tracking/spend_by_model": lambda fact: (fact.agent, fact.model),
    "usage": lambda fact: (fact.day, fact.agent, fact.model),
    "team_activity/teams": lambda _: ("core",),
}
NAMES: dict[str, tuple[str, ...]] = {
    "team_activity/sessions_by_day": ("day", "agent"),
    "agent_comparison/quality": ("agent",),
    "cost_tracking/spend_by_model": ("agent", "model"),
    "usage": ("day", "agent", "model"),
}


def a_month(seed: int) -> list[Fact]:
    """Sessions of a team of which two people use one agent more."""
    chance = random.Random(seed)
    people = [f"d{number}" for number in range(chance.choice([7, 12, 25]))]
    rare = chance.sample(people, 2)
    made = []
    for fact in facts(seed, chance.choice([15, 40, 200, 600])):
        developer = chance.choice(people)
        agent = "rare" if developer in rare and chance.random() < 0.3 else fact.agent
        made.append(replace(fact, developer=developer, agent=agent))
    return [fact for fact in made if fact.day.month == 9]


@pytest.mark.parametrize("seed", range(40))
def test_no_shown_rows_of_any_tables_add_up_to_a_hidden_one(seed: int) -> None:
    """The oracle is linear algebra over the sessions themselves, which knows nothing of the rule.

    Whoever has all shown figures of all tables knows what their combinations come to. A figure of
    too few people must not be one of those.
    """
    made = a_month(seed)
    ranks = Ranks.of((fact.agent, fact.model, fact.developer) for fact in made)
    shown, few = [], []
    for name, key_of_row in MORE_TABLES.items():
        people: dict[Key, set[str]] = defaultdict(set)
        for fact in made:
            people[key_of_row(fact)].add(fact.developer)
        keys = [*people]
        counts = [len(people[key]) for key in keys]
        by_rank = [ranks.rank(dict(zip(NAMES.get(name, ()), key, strict=False))) for key in keys]
        hidden = hidden_rows(keys, counts, K, by_rank)
        assert {place for place, count in enumerate(counts) if count < K} <= hidden
        for place, key in enumerate(keys):
            row = [1.0 if key_of_row(fact) == key else 0.0 for fact in made]
            if place not in hidden:
                shown.append(row)
            elif counts[place] < K:
                few.append(row)
    assert_not_told(few, shown)


def test_a_rare_agent_hides_behind_the_same_one_in_every_table() -> None:
    """One table that showed all of Codex and another all of Claude Code would tell both."""
    days = [(date(2026, 9, day), agent) for day in (1, 2) for agent in ("claude", "codex", "rare")]
    models = [("claude", "a"), ("claude", "b"), ("codex", "c"), ("codex", "d"), ("rare", "e")]
    ranks = Ranks({"claude": 9, "codex": 6, "rare": 2}, {})
    by_day = hidden_rows(
        days, [5, 6, 2, 9, 8, 1], K, [ranks.rank({"agent": key[1]}) for key in days]
    )
    by_model = hidden_rows(
        models, [5, 9, 6, 8, 2], K, [ranks.rank({"agent": key[0]}) for key in models]
    )
    assert {days[place][1] for place in by_day} == {"codex", "rare"}
    assert {models[place][0] for place in by_model} == {"codex", "rare"}


def test_enough_people_hide_nothing_and_one_small_row_takes_another_with_it() -> None:
    assert hidden_rows([("a",), ("b",)], [5, 9], K) == frozenset()
    assert hidden_rows([], [], K) == frozenset()
    assert hidden_rows([("a",)], [4], K) == {0}
    assert hidden_rows([("a",)], [None], K) == {0}
    assert hidden_rows([("a",), ("b",), ("c",)], [9, 1, 6], K) == {1, 2}
    assert hidden_rows([("a",), ("b",)], [9, 1], K) == {0, 1}


def test_a_month_of_many_agents_and_models_is_protected_quickly() -> None:
    """500 rows once took 42 seconds, in which no other request was answered."""
    chance = random.Random(7)
    keys: list[Key] = [
        (date(2026, 9, day), agent, model)
        for day in range(1, 31) for agent in range(5) for model in range(20)
        if chance.random() < 0.7
    ]  # fmt: skip
    people = [chance.randrange(1, 14) for _ in keys]
    began = time.monotonic()
    hidden = hidden_rows(keys, people, K)
    assert time.monotonic() - began < 20
    assert {place for place, count in enumerate(people) if count < K} < hidden


def test_the_heat_map_of_a_week_is_protected_quickly() -> None:
    chance = random.Random(7)
    keys: list[Key] = [(hour, day) for hour in range(24) for day in "MTWTFSS"]
    people = [chance.choice([1, 3, 5, 6, 7]) for _ in keys]
    hidden = hidden_rows(keys, people, K)
    assert {place for place, count in enumerate(people) if count < K} <= hidden
    assert len(hidden) < len(keys)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, Home]]:
    home = Home(tmp_path_factory.mktemp("leads") / "home")
    home.create()
    publish(home, facts())
    KEYS.update(
        {
            "core": key_of(home, "ada", Role.LEAD, ("core",)),
            "web": key_of(home, "hal", Role.LEAD, ("web",)),
            "both": key_of(home, "bo", Role.LEAD, ("core", "web")),
        }
    )
    service = RunningService(home, **WITHOUT_LIMIT)
    yield service, home
    service.stop()


@pytest.fixture(scope="module")
def lead(running: tuple[RunningService, Home]) -> Iterator[Any]:
    with api(running[0], KEYS["core"]) as client:
        yield client


QUESTIONS = {
    f"{view.id}/{each.id}": each
    for view in load_dashboards(assets.dashboards())
    for each in view.questions
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_row_that_a_lead_sees_is_of_enough_people_of_the_team(lead: Any, name: str) -> None:
    answer = lead.get(f"/v1/views/{name}", params=MONTH)
    offered = QUESTIONS[name].can_count_people and "team" in QUESTIONS[name].filters
    assert answer.status_code == (200 if offered else 403)
    if offered:
        table = answer.json()
        names = [column["name"] for column in table["columns"]]
        assert not {"developer_id", "session_id", "commit_hash", "machine"} & set(names)
        assert all(row["people"] >= K for row in by_name(table))
        assert (table["since"], table["until"]) == (MONTH["since"], MONTH["until"])


def test_shown_rows_of_all_questions_do_not_add_up_to_hidden_ones(
    running: tuple[RunningService, Home], lead: Any
) -> None:
    service, home = running
    made = [fact for fact in facts() if fact.day.month == 9 and TEAMS[fact.developer] == "core"]
    shown, few = [], []
    with api(service, home.token.read_text().strip()) as admin:
        for name, key_of_row in TABLES.items():
            if name == "agent_comparison/quality":
                continue  # its mart is empty here
            everything = by_name(asked(admin, f"/v1/views/{name}", team="core", **MONTH))
            seen = by_name(asked(lead, f"/v1/views/{name}", **MONTH))
            hidden = [row for row in everything if row not in seen]
            assert len(seen) + len(hidden) == len(everything)
            sessions = Counter(map(key_of_row, made))
            assert {known_by(row, name): row["sessions"] for row in everything} == {
                tuple(map(text, key)): count for key, count in sessions.items()
            }
            for row in everything:
                key = known_by(row, name)
                vector = [
                    1.0 if tuple(map(text, key_of_row(fact))) == key else 0.0 for fact in made
                ]
                if row in seen:
                    shown.append(vector)
                elif row["people"] < K:
                    few.append(vector)
    assert few, "nothing was hidden, so nothing is proven"
    assert shown
    assert_not_told(few, shown)


@pytest.mark.parametrize(
    "parameters",
    [
        {"agent": "codex"}, {"model": "opus"}, {"project": "app"}, {"developer": "ada"},
        {"developer": "bo"}, {"team": "web"}, {"team": ["core", "web"]},
        {"time_zone": "Asia/Tokyo"},
    ],
)  # fmt: skip
def test_a_lead_cannot_ask_of_a_smaller_part(lead: Any, parameters: dict[str, Any]) -> None:
    for path in ("/v1/views/cost_tracking/spend_by_day", "/v1/usage"):
        answer = lead.get(path, params={**MONTH, **parameters})
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    "days",
    [
        {"since": "2026-09-02", "until": "2026-09-30"}, {"since": "2026-09-01"},
        {"since": "2026-09-01", "until": "2026-09-29"}, {"until": "2026-09-30"},
        {"since": "2026-08-01", "until": "2026-09-30"},
        {"since": "2100-01-01", "until": "2100-01-31"},
    ],
)  # fmt: skip
def test_months_that_overlap_or_go_on_cannot_be_asked(lead: Any, days: dict[str, str]) -> None:
    answer = lead.get("/v1/views/cost_tracking/spend_by_day", params=days)
    assert answer.status_code == 422, answer.text


def test_no_question_tells_a_lead_of_a_day_over_all_else(lead: Any) -> None:
    """What is hidden of a day counts on it; Copilot's figures are in no other question."""
    by_day = set()
    for view in lead.get("/v1/views").json()["views"]:
        for each in view["questions"]:
            keys = [column["name"] for column in each["columns"] if column["kind"] != "number"]
            if each["may_ask"] and keys == ["day"]:
                by_day.add(each["id"])
    assert by_day == {"copilot"}


def test_a_small_team_is_hidden_whole_and_two_teams_are_asked_one_by_one(
    running: tuple[RunningService, Home],
) -> None:
    service, _ = running
    with api(service, KEYS["web"]) as client:
        answer = asked(client, "/v1/views/cost_tracking/spend", **MONTH)
        assert (answer["rows"], answer["suppressed"]) == ([], 1)
    with api(service, KEYS["both"]) as client:
        path = "/v1/views/team_activity/teams"
        assert client.get(path, params=MONTH).status_code == 422
        (row,) = by_name(asked(client, path, **MONTH, team="core"))
        assert (row["team"], row["people"]) == ("core", 7)
        assert asked(client, path, **MONTH, team="web")["rows"] == []
        assert (
            client.get("/v1/usage", params={**MONTH, "by": "hour", "team": "core"}).status_code
            == 403
        )


def test_usage_by_day_is_of_enough_people_too(lead: Any) -> None:
    usage = asked(lead, "/v1/usage", **MONTH)
    assert all(row["people"] >= K for row in by_name(usage))
    assert usage["suppressed"] > 0


@pytest.mark.slow
def test_another_size_of_group_can_be_set(tmp_path: Any) -> None:
    home = Home(tmp_path / "small")
    home.create()
    publish(home, facts())
    lead_of_web = key_of(home, "hal", Role.LEAD, ("web",))
    service = RunningService(home, **WITHOUT_LIMIT, **{"privacy.smallest_group": 2})
    try:
        with api(service, lead_of_web) as client:
            assert len(asked(client, "/v1/views/cost_tracking/spend", **MONTH)["rows"]) == 1
    finally:
        service.stop()


def known_by(row: dict[str, Any], name: str) -> tuple[Any, ...]:
    columns = {
        "team_activity/sessions_by_day": ("day", "agent"),
        "team_activity/outcomes": ("week", "outcome"),
        "team_activity/projects": ("project_id",),
        "team_activity/teams": ("team",),
    }[name]
    return tuple(row[column] for column in columns)


def text(value: Hashable) -> Any:
    return str(value) if isinstance(value, date) else value


def assert_not_told(few: list[list[float]], known: list[list[float]]) -> None:
    """No row of `few` is a combination of what is known."""
    if few and known:
        matrix, rows = np.array(known).T, np.array(few).T
        solutions, *_ = np.linalg.lstsq(matrix, rows, rcond=None)
        assert np.abs(matrix @ solutions - rows).max(axis=0).min() > 1e-6
