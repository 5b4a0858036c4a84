"""`report --by ticket|pull-request|commit-branch` and `--tier`, from published marts."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home

from .test_commit_report import AMBIGUOUS, SCHEMA, TOOL_CALL, UNTRACKED, insert

SCHEMA_NOW = SCHEMA.replace(
    "branch varchar,", "branch varchar, ticket varchar, pull_request bigint,"
)
APP, LIB = "https://github.com/acme/app", "https://github.com/acme/lib"
BY_LINES = {"attribution_tier": "lines", "attribution_confidence": "0.9"}


def publish(home: Home, *commits: dict[str, Any], links: tuple[tuple[Any, ...], ...] = ()) -> None:
    """Commits as TOOL_CALL changed; links are (commit, session, tier, lines, cost)."""
    folder = home.published / "run-1"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute(SCHEMA_NOW)
        for commit in commits:
            values = TOOL_CALL | {"effective_lines_added": 10} | commit
            insert(connection, "fct_git_commits", values | {"commit_key": values["commit_hash"]})
        for key, session, tier, lines, cost in links:
            values = {"commit_key": key, "session_id": session, "attribution_tier": tier,
                      "attributed_lines": lines, "cost_share_usd": cost}  # fmt: skip
            insert(connection, "fct_commit_sessions", values)
    (home.published / "current").symlink_to("run-1")


@pytest.fixture
def published(home: Home) -> None:
    """Two sessions for APP-1 in two repositories, one of unknown lines for APP-2, one without."""
    publish(
        home,
        {"commit_hash": "a", "ticket": "APP-1", "pull_request": 7, "branch": "one", "ai_lines": 8,
         "cost_usd": "3"},
        {"commit_hash": "b", "ticket": "APP-1", "pull_request": 7, "branch": "one",
         "repository": LIB, "ai_lines": 4, "cost_usd": "1"} | BY_LINES,
        {"commit_hash": "c", "ticket": "APP-2", "pull_request": 8, "branch": "two",
         "cost_usd": "0.5", "is_reverted": True}
        | {"attribution_tier": "window", "attribution_confidence": "0.4"},
        {"commit_hash": "d", "ticket": "APP-2", "branch": "two"} | UNTRACKED,
        {"commit_hash": "e", "branch": "main"} | AMBIGUOUS,
        {"commit_hash": "m", "ticket": "APP-1", "pull_request": 7, "branch": "main",
         "is_merge": True, "effective_lines_added": None} | UNTRACKED,
        links=(
            ("a", "s1", "tool_call", 6, "2"), ("a", "s2", "lines", 2, "1"),
            ("b", "s2", "lines", 4, "1"), ("c", "s3", "window", None, "0.5"),
        ),
    )  # fmt: skip


def report(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(
        cli, ["report", "--tz", "UTC", *arguments], prog_name="agent-analytics"
    )


def rows(*arguments: str) -> list[dict[str, Any]]:
    result = report("--json", *arguments)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout, parse_float=Decimal)["rows"]
    return found


@pytest.mark.usefixtures("published")
def test_a_ticket_sums_up_its_commits_of_all_repositories() -> None:
    first, second, none = rows("--by", "ticket")
    assert first == {
        "ticket": "APP-1", "repositories": [APP, LIB], "agents": ["claude_code"], "commits": 2,
        "assisted_commits": 2, "reverted_commits": 0, "effective_lines": 20, "covered_lines": 20,
        "coverage": 1, "ai_lines": 12, "ai_code_share": Decimal("0.6"), "sessions": 2,
        "cost_usd": 4, "cost_is_partial": False,
    }  # fmt: skip
    assert (second["ticket"], second["coverage"], second["ai_lines"]) == (
        "APP-2",
        Decimal("0.5"),
        None,
    )
    assert second["reverted_commits"] == 1
    assert (none["ticket"], none["commits"], none["covered_lines"], none["cost_usd"]) == (
        None, 1, 0, None,
    )  # fmt: skip


@pytest.mark.usefixtures("published")
def test_a_pull_request_is_one_repositorys_own() -> None:
    found = rows("--by", "pull-request")
    assert [(row["pull_request"], row["repositories"], row["cost_usd"]) for row in found] == [
        (7, [APP], 3), (7, [LIB], 1), (8, [APP], Decimal("0.5")), (None, [APP], None),
    ]  # fmt: skip


@pytest.mark.usefixtures("published")
def test_commits_are_summed_up_by_their_own_branch() -> None:
    found = rows("--by", "commit-branch")
    assert [(row["commit_branch"], row["repositories"], row["commits"]) for row in found] == [
        ("one", [APP], 1), ("one", [LIB], 1), ("two", [APP], 2), ("main", [APP], 1),
    ]  # fmt: skip


@pytest.mark.usefixtures("published")
def test_a_tier_counts_only_links_as_strong_as_that() -> None:
    first, second, _ = rows("--by", "ticket", "--tier", "tool_call")
    assert (first["assisted_commits"], first["ai_lines"], first["cost_usd"], first["sessions"]) == (
        1, 6, 2, 1,
    )  # fmt: skip
    assert (first["covered_lines"], first["coverage"]) == (10, Decimal("0.5"))
    assert (second["assisted_commits"], second["cost_usd"], second["commits"]) == (0, None, 2)


@pytest.mark.usefixtures("published")
def test_the_total_is_that_of_all_commits_and_the_coverage_is_said() -> None:
    result = report("--by", "ticket", "--json")
    total = json.loads(result.stdout)["total"]
    assert (total["commits"], total["effective_lines"], total["covered_lines"]) == (5, 50, 30)
    assert total["cost_usd"] == 4.5
    assert "Coverage: 60.0% of 50 lines are of commits with a tier." in result.stderr
    assert "not mean that people wrote it" in result.stderr


@pytest.mark.usefixtures("published")
def test_the_table_has_a_total_and_csv_has_none() -> None:
    out = report("--by", "ticket").stdout
    assert out.splitlines()[-1].split()[:2] == ["total", "5"]
    assert "60.0%" in out
    read = list(csv.DictReader(io.StringIO(report("--by", "ticket", "--csv").stdout)))
    assert [row["ticket"] for row in read] == ["APP-1", "APP-2", ""]


@pytest.mark.usefixtures("published")
def test_commits_of_a_tier_are_listed_and_the_coverage_is_of_all() -> None:
    result = report("--by", "commit", "--tier", "lines", "--json")
    told = json.loads(result.stdout)
    assert sorted(row["commit_hash"] for row in told["rows"]) == ["a", "b"]
    assert (told["tier"], told["coverage"]["commits"]) == ("lines", 5)
    assert told["coverage"]["with_a_tier"]["commits"] == 2
    assert "have evidence as strong as lines." in result.stderr
    [row] = rows("--by", "commit", "--tier", "tool_call")
    assert (row["sessions"], row["cost_usd"]) == (["11111111-2222-4333-8444-555555555555", "s1"], 2)


@pytest.mark.usefixtures("published")
def test_where_no_commit_has_that_tier_it_is_said() -> None:
    result = report("--by", "commit", "--tier", "note")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "There are no commits with evidence as strong as note from" in result.stderr


@pytest.mark.parametrize("keys", ["day", "session", "branch,agent", "tool"])
def test_a_tier_goes_with_commits_alone(keys: str) -> None:
    result = report("--by", keys, "--tier", "lines")
    assert result.exit_code == 2
    assert "--tier goes with --by commit, ticket, pull-request, commit-branch." in result.stderr


def test_sums_of_commits_go_with_no_other_key() -> None:
    result = report("--by", "pull-request,day")
    assert result.exit_code == 2
    assert "`pull-request` sums up commits and goes with no other key" in result.stderr


def test_before_anything_is_published_the_next_step_is_named() -> None:
    result = report("--by", "ticket")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`agent-analytics transform`" in result.stderr


def test_without_a_recorded_commit_the_hook_is_named(home: Home) -> None:
    publish(home)
    assert "`agent-analytics hooks install`" in report("--by", "ticket").stderr
