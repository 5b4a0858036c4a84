"""Cost and usage from published marts, exactly as printed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.days import Days
from agent_analytics_cli.main import cli
from agent_analytics_cli.reports.report_query import DIMENSIONS, read_report
from agent_analytics_collector.home import Home

from .published import REQUEST, UNPRICED, Rows, publish


def report(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, ["report", *arguments], prog_name="agent-analytics")


def rows(*arguments: str) -> Rows:
    result = report("--json", *arguments)
    assert result.exit_code == 0, result.output
    found: Rows = json.loads(result.stdout, parse_float=Decimal)["rows"]
    return found


def test_the_first_table_is_by_day_agent_and_model_with_a_total(home: Home) -> None:
    publish(
        home,
        [
            {},
            {"requested_at": "2026-03-10 15:00:00+00", "cost_usd": "0.02"},
            {"model": "opus", "cost_usd": "1.5", "cache_write_1h_tokens": 4},
            {"agent": "codex", "model": "gpt", "requested_at": "2026-03-11 01:00:00+00"} | UNPRICED,
        ],
        [{}],
    )
    result = report()
    assert result.exit_code == 0
    assert result.stdout == (
        "                                                        cache  cache\n"
        "                                                 cache  write  write"
        "                     unpriced\n"
        "day         agent        model  requests  input   read     5m     1h"
        "  output       cost  requests\n"
        f"{'─' * 97}\n"
        "2026-03-10  claude_code  opus          1     10  1,000    200      4"
        "      30    $1.5000         0\n"
        "2026-03-10  claude_code  haiku         2     25  2,000    400      0"
        "      67    $0.0333         0\n"
        "2026-03-11  codex        gpt           1     10  1,000    200      0"
        "      30          —         1\n"
        f"{'─' * 97}\n"
        "total                                  4     45  4,000    800      4"
        "     127  ≥ $1.5333         1\n"
    )
    assert result.stderr == (
        "2026-03-10 to 2026-03-11 (UTC) has the last 2 days with data; "
        "--since chooses others.\n"
        "The cost of 1 request is unknown: `—` where no cost is known, `≥` where a sum leaves "
        "unknown ones out.\n"
    )


def test_json_has_the_range_the_rows_and_the_total_in_exact_numbers(home: Home) -> None:
    publish(home, [{}, {"cost_usd": "0.000000001"}], [{}])
    result = report("--by", "model", "--since", "2026-03-01", "--until", "2026-03-31", "--json")
    sums = {
        "requests": 2, "input_tokens": 25, "cache_read_tokens": 2000,
        "cache_write_5m_tokens": 400, "cache_write_1h_tokens": 0, "output_tokens": 67,
        "reasoning_tokens": None, "cost_usd": Decimal("0.013345679"), "unpriced_requests": 0,
        "cost_is_partial": False,
    }  # fmt: skip
    assert json.loads(result.stdout, parse_float=Decimal) == {
        "by": ["model"],
        "since": "2026-03-01",
        "until": "2026-03-31",
        "time_zone": "UTC",
        "rows": [{"model": "haiku", **sums}],
        "total": sums,
    }
    assert result.stderr == ""


def test_csv_has_the_rows_alone(home: Home) -> None:
    publish(home, [{"model": "=cmd()", "session_id": None}, {} | UNPRICED])
    result = report("--by", "session,model", "--csv")
    table = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["session"], row["model"], row["cost_usd"]) for row in table] == [
        ("", "'=cmd()", "0.012345678"),
        ("s1", "haiku", ""),
    ]
    assert "total" not in result.stdout


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        ("day", "2026-03-10"),
        ("week", "2026-03-09"),
        ("month", "2026-03"),
        ("agent", "claude_code"),
        ("model", "haiku"),
        ("developer", "ada"),
        ("project", "app"),
        ("branch", "main"),
        ("worktree", "/src/app"),
        ("machine", "laptop"),
        ("session", "s1"),
        ("query_source", "repl"),
        ("subagent", "Explore"),
    ],
)
def test_usage_is_grouped_by_any_dimension(home: Home, dimension: str, value: str) -> None:
    told = {
        "git_branch": "main", "worktree": "/src/app", "machine": "laptop", "query_source": "repl",
        "subagent": "Explore",
    }  # fmt: skip
    publish(home, [told, told])
    (row,) = rows("--by", dimension)
    assert (row[dimension], row["requests"]) == (value, 2)


def test_the_parametrised_dimensions_are_all_there_are() -> None:
    assert DIMENSIONS == (
        "day", "week", "month", "agent", "model", "developer", "project", "branch", "worktree",
        "machine", "session", "query_source", "subagent",
    )  # fmt: skip


def test_dimensions_may_be_repeated_or_separated_by_commas(home: Home) -> None:
    publish(home, [{}])
    (row,) = rows("--by", "agent, model", "--by", "session", "--by", "agent")
    assert list(row)[:3] == ["agent", "model", "session"]


def test_branch_worktree_and_machine_of_a_remainder_are_its_sessions(home: Home) -> None:
    publish(
        home,
        [{"git_branch": "main", "worktree": "/src/app", "machine": "laptop"}],
        [{}, {"session_id": "s2"}],
        sessions=[{}, {"session_id": "s2", "git_branch": None, "machine": None, "worktree": None}],
    )
    found = rows("--by", "branch,worktree,machine")
    assert [(row["branch"], row["worktree"], row["machine"], row["requests"]) for row in found] == [
        ("main", "/src/app", "laptop", 1), (None, None, None, 0),
    ]  # fmt: skip
    assert [row["input_tokens"] for row in found] == [15, 5]


def test_a_sub_agents_request_without_a_source_is_the_sub_agents(home: Home) -> None:
    publish(home, [{"is_subagent": True}, {"query_source": "sdk"}, {"subagent": "Explore"}, {}])
    sources = {row["query_source"]: row["requests"] for row in rows("--by", "query-source")}
    assert sources == {"subagent": 1, "sdk": 1, None: 2}
    names = {row["subagent"]: row["requests"] for row in rows("--by", "subagent")}
    assert names == {"subagent": 1, "Explore": 1, None: 2}


def test_marts_of_an_older_release_are_read_as_far_as_they_go(home: Home) -> None:
    file = publish(home, [{}], [{}])
    with duckdb.connect(str(file)) as connection:
        connection.execute("alter table fct_agent_requests drop worktree")
        connection.execute("alter table dim_models drop display_name")
    assert [row["model"] for row in rows("--by", "model")] == ["haiku"]
    assert "haiku" in report("--by", "model").stdout
    result = report("--by", "worktree")
    assert result.exit_code == 1
    assert "worktree" in result.stderr
    assert "`agent-analytics transform`" in result.stderr


def test_tables_show_agents_and_models_by_name_and_data_by_id(home: Home) -> None:
    publish(
        home,
        [{"model": "claude-opus-4-5"}, {"agent": "mine", "model": "mine-1"}],
        agents=[{"agent": "claude_code", "display_name": "Claude Code"}],
        models=[{"model": "claude-opus-4-5", "display_name": "Claude Opus 4.5"}],
    )
    table = report("--by", "agent,model").stdout
    assert "Claude Code  Claude Opus 4.5" in table
    assert "mine         mine-1" in table
    assert {row["agent"] for row in rows("--by", "agent")} == {"claude_code", "mine"}
    assert "\nclaude_code,claude-opus-4-5," in report("--by", "agent,model", "--csv").stdout


def test_remainders_add_tokens_and_cost_and_no_request(home: Home) -> None:
    publish(home, [{}], [{}, {"session_id": "s2", "model": None}])
    by_session = {row["session"]: row for row in rows("--by", "session")}
    assert by_session["s1"]["requests"] == 1
    assert by_session["s1"]["input_tokens"] == 15
    assert by_session["s1"]["cost_usd"] == Decimal("0.013345678")
    assert by_session["s2"]["requests"] == 0
    assert by_session["s2"]["cost_usd"] == Decimal("0.001")


def test_a_cost_that_nobody_knows_is_never_zero(home: Home) -> None:
    publish(home, [{"model": "new"} | UNPRICED, {"model": "free", "cost_usd": "0"}])
    by_model = {row["model"]: row for row in rows("--by", "model")}
    assert by_model["new"]["cost_usd"] is None
    assert by_model["new"]["unpriced_requests"] == 1
    assert by_model["new"]["cost_is_partial"] is False
    assert by_model["free"]["cost_usd"] == 0
    lines = report("--by", "model").stdout.splitlines()
    assert [line.split()[0] for line in lines if "—" in line] == ["new"]
    assert "≥ $0.00" in lines[-1]


def test_a_failed_request_is_counted_and_is_not_unpriced(home: Home) -> None:
    nothing = dict.fromkeys([name for name in REQUEST if name.endswith("_tokens")])
    failed = nothing | UNPRICED | {"is_error": True}
    publish(home, [{}, failed])
    (row,) = rows("--by", "agent")
    assert (row["requests"], row["unpriced_requests"], row["cost_is_partial"]) == (2, 0, False)
    assert row["cost_usd"] == Decimal("0.012345678")


def test_a_remainder_without_cost_makes_the_sum_a_lower_bound(home: Home) -> None:
    publish(home, [{}], [{"cost_usd": None}])
    (row,) = rows("--by", "agent")
    assert (row["cost_is_partial"], row["unpriced_requests"]) == (True, 0)
    result = report("--by", "agent")
    assert "≥ $0.0123" in result.stdout
    assert "The cost of some usage is unknown" in result.stderr


def test_days_are_counted_in_the_time_zone_and_from_the_rollover_hour(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(home, [{"requested_at": "2026-03-10 23:30:00+00"}])
    assert [row["day"] for row in rows("--by", "day")] == ["2026-03-10"]
    assert [row["day"] for row in rows("--by", "day", "--tz", "Europe/Berlin")] == ["2026-03-11"]
    home.config_file.write_text("time_zone: Europe/Berlin\n")
    assert [row["day"] for row in rows("--by", "day")] == ["2026-03-11"]
    monkeypatch.setenv("AGENT_ANALYTICS_DAY_ROLLOVER_HOUR", "4")
    assert [row["day"] for row in rows("--by", "day")] == ["2026-03-10"]


def test_both_ends_of_the_range_are_included(home: Home) -> None:
    publish(home, [{"requested_at": f"2026-03-{day} 00:00:00+00"} for day in (9, 10, 11, 12)])
    found = rows("--by", "day", "--since", "2026-03-10", "--until", "2026-03-11")
    assert [row["day"] for row in found] == ["2026-03-10", "2026-03-11"]


def test_relative_days_count_back_from_today(home: Home) -> None:
    today = datetime.now(UTC).date()
    ages = (0, 1, 7, 14, 15)
    publish(home, [{"requested_at": f"{today - timedelta(days=age)} 00:00:00+00"} for age in ages])

    def found(*arguments: str) -> list[int]:
        days = [date.fromisoformat(row["day"]) for row in rows("--by", "day", *arguments)]
        return [(today - day).days for day in reversed(days)]

    assert found("--since", "today") == [0]
    assert found("--since", "yesterday") == [0, 1]
    assert found("--since", "7d") == [0, 1, 7]
    assert found("--since", "2w", "--until", "yesterday") == [1, 7, 14]


def test_without_since_the_last_thirty_days_with_data_are_shown(home: Home) -> None:
    first = date(2025, 1, 1)
    days = [first + timedelta(days=3 * number) for number in range(40)]
    publish(home, [{"requested_at": f"{day} 10:00:00+00"} for day in days])
    result = report("--by", "day", "--json")
    printed = json.loads(result.stdout)
    assert [row["day"] for row in printed["rows"]] == [day.isoformat() for day in days[10:]]
    assert (printed["since"], printed["until"]) == (str(days[10]), str(days[-1]))
    assert result.stderr == (
        f"{days[10]} to {days[-1]} (UTC) has the last 30 days with data; --since chooses others.\n"
    )
    earlier = json.loads(report("--by", "day", "--until", str(days[20]), "--json").stdout)
    assert len(earlier["rows"]) == 21
    assert earlier["until"] == str(days[20])


def test_periods_come_in_order_and_then_the_costliest_first(home: Home) -> None:
    publish(
        home,
        [
            {"requested_at": "2026-03-11 10:00:00+00", "model": "a"},
            {"model": "cheap", "cost_usd": "0.1"},
            {"model": "dear", "cost_usd": "9"},
            {"model": "unknown"} | UNPRICED,
        ],
    )
    assert [(row["model"], row["day"]) for row in rows("--by", "model,day")] == [
        ("dear", "2026-03-10"),
        ("cheap", "2026-03-10"),
        ("unknown", "2026-03-10"),
        ("a", "2026-03-11"),
    ]


def test_before_anything_is_published_the_next_step_is_named(home: Home) -> None:
    result = report()
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`agent-analytics up`" in result.stderr
    assert "`agent-analytics transform`" in result.stderr
    empty = json.loads(report("--json").stdout)
    assert (empty["rows"], empty["since"], empty["total"]["cost_usd"]) == ([], None, None)
    assert report("--csv").stdout.startswith("day,agent,model,requests,")


def test_marts_without_a_single_request_say_so(home: Home) -> None:
    publish(home)
    result = report()
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("No usage is recorded yet.")
    assert list(rows()) == []


def test_a_range_without_data_says_what_range_has_some(home: Home) -> None:
    publish(home, [{}, {"requested_at": "2026-03-12 10:00:00+00"}])
    result = report("--since", "2026-04-01", "--until", "2026-04-30", "--json")
    printed = json.loads(result.stdout)
    assert (printed["rows"], printed["total"]["requests"]) == ([], 0)
    assert printed["total"]["cost_usd"] == 0
    assert result.stderr == (
        "There is no usage from 2026-04-01 to 2026-04-30 (UTC); "
        "there is from 2026-03-10 to 2026-03-12.\n"
    )
    assert report("--until", "2026-01-01").stderr == (
        "There is no usage up to 2026-01-01 (UTC); there is from 2026-03-10 to 2026-03-12.\n"
    )


def test_the_demo_is_reported_from_its_own_home(home: Home) -> None:
    publish(home, [{"model": "mine"}])
    publish(home.demo, [{"model": "recorded"}])
    assert [row["model"] for row in rows("--by", "model")] == ["mine"]
    assert [row["model"] for row in rows("--by", "model", "--demo")] == ["recorded"]


def test_the_latest_published_run_is_read(home: Home) -> None:
    publish(home, [{}])
    publish(home, [{}, {}], run="run-2")
    (row,) = rows("--by", "agent")
    assert row["requests"] == 2


def test_a_published_file_that_is_no_database_is_named(home: Home) -> None:
    file = publish(home)
    file.write_text("not a database" * 1000)
    result = report()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: The published marts in {file} cannot be read: ")
    assert "agent-analytics transform" in result.stderr


def test_a_published_file_without_a_mart_is_named(home: Home) -> None:
    file = publish(home)
    with duckdb.connect(str(file)) as connection:
        connection.execute("drop table fct_metric_remainders")
    result = report()
    assert result.exit_code == 1
    assert "fct_metric_remainders" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--by", "colour"], "'colour' is none of day, week, month, agent"),
        (["--by", ""], "'' is none of day"),
        (["--by", "block,model"], "`block` lists single blocks and goes with no other key"),
        (["--by", "day", "--by", "tool"], "`tool` lists single tools"),
        (["--since", "soon"], "'soon' is no day; write 2026-03-14, today"),
        (["--until", "999999d"], "'999999d' is no day"),
        (["--since", "2026-02-30"], "'2026-02-30' is no day"),
        (["--tz", "Mars/Olympus"], "'Mars/Olympus' is no IANA time zone"),
        (["--tz", "../etc/passwd"], "is no IANA time zone"),
        (["--since", "2026-02-02", "--until", "2026-02-01"], "2026-02-02 is after"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(
    home: Home, arguments: list[str], problem: str
) -> None:
    publish(home, [{}])
    result = report(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr


def test_hostile_names_are_data(home: Home) -> None:
    hostile = "'; drop table fct_agent_requests; --\x1b[2J"
    publish(home, [{"model": hostile, "session_id": hostile}])
    (row,) = rows("--by", "model,session")
    assert row["model"] == hostile
    assert "\x1b" not in report("--by", "model").stdout


def test_the_parts_of_every_grouping_add_up_to_the_total(home: Home) -> None:
    publish(
        home,
        [
            {"requested_at": f"2026-03-{1 + n % 28:02} {n % 24:02}:00:00+00", "model": f"m{n % 5}",
             "session_id": f"s{n % 11}" if n % 7 else None, "cost_usd": f"0.{n:09}",
             "input_tokens": n * 10**15}
            for n in range(1, 300)
        ],
        [{"cost_usd": "0.000000001"}],
    )  # fmt: skip
    file = (home.published / "current" / "marts.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as marts:
        for dimension in DIMENSIONS:
            read = read_report(marts, (dimension,), date(2026, 3, 1), None, Days("Asia/Tokyo"))
            for measure in ("requests", "input_tokens", "cost_usd"):
                assert sum(row[measure] for row in read.rows) == read.total[measure]
            assert read.total["cost_usd"] == Decimal("0.000044851")


def test_a_vendors_day_is_spend_with_the_vendors_own_count_and_makes_no_block(home: Home) -> None:
    publish(home, [{}], vendor_days=[{}, {"vendor_usage_key": "v2", "requests": None}])
    [cursor] = [row for row in rows("--by", "agent,branch") if row["agent"] == "cursor"]
    assert (cursor["requests"], cursor["cost_usd"], cursor["branch"]) == (4, 1, None)
    assert {row["agent"] for row in rows("--by", "block")} == {"claude_code"}
