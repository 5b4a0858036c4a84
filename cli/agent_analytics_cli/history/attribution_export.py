"""What the published marts know of the lines of a repository's commits, for other tools.

The marts know a line by its keyed hash; where it stands is found by hashing what the commit added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from agent_analytics_cli.days import Days
from agent_analytics_cli.git.added_lines import AddedLines, read_added_lines
from agent_analytics_cli.git.repository import Repository, run_git
from agent_analytics_cli.history.attributions import (
    AI,
    PROVEN_TIERS,
    Attributed,
    Author,
    joined,
)
from agent_analytics_cli.reports.report_query import fetch
from agent_analytics_collector.line_hashes import LineHasher

BATCH = 250
"""Commits that are looked at in one call of git."""
_LINKED = """
select
    sessions.commit_hash,
    any_value(epoch(commits.committed_at)) as committed_at,
    bool_or(lines.commit_key is not null) as has_lines
from main.fct_commit_sessions as sessions
inner join main.fct_git_commits as commits on sessions.commit_key = commits.commit_key
left join (select distinct commit_key, session_key from main.fct_attributed_lines) as lines
    on sessions.commit_key = lines.commit_key and sessions.session_key = lines.session_key
where
    list_contains($tiers, sessions.attribution_tier) and not coalesce(commits.is_merge, false)
    and (
        $since is null
        or cast(timezone($time_zone, commits.committed_at) - to_hours($rollover_hour) as date)
        >= cast($since as date)
    )
group by sessions.commit_hash
order by committed_at, sessions.commit_hash
"""
_LINES = """
select
    lines.commit_hash, lines.path, lines.line_hash, lines.lines, lines.agent, lines.session_id,
    lines.attribution_tier, sessions.main_model
from main.fct_attributed_lines as lines
left join main.fct_agent_sessions as sessions on lines.session_key = sessions.session_key
where
    list_contains($tiers, lines.attribution_tier)
    and lines.commit_hash in (select unnest($hashes))
"""

_Wanted = dict[str, dict[str, tuple[Author, int]]]
"""By path and line hash: who wrote it, and how often it is theirs."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of which lines are known to be a session's."""

    commit_hash: str
    lines: Sequence[Attributed]
    """By path, and there by session."""
    committed_at: datetime
    parent: str
    """Empty of a root commit."""


@dataclass(slots=True)
class Export:
    """Commits of one repository, in the order of time."""

    commits: list[Commit] = field(default_factory=list)
    without_lines: int = 0
    """Linked to a session of which it is not known which lines it wrote."""
    lost_lines: int = 0
    """Lines that the commits do not have: hashed under another key."""


def export(
    marts: duckdb.DuckDBPyConnection,
    repository: Repository,
    hasher: LineHasher,
    since: date | None,
    days: Days,
) -> Export:
    """All commits of the repository with lines of a session, of tiers that prove it.

    Raises GitFailed, MartsUnreadable.
    """
    asked = {
        "since": since, "time_zone": days.time_zone, "rollover_hour": days.rollover_hour,
        "tiers": list(PROVEN_TIERS),
    }  # fmt: skip
    linked = {row["commit_hash"]: row for row in fetch(marts, _LINKED, asked)}
    parents = _parents(repository, list(linked))
    result = Export()
    with_lines = []
    for commit_hash in (name for name in linked if name in parents):
        if linked[commit_hash]["has_lines"]:
            with_lines.append(commit_hash)
        else:
            result.without_lines += 1
    for start in range(0, len(with_lines), BATCH):
        hashes = with_lines[start : start + BATCH]
        found, lost = _lines(marts, repository, hasher, hashes)
        result.lost_lines += lost
        result.commits += (
            Commit(
                name,
                found[name],
                datetime.fromtimestamp(linked[name]["committed_at"], UTC),
                parents[name],
            )
            for name in hashes
            if found.get(name)
        )
    return result


def _lines(
    marts: duckdb.DuckDBPyConnection,
    repository: Repository,
    hasher: LineHasher,
    hashes: Sequence[str],
) -> tuple[dict[str, list[Attributed]], int]:
    wanted: dict[str, _Wanted] = {}
    rows = fetch(marts, _LINES, {"tiers": list(PROVEN_TIERS), "hashes": list(hashes)})
    for row in rows:
        author = _author(row)
        of_path = wanted.setdefault(row["commit_hash"], {}).setdefault(row["path"], {})
        of_path[row["line_hash"]] = author, row["lines"]
    lost = 0

    def find(commit_hash: str, added: Mapping[str, AddedLines[str | None]]) -> list[Attributed]:
        nonlocal lost
        found: list[Attributed] = []
        for path, of_path in sorted(wanted[commit_hash].items()):
            by_number = added[path].by_number if path in added else {}
            lost += sum(lines for _, lines in of_path.values())
            numbers: dict[Author, list[int]] = {}
            for number, author, is_line in _placed(by_number, of_path):
                numbers.setdefault(author, []).append(number)
                lost -= is_line
            found += (Attributed(path, author, joined(own)) for author, own in numbers.items())
        return found

    paths = {name: of_commit.keys() for name, of_commit in wanted.items()}
    return read_added_lines(repository, paths, hasher.of, find), lost


def _placed(
    by_number: Mapping[int, str | None], wanted: Mapping[str, tuple[Author, int]]
) -> Iterator[tuple[int, Author, bool]]:
    """(number, who wrote it, whether it counts as a line of work), ascending.

    A blank line or a bracket between two lines of one session is that session's, too.
    """
    left = {digest: lines for digest, (_, lines) in wanted.items()}
    before: Author | None = None
    between: list[int] = []
    last = 0
    for number, digest in by_number.items():
        if number != last + 1:
            before, between = None, []
        last = number
        if digest is None:
            between.append(number)
        elif left.get(digest):
            left[digest] -= 1
            author = wanted[digest][0]
            if author == before:
                yield from ((each, author, False) for each in between)
            yield number, author, True
            before, between = author, []
        else:
            before, between = None, []


def _author(row: Mapping[str, Any]) -> Author:
    return Author(AI, row["agent"], row["session_id"], row["main_model"], row["attribution_tier"])


def _parents(repository: Repository, hashes: Sequence[str]) -> dict[str, str]:
    """The first parent by hash, of those that are here; empty of a root commit."""
    said = run_git(
        "--no-replace-objects", "rev-list", "--no-walk=unsorted", "--ignore-missing", "--parents",
        "--stdin",
        git_dir=repository.common_dir, stdin="".join(f"{name}\n" for name in hashes).encode(),
    )  # fmt: skip
    lines = (line.split(" ") for line in said.decode("ascii").splitlines())
    return {line[0]: line[1] if len(line) > 1 else "" for line in lines}
