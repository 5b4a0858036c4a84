"""What HEAD's reflog says: on which branch a commit was made, and whether it was made here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent_analytics_cli.git.repository import GitFailed, Repository, run_git

MAX_ENTRIES = 2000
"""Newest entries looked at; older commits were noted long ago."""

_CHECKOUT = re.compile(r"^checkout: moving from (.+) to .+$")
_REBASE_END = re.compile(r"^(?:rebase|pull)\b[^:]* \(finish\): returning to refs/heads/(.+)$")
_REBASE_START = re.compile(r"^(?:rebase|pull)\b[^:]* \(start\):")
_HASH = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
_MERGED = re.compile(r"^commit \(merge\):|^(?!commit).*: Merge made by ")
# What moves HEAD to a commit without making one.
_ONLY_MOVED = re.compile(
    r"^(?:checkout|reset|clone|branch|Branch|initial pull|rebase: (?:checkout|abort))"
    r"|^(?!commit).*(?:: [Ff]ast-forward|\((?:start|finish|abort)\):)"
)


@dataclass(frozen=True, slots=True)
class Moves:
    """HEAD's moves of one work tree, as far back as they are known."""

    branches: dict[str, str | None]
    """By hash: the branch checked out when the commit was made; None when detached, or unknown."""
    merges: frozenset[str]
    """Hashes of merge commits that were made here, not fetched."""
    known: frozenset[str]
    """All hashes that HEAD has been at."""
    tip: str | None
    tip_branch: str | None

    def branch_of(self, commit_hash: str) -> str | None:
        """None when detached, or unknown."""
        if commit_hash in self.branches:
            return self.branches[commit_hash]
        return self.tip_branch if commit_hash == self.tip else None


NO_MOVES = Moves({}, frozenset(), frozenset(), None, None)


def read_moves(repository: Repository) -> Moves:
    """The moves of HEAD; without a reflog (bare, or switched off) only where it is."""
    branch = _branch(repository)
    branches: dict[str, str | None] = {}
    merges, known = set(), []
    at = branch
    sure_of: set[str] | None = None  # None: of all
    for commit_hash, subject in _entries(repository, "HEAD"):  # from the newest
        known.append(commit_hash)
        if finished := _REBASE_END.search(subject):
            at = finished[1]
        elif _REBASE_START.search(subject):
            # `git rebase main topic` leaves another branch than it returns to, and tells nothing.
            sure_of = {made for made, _ in _entries(repository, f"refs/heads/{at}")} if at else None
        elif not _ONLY_MOVED.search(subject):
            branches.setdefault(
                commit_hash, at if sure_of is None or commit_hash in sure_of else None
            )
        if _MERGED.search(subject):
            merges.add(commit_hash)
        if came_from := _CHECKOUT.match(subject):
            at = None if _HASH.match(came_from[1]) else came_from[1]
            sure_of = None
    return Moves(branches, frozenset(merges), frozenset(known), _tip(repository), branch)


def made_here(repository: Repository, moves: Moves, commit_hash: str) -> bool:
    """Whether this merge commit was made in this work tree and not fetched into it.

    A pull that fast-forwards to somebody's merge runs the post-merge hook too. Where the reflog
    does not know the commit, its committer decides.
    """
    if commit_hash in moves.known:
        return commit_hash in moves.merges
    try:
        git_dir = repository.git_dir
        ours = run_git("var", "GIT_COMMITTER_IDENT", git_dir=git_dir, cwd=git_dir)
        theirs = run_git(
            "rev-list", "--no-walk", "--format=%ce", commit_hash, git_dir=git_dir, cwd=git_dir
        )
    except GitFailed:
        return False
    return b"<" + theirs.rstrip(b"\n").rpartition(b"\n")[2] + b">" in ours


def _entries(repository: Repository, ref: str) -> list[tuple[str, str]]:
    """(hash, subject) of a reflog, the newest first."""
    try:
        printed = run_git(
            "--no-replace-objects", "log", "-g", "-n", str(MAX_ENTRIES), "-z", "--no-patch",
            "--no-show-signature", "--no-color", "--no-notes", "--format=%H %gs", ref, "--",
            git_dir=repository.git_dir, cwd=repository.git_dir,
        )  # fmt: skip
    except GitFailed:
        return []
    lines = printed.decode("utf-8", "replace").rstrip("\0").split("\0")
    return [(commit_hash, subject) for commit_hash, _, subject in (x.partition(" ") for x in lines)]


def _branch(repository: Repository) -> str | None:
    try:
        said = run_git(
            "symbolic-ref", "--quiet", "HEAD",
            git_dir=repository.git_dir, cwd=repository.git_dir,
        )  # fmt: skip
    except GitFailed:  # detached
        return None
    return said.decode("utf-8", "replace").rstrip("\n").removeprefix("refs/heads/")


def _tip(repository: Repository) -> str | None:
    try:
        said = run_git(
            "rev-parse", "--verify", "--quiet", "HEAD",
            git_dir=repository.git_dir, cwd=repository.git_dir,
        )  # fmt: skip
    except GitFailed:  # no commit yet
        return None
    return said.decode("ascii").rstrip("\n")
