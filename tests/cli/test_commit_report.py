"""`report --by commit` from published marts, exactly as printed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home

SCHEMA = """
create table fct_git_commits (
    commit_key varchar, commit_hash varchar, repository varchar, project_id varchar,
    developer_id varchar, branch varchar, agent varchar, session_key varchar, session_id varchar,
    attribution_tier varchar, files_changed bigint, lines_added bigint, lines_deleted bigint,
    effective_lines_added bigint, ai_lines bigint, attribution_confidence decimal(3, 2),
    cost_usd decimal(18, 9), is_merge boolean, agent_assisted boolean, is_reverted boolean,
    committed_at timestamptz, committed_date date
);
create table fct_commit_sessions (
    commit_key varchar, session_key varchar, commit_hash varchar, repository varchar,
    session_id varchar, agent varchar, attribution_tier varchar, attributed_lines bigint,
    cost_share_usd decimal(18, 9)
);
"""
SESSION = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
TOOL_CALL: dict[str, Any] = {
    "commit_hash": "a" * 40, "repository": "https://github.com/acme/app", "project_id": "app",
    "developer_id": "ada", "branch": "main", "agent": "claude_code", "session_id": SESSION,
    "attribution_tier": "tool_call", "files_changed": 2, "lines_added": 60, "lines_deleted": 4,
    "attribution_confidence": "1.0", "cost_usd": "0.123456789", "is_merge": False,
    "agent_assisted": True, "committed_at": "2026-03-10 12:00:00+00",
}  # fmt: skip
NOBODY = {
    "agent": None, "session_id": None, "attribution_confidence": None, "cost_usd": None,
}  # fmt: skip
UNTRACKED = NOBODY | {"attribution_tier": "untracked", "agent_assisted": False}
AMBIGUOUS = NOBODY | {"attribution_tier": "ambiguous", "agent_assisted": None}
WINDOW = {"attribution_tier": "window", "attribution_confidence": "0.4"}

Rows = Sequence[dict[str, Any]]


def publish(home: Home, *commits: dict[str, Any], links: Rows = ()) -> None:
    """Publish TOOL_CALL changed as each row says; a commit's key is its hash."""
    folder = home.published / "run-1"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute(SCHEMA)
        for commit in commits:
            values = TOOL_CALL | commit
            values["commit_key"] = values["commit_hash"]
            insert(connection, "fct_git_commits", values)
        for link in links:
            insert(connection, "fct_commit_sessions", link)
    (home.published / "current").symlink_to("run-1")


def insert(connection: duckdb.DuckDBPyConnection, table: str, values: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(
        f"insert into {table} ({', '.join(values)}) values ({marks})", list(values.values())
    )


def link(commit: str, session: str, share: str | None) -> dict[str, Any]:
    return {"commit_key": commit, "session_id": session, "cost_share_usd": share}


def report(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(
        cli, ["report", "--by", "commit", *arguments], prog_name="agent-analytics"
    )


def printed(*arguments: str) -> dict[str, Any]:
    result = report("--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout, parse_float=Decimal)
    return found


def test_commits_are_listed_newest_first_with_their_coverage(home: Home) -> None:
    publish(
        home,
        {},
        {"commit_hash": "b" * 40, "committed_at": "2026-03-11 09:30:00+00", "lines_added": 30,
         "repository": "/srv/code/tool", "cost_usd": None} | WINDOW,
        {"commit_hash": "c" * 40, "committed_at": "2026-03-11 10:00:00+00", "lines_added": 7,
         "is_merge": True} | UNTRACKED,
        {"commit_hash": "d" * 40, "committed_at": "2026-03-09 10:00:00+00", "lines_added": 9}
        | AMBIGUOUS,
        {"commit_hash": "e" * 40, "committed_at": "2026-03-08 10:00:00+00", "lines_added": 21}
        | UNTRACKED,
    )  # fmt: skip
    result = report()
    assert result.exit_code == 0
    assert result.stdout == (
        "day         time   repository  commit             agent        tier       confidence"
        "  session   +lines  -lines     cost\n"
        f"{'─' * 119}\n"
        "2026-03-11  10:00  acme/app    cccccccccc  merge  —            untracked  —         "
        "  —              7       4        —\n"
        "2026-03-11  09:30  tool        bbbbbbbbbb         claude_code  window     0.4       "
        "  11111111      30       4        —\n"
        "2026-03-10  12:00  acme/app    aaaaaaaaaa         claude_code  tool_call  1.0       "
        "  11111111      60       4  $0.1235\n"
        "2026-03-09  10:00  acme/app    dddddddddd         —            ambiguous  —         "
        "  —              9       4        —\n"
        "2026-03-08  10:00  acme/app    eeeeeeeeee         —            untracked  —         "
        "  —             21       4        —\n"
    )
    assert result.stderr == (
        "2026-03-08 to 2026-03-11 (UTC) has the last 4 days with data; --since chooses others.\n"
        "Coverage, merges left out: 2 of 4 commits and 75.0% of 120 added lines have a tier. "
        "By tier, with its share of the lines: tool_call 1 commit, 50.0%; window 1 commit, 25.0%; "
        "ambiguous 1 commit, 7.5%; untracked 1 commit, 17.5%.\n"
        "Untracked means that there is no evidence, not that a human wrote it.\n"
        "Ambiguous means that several sessions were active; none of them gets the commit.\n"
    )
    assert "human" not in result.stdout


def test_json_has_all_facts_of_each_commit_and_the_coverage(home: Home) -> None:
    publish(home, {}, links=[link("a" * 40, SESSION, "0.123456789")])
    assert printed("--since", "2026-03-01", "--until", "2026-03-31") == {
        "by": ["commit"],
        "since": "2026-03-01",
        "until": "2026-03-31",
        "time_zone": "UTC",
        "rows": [
            {
                "day": "2026-03-10",
                "committed_at": "2026-03-10T12:00:00Z",
                "repository": "https://github.com/acme/app",
                "project_id": "app",
                "commit_hash": "a" * 40,
                "branch": "main",
                "is_merge": False,
                "developer_id": "ada",
                "agent": "claude_code",
                "attribution_tier": "tool_call",
                "attribution_confidence": Decimal(1),
                "agent_assisted": True,
                "session_id": SESSION,
                "sessions": [SESSION],
                "files_changed": 2,
                "lines_added": 60,
                "lines_deleted": 4,
                "cost_usd": Decimal("0.123456789"),
                "cost_is_partial": False,
            }
        ],
        "coverage": {
            "commits": 1,
            "merges": 0,
            "lines_added": 60,
            "with_a_tier": {"commits": 1, "lines_added": 60, "share_of_lines": 1},
            "tiers": {"tool_call": {"commits": 1, "lines_added": 60, "share_of_lines": 1}},
        },
    }


def test_csv_has_the_full_hash_and_an_empty_cell_for_the_unknown(home: Home) -> None:
    publish(home, {"branch": "=cmd()"} | UNTRACKED)
    (row,) = csv.DictReader(io.StringIO(report("--csv").stdout))
    assert (row["commit_hash"], row["attribution_tier"], row["agent"], row["cost_usd"]) == (
        "a" * 40, "untracked", "", "",
    )  # fmt: skip
    assert (row["branch"], row["agent_assisted"]) == ("'=cmd()", "false")


def test_a_commit_of_several_sessions_names_them_all(home: Home) -> None:
    publish(
        home,
        {"session_id": OTHER},
        links=[link("a" * 40, SESSION, None), link("a" * 40, OTHER, "0.123456789")],
    )
    (row,) = printed()["rows"]
    assert row["sessions"] == [OTHER, SESSION]
    assert row["cost_is_partial"] is True
    result = report()
    assert "99999999 +1" in result.stdout
    assert "≥ $0.1235" in result.stdout


def test_a_marker_without_a_session_has_an_agent_and_no_session(home: Home) -> None:
    publish(
        home,
        {"attribution_tier": "marker", "attribution_confidence": "0.7", "session_id": None,
         "cost_usd": None},
    )  # fmt: skip
    (row,) = printed()["rows"]
    assert (row["agent"], row["session_id"], row["sessions"]) == ("claude_code", None, [])
    assert report().stdout.splitlines()[-1].split()[4:8] == ["claude_code", "marker", "0.7", "—"]


def test_a_commit_is_of_the_day_that_it_was_in_the_time_zone(home: Home) -> None:
    publish(home, {"committed_at": "2026-03-10 23:30:00+00"})
    (row,) = printed("--tz", "Europe/Berlin")["rows"]
    assert (row["day"], row["committed_at"]) == ("2026-03-11", "2026-03-10T23:30:00Z")
    line = report("--tz", "Europe/Berlin").stdout.splitlines()[-1]
    assert line.split()[:2] == ["2026-03-11", "00:30"]


def test_both_ends_of_the_range_are_included(home: Home) -> None:
    publish(
        home,
        *({"commit_hash": f"{day}" * 20, "committed_at": f"2026-03-{day} 00:00:00+00"}
          for day in (10, 11, 12, 13)),
    )  # fmt: skip
    rows = printed("--since", "2026-03-11", "--until", "2026-03-12")["rows"]
    assert [row["day"] for row in rows] == ["2026-03-12", "2026-03-11"]


def test_a_range_without_commits_says_what_range_has_some(home: Home) -> None:
    publish(home, {})
    result = report("--since", "2026-04-01", "--until", "2026-04-30")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        "There are no commits from 2026-04-01 to 2026-04-30 (UTC); "
        "there are from 2026-03-10 to 2026-03-10.\n"
    )


def test_commits_without_added_lines_have_no_share_of_lines(home: Home) -> None:
    publish(home, {"lines_added": 0})
    coverage = printed()["coverage"]
    assert coverage["with_a_tier"] == {"commits": 1, "lines_added": 0, "share_of_lines": None}
    assert "and — of 0 added lines" in report().stderr


def test_merges_alone_cover_nothing(home: Home) -> None:
    publish(home, {"is_merge": True})
    assert printed()["coverage"]["with_a_tier"]["commits"] == 0
    assert "All of these are merges" in report().stderr


def test_before_anything_is_published_the_next_step_is_named(home: Home) -> None:
    result = report()
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`agent-analytics transform`" in result.stderr
    empty = printed()
    assert (empty["rows"], empty["since"], empty["coverage"]["commits"]) == ([], None, 0)
    assert report("--csv").stdout.startswith("day,committed_at,repository,")


def test_without_a_recorded_commit_the_hook_is_named(home: Home) -> None:
    publish(home)
    result = report()
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`agent-analytics hooks install`" in result.stderr


def test_the_demo_is_reported_from_its_own_home(home: Home) -> None:
    home.demo.create()
    publish(home.demo, {})
    assert printed()["rows"] == []
    assert len(printed("--demo")["rows"]) == 1


@pytest.mark.parametrize("keys", ["commit,day", "model,commit"])
def test_commit_goes_with_no_other_key(home: Home, keys: str) -> None:
    result = CliRunner().invoke(cli, ["report", "--by", keys], prog_name="agent-analytics")
    assert result.exit_code == 2
    assert "`commit` lists single commits and goes with no other key" in result.stderr


def test_hostile_names_cannot_move_the_cursor(home: Home) -> None:
    publish(home, {"repository": "/srv/\x1b[2Jx", "agent": "a\nb", "session_id": "\x1b[31mred"})
    out = report().stdout
    assert "\x1b" not in out
    assert len(out.splitlines()) == 3
