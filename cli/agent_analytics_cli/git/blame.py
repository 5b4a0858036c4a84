"""Which lines of a revision blame gives to certain commits, as keyed hashes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from agent_analytics_cli.git.repository import GitFailed, Repository, run_git, stream_git
from agent_analytics_collector.line_hashes import LineHasher

_RENAMED = re.compile(r"R\d+")
# What a user's configuration could turn.
SETTINGS = ("-c", "blame.ignoreRevsFile=", "-c", "diff.algorithm=myers")
_HEADER = re.compile(rb"^([0-9a-f]{40}|[0-9a-f]{64}) \d+ \d+(?: \d+)?\n$")


def alive_lines(
    repository: Repository,
    folder: Path,
    revision: str,
    base: str | None,
    path: str,
    commits: Set[str],
    hasher: LineHasher,
) -> dict[str, list[str]]:
    """Hashes of the effective lines of `path` at `revision`, by the commit that wrote them.

    Only of `commits`. A line whose white space alone changed stays with who wrote it, and a
    renamed file is followed. History behind `base` is not searched. Empty when the file is not
    there. Raises GitFailed.
    """
    found: dict[str, list[str]] = {}
    revisions = (revision, f"^{base}") if base else (revision,)
    wanted = b""
    try:
        with stream_git(
            "--no-replace-objects", *SETTINGS, "blame", "--porcelain", "-w", *revisions,
            "--", path,
            git_dir=repository.git_dir, cwd=folder, stdin=b"",
        ) as printed:  # fmt: skip
            for line in printed:
                if line.startswith(b"\t"):
                    if wanted and (digest := hasher.of(line[1:].decode("utf-8", "replace"))):
                        found.setdefault(wanted.decode("ascii"), []).append(digest)
                elif header := _HEADER.match(line):
                    wanted = header[1] if header[1].decode("ascii") in commits else b""
    except GitFailed:
        if _exists(repository, revision, path):
            raise
    return found


def common_base(repository: Repository, parents: Sequence[str]) -> str | None:
    """A commit that all of `parents` have behind them, so that none of their children is there.

    None when there is none.
    """
    if not parents:
        return None
    try:
        said = run_git(
            "merge-base", "--octopus", *sorted(set(parents)), git_dir=repository.common_dir
        )
    except GitFailed:
        return None
    return said.decode("ascii").split("\n")[0] or None


def renames_since(
    repository: Repository, folder: Path, since_s: int, revision: str
) -> Sequence[tuple[str, str]]:
    """(old path, new path) of the renames up to `revision`, the oldest first. Raises GitFailed.

    Commit by commit: a file that was renamed and then rewritten has nothing left by which its end
    and its beginning would be known for the same.
    """
    printed = run_git(
        "--no-replace-objects", "-c", "log.showSignature=false", "log", "-z", "--reverse",
        "--format=", "--name-status", "--diff-filter=R", "--find-renames=50%", "-l1000",
        f"--since={since_s}", revision,
        git_dir=repository.git_dir, cwd=folder,
    )  # fmt: skip
    parts = printed.decode("utf-8", "surrogateescape").split("\0")
    return [
        (old, new)
        for kind, old, new in zip(parts, parts[1:], parts[2:], strict=False)
        if _RENAMED.fullmatch(kind)
    ]


def path_after(path: str, renames: Iterable[tuple[str, str]]) -> str:
    """Where a file is after the renames."""
    for old, new in renames:
        if old == path:
            path = new
    return path


def _exists(repository: Repository, revision: str, path: str) -> bool:
    try:
        run_git("cat-file", "-e", f"{revision}:{path}", git_dir=repository.common_dir)
    except GitFailed:
        return False
    return True
