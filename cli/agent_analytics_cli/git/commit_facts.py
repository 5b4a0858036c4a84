"""What plain git knows about commits, as the payload of `POST /v1/commits`.

Plumbing commands with every flag that a user's configuration could turn: colours, prefixes,
external diff programs, text conversion, signatures shown, rename limits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_analytics_cli.git.diffs import count_files, count_merge_lines, patch_ids, summed
from agent_analytics_cli.git.file_changes import describe_files
from agent_analytics_cli.git.reflog import NO_MOVES, Moves, read_moves
from agent_analytics_cli.git.repository import GitFailed, Repository, run_git
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.line_hashes import LineHasher

MAX_MESSAGE_BYTES = 64 * 1024
MAX_NAME = 1024
"""Characters of a name or an address that are sent; the API takes no more."""
BATCH = 250
"""Commits in one call of git; their hashes together fit into a pipe."""

_HASH = re.compile(rb"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_FIELDS = ("%H", "%P", "%ct", "%at", "%an", "%ae", "%B")
# Nothing in a commit holds a NUL. A trailer always has a colon, so "." ends their list.
_FORMAT = "%x00".join((*_FIELDS, "%(trailers:only,unfold,separator=%x00)", ".", ""))


class NoSuchCommit(AgentAnalyticsError):
    """A name is no commit of the repository."""

    def __init__(self, name: str, repository: Repository) -> None:
        self.name = name
        super().__init__(
            f"{name} is no commit in {repository.top_level or repository.git_dir}. "
            "`git log --oneline` there lists what can be named."
        )


@dataclass(slots=True)
class ReadCommits:
    """Payloads by the name they were asked for; what could not be read, with the reason."""

    payloads: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    moves: Moves = NO_MOVES


def read_commit(
    repository: Repository,
    name: str = "HEAD",
    *,
    project_id: str | None = None,
    hasher: LineHasher | None = None,
) -> dict[str, Any]:
    """The payload of one commit, named as git allows it. Raises NoSuchCommit, GitFailed."""
    read = read_commits(repository, [name], project_id=project_id, hasher=hasher)
    if name in read.payloads:
        return read.payloads[name]
    if name in read.problems:
        raise GitFailed(("rev-list", name), read.problems[name])
    raise NoSuchCommit(name, repository)


def read_commits(
    repository: Repository,
    names: Iterable[str],
    *,
    project_id: str | None = None,
    hasher: LineHasher | None = None,
) -> ReadCommits:
    """Payloads of many commits for a handful of git calls; a name that is none is left out.

    - files and lines are counted against the first parent, of a root commit against nothing;
      a rename alone adds no line, a binary file or a submodule counts as a file without lines
    - of a merge only what it adds to all its parents counts (git's combined diff), so a merge
      without conflicts has 0 files and 0 lines
    - `branch` is where the commit was made as far as the reflog or HEAD tells, else None
    - `files` tells of each file of what is no merge, with hashes of its lines under `hasher`
    - counts are None where the parent is not here (the edge of a shallow clone) or git gave up
    - `patch_id` is None for merges and for commits without a text change
    - replacement objects (`git replace`) are not followed: the facts are of the hash
    """
    wanted = list(dict.fromkeys(names))
    read = ReadCommits()
    for start in range(0, len(wanted), BATCH):
        resolved = _resolve(repository, wanted[start : start + BATCH])
        payloads: dict[str, dict[str, Any]] = {}
        read.problems.update(_read(repository, sorted(set(resolved.values())), hasher, payloads))
        for name, commit_hash in resolved.items():
            if commit_hash in payloads:
                read.payloads[name] = payloads[commit_hash]
            elif commit_hash in read.problems:
                read.problems[name] = read.problems[commit_hash]
    if read.payloads:
        read.moves = read_moves(repository)
    for payload in read.payloads.values():
        payload |= {
            "branch": read.moves.branch_of(payload["commit_hash"]),
            "repository": repository.identity,
            "project_id": project_id,
            "recorded_by": "hook",
        }
    return read


def bounded(message: str) -> str:
    """A commit message as it is stored: without its last newlines, at most 64 KiB of UTF-8."""
    encoded = message.rstrip("\n").encode("utf-8", "replace")
    return encoded[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")


def work_folder(repository: Repository) -> Path:
    """Where git is to run: in the work tree, whose .gitattributes say which files are binary."""
    top_level = repository.top_level
    return top_level if top_level and top_level.is_dir() else repository.git_dir


def _resolve(repository: Repository, names: Sequence[str]) -> dict[str, str]:
    """Full hash by name, of those that are commits."""
    sound = [name for name in names if name and "\n" not in name and "\0" not in name]
    asked = b"".join(os.fsencode(name) + b"^{commit}\n" for name in sound)
    said = _git(repository, "cat-file", "--batch-check=%(objectname)", stdin=asked)
    return {
        name: line.decode()
        for name, line in zip(sound, said.split(b"\n"), strict=False)
        if _HASH.match(line)
    }


def _read(
    repository: Repository,
    hashes: Sequence[str],
    hasher: LineHasher | None,
    into: dict[str, dict[str, Any]],
) -> dict[str, str]:
    """Fill `into` by full hash; the reasons of those that git cannot read.

    One damaged object fails a whole call of git, so what fails is asked for by halves.
    """
    try:
        into.update(_read_all(repository, hashes, hasher))
    except GitFailed as error:
        if len(hashes) == 1:
            return {hashes[0]: error.problem}
        middle = len(hashes) // 2
        first, second = hashes[:middle], hashes[middle:]
        return _read(repository, first, hasher, into) | _read(repository, second, hasher, into)
    return {}


def _read_all(
    repository: Repository, hashes: Sequence[str], hasher: LineHasher | None
) -> dict[str, dict[str, Any]]:
    if not hashes:
        return {}
    payloads = {payload["commit_hash"]: payload for payload in _headers(repository, hashes)}
    edge = shallow_edge(repository) & payloads.keys()
    for commit_hash in edge:
        payloads[commit_hash]["parent_hashes"] = _true_parents(repository, commit_hash)
    for payload in payloads.values():
        payload["is_merge"] = len(payload["parent_hashes"]) > 1
    whole = [commit_hash for commit_hash in payloads if commit_hash not in edge]
    plain = [commit_hash for commit_hash in whole if not payloads[commit_hash]["is_merge"]]
    merges = [commit_hash for commit_hash in whole if payloads[commit_hash]["is_merge"]]
    folder = work_folder(repository)
    of_files = count_files(repository, folder, plain)
    files = describe_files(repository, folder, of_files, hasher)
    counts = {name: None if of is None else summed(of) for name, of in of_files.items()}
    counts |= count_merge_lines(repository, folder, merges)
    ids = patch_ids(repository, folder, plain)
    for commit_hash, payload in payloads.items():
        counted = counts.get(commit_hash)
        payload |= {
            "files_changed": counted.files if counted else None,
            "lines_added": counted.added if counted else None,
            "lines_deleted": counted.deleted if counted else None,
            "patch_id": ids.get(commit_hash),
            "files": files.get(commit_hash),
        }
    return payloads


def _headers(repository: Repository, hashes: Sequence[str]) -> Iterable[dict[str, Any]]:
    printed = _git(
        repository, "-c", "trailer.separators=:", "rev-list", "--no-walk=unsorted", "--stdin",
        "--encoding=UTF-8", f"--format={_FORMAT}", stdin=_lines(hashes),
    )  # fmt: skip
    parts = iter(printed.split(b"\0"))
    for first in parts:
        commit_hash = first.rpartition(b"\n")[2].decode()  # after a line "commit <hash>"
        if not commit_hash:
            return
        parents, committed, authored, name, mail, message = (_text(next(parts)) for _ in range(6))
        trailers = list(iter(lambda: _text(next(parts)), "."))
        yield {
            "commit_hash": commit_hash,
            "timestamp": _seconds(committed),
            "authored_at": _seconds(authored),
            "commit_message": bounded(message),
            "author_name": name[:MAX_NAME],
            "author_email": mail[:MAX_NAME],
            "parent_hashes": parents.split(),
            "trailers": _by_key(trailers),
        }


def _by_key(trailers: Iterable[str]) -> dict[str, list[str]]:
    """Values by key, as they stand; as many as a message may be long."""
    found: dict[str, list[str]] = {}
    room = MAX_MESSAGE_BYTES
    for trailer in trailers:
        room -= len(trailer.encode())
        key, colon, value = trailer.partition(":")
        if colon and len(key) <= MAX_NAME and room >= 0:
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def shallow_edge(repository: Repository) -> set[str]:
    """Commits whose parents were not fetched; git shows them as if they were roots."""
    try:
        return set((repository.common_dir / "shallow").read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return set()


def _true_parents(repository: Repository, commit_hash: str) -> list[str]:
    header = _git(repository, "cat-file", "commit", commit_hash).partition(b"\n\n")[0]
    return [line[7:].decode() for line in header.split(b"\n") if line.startswith(b"parent ")]


def _git(repository: Repository, *arguments: str, stdin: bytes | None = None) -> bytes:
    return run_git(
        "--no-replace-objects", *arguments,
        git_dir=repository.git_dir, cwd=work_folder(repository), stdin=stdin,
    )  # fmt: skip


def _lines(hashes: Sequence[str]) -> bytes:
    return "".join(f"{commit_hash}\n" for commit_hash in hashes).encode()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _seconds(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:  # a commit object without a sound date
        return None
