"""How many lines of commits are alive 14, 30 and 90 days later, by blame of the default branch.

Commits of one day are looked for together, in the default branch as it stood that many days after
the end of the day. A day that was measured is not measured again; a run that is stopped goes on
with the next day. In a clone the days after its last fetch are not measured but stay due.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from agent_analytics_cli.git.blame import alive_lines, common_base, path_after, renames_since
from agent_analytics_cli.git.commit_facts import read_commits, work_folder
from agent_analytics_cli.git.default_branch import as_of, default_branch, known_until
from agent_analytics_cli.git.repository import GitFailed, Repository, run_git
from agent_analytics_collector.line_hashes import LineHasher

AGES = (14, 30, 90)
RECENT_DAYS = 60
"""For so long it is looked whether a commit has come into the default branch."""
LONGEST_DAYS = 400
"""Commits older than this are not measured, unless `since` says so."""
MOST_ALIVE = 200_000
"""So many hashes of one commit does the API take."""
_DAY_S = 86_400

Record = dict[str, Any]
"""As `POST /v1/line-survival` takes it."""


class TimeRanOut(Exception):
    """Days are due that were not begun."""


def landed(repository: Repository, now: datetime) -> list[Record]:
    """Which commits of the last weeks are in the default branch. Raises GitFailed.

    Records of age 0, without lines; [] where there is no default branch.
    """
    branch = default_branch(repository)
    if branch is None:
        return []
    since = int(now.timestamp()) - RECENT_DAYS * _DAY_S
    inside = _hashes(repository, since, branch)
    every = _hashes(repository, since, "--branches", "--remotes", "--tags", "HEAD")
    return [
        _record(repository, commit_hash, 0, now) | {"in_default_branch": commit_hash in inside}
        for commit_hash in sorted(every)
    ]


def measure(
    repository: Repository,
    hasher: LineHasher,
    measured: Mapping[int, date],
    now: datetime,
    *,
    ages: Sequence[int] = AGES,
    since: date | None = None,
    until_s: float = float("inf"),
) -> Iterator[tuple[int, date, list[Record]]]:
    """(age, day, records) of each day that is due, the oldest first.

    `measured` has the last day that was measured before, by age. `until_s` is a moment of
    `time.monotonic()`, after which no day is begun. Raises TimeRanOut then, and GitFailed.
    """
    branch = default_branch(repository)
    if branch is None:
        return
    fresh = min(now, known_until(repository, branch) or now)
    earliest = since or (now - timedelta(days=LONGEST_DAYS)).date()
    for age in ages:
        first = max(earliest, measured.get(age, date.min) + timedelta(days=1))
        last = (fresh - timedelta(days=age + 1)).date()
        by_day = _by_day(repository, branch, first, last)
        for day in sorted(by_day):
            if time.monotonic() > until_s:
                raise TimeRanOut
            records = _measure_day(repository, branch, day, age, by_day[day], hasher, now)
            yield age, day, records
        if first <= last:
            yield age, last, []


def _measure_day(
    repository: Repository,
    branch: str,
    day: date,
    age: int,
    hashes: Sequence[str],
    hasher: LineHasher,
    now: datetime,
) -> list[Record]:
    revision = as_of(repository, branch, _end_of(day) + timedelta(days=age))
    if revision is None:
        return []
    there = _hashes(repository, int(_end_of(day).timestamp()) - 2 * _DAY_S, revision)
    payloads = read_commits(
        repository, [each for each in hashes if each in there], hasher=hasher
    ).payloads
    alive = _alive(repository, day, revision, payloads, hasher)
    records = []
    for commit_hash, payload in payloads.items():
        if payload["files"] is None:  # git gave up
            continue
        at_start = sum(file.get("effective_lines_added") or 0 for file in _counted(payload))
        hashes_alive = alive.get(commit_hash, [])[:at_start]
        records.append(
            _record(repository, commit_hash, age, now)
            | {
                "lines_alive": len(hashes_alive),
                "lines_at_start": at_start,
                "alive_line_hashes": hashes_alive[:MOST_ALIVE],
                "in_default_branch": True,
            }
        )
    return records


def _alive(
    repository: Repository,
    day: date,
    revision: str,
    payloads: Mapping[str, Record],
    hasher: LineHasher,
) -> dict[str, list[str]]:
    """Hashes of the lines that are alive at `revision`, by commit."""
    folder = work_folder(repository)
    parents = [parent for payload in payloads.values() for parent in payload["parent_hashes"]]
    is_whole = all(payload["parent_hashes"] for payload in payloads.values())
    base = common_base(repository, parents) if is_whole else None
    found: dict[str, list[str]] = {}
    renames = renames_since(repository, folder, int(_start_of(day).timestamp()), revision)
    paths = {
        path_after(file["path"], renames)
        for payload in payloads.values()
        for file in _counted(payload)
        if file.get("effective_lines_added")
    }
    for path in sorted(paths):
        lines = alive_lines(repository, folder, revision, base, path, payloads.keys(), hasher)
        for commit_hash, hashes in lines.items():
            found.setdefault(commit_hash, []).extend(hashes)
    return found


def _counted(payload: Record) -> Iterator[Record]:
    """Files that are somebody's work, but those whose name is no UTF-8: blame cannot be asked."""
    return (
        file
        for file in payload["files"] or ()
        if not file["is_excluded"] and "\ufffd" not in file["path"]
    )


def _record(repository: Repository, commit_hash: str, age: int, now: datetime) -> Record:
    return {
        "repository": repository.identity,
        "commit_hash": commit_hash,
        "age_days": age,
        "measured_at": int(now.timestamp()),
    }


def _by_day(repository: Repository, branch: str, first: date, last: date) -> dict[date, list[str]]:
    """Commits of the branch but merges, by the UTC day of their commit."""
    if first > last:
        return {}
    said = run_git(
        "rev-list", "--no-merges", "--timestamp",
        f"--since={int(_start_of(first).timestamp())}",
        f"--until={int(_end_of(last).timestamp()) - 1}", branch,
        git_dir=repository.common_dir,
    )  # fmt: skip
    found: dict[date, list[str]] = {}
    for line in said.decode("ascii").splitlines():
        seconds, commit_hash = line.split(" ")
        day = datetime.fromtimestamp(int(seconds), UTC).date()
        if first <= day <= last:
            found.setdefault(day, []).append(commit_hash)
    return found


def _hashes(repository: Repository, since_s: int, *revisions: str) -> set[str]:
    try:
        said = run_git("rev-list", f"--since={since_s}", *revisions, git_dir=repository.common_dir)
    except GitFailed:
        if revisions[-1] == "HEAD":  # of an empty repository
            return set()
        raise
    return set(said.decode("ascii").split())


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _end_of(day: date) -> datetime:
    return _start_of(day) + timedelta(days=1)
