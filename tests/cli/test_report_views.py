"""Sessions, five-hour blocks and tools, as `report --by` lists them."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from agent_analytics_cli.days import Days
from agent_analytics_cli.reports.block_report import FACTS as BLOCK_FACTS
from agent_analytics_cli.reports.block_report import blocks_of_hours, view_at
from agent_analytics_cli.reports.report_view import View
from agent_analytics_cli.reports.tool_report import FACTS as TOOL_FACTS
from agent_analytics_cli.short_names import letters_to_show, short_session
from agent_analytics_collector.home import Home

from .published import UNPRICED, publish
from .test_report import report, rows


def blocks_at(home: Home, now: str, zone: str = "UTC", since: date | None = None) -> View:
    file = (home.published / "current" / "marts.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as marts:
        return view_at(datetime.fromisoformat(now), marts, since, None, Days(zone))


def usage_at(*times: str, **changes: Any) -> list[dict[str, Any]]:
    return [{"requested_at": f"2026-03-{time}+00"} | changes for time in times]


def test_a_session_has_its_usage_beside_what_the_session_did(home: Home) -> None:
    publish(
        home,
        [{}, {"model": "opus", "cost_usd": "2"}],
        [{}],
        sessions=[{}],
    )
    (row,) = rows("--by", "session")
    tokens = {
        "input_tokens": 25, "cache_read_tokens": 2000, "cache_write_5m_tokens": 400,
        "cache_write_1h_tokens": 0, "output_tokens": 67, "reasoning_tokens": None,
    }  # fmt: skip
    assert row == {
        "session": "s1", "agent": "claude_code", "developer": "ada", "project": "app",
        "branch": "main", "machine": "laptop", "started_at": "2026-03-10T11:59:00Z",
        "last_at": "2026-03-10T12:30:00Z", "models": ["opus", "haiku"], "outcome": "answered",
        "prompts": 2, "tool_calls": 3, "commits": 1, "requests": 2, **tokens,
        "cost_usd": Decimal("2.013345678"), "unpriced_requests": 0, "cost_is_partial": False,
    }  # fmt: skip


def test_sessions_are_printed_the_last_active_first_in_the_time_zone(home: Home) -> None:
    publish(
        home,
        [{}, {"session_id": "s2", "cost_usd": "0.5", "model": None}, {"session_id": None}],
        sessions=[
            {"project_id": "https://github.com/acme/widgets"},
            {"session_id": "s2", "ended_at": "2026-03-10 13:00:00+00", "project_id": "/src/a"},
        ],
    )
    result = report("--by", "session", "--tz", "Asia/Tokyo")
    assert result.stdout == (
        "started           session  agent        project       model  prompts  requests  tokens"
        "  commits     cost\n"
        f"{'─' * 104}\n"
        "2026-03-10 20:59  s2       claude_code  a             —            2         1   1,240"
        "        1  $0.5000\n"
        "2026-03-10 20:59  s1       claude_code  acme/widgets  haiku        2         1   1,240"
        "        1  $0.0123\n"
        "2026-03-10 21:00  —        claude_code  app           haiku        —         1   1,240"
        "        —  $0.0123\n"
        f"{'─' * 104}\n"
        "total                                                              4         3   3,720"
        "        2  $0.5247\n"
    )
    assert "2026-03-10 (Asia/Tokyo) is the last day with data" in result.stderr


def test_a_session_over_midnight_has_only_what_it_used_in_the_range(home: Home) -> None:
    publish(
        home,
        [{}, {"requested_at": "2026-03-11 00:30:00+00", "cost_usd": "1"}],
        sessions=[{"ended_at": "2026-03-11 00:31:00+00"}],
    )
    (row,) = rows("--by", "session", "--since", "2026-03-11", "--until", "2026-03-11")
    assert (row["requests"], row["cost_usd"], row["prompts"]) == (1, 1, 2)
    (whole,) = rows("--by", "session")
    assert whole["requests"] == 2
    assert rows("--by", "session", "--since", "2026-03-12") == []
    shifted = rows("--by", "session", "--since", "2026-03-11", "--tz", "America/New_York")
    assert shifted == []


def test_usage_that_is_booked_after_its_session_ended_is_beside_what_the_session_did(
    home: Home,
) -> None:
    publish(home, [{}], [{"cost_usd": "2"}], sessions=[{}])
    zone = "Etc/GMT-11"  # its midnight is between the end, 12:30, and the booking, 13:00
    (row,) = rows("--by", "session", "--since", "2026-03-11", "--tz", zone)
    assert (row["started_at"], row["last_at"]) == ("2026-03-10T11:59:00Z", "2026-03-10T12:30:00Z")
    assert (row["prompts"], row["branch"], row["machine"]) == (2, "main", "laptop")
    assert (row["requests"], row["cost_usd"]) == (0, 2)
    assert rows("--by", "session", "--since", "2026-03-12", "--tz", zone) == []


def test_a_session_of_an_agent_that_counts_nothing_is_listed_at_unknown_cost(home: Home) -> None:
    publish(home, sessions=[{"agent": "cursor"}])
    (row,) = rows("--by", "session")
    assert (row["agent"], row["requests"], row["cost_usd"]) == ("cursor", 0, None)
    assert (row["models"], row["commits"]) == ([], 1)


def test_sessions_add_up_to_the_total_of_all_usage(home: Home) -> None:
    publish(
        home,
        [{"session_id": f"s{n % 7}" if n % 5 else None, "cost_usd": f"0.{n:09}"}
         for n in range(1, 60)] + [{"session_id": "s3"} | UNPRICED],
        [{"session_id": "s9"}],
        sessions=[{"session_id": f"s{n}"} for n in range(9)],
    )  # fmt: skip
    printed = json.loads(report("--by", "session", "--json").stdout, parse_float=Decimal)
    for measure in ("requests", "input_tokens", "cost_usd", "unpriced_requests"):
        known = [row[measure] for row in printed["rows"] if row[measure] is not None]
        assert sum(known) == printed["total"][measure]
    assert printed["total"] == json.loads(report("--json").stdout, parse_float=Decimal)["total"]
    assert "The cost of 1 request is unknown" in report("--by", "session").stderr


def test_ids_that_begin_alike_are_shown_as_far_as_they_differ() -> None:
    assert letters_to_show([]) == 8
    assert letters_to_show(["abcdefghijkl"]) == 8
    assert letters_to_show(["01a20158-c6", "01a20158-d0", "01a20158-c6"]) == 10
    assert letters_to_show(["abcdefghij", "abcdefghijkl"]) == 11
    assert short_session(["01a20158-c6aa", "x"], 10) == "01a20158-c +1"


def test_a_block_begins_at_the_full_hour_and_the_first_usage_after_it_begins_the_next(
    home: Home,
) -> None:
    publish(
        home,
        usage_at("10 09:40:00", "10 13:59:59", "10 14:00:00", "10 14:30:00", "10 20:15:00"),
        [{"booked_at": "2026-03-10 14:20:00+00"}],
    )
    found = blocks_at(home, "2026-04-01T00:00:00Z").rows
    assert [(row["block"], row["ends_at"], row["requests"]) for row in found] == [
        ("2026-03-10T09:00:00Z", "2026-03-10T14:00:00Z", 2),
        ("2026-03-10T14:00:00Z", "2026-03-10T19:00:00Z", 2),
        ("2026-03-10T20:00:00Z", "2026-03-11T01:00:00Z", 1),
    ]
    assert [row["total_tokens"] for row in found] == [2480, 2492, 1240]
    assert {row["estimated"] for row in found} == {True}
    assert (found[1]["first_used_at"], found[1]["last_used_at"]) == (
        "2026-03-10T14:00:00Z",
        "2026-03-10T14:30:00Z",
    )


def test_blocks_are_each_agents_and_each_developers_own() -> None:
    hours = [("a", "x", 1), ("a", None, 2), ("b", "x", 3), ("a", "x", 5), ("a", "x", 6),
             ("a", None, 7), ("a", "x", 10), ("a", "x", 11)]  # fmt: skip
    found = list(blocks_of_hours(hours))
    assert [hour for hour, _ in found] == hours
    assert [began for _, began in found] == [1, 2, 3, 1, 6, 7, 6, 11]


def test_the_block_that_runs_has_a_burn_rate_and_where_it_leads(home: Home) -> None:
    publish(
        home,
        usage_at("10 09:30:00", "10 10:30:00", cost_usd="1.5") + usage_at("10 03:00:00"),
    )
    view = blocks_at(home, "2026-03-10T12:00:00Z")
    ended, running = view.rows
    assert (ended["is_active"], ended["cost_usd_per_hour"]) == (False, None)
    assert running["is_active"]
    assert running["cost_usd_per_hour"] == 3
    assert running["projected_cost_usd"] == 9  # two more hours at 3 an hour
    assert running["tokens_per_minute"] == round(2480 / 60)
    assert view.shown[1]["state"] == "active, 2h 00m left"
    assert blocks_at(home, "2026-03-10T14:00:00Z").rows[1]["is_active"] is False


@pytest.mark.parametrize(("second", "projected"), [("39:59", None), ("40:00", 21)])
def test_a_few_minutes_of_use_lead_nowhere_yet(
    home: Home, second: str, projected: int | None
) -> None:
    publish(home, usage_at("10 09:30:00", f"10 09:{second}", cost_usd="0.5"))
    (running,) = blocks_at(home, "2026-03-10T10:40:00Z").rows
    assert running["projected_cost_usd"] == projected
    assert running["cost_usd_per_hour"] >= 6


def test_a_block_of_one_request_or_unknown_cost_has_no_rate(home: Home) -> None:
    publish(
        home,
        usage_at("10 09:30:00") + usage_at("10 09:30:00", "10 10:30:00", agent="codex", **UNPRICED),
    )
    one, unpriced = blocks_at(home, "2026-03-10T12:00:00Z").rows
    assert (one["tokens_per_minute"], one["cost_usd_per_hour"]) == (None, None)
    assert (unpriced["tokens_per_minute"], unpriced["projected_cost_usd"]) == (41, None)


def test_blocks_are_chosen_by_the_day_on_which_they_begin(home: Home) -> None:
    publish(home, usage_at("10 21:30:00", "11 01:30:00", "11 04:00:00"))
    since = date(2026, 3, 11)
    found = blocks_at(home, "2026-04-01T00:00:00Z", since=since).rows
    assert [row["block"] for row in found] == ["2026-03-11T04:00:00Z"]
    in_berlin = blocks_at(home, "2026-04-01T00:00:00Z", "Asia/Tokyo", since)
    assert [row["requests"] for row in in_berlin.rows] == [2, 1]
    assert in_berlin.shown[0]["from_to"] == "2026-03-11 06:00-11:00"


def test_blocks_are_the_same_in_a_zone_of_half_hours_and_add_up(home: Home) -> None:
    times = [f"{10 + n // 24} {n % 24:02}:{n * 7 % 60:02}:00" for n in range(0, 200, 3)]
    publish(home, usage_at(*times), [{}])
    kolkata = blocks_at(home, "2026-04-01T00:00:00Z", "Asia/Kolkata").rows
    assert [row["block"] for row in kolkata] == [
        row["block"] for row in blocks_at(home, "2026-04-01T00:00:00Z").rows
    ]
    (all_usage,) = rows("--by", "agent")
    assert sum(row["cost_usd"] for row in kolkata) == all_usage["cost_usd"]
    assert sum(row["requests"] for row in kolkata) == all_usage["requests"] == len(times)


def test_blocks_are_printed_with_what_they_are_worth(home: Home) -> None:
    now = datetime.now(UTC)
    publish(
        home,
        [{"requested_at": str(now - timedelta(minutes=minutes))} for minutes in (0, 1)],
    )
    result = report("--by", "block")
    assert "active, " in result.stdout
    assert "an hour" in result.stdout
    assert "developer" not in result.stdout
    assert "estimated" in result.stderr
    publish(home, [{}, {"developer_id": "bob"}], run="run-2")
    result = report("--by", "block")
    assert "developer" in result.stdout
    assert "an hour" not in result.stdout
    (heading, *_) = csv.reader(io.StringIO(report("--by", "block", "--csv").stdout))
    assert tuple(heading) == BLOCK_FACTS


def test_tools_are_counted_with_failures_and_durations(home: Home) -> None:
    publish(
        home,
        tool_calls=[
            {"duration_ms": 10}, {"duration_ms": 20, "success": False}, {"duration_ms": 900},
            {"success": None, "duration_ms": None},
            {"tool_name": "Edit", "is_edit": True, "lines_added": 4, "lines_removed": 1},
            {"tool_name": "Edit", "is_edit": True, "lines_added": 7, "success": False},
            {"tool_name": "Edit", "is_edit": True, "decision": "reject", "success": None},
        ],
    )  # fmt: skip
    bash, edit = rows("--by", "tool")
    assert bash == {
        "tool": "Bash", "agent": "claude_code", "calls": 4, "failures": 1,
        "failure_share": Decimal("0.3333"), "rejections": 0, "sessions": 1,
        "median_duration_ms": 20, "lines_added": None, "lines_removed": None,
    }  # fmt: skip
    assert tuple(bash) == TOOL_FACTS
    assert (edit["calls"], edit["failures"], edit["rejections"]) == (3, 1, 1)
    assert (edit["lines_added"], edit["lines_removed"]) == (4, 1)
    total = json.loads(report("--by", "tool", "--json").stdout)["total"]
    assert (total["calls"], total["failures"], total["sessions"]) == (7, 2, 1)
    result = report("--by", "tool")
    assert "33.3%" in result.stdout
    assert result.stderr.endswith("Tokens and cost belong to requests and are not split by tool.\n")


def test_tools_are_of_the_days_asked_for(home: Home) -> None:
    publish(home, tool_calls=[{}, {"called_at": "2026-03-11 02:00:00+00", "tool_name": "Read"}])
    assert [row["tool"] for row in rows("--by", "tool", "--since", "2026-03-11")] == ["Read"]
    home.config_file.write_text("day_rollover_hour: 4\n")
    assert len(rows("--by", "tool", "--until", "2026-03-10")) == 2
    assert "There are no tool calls from 2026-03-12" in (
        report("--by", "tool", "--since", "2026-03-12").stderr
    )


@pytest.mark.parametrize("key", ["session", "block", "tool"])
def test_a_listing_of_nothing_says_so(home: Home, key: str) -> None:
    unpublished = report("--by", key)
    assert (unpublished.exit_code, unpublished.stdout) == (0, "")
    assert "`agent-analytics transform`" in unpublished.stderr
    assert json.loads(report("--by", key, "--json").stdout)["rows"] == []
    publish(home)
    empty = report("--by", key)
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "recorded yet" in empty.stderr
    assert report("--by", key, "--csv").stdout.count("\n") == 1


def test_durations_read_as_people_say_them(home: Home) -> None:
    calls = [(12, "12 ms"), (3_400, "3.4 s"), (306_000, "5m 06s"), (7_380_000, "2h 03m")]
    publish(
        home,
        tool_calls=[{"tool_name": f"t{ms}", "duration_ms": ms} for ms, _ in calls],
    )
    lines = report("--by", "tool").stdout.splitlines()
    for ms, text in calls:
        (line,) = [line for line in lines if line.startswith(f"t{ms} ")]
        assert line.endswith(text)
