"""Which lines are alive weeks later, on real repositories with real dates."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.git.default_branch import as_of, default_branch
from agent_analytics_cli.git.repository import GitFailed, find_repository, stream_git
from agent_analytics_cli.history import survival
from agent_analytics_cli.history.survival import MOST_ALIVE, TimeRanOut, landed, measure
from agent_analytics_collector.api import commit_payloads
from agent_analytics_collector.line_hashes import LineHasher

from .repositories import git, make_repository

HASHER = LineHasher(b"k" * 32)
FIRST = datetime(2026, 3, 2, 10, tzinfo=UTC)
NOW = FIRST + timedelta(days=200)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


def commit(root: Path, days: float, files: dict[str, str], *more: str) -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    when = (FIRST + timedelta(days=days)).isoformat()
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", f"day {days}", *more,
        GIT_COMMITTER_DATE=when, GIT_AUTHOR_DATE=when)  # fmt: skip
    return git(root, "rev-parse", "HEAD")


def measured(root: Path, age: int, **options: Any) -> dict[str, tuple[int, int]]:
    """(alive, at start) by commit."""
    return {
        record["commit_hash"]: (record["lines_alive"], record["lines_at_start"])
        for _, _, records in measure(find_repository(root), HASHER, {}, NOW, ages=[age], **options)
        for record in records
    }


def lines(*names: str) -> str:
    return "".join(f"value_{name} = make_{name}()\n" for name in names)


def test_lines_that_were_changed_or_removed_are_dead(root: Path) -> None:
    written = commit(root, 0, {"a.py": lines("one", "two", "three")})
    commit(root, 5, {"a.py": lines("one", "other", "three")})
    commit(root, 20, {"a.py": lines("one")})
    assert measured(root, 14)[written] == (2, 3)
    assert measured(root, 30)[written] == (1, 3)
    assert measured(root, 90)[written] == (1, 3)


def test_which_lines_are_alive_is_told_by_their_hashes(root: Path) -> None:
    commit(root, 0, {"a.py": lines("one", "two")})
    commit(root, 1, {"a.py": lines("one")})
    [record] = next(measure(find_repository(root), HASHER, {}, NOW, ages=[14]))[2]
    assert record["alive_line_hashes"] == [HASHER.of("value_one = make_one()")]
    assert record["in_default_branch"]
    assert record["age_days"] == 14


def test_renamed_files_and_white_space_leave_lines_alive(root: Path) -> None:
    written = commit(root, 0, {"a.py": lines(*"abcdefgh")})
    git(root, "mv", "a.py", "b.py")
    commit(root, 3, {})
    commit(root, 4, {"b.py": "".join(f"    {line}\n" for line in lines(*"abcdefgh").splitlines())})
    assert measured(root, 14)[written] == (8, 8)


def test_what_is_nobodys_work_is_not_counted(root: Path) -> None:
    written = commit(root, 0, {"uv.lock": lines("lock"), "a.py": lines("one") + "}\n"})
    assert measured(root, 14)[written] == (1, 1)


def test_a_day_is_measured_once_it_is_old_enough_and_not_again(root: Path) -> None:
    old = commit(root, 0, {"a.py": lines("one")})
    young = commit(root, 190, {"b.py": lines("two")})
    repository = find_repository(root)
    assert set(measured(root, 14)) == {old}
    days = {age: day for age, day, _ in measure(repository, HASHER, {}, NOW, ages=[14])}
    assert days == {14: (NOW - timedelta(days=15)).date()}
    later = NOW + timedelta(days=5)
    found = [records for _, _, records in measure(repository, HASHER, days, later, ages=[14])]
    assert [record["commit_hash"] for records in found for record in records] == [young]


def test_when_time_is_up_no_further_day_is_begun(root: Path) -> None:
    commit(root, 0, {"a.py": lines("one")})
    with pytest.raises(TimeRanOut):
        next(measure(find_repository(root), HASHER, {}, NOW, until_s=time.monotonic() - 1))


def test_days_after_the_last_fetch_of_a_clone_stay_due(tmp_path: Path, root: Path) -> None:
    written = commit(root, 0, {"a.py": lines("one", "two")})
    commit(root, 6, {"b.py": lines("three")})
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    commit(root, 10, {"a.py": lines("one")})
    clone = tmp_path / "clone"
    repository = find_repository(clone)
    assert measured(clone, 14) == {}
    known = {age: day for age, day, _ in measure(repository, HASHER, {}, NOW, ages=[14])}
    assert known.get(14, FIRST.date()) <= FIRST.date() + timedelta(days=6 - 15)

    git(clone, "fetch", "--quiet")
    fetched = (FIRST + timedelta(days=16)).timestamp()
    head = clone / ".git" / "FETCH_HEAD"
    told = head.read_bytes()
    head.write_bytes(b"")  # as a fetch that failed leaves it
    assert measured(clone, 14) == {}
    head.write_bytes(told)
    os.utime(head, (fetched, fetched))
    assert measured(clone, 14) == {written: (1, 2)}
    *_, (_, last, _) = measure(repository, HASHER, known, NOW, ages=[14])
    assert last == FIRST.date() + timedelta(days=1)


def test_a_file_whose_name_is_no_utf8_is_left_out(root: Path) -> None:
    with open(os.fsencode(root) + b"/\xff.py", "w") as file:
        file.write(lines("unknown"))
    written = commit(root, 0, {"a.py": lines("one")})
    assert measured(root, 14)[written] == (1, 1)


def test_no_more_hashes_are_told_than_the_api_takes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_ALIVE == commit_payloads.MOST_ALIVE
    monkeypatch.setattr(survival, "MOST_ALIVE", 2)
    commit(root, 0, {"a.py": lines("one", "two", "three")})
    [record] = next(measure(find_repository(root), HASHER, {}, NOW, ages=[14]))[2]
    assert (len(record["alive_line_hashes"]), record["lines_alive"]) == (2, 3)


@pytest.mark.parametrize("size", [1, 60_000, 1_000_000])
def test_a_git_that_ends_without_reading_has_failed(root: Path, size: int) -> None:
    repository = find_repository(root)
    for _ in range(5):
        with (
            pytest.raises(GitFailed),
            stream_git(
                "no-such-command", git_dir=repository.git_dir, cwd=root, stdin=b"x" * size
            ) as printed,
        ):
            printed.read()


def test_a_branch_that_was_not_merged_in_time_is_not_measured(root: Path) -> None:
    commit(root, 0, {"a.py": lines("one")})
    git(root, "checkout", "--quiet", "-b", "side")
    side = commit(root, 1, {"b.py": lines("two")})
    git(root, "checkout", "--quiet", "main")
    commit(root, 2, {"c.py": lines("three")})
    when = (FIRST + timedelta(days=20)).isoformat()
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "side", GIT_COMMITTER_DATE=when,
        GIT_AUTHOR_DATE=when)  # fmt: skip
    assert side not in measured(root, 14)
    assert measured(root, 30)[side] == (1, 1)


def test_what_came_into_the_default_branch_is_told(root: Path) -> None:
    inside = commit(root, 0, {"a.py": lines("one")})
    git(root, "checkout", "--quiet", "-b", "side")
    outside = commit(root, 1, {"b.py": lines("two")})
    told = landed(find_repository(root), FIRST + timedelta(days=3))
    assert {each["commit_hash"]: each["in_default_branch"] for each in told} == {
        inside: True, outside: False,
    }  # fmt: skip


def test_the_default_branch_is_origins_and_the_one_that_is_ahead(
    tmp_path: Path, root: Path
) -> None:
    git(root, "checkout", "--quiet", "-b", "stable")
    first = commit(root, 0, {"a.py": lines("one")})
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    clone = find_repository(tmp_path / "clone")
    assert default_branch(clone) == "refs/heads/stable"
    newer = commit(root, 1, {"a.py": lines("two")})
    git(tmp_path / "clone", "fetch", "--quiet")
    assert default_branch(clone) == "refs/remotes/origin/stable"
    assert as_of(clone, "refs/remotes/origin/stable", FIRST + timedelta(hours=1)) == first
    assert as_of(clone, "refs/remotes/origin/stable", NOW) == newer


def test_an_empty_repository_has_nothing_to_measure(root: Path) -> None:
    repository = find_repository(root)
    assert default_branch(repository) is None
    assert landed(repository, NOW) == []
    assert list(measure(repository, HASHER, {}, NOW)) == []
