"""`outbox/noted`, where hooks write which commits were made: its lines, and what they become."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from agent_analytics_cli.git.commit_facts import ReadCommits, read_commits
from agent_analytics_cli.git.reflog import NO_MOVES, made_here
from agent_analytics_cli.git.repository import (
    GitFailed,
    NotARepository,
    Repository,
    find_repository,
)
from agent_analytics_cli.outbound.outbox import COMMITS, REWRITES, Entry
from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import LineHasher

SETTLE_S = 0.2
"""A hook that opened the file before it was taken has long written its lines by then."""

_HASH = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_FIELDS = {"commit": 3, "merge": 3, "rewrite": 5}
_REWRITES = ("amend", "rebase")

Kept = tuple[str, str]
"""A commit that is in the outbox or delivered: its repository's identity, its hash."""


@dataclass(frozen=True, slots=True)
class Line:
    """`commit SHA GIT_DIR`, `merge SHA GIT_DIR` or `rewrite KIND OLD NEW GIT_DIR`, by tabs."""

    kind: str
    commit_hash: str
    git_dir: str
    rewrite_kind: str = ""
    old_hash: str = ""


@dataclass(slots=True)
class Outcome:
    """What noted lines became."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)
    """What had to be left out: the reason, and what it is about."""
    repositories: list[Repository] = field(default_factory=list)
    """Those in which something was noted."""


def take(home: Home) -> Iterator[Path]:
    """Files of noted lines that are ours now, the oldest first; also those of a killed flusher.

    Whoever reads one removes it with `forget` when its lines are safe elsewhere.
    """
    with suppress(FileNotFoundError):
        os.rename(home.outbox / "noted", home.outbox / f"noted.{time.time_ns()}")
    yield from sorted(home.outbox.glob("noted.*"))


def forget(taken: Path, read_bytes: int) -> bool:
    """Remove a taken file; False, and it stays, when a hook has written, or may write, more."""
    with open(taken, "rb") as file:
        if _may_be_written(file) or os.fstat(file.fileno()).st_size > read_bytes:
            return False
    taken.unlink()
    return True


def _may_be_written(file: IO[bytes]) -> bool:
    """Whether a hook still has the file open; under its new name no other one finds it."""
    try:
        # Linux grants a read lease only while nobody has the file open for writing.
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except (AttributeError, OSError):  # macOS, a network file system
        return time.time() - os.fstat(file.fileno()).st_mtime < SETTLE_S
    return False  # closing gives the lease back


def parse(content: bytes) -> tuple[list[Line], int]:
    """The sound lines, each once, and how many are none."""
    lines: dict[Line, None] = {}
    unsound = 0
    for raw in content.split(b"\n"):
        if not raw:
            continue
        line = _parse(os.fsdecode(raw))
        if line is None:
            unsound += 1
        else:
            lines[line] = None
    return list(lines), unsound


def read_facts(
    lines: Iterable[Line], project_id: str | None, hasher: LineHasher | None, kept: set[Kept]
) -> Outcome:
    """Entries for the outbox, in the order of the lines of each repository.

    Commits in `kept` get none, and those that get one are added: a rebase tells of each commit
    twice. What is gone is a problem, not an error. Raises nothing.
    """
    by_folder: dict[str, list[Line]] = {}
    for line in lines:
        by_folder.setdefault(line.git_dir, []).append(line)
    outcome = Outcome()
    for git_dir, group in by_folder.items():
        try:
            repository, read = _read(Path(git_dir), group, project_id, hasher)
        except (NotARepository, GitFailed) as error:
            about = os.fsencode(git_dir).decode(errors="replace")
            outcome.problems.append(
                {"reason": str(error), "git_dir": about, "lines": str(len(group))}
            )
            continue
        outcome.repositories.append(repository)
        _add(outcome, repository, read, group, kept)
    return outcome


def _read(
    git_dir: Path, group: list[Line], project_id: str | None, hasher: LineHasher | None
) -> tuple[Repository, ReadCommits]:
    """Raises NotARepository, GitFailed."""
    names = [line.commit_hash for line in group]
    try:
        repository = find_repository(git_dir=git_dir)
        return repository, read_commits(repository, names, project_id=project_id, hasher=hasher)
    except NotARepository:
        if git_dir.parent.name != "worktrees":
            raise
    # The work tree was removed, with its reflog. Its commits are where all work trees have them.
    repository = find_repository(git_dir=git_dir.parent.parent)
    read = read_commits(repository, names, project_id=project_id, hasher=hasher)
    read.moves = NO_MOVES
    for payload in read.payloads.values():
        payload["branch"] = None
    return repository, read


def _add(
    outcome: Outcome,
    repository: Repository,
    read: ReadCommits,
    group: list[Line],
    kept: set[Kept],
) -> None:
    for line in group:
        commit = repository.identity, line.commit_hash
        payload = read.payloads.get(line.commit_hash)
        if payload is None:
            reason = read.problems.get(line.commit_hash, "the commit is gone")
            outcome.problems.append(
                {"reason": reason, "commit": line.commit_hash, "repository": repository.identity}
            )
        elif commit not in kept and _wanted(line, repository, read):
            kept.add(commit)
            outcome.entries.append(Entry(COMMITS, payload))
        if line.kind == "rewrite":
            pair = {
                "repository": repository.identity, "kind": line.rewrite_kind,
                "old_hash": line.old_hash, "new_hash": line.commit_hash,
            }  # fmt: skip
            outcome.entries.append(Entry(REWRITES, pair))


def _wanted(line: Line, repository: Repository, read: ReadCommits) -> bool:
    """The post-merge hook also runs when a pull only moved HEAD to what others made."""
    if line.kind != "merge":
        return True
    is_merge = bool(read.payloads[line.commit_hash]["is_merge"])
    return is_merge and made_here(repository, read.moves, line.commit_hash)


def _parse(text: str) -> Line | None:
    kind = text.partition("\t")[0]
    parts = text.split("\t", _FIELDS.get(kind, 1) - 1)
    if len(parts) != _FIELDS.get(kind):
        return None
    line = (
        Line(kind, parts[3], parts[4], parts[1], parts[2])
        if kind == "rewrite"
        else Line(kind, parts[1], parts[2])
    )
    hashes = [line.commit_hash, *([line.old_hash] if kind == "rewrite" else [])]
    sound = all(_HASH.match(commit_hash) for commit_hash in hashes) and os.path.isabs(line.git_dir)
    return line if sound and (kind != "rewrite" or line.rewrite_kind in _REWRITES) else None
