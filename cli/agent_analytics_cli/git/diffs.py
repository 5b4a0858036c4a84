"""Files and lines that commits change, and the fingerprint of a change, from git's raw diffs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.git.repository import GitFailed, Repository, pipe_git, run_git

_PLAIN = (
    # Paths are part of a patch id, so they are always quoted alike.
    "--no-replace-objects", "-c", "core.quotePath=true", "diff-tree", "--stdin", "-r", "--root",
    "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short",
    "--ignore-submodules=none", "--diff-algorithm=myers", "--indent-heuristic",
)  # fmt: skip
_PATCH = ("-p", "-U3", "--full-index", "--src-prefix=a/", "--dst-prefix=b/")
_HASH_LINE = re.compile(rb"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_SUBMODULE = b"160000"


@dataclass(slots=True)
class LineCounts:
    files: int = 0
    added: int = 0
    deleted: int = 0


def count_lines(
    repository: Repository, folder: Path, hashes: Sequence[str]
) -> dict[str, LineCounts | None]:
    """Of commits with at most one parent, by hash; None where git gave up (a huge change)."""
    if not hashes:
        return {}
    counts: dict[str, LineCounts | None] = {commit_hash: LineCounts() for commit_hash in hashes}
    try:
        printed = run_git(
            *_PLAIN, "-z", "--raw", "--numstat", "--no-abbrev", "--find-renames=50%", "-l1000",
            git_dir=repository.git_dir, cwd=folder, stdin=_lines(hashes),
        )  # fmt: skip
    except GitFailed:
        if len(hashes) == 1:
            return {hashes[0]: None}
        middle = len(hashes) // 2
        return count_lines(repository, folder, hashes[:middle]) | count_lines(
            repository, folder, hashes[middle:]
        )
    counted = LineCounts()
    submodules: set[bytes] = set()
    parts = iter(printed.split(b"\0"))
    for part in parts:
        if part.startswith(b":"):  # raw: ":mode mode hash hash status", path, renamed: path
            modes, status = part.split(b" ")[:2], part.rpartition(b" ")[2]
            path = next(parts)
            if status.startswith((b"R", b"C")):
                path = next(parts)
            if _SUBMODULE in modes[1] or _SUBMODULE in modes[0]:
                submodules.add(path)
        elif b"\t" in part:  # numstat: "added \t deleted \t path", or no path there and two next
            added, deleted, path = part.split(b"\t", 2)
            if not path:
                next(parts)
                path = next(parts)
            counted.files += 1
            if added != b"-" and path not in submodules:
                counted.added += int(added)
                counted.deleted += int(deleted)
        elif _HASH_LINE.match(part):
            counted, submodules = LineCounts(), set()
            counts[part.decode()] = counted
    return counts


def count_merge_lines(
    repository: Repository, folder: Path, hashes: Sequence[str]
) -> dict[str, LineCounts | None]:
    """What merges themselves wrote, by hash: lines that are in none, or in all, of the parents.

    Files are those of which no parent's version was taken, where hunks do not just come from one.
    """
    if not hashes:
        return {}
    try:
        printed = run_git(
            *_PLAIN, *_PATCH, "--cc", "--no-renames",
            git_dir=repository.git_dir, cwd=folder, stdin=_lines(hashes),
        )  # fmt: skip
    except GitFailed:
        return dict.fromkeys(hashes)
    counts: dict[str, LineCounts | None] = {commit_hash: LineCounts() for commit_hash in hashes}
    counted, parents = LineCounts(), 0
    for line in printed.split(b"\n"):
        if _HASH_LINE.match(line):
            counted, parents = LineCounts(), 0
            counts[line.decode()] = counted
        elif line.startswith(b"diff --"):
            counted.files, parents = counted.files + 1, 0
        elif line.startswith(b"@@@"):
            parents = len(line) - len(line.lstrip(b"@")) - 1
        elif parents:  # in a hunk: a column for each parent before the text
            counted.added += line.startswith(b"+" * parents)
            counted.deleted += line.startswith(b"-" * parents)
    return counts


def patch_ids(repository: Repository, folder: Path, hashes: Sequence[str]) -> dict[str, str]:
    """`git patch-id --stable` by hash; without those that have none, or that git gave up.

    Without rename detection, as git's own `--cherry-pick` compares: the id of a moved file does
    not hang on a similarity.
    """
    if not hashes:
        return {}
    try:
        printed = pipe_git(
            (*_PLAIN, *_PATCH, "--no-renames"), ("patch-id", "--stable"),
            git_dir=repository.git_dir, cwd=folder, stdin=_lines(hashes),
        )  # fmt: skip
    except GitFailed:
        if len(hashes) == 1:
            return {}
        middle = len(hashes) // 2
        return patch_ids(repository, folder, hashes[:middle]) | patch_ids(
            repository, folder, hashes[middle:]
        )
    pairs = (line.split(" ") for line in printed.decode("ascii").splitlines())
    return {commit_hash: patch_id for patch_id, commit_hash in pairs}


def _lines(hashes: Sequence[str]) -> bytes:
    return "".join(f"{commit_hash}\n" for commit_hash in hashes).encode()
