"""Files and lines that commits change, and the fingerprint of a change, from git's raw diffs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.git.repository import GitFailed, Repository, pipe_git, run_git

PLAIN = (
    # Paths are part of a patch id, so they are always quoted alike.
    "--no-replace-objects", "-c", "core.quotePath=true", "diff-tree", "--stdin", "-r", "--root",
    "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short",
    "--ignore-submodules=none", "--diff-algorithm=myers", "--indent-heuristic",
)  # fmt: skip
_PATCH = ("-p", "-U3", "--full-index", "--src-prefix=a/", "--dst-prefix=b/")
RENAMES = ("--find-renames=50%", "-l1000")
_HASH_LINE = re.compile(rb"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_SUBMODULE = b"160000"


@dataclass(slots=True)
class LineCounts:
    files: int = 0
    added: int = 0
    deleted: int = 0


@dataclass(slots=True)
class FileCounts:
    """A file that a commit changes."""

    path: bytes
    old_path: bytes | None
    """None unless it was renamed or copied."""
    is_submodule: bool
    sections: int
    """How many parts of a patch are about it: 2 where its type changed, else 1."""
    added: int | None = None
    """Lines; None of a binary file or a submodule."""
    deleted: int | None = None


def count_files(
    repository: Repository, folder: Path, hashes: Sequence[str]
) -> dict[str, list[FileCounts] | None]:
    """Of commits with at most one parent, by hash; None where git gave up (a huge change)."""
    if not hashes:
        return {}
    try:
        printed = run_git(
            *PLAIN, "-z", "--raw", "--numstat", "--no-abbrev", *RENAMES,
            git_dir=repository.git_dir, cwd=folder, stdin=_lines(hashes),
        )  # fmt: skip
    except GitFailed:
        if len(hashes) == 1:
            return {hashes[0]: None}
        middle = len(hashes) // 2
        return count_files(repository, folder, hashes[:middle]) | count_files(
            repository, folder, hashes[middle:]
        )
    files: dict[str, list[FileCounts] | None] = {commit_hash: [] for commit_hash in hashes}
    found: list[FileCounts] = []
    counted = 0
    parts = iter(printed.split(b"\0"))
    for part in parts:
        if part.startswith(b":"):  # raw: ":mode mode hash hash status", path, renamed: path
            modes, status = part.split(b" ")[:2], part.rpartition(b" ")[2]
            path, old_path = next(parts), None
            if status.startswith((b"R", b"C")):
                path, old_path = next(parts), path
            is_submodule = _SUBMODULE in modes[1] or _SUBMODULE in modes[0]
            found.append(FileCounts(path, old_path, is_submodule, 1 + (status == b"T")))
        elif b"\t" in part:  # numstat: "added \t deleted \t path", or no path there and two next
            added, deleted, path = part.split(b"\t", 2)
            if not path:
                next(parts)
                next(parts)
            file = found[counted]  # in the order of the raw lines
            counted += 1
            if added != b"-" and not file.is_submodule:
                file.added, file.deleted = int(added), int(deleted)
        elif _HASH_LINE.match(part):
            found, counted = [], 0
            files[part.decode()] = found
    return files


def summed(files: Iterable[FileCounts]) -> LineCounts:
    """The files of one commit together."""
    total = LineCounts()
    for file in files:
        total.files += 1
        total.added += file.added or 0
        total.deleted += file.deleted or 0
    return total


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
            *PLAIN, *_PATCH, "--cc", "--no-renames",
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
            (*PLAIN, *_PATCH, "--no-renames"), ("patch-id", "--stable"),
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
