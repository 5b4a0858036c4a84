"""`import-git` and `survival` on real repositories, with a real collector."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli.git.tracked import Tracked
from agent_analytics_cli.history import survival_import
from agent_analytics_cli.main import cli
from agent_analytics_cli.outbound.delivery import Delivered
from agent_analytics_collector.home import Home

from .conftest import StartCollector
from .repositories import commit, git, make_repository

LONG_AGO = datetime.now(UTC) - timedelta(days=100)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="agent-analytics")


def imported(*arguments: str) -> dict[str, Any]:
    """What `import-git --json` says of its one repository."""
    result = run("import-git", "--json", *arguments)
    assert result.exit_code == 0, result.output
    (repository,) = json.loads(result.stdout)["repositories"]
    return dict(repository)


def stored(home: Home, sql: str) -> list[tuple[Any, ...]]:
    assert run("flush").exit_code == 0
    with duckdb.connect(str(home.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def dated(root: Path, days: int, files: dict[str, bytes]) -> str:
    made = commit(root, "work", files)
    when = (LONG_AGO + timedelta(days=days)).isoformat()
    git(root, "commit", "--quiet", "--amend", "--no-edit", "--date", when,
        GIT_COMMITTER_DATE=when)  # fmt: skip
    return git(root, "rev-parse", "HEAD") or made


def test_only_what_is_new_is_read_and_nothing_is_stored_twice(
    home: Home, root: Path, start_collector: StartCollector
) -> None:
    start_collector()
    first = commit(root, "one", {"a.py": b"first = 1\n", "uv.lock": b"locked = 1\n"})
    git(root, "checkout", "--quiet", "-b", "side")
    second = commit(root, "two", {"b.py": b"second = 2\n"})
    assert imported("--dry-run", str(root))["commits"] == 2
    told = imported(str(root))
    assert (told["commits"], told["accepted"], told["refused"]) == (2, 2, 0)
    assert imported(str(root))["commits"] == 0
    third = commit(root, "three", {"a.py": b"first = 1\nthird = 3\n"})
    assert imported(str(root))["accepted"] == 1
    assert imported("--again", str(root))["commits"] == 3
    assert stored(
        home, "SELECT commit_hash, recorded_by FROM raw_git_commits ORDER BY commit_hash"
    ) == [(made, "backfill") for made in sorted((first, second, third))]
    assert stored(
        home,
        "SELECT path, len(added_line_hashes), is_excluded FROM raw_git_commit_files ORDER BY 1, 2",
    ) == [("a.py", 1, False), ("a.py", 1, False), ("b.py", 1, False), ("uv.lock", 0, True)]


def test_since_leaves_older_history_for_later(
    home: Home, root: Path, start_collector: StartCollector
) -> None:
    start_collector()
    dated(root, 0, {"a.py": b"old = 1\n"})
    commit(root, "new", {"a.py": b"old = 1\nnew = 2\n"})
    assert imported("--since", "7d", str(root))["commits"] == 1
    assert imported(str(root))["commits"] == 2


def test_a_repository_that_was_named_is_followed(
    home: Home, root: Path, tmp_path: Path, start_collector: StartCollector
) -> None:
    start_collector()
    commit(root, "one", {"a.py": b"first = 1\n"})
    imported(str(root))
    commit(root, "two", {"a.py": b"other = 1\n"})
    assert imported("--tracked")["accepted"] == 1
    assert [each.top_level for each in Tracked.load(home, None).repositories()] == [root]
    worktree = tmp_path / "tree"
    git(root, "worktree", "add", "--quiet", str(worktree), "-b", "other")
    assert imported(str(worktree))["commits"] == 0


def test_nothing_followed_and_no_repository_are_said_clearly(
    home: Home, tmp_path: Path, start_collector: StartCollector
) -> None:
    start_collector()
    assert "No repository is followed yet." in run("import-git", "--tracked").stdout
    (tmp_path / "empty").mkdir()
    assert run("import-git", str(tmp_path / "empty")).exit_code == 1
    made = make_repository(tmp_path / "bare of commits")
    assert imported(str(made))["commits"] == 0


def test_without_a_collector_nothing_is_lost(home: Home, root: Path) -> None:
    commit(root, "one", {"a.py": b"first = 1\n"})
    result = run("import-git", str(root))
    assert result.exit_code == 1
    assert "agent-analytics up" in result.stderr
    assert imported("--dry-run", str(root))["commits"] == 1


def test_survival_is_measured_delivered_once_and_goes_on(
    home: Home, root: Path, start_collector: StartCollector
) -> None:
    start_collector()
    written = dated(root, 0, {"a.py": b"kept = 1\ngone = 2\n"})
    dated(root, 5, {"a.py": b"kept = 1\nother = 2\n"})
    told = json.loads(run("survival", str(root), "--json").stdout)["repositories"][0]
    assert (told["commits"], told["is_finished"]) == (2, True)
    assert [(each["age_days"], each["commits"]) for each in told["ages"]] == [
        (14, 2), (30, 2), (90, 2),
    ]  # fmt: skip
    rows = stored(
        home,
        "SELECT age_days, lines_alive, lines_at_start, in_default_branch "
        f"FROM raw_git_line_survival WHERE commit_hash = '{written}' ORDER BY 1",
    )
    assert rows == [(14, 1, 2, True), (30, 1, 2, True), (90, 1, 2, True)]
    again = json.loads(run("survival", str(root), "--json").stdout)["repositories"][0]
    assert again["commits"] == 0
    assert "nothing is due" in run("survival", str(root)).stdout
    printed = run("survival", str(root), "--again").stdout
    assert "after 14 days 2 of 3 lines of 2 commits are alive." in printed


def test_a_repository_without_commits_is_done_and_time_that_ran_out_is_told(
    home: Home, root: Path, tmp_path: Path, start_collector: StartCollector
) -> None:
    start_collector()
    empty = make_repository(tmp_path / "empty")
    assert "nothing is due" in run("survival", str(empty)).stdout
    dated(root, 0, {"a.py": b"kept = 1\n"})
    told = run("survival", str(root), "--budget", "-1").stdout
    assert "time ran out" in told
    assert "nothing is due" not in told


def test_what_the_api_refuses_is_told_with_its_reason(
    home: Home, root: Path, start_collector: StartCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_collector()
    written = dated(root, 0, {"a.py": b"kept = 1\n"})
    refused = Delivered(refused=[({"commit_hash": written}, "too many of them")])
    monkeypatch.setattr(survival_import, "deliver_patiently", lambda *_: refused)
    result = run("survival", str(root), "--age", "14")
    assert result.exit_code == 1
    assert f"{written[:10]}: too many of them" in result.stderr


def test_a_damaged_repository_does_not_stop_the_others(
    home: Home, root: Path, tmp_path: Path, start_collector: StartCollector
) -> None:
    start_collector()
    damaged = make_repository(tmp_path / "damaged")
    gone = dated(damaged, 0, {"a.py": b"first = 1\n"})
    dated(damaged, 1, {"a.py": b"second = 1\n"})
    (damaged / ".git" / "objects" / gone[:2] / gone[2:]).unlink()
    dated(root, 0, {"a.py": b"kept = 1\n"})
    for command in (("import-git", "--dry-run"), ("import-git",), ("survival",)):
        result = run(*command, "--json", str(damaged), str(root))
        assert result.exit_code == 1
        assert result.stderr.startswith(f"{damaged}: `git ")
        (told,) = json.loads(result.stdout)["repositories"]
        assert (told["repository"], told["commits"]) == (str(root), 1)


@pytest.mark.slow
def test_up_follows_repositories_by_itself(home: Home, root: Path) -> None:
    commit(root, "one", {"a.py": b"first = 1\n"})
    from agent_analytics_cli.git.repository import find_repository

    Tracked.load(home, None).keep(find_repository(root))
    ports = ("--grpc-port", "0", "--http-port", "0", "--api-port", "0", "--no-demo", "--no-import")
    up = subprocess.Popen(
        [sys.executable, "-m", "agent_analytics_cli.main", "up", *ports],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert up.stdout is not None
        assert up.stdout.readline().startswith("ready ")
        give_up_at = datetime.now(UTC) + timedelta(seconds=60)
        while not (home.run / "survival").exists():
            assert datetime.now(UTC) < give_up_at
        assert stored(home, "SELECT recorded_by FROM raw_git_commits") == [("backfill",)]
    finally:
        up.terminate()
        up.communicate(timeout=30)
