"""`agent-analytics explain`: a total, what it is made of, and what of it had a cause."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home

from .two_weeks import publish

APP = "https://github.com/acme/app"
DAY = "2026-03-10"

Row = dict[str, Any]


def request(key: str, at: str, cost: str | None, session: str = "s1", **changes: Any) -> Row:
    return {
        "request_key": f"claude_code:{key}", "agent": "claude_code", "session_id": session,
        "session_key": f"claude_code:{session}", "developer_id": "ada", "project_id": APP,
        "git_branch": "feature", "model": "opus", "requested_at": f"{at}+00",
        "requested_date": at[:10], "input_tokens": 100, "total_tokens": 100, "cost_usd": cost,
        "cost_source": "agent_reported" if cost else "unpriced", "is_error": False,
        "is_subagent": False, **changes,
    }  # fmt: skip


def cause(of: Row, cause: str, cost: str | None, avoidable: str | None, **changes: Any) -> Row:
    known = ("request_key", "agent", "session_id", "session_key", "project_id", "git_branch",
             "model", "requested_at", "requested_date")  # fmt: skip
    return {
        **{name: of[name] for name in known}, "cause_key": f"{of['request_key']}:{cause}",
        "cause": cause, "cause_cost_usd": cost, "avoidable_usd": avoidable, **changes,
    }  # fmt: skip


def session(name: str, cost: str | None, project: str = APP) -> Row:
    return {
        "session_key": f"claude_code:{name}", "agent": "claude_code", "session_id": name,
        "project_id": project, "git_branch": "feature", "cost_usd": cost,
        "started_at": f"{DAY} 09:00:00+00",
    }  # fmt: skip


FIRST = request("r1", f"{DAY} 10:00:00", "1.00")
LATER = request("r2", f"{DAY} 12:00:00", "4.00")
SUB = request("r3", f"{DAY} 12:01:00", "2.00", is_subagent=True, subagent="explore", model="haiku")
UNPRICED = request("r4", f"{DAY} 12:02:00", None, session="s2", git_branch="main")
ROWS: dict[str, list[Row]] = {
    "fct_agent_requests": [
        FIRST, LATER, SUB, UNPRICED,
        request("o1", "2026-03-09 10:00:00", "0.50", session="s3", git_branch="other"),
        request("o2", "2026-03-08 10:00:00", "3.50", session="s4", git_branch="third"),
        # Too long ago, and of the next day: neither is one of the days before.
        request("o3", "2026-02-23 10:00:00", "90", session="s5", git_branch="old", project_id="x"),
        request("o4", "2026-03-11 00:00:00", "80", session="s5", git_branch="old", project_id="x"),
    ],
    "fct_agent_sessions": [
        session("s1", "7"), session("s2", None), session("s3", "0.5"), session("s4", "3.5"),
        session("s5", "170", project="x"),
    ],
    "fct_cost_causes": [
        cause(LATER, "cache_expired", "3.00", "2.70", pause_seconds=7200, wasted_tokens=50_000),
        cause(FIRST, "failed_tool", "0.25", None),
        cause(LATER, "failed_tool", "0.75", "0.75"),
        cause(SUB, "subagent", "2.00", None),
        cause(UNPRICED, "cache_rewritten", None, None, wasted_tokens=9_000),
    ],
    "fct_tool_calls": [
        {"tool_call_key": str(number), "agent": "claude_code", "session_id": "s1",
         "git_branch": "feature", "tool_name": tool, "success": success, "decision": decision,
         "called_at": f"{DAY} 10:00:01+00"}
        for number, (tool, success, decision) in enumerate(
            [("Bash", True, "accept"), ("Bash", False, None), ("Edit", None, "reject")]
        )
    ],
}  # fmt: skip


@pytest.fixture
def published(home: Home) -> None:
    publish(home, ROWS)


def explained(name: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["explain", name, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout, parse_float=Decimal)
    return found


def printed(name: str) -> str:
    result = CliRunner().invoke(cli, ["explain", name])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.usefixtures("published")
def test_a_day_is_the_sum_of_its_parts_and_of_what_no_cause_explains() -> None:
    answer = explained(DAY)
    assert answer["kind"] == "day"
    assert answer["total"]["requests"] == 4
    assert answer["total"]["cost_usd"] == 7
    assert answer["total"]["unpriced_requests"] == 1
    assert answer["explained_usd"] == Decimal("6.00")
    assert answer["unexplained_usd"] == Decimal("1.00")
    assert answer["avoidable_usd"] == Decimal("3.45")
    for key, rows in answer["by"].items():
        assert sum(row["requests"] for row in rows) == 4, key
        assert sum(row["cost_usd"] or 0 for row in rows) == 7, key
    shares = {row["subagent"]: row["share"] for row in answer["by"]["subagent"]}
    assert shares == {None: Decimal("0.714286"), "explore": Decimal("0.285714")}
    assert answer["tools"] == [
        {"tool_name": "Bash", "calls": 2, "failures": 1, "rejections": 0},
        {"tool_name": "Edit", "calls": 1, "failures": 0, "rejections": 1},
    ]


@pytest.mark.usefixtures("published")
def test_each_cause_has_its_requests_with_what_is_unknown_counted() -> None:
    causes = {row["cause"]: row for row in explained(DAY)["causes"]}
    assert list(causes) == [
        "cache_expired", "failed_tool", "subagent", "cache_rewritten"
    ]  # fmt: skip
    assert causes["failed_tool"]["requests"] == 2
    assert causes["failed_tool"]["cause_cost_usd"] == 1
    assert causes["failed_tool"]["avoidable_usd"] == Decimal("0.75")
    assert causes["failed_tool"]["unknowable_requests"] == 1
    assert [row["request_key"] for row in causes["failed_tool"]["rows"]] == [
        "claude_code:r2", "claude_code:r1"
    ]  # fmt: skip
    assert causes["cache_expired"]["wasted_tokens"] == 50_000
    assert causes["cache_rewritten"]["unknown_requests"] == 1
    assert causes["cache_rewritten"]["cause_cost_usd"] is None


@pytest.mark.usefixtures("published")
def test_a_request_that_is_listed_can_be_audited() -> None:
    key = explained(DAY)["causes"][0]["rows"][0]["request_key"]
    result = CliRunner().invoke(cli, ["audit", key, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["key"] == key


@pytest.mark.parametrize(
    ("name", "usual", "count"),
    [
        pytest.param(DAY, "2.00", 2, id="days with usage of the 14 before"),
        pytest.param("s1", "2.00", 2, id="sessions of the project with a known cost"),
        pytest.param("feature", "2.00", 2, id="branches of the project with a known cost"),
        pytest.param("s5", None, 0, id="the only session of its project"),
    ],
)
@pytest.mark.usefixtures("published")
def test_what_is_usual_is_the_median_of_its_like(name: str, usual: str | None, count: int) -> None:
    expected = {"cost_usd": None if usual is None else Decimal(usual), "count": count}
    assert explained(name)["usual"] == expected


@pytest.mark.usefixtures("published")
def test_a_session_and_a_branch_have_their_own_requests_and_causes() -> None:
    for name, kind in (("s1", "session"), ("feature", "branch")):
        answer = explained(name)
        assert (answer["kind"], answer["name"]) == (kind, name)
        assert answer["total"]["cost_usd"] == 7
        assert {row["cause"] for row in answer["causes"]} == {
            "cache_expired", "failed_tool", "subagent"
        }  # fmt: skip


@pytest.mark.usefixtures("published")
def test_the_start_of_an_id_is_enough_where_only_one_begins_so() -> None:
    result = CliRunner().invoke(cli, ["explain", "s"])
    assert result.exit_code == 1
    assert "names 5 of them" in result.output
    result = CliRunner().invoke(cli, ["explain", "nonesuch"])
    assert result.exit_code == 1
    assert "report --by session" in result.output


@pytest.mark.usefixtures("published")
def test_it_reads_as_sentences_and_tables() -> None:
    text = printed(DAY)
    assert text.startswith(f"{DAY} (UTC) cost ≥ $7.00 in 4 requests.\nThat is 3.5 times the usual ")
    assert "cache expired in a pause" in text
    assert "≥ $0.75" in text
    assert "2h 00m" in text
    assert "no cause" in text


@pytest.mark.usefixtures("published")
def test_a_day_is_the_users_own_for_usage_causes_and_tools(home: Home) -> None:
    home.config_file.write_text("time_zone: Asia/Tokyo\nday_rollover_hour: 20\n")
    # A day begins at 11:00 UTC: after the first request and its tools, before the others.
    assert explained("2026-03-09")["total"]["cost_usd"] == 1
    next_day = explained(DAY)
    assert next_day["total"]["cost_usd"] == 86
    assert next_day["explained_usd"] == Decimal("5.75")
    assert next_day["tools"] == []


@pytest.mark.usefixtures("published")
def test_a_day_without_usage_cost_nothing() -> None:
    answer = explained("2026-03-20")
    assert (answer["total"]["cost_usd"], answer["causes"]) == (0, [])
    assert "No cause explains any of it" in printed("2026-03-20")


@pytest.mark.usefixtures("home")
def test_without_marts_it_says_what_to_do() -> None:
    result = CliRunner().invoke(cli, ["explain", "today"])
    assert result.exit_code == 1
    assert "agent-analytics transform" in result.output
