"""The branch in which work counts as done, and how it stood at a time."""

from __future__ import annotations

from datetime import UTC, datetime

from agent_analytics_cli.git.repository import GitFailed, Repository, run_git

_USUAL = ("main", "master", "trunk", "develop")


def default_branch(repository: Repository) -> str | None:
    """The ref of the default branch: what origin says, else a usual name, else HEAD's branch.

    Of a branch that is here and at origin the one that is ahead of the other; None in a
    repository without commits.
    """
    names = _refs(repository)
    told = _symbolic(repository, "refs/remotes/origin/HEAD")
    name = told.removeprefix("refs/remotes/origin/") if told else None
    if name is None:
        name = next(
            (each for each in _USUAL if _local(each) in names or _remote(each) in names), None
        )
    if name is None:
        head = _symbolic(repository, "HEAD")
        return head if head in names else None
    here, there = _local(name), _remote(name)
    if here in names and there in names:
        return here if _contains(repository, here, there) else there
    return here if here in names else there if there in names else None


def as_of(repository: Repository, branch: str, moment: datetime) -> str | None:
    """The commit at which the branch stood; None when it had none yet. Raises GitFailed."""
    said = run_git(
        "rev-list", "-1", "--first-parent", f"--before={int(moment.timestamp())}", branch,
        git_dir=repository.common_dir,
    )  # fmt: skip
    return said.decode("ascii").strip() or None


def known_until(repository: Repository, branch: str) -> datetime | None:
    """The moment up to which a clone knows the branch; None where there is no origin.

    The last fetch, or the branch's newest commit when that is later. Raises GitFailed.
    """
    try:
        run_git("config", "remote.origin.url", git_dir=repository.common_dir)
    except GitFailed:
        return None
    said = run_git("rev-list", "-1", "--timestamp", branch, git_dir=repository.common_dir)
    seconds = float(said.split(b" ")[0])
    try:
        fetched = (repository.common_dir / "FETCH_HEAD").stat()
        if fetched.st_size:  # a fetch that failed leaves it empty
            seconds = max(seconds, fetched.st_mtime)
    except OSError:  # never fetched since it was cloned
        pass
    return datetime.fromtimestamp(seconds, UTC)


def _local(name: str) -> str:
    return f"refs/heads/{name}"


def _remote(name: str) -> str:
    return f"refs/remotes/origin/{name}"


def _refs(repository: Repository) -> set[str]:
    try:
        said = run_git(
            "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes/origin",
            git_dir=repository.common_dir,
        )  # fmt: skip
    except GitFailed:
        return set()
    return set(said.decode("utf-8", "surrogateescape").split("\n"))


def _symbolic(repository: Repository, name: str) -> str | None:
    try:
        said = run_git("symbolic-ref", "--quiet", name, git_dir=repository.common_dir)
    except GitFailed:  # detached, or never fetched
        return None
    return said.decode("utf-8", "surrogateescape").strip()


def _contains(repository: Repository, branch: str, other: str) -> bool:
    try:
        run_git("merge-base", "--is-ancestor", other, branch, git_dir=repository.common_dir)
    except GitFailed:
        return False
    return True
