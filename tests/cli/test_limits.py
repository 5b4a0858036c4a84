"""`limits`, exactly as printed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_cli.reports.limits_query import FACTS, for_people, read_limits
from agent_analytics_collector.home import Home

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCHEMA = """
create table dim_agents (agent varchar, display_name varchar);
insert into dim_agents values ('claude_code', 'Claude Code'), ('codex', 'Codex');
create table fct_limit_windows (
    limit_key varchar, agent varchar, account varchar, developer_id varchar, limit_id varchar,
    "window" varchar, plan_type varchar, used_percentage double, pace double, requests bigint,
    unpriced_requests bigint, cost_usd decimal(18, 9), list_usd_per_percent decimal(18, 9),
    estimated boolean, started_at timestamptz, observed_at timestamptz, resets_at timestamptz,
    runs_out_at timestamptz
);
"""
WINDOW: dict[str, Any] = {
    "limit_key": "k", "agent": "claude_code", "account": "acc-1", "developer_id": "jo",
    "limit_id": None, "window": "five_hour", "plan_type": None, "used_percentage": 24.4,
    "pace": 0.81, "requests": 3, "unpriced_requests": 0, "cost_usd": 10, "list_usd_per_percent": 2,
    "estimated": False, "started_at": NOW - 2 * HOUR, "observed_at": NOW - HOUR / 2,
    "resets_at": NOW + 3 * HOUR, "runs_out_at": None,
}  # fmt: skip
WEEK = WINDOW | {
    "agent": "codex", "account": None, "window": "seven_day", "limit_id": "codex",
    "used_percentage": 90.0, "pace": 6.3, "unpriced_requests": 1, "started_at": NOW - 24 * HOUR,
    "resets_at": NOW + 144 * HOUR, "runs_out_at": NOW + 2 * HOUR,
}  # fmt: skip
BLOCK = WINDOW | {"used_percentage": None, "pace": None, "estimated": True,
                  "list_usd_per_percent": None}  # fmt: skip


def publish(home: Home, *windows: dict[str, Any]) -> None:
    folder = home.published / "run-1"
    folder.mkdir(parents=True)
    (home.published / "current").symlink_to("run-1")
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute(SCHEMA)
        for window in windows:
            connection.execute(
                "INSERT INTO fct_limit_windows BY NAME SELECT "
                + ", ".join(f'${name} AS "{name}"' for name in window),
                window,
            )


def shown(home: Home, now: datetime = NOW) -> list[dict[str, Any]]:
    with duckdb.connect(str(home.current_marts), read_only=True) as marts:
        return [for_people(row, now) for row in read_limits(marts, now).rows]


def test_windows_come_by_agent_and_length_with_how_long_is_left(home: Home) -> None:
    publish(home, WEEK, WEEK | {"window": "five_hour", "limit_id": "spark",
                                "started_at": NOW - HOUR}, WINDOW)  # fmt: skip
    keys = ("agent", "window", "used", "pace", "resets", "runs_out", "is_partial", "read")
    assert [tuple(row[key] for key in keys) for row in shown(home)] == [
        ("Claude Code", "five_hour", 24, "0.8", "in 3h00m", None, False, "30m ago"),
        ("Codex", "five_hour spark", 90, "6.3", "in 6d0h", "in 2h00m", True, "30m ago"),
        ("Codex", "seven_day", 90, "6.3", "in 6d0h", "in 2h00m", True, "30m ago"),
    ]  # fmt: skip


def test_a_window_whose_reset_has_passed_comes_last_and_has_no_pace(home: Home) -> None:
    publish(home, WINDOW, WEEK)
    week, over = shown(home, NOW + 4 * HOUR)
    assert (week["agent"], week["is_over"], week["runs_out"]) == ("Codex", False, "2h00m ago")
    assert (over["agent"], over["is_over"], over["pace"], over["resets"]) == (
        "Claude Code", True, None, "1h00m ago",
    )  # fmt: skip


def test_the_table_says_what_is_estimated_and_what_is_a_lower_bound(home: Home) -> None:
    publish(home, BLOCK, WEEK)
    result = CliRunner().invoke(cli, ["limits"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "agent", "window", "used", "%", "pace", "resets", "runs", "out", "cost", "per", "%", "told",
    ]  # fmt: skip
    (block,) = (line for line in lines if "five_hour (estimated)" in line)
    (week,) = (line for line in lines if "seven_day" in line)
    assert "$10.00        —" in block
    assert "≥ $10.00  ≥ $2.00" in week
    assert "init --status-line" in result.stderr
    assert "`≥` marks costs" in result.stderr


def test_json_and_csv_have_the_exact_facts(home: Home) -> None:
    publish(home, WINDOW, BLOCK | {"limit_key": "l", "developer_id": "ann"})
    told, block = json.loads(CliRunner().invoke(cli, ["limits", "--json"]).stdout)["limits"]
    assert tuple(told) == FACTS
    assert (told["used_percentage"], told["list_usd_per_percent"]) == (24.4, 2)
    assert told["resets_at"] == "2026-11-22T15:00:00Z"
    assert told["runs_out_at"] is None
    assert (block["estimated"], block["used_percentage"], block["pace"]) == (True, None, None)
    assert (told["observed_at"], block["started_at"]) == (
        "2026-11-22T11:30:00Z", "2026-11-22T10:00:00Z",
    )  # fmt: skip
    listed = list(csv.DictReader(io.StringIO(CliRunner().invoke(cli, ["limits", "--csv"]).stdout)))
    assert [(row["developer_id"], row["resets_at"]) for row in listed] == [
        ("jo", "2026-11-22T15:00:00Z"), ("ann", "2026-11-22T15:00:00Z"),
    ]  # fmt: skip


def test_who_has_told_is_not_asked_to_have_it_told(home: Home) -> None:
    publish(home, WINDOW, BLOCK | {"limit_key": "l", "developer_id": "ann"})
    result = CliRunner().invoke(cli, ["limits"])
    assert "five_hour (estimated)" in result.stdout
    assert "init --status-line" not in result.stderr


def test_what_a_limit_counts_may_be_unknown(home: Home) -> None:
    unknown = dict.fromkeys(("requests", "unpriced_requests", "cost_usd", "list_usd_per_percent"))
    publish(home, WINDOW | unknown | {"window": "seven_day_oauth_apps"})
    (row,) = json.loads(CliRunner().invoke(cli, ["limits", "--json"]).stdout)["limits"]
    assert {name: row[name] for name in unknown} == unknown
    (shown_row,) = shown(home)
    assert shown_row["is_partial"] is False


@pytest.mark.parametrize("is_published", [True, False])
def test_without_any_window_it_says_where_they_come_from(home: Home, is_published: bool) -> None:
    if is_published:
        publish(home)
    result = CliRunner().invoke(cli, ["limits", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"limits": []}
    expected = "Codex's come with its session files" if is_published else "No marts are published"
    assert expected in result.stderr


def test_marts_of_an_older_version_are_to_be_published_again(home: Home) -> None:
    publish(home)
    with duckdb.connect(str(home.current_marts)) as connection:
        connection.execute("DROP TABLE fct_limit_windows")
    result = CliRunner().invoke(cli, ["limits"])
    assert result.exit_code == 1
    assert "agent-analytics transform" in result.stderr
