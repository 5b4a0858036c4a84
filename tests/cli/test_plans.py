"""`plans`: what seats cost, and who has one."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.assets import dbt_project
from agent_analytics_cli.main import cli
from agent_analytics_cli.money.plan_catalogue import Catalogue
from agent_analytics_cli.money.seed_files import PLANS, SUBSCRIPTIONS, read_seed
from agent_analytics_collector.home import Home

from .published import publish

TODAY = datetime.now(UTC).date()


def run(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, ["plans", *arguments])


def listed() -> Any:
    result = run("list", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def plan(name: str) -> dict[str, Any]:
    (found,) = (dict(row) for row in listed()["plans"] if row["plan"] == name)
    return found


def test_every_shipped_price_names_its_agent_its_source_and_the_days_it_holds() -> None:
    with (dbt_project() / "seeds" / "plans.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (dbt_project() / "seeds" / "agents.csv").open(newline="") as file:
        agents = {row["agent"] for row in csv.DictReader(file)}
    assert {row["agent"] for row in rows} <= agents
    assert all(Decimal(row["monthly_usd"]) > 0 for row in rows)
    assert all(Decimal(row["included_usd"] or 0) >= 0 for row in rows)
    assert all("https://" in row["source"] for row in rows)
    by_plan: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_plan.setdefault(row["plan"], []).append(row)
    for periods in by_plan.values():
        for earlier, later in pairwise(periods):
            assert earlier["valid_to"] == later["valid_from"] > earlier["valid_from"]
        assert periods[-1]["valid_to"] == ""


def test_a_dated_price_holds_from_its_day_on() -> None:
    catalogue = Catalogue.read(Home.from_environment())
    before = catalogue.at("chatgpt_business", date(2026, 4, 1))
    after = catalogue.at("chatgpt_business", date(2026, 4, 2))
    assert before is not None
    assert after is not None
    assert [before.monthly_usd, after.monthly_usd] == [30, 25]


def test_a_seat_that_is_subscribed_is_listed_while_it_lasts(home: Home) -> None:
    assert "plans subscribe PLAN" in run("list").stderr
    run("subscribe", "claude_pro", "--developer", "ada", "--until", "yesterday")
    run("subscribe", "claude_pro", "--developer", "jo", "--seats", "2", "--since", "2026-03-01")
    run("subscribe", "copilot_business", "--seats", "12")
    assert (plan("claude_pro")["seats"], plan("copilot_business")["seats"]) == (2, 12)
    assert plan("cursor_pro")["seats"] is None
    assert listed()["subscriptions"] == [
        {"plan": "claude_pro", "developer_id": "ada", "seats": 1, "since": None,
         "until": str(TODAY - timedelta(days=1))},
        {"plan": "claude_pro", "developer_id": "jo", "seats": 2, "since": "2026-03-01",
         "until": None},
        {"plan": "copilot_business", "developer_id": None, "seats": 12, "since": None,
         "until": None},
    ]  # fmt: skip
    assert "jo" in run("list").stdout


def test_subscribing_again_changes_the_seats(home: Home) -> None:
    assert run("subscribe", "copilot_business").stdout.startswith("Added: 1 seat of")
    assert run("subscribe", "copilot_business", "--seats", "3").stdout == (
        "Changed: 3 seats of copilot_business for the organisation. "
        "It counts from the next `agent-analytics transform` on.\n"
    )
    assert len(read_seed(home, SUBSCRIPTIONS)) == 1


def test_what_ends_keeps_its_days_and_what_never_was_goes(home: Home) -> None:
    run("subscribe", "claude_pro", "--since", "2026-01-01")
    run("subscribe", "claude_pro", "--since", "2026-09-01")
    assert run("unsubscribe", "claude_pro", "--until", "2026-06-30").exit_code == 0
    (row,) = read_seed(home, SUBSCRIPTIONS)
    assert (row["since"], row["until"]) == ("2026-01-01", "2026-06-30")
    again = run("unsubscribe", "claude_pro")
    assert again.exit_code == 1
    assert "no subscription to claude_pro of the organisation that goes on" in again.stderr
    assert run("unsubscribe", "claude_pro", "--forget").exit_code == 0
    assert read_seed(home, SUBSCRIPTIONS) == []


def test_an_own_price_stands_before_the_one_in_force(home: Home) -> None:
    assert run("price", "copilot_business", "17.10").stdout.startswith(
        "Set: a seat of copilot_business costs $17.10 a month."
    )
    own = plan("copilot_business")
    assert (own["monthly_usd"], own["included_usd"], own["origin"]) == (17.1, 19, "own")
    (row,) = read_seed(home, PLANS)
    assert (row["valid_from"], row["valid_to"]) == ("2026-06-01", "")
    before = Catalogue.read(home).at("copilot_business", date(2026, 5, 1))
    assert before is not None
    assert before.monthly_usd == 19
    assert run("price", "copilot_business", "16", "--included", "0").stdout.startswith("Changed")
    assert plan("copilot_business")["included_usd"] == 0


def test_a_price_from_a_day_on_leaves_earlier_days_alone(home: Home) -> None:
    run("price", "claude_pro", "15", "--since", "2026-10-01")
    catalogue = Catalogue.read(home)
    prices = [
        price.monthly_usd
        for day in (date(2026, 9, 30), date(2026, 10, 1))
        if (price := catalogue.at("claude_pro", day))
    ]
    assert prices == [20, 15]


def test_a_plan_of_ones_own_needs_an_agent(home: Home) -> None:
    refused = run("price", "acme_claude", "80")
    assert refused.exit_code == 2
    assert "A plan of your own needs --agent" in refused.stderr
    run("price", "acme_claude", "80", "--agent", "claude_code", "--included", "50")
    assert plan("acme_claude") == {
        "plan": "acme_claude", "agent": "claude_code", "display_name": "acme_claude",
        "monthly_usd": 80, "included_usd": 50, "seats": None, "origin": "own", "source": "own",
    }  # fmt: skip
    assert run("subscribe", "acme_claude").exit_code == 0


def test_a_price_written_by_hand_reads_as_dbt_reads_it(home: Home) -> None:
    PLANS.path(home).write_text(
        "plan,monthly_usd,included_usd,valid_from,valid_to\n"
        "Claude_Pro,1_5,abc,,\n"  # the agent and the name are those shipped
        "copilot_business,17,,,\n"  # before the shipped ones on all days, the newer ones too
        "cursor_pro,18,,2026/1/5,\n"
        "claude_team,twenty,,,\n"
        "claude_max_5x,90,,soon,\n"
        "chatgpt_pro,180,,2026-02-01,2026-02-01\n"
        "acme,80,,,\n"
    )
    own = plan("claude_pro")
    assert (own["agent"], own["display_name"]) == ("claude_code", "Claude Pro")
    assert (own["monthly_usd"], own["included_usd"], own["origin"]) == (15, None, "own")
    assert plan("copilot_business")["monthly_usd"] == 17
    catalogue = Catalogue.read(home)
    prices = [
        price.monthly_usd
        for day in (date(2026, 1, 4), date(2026, 1, 5))
        if (price := catalogue.at("cursor_pro", day))
    ]
    assert prices == [20, 18]
    for name, price_usd in (("claude_team", 25), ("claude_max_5x", 100), ("chatgpt_pro", 200)):
        assert (plan(name)["monthly_usd"], plan(name)["origin"]) == (price_usd, "shipped")
    listed_now = run("list")
    assert "4 of 7 rows count nowhere" in listed_now.stderr
    assert "claude_team twenty; claude_max_5x 90 soon" in listed_now.stderr
    assert "—" not in next(x for x in listed_now.stdout.splitlines() if "claude_team " in x)[:60]
    assert run("subscribe", "CLAUDE_PRO").exit_code == 0
    run("price", "claude_pro", "16")
    assert [row["monthly_usd"] for row in read_seed(home, PLANS)][:2] == ["16", "17"]


def test_a_subscription_written_by_hand_reads_as_dbt_reads_it(home: Home) -> None:
    SUBSCRIPTIONS.path(home).write_text(
        "plan,developer_id,seats,since,until\n"
        "Claude_Pro,ada,,2026/1/5,\nclaude_pro,jo,2.0,,\nclaude_pro,jo,2.0,,\n"
        "claude_pro,al,some,,\nclaude_pro,al,1,soon,\nclaude_pro,al,0,,\n"
        "claude_pro,al,1,2026-02-01,2026-01-01\n"
    )
    assert plan("claude_pro")["seats"] == 3
    held = listed()["subscriptions"]
    assert held[0] == {"plan": "claude_pro", "developer_id": "ada", "seats": 1,
                       "since": "2026-01-05", "until": None}  # fmt: skip
    assert [row["seats"] for row in held] == [1, 2, 2, None, None, None, None]
    assert "4 of 7 rows count nowhere" in run("list").stderr


def test_a_seat_is_of_the_developer_as_the_marts_spell_it(home: Home) -> None:
    with duckdb.connect(str(publish(home))) as connection:
        connection.execute(
            "CREATE TABLE dim_developers AS SELECT * FROM (VALUES "
            "('Ada@Example.com', TIMESTAMPTZ '2026-03-01'), ('Jo', TIMESTAMPTZ '2026-03-01'), "
            "('jo', TIMESTAMPTZ '2026-02-01')) AS known(developer_id, last_seen_at)"
        )
    (home.seeds / "developer_identities.csv").write_text("identity,developer_id\nAL,alan\n")
    said = {
        name: run("subscribe", "claude_pro", "--developer", name).stderr
        for name in ("ada@example.COM", "jo", "JO", "al", "nobody")
    }
    assert [name for name, note in said.items() if "is known yet" in note] == ["nobody"]
    assert [row["developer_id"] for row in read_seed(home, SUBSCRIPTIONS)] == [
        "Ada@Example.com", "Jo", "al", "nobody",
    ]  # fmt: skip
    ended = run("unsubscribe", "CLAUDE_PRO", "--developer", "ada@example.com")
    assert ended.exit_code == 0
    assert read_seed(home, SUBSCRIPTIONS)[0]["until"] == str(TODAY)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["subscribe", "claude_maxx"], "Did you mean claude_max_5x"),
        (["subscribe", "claude_pro", "--seats", "0"], "1<=x<=100000"),
        (["subscribe", "claude_pro", "--since", "2026-03-02", "--until", "2026-03-01"], "is after"),
        (["subscribe", "claude_pro", "--since", "soon"], "'soon' is no day"),
        (["subscribe", "claude_pro", "--developer", "a\nb"], "is no name"),
        (["price", "claude_pro", "1e3"], "is no amount in US dollars"),
        (["price", "claude_pro", "1,5"], "is no amount in US dollars"),
        (["price", "Claude Pro", "20"], "is no name of a plan"),
        (["price", "claude_pro", "100001"], "at most $100,000.00 a month"),
    ],
)
def test_what_no_mart_could_read_is_refused(home: Home, arguments: list[str], problem: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert list(home.seeds.iterdir()) == []
