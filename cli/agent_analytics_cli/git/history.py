"""Commits of a repository that were not told yet, from its history.

GitPython walks the history; what a commit is about is read by commit_facts.py, for hundreds of
commits in a handful of git calls.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import date

import git

from agent_analytics_cli.git.commit_facts import BATCH
from agent_analytics_cli.git.repository import GitFailed, Repository, run_git

_REFS = ("--branches", "--remotes", "--tags", "HEAD")
"""Not `--all`: notes and stashes are commits that nobody made."""


def tips(repository: Repository) -> list[str]:
    """Hashes of what branches, remote branches, tags and HEAD point to; [] without any commit."""
    try:
        said = run_git("rev-parse", "--revs-only", *_REFS, git_dir=repository.common_dir)
    except GitFailed:
        return []
    return sorted(set(said.decode("ascii").split()))


def new_commits(
    repository: Repository, known: Sequence[str], since: date | None = None
) -> Iterator[list[str]]:
    """Hashes that cannot be reached from `known`, the newest first, some hundred at a time.

    Hashes in `known` that are gone are left out. `since` goes by the committer's time, from the
    first moment of that day in this machine's time zone. Raises GitFailed.
    """
    found = tips(repository)
    if not found:
        return
    group: list[str] = []
    try:
        with git.Repo(repository.common_dir) as repo, tempfile.TemporaryFile() as revisions:
            # Whatever GIT_DIR we were started with, and of a work tree's folder the shared one.
            repo.git.update_environment(GIT_DIR=str(repository.common_dir))
            revisions.write(_revisions(repository, found, known))
            revisions.seek(0)
            listing = repo.git.rev_list(
                *_limit(since), "--stdin", istream=revisions, as_process=True
            )
            for line in listing.stdout:
                group.append(line.decode("ascii").strip())
                if len(group) == BATCH:
                    yield group
                    group = []
            listing.wait()
    except (git.GitError, OSError) as error:
        raise GitFailed(("rev-list",), str(error)) from error
    if group:
        yield group


def count_new(repository: Repository, known: Sequence[str], since: date | None = None) -> int:
    """How many commits `new_commits` gives. Raises GitFailed."""
    found = tips(repository)
    if not found:
        return 0
    said = run_git(
        "rev-list", "--count", *_limit(since), "--stdin",
        git_dir=repository.common_dir, stdin=_revisions(repository, found, known),
    )  # fmt: skip
    return int(said)


def _limit(since: date | None) -> tuple[str, ...]:
    return (f"--since={since.isoformat()} 00:00:00",) if since else ()


def _revisions(repository: Repository, found: Sequence[str], known: Sequence[str]) -> bytes:
    lines = [*found, *(f"^{name}" for name in _existing(repository, known))]
    return "".join(f"{line}\n" for line in lines).encode()


def _existing(repository: Repository, hashes: Sequence[str]) -> list[str]:
    if not hashes:
        return []
    said = run_git(
        "cat-file", "--batch-check=%(objectname) %(objecttype)",
        git_dir=repository.common_dir, stdin="".join(f"{name}\n" for name in hashes).encode(),
    )  # fmt: skip
    lines = (line.split(" ") for line in said.decode("ascii", "replace").splitlines())
    return [name for name, kind in lines if kind in ("commit", "tag")]
