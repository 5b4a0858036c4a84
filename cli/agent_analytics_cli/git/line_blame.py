"""Who wrote each line of a file, as git blame tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agent_analytics_cli.git.blame import SETTINGS
from agent_analytics_cli.git.commit_facts import NoSuchCommit, shallow_edge, work_folder
from agent_analytics_cli.git.repository import GitFailed, Repository, run_git, stream_git
from agent_analytics_collector.errors import AgentAnalyticsError

_HEADER = re.compile(rb"^([0-9a-f]{40}|[0-9a-f]{64}) (\d+) (\d+)(?: \d+)?\n$")
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abtnvfr"\\])')
_LETTERS = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


class NoSuchFile(AgentAnalyticsError):
    """A path is no file that git follows there."""

    def __init__(self, path: str, where: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is no file that git follows in {where}. `git ls-files` lists those of the "
            "work tree; of an earlier commit name the commit as well."
        )


@dataclass(frozen=True, slots=True)
class BlamedLine:
    """One line of the file and the commit that wrote it."""

    number: int
    """In the file, from 1."""
    text: str
    commit_hash: str | None
    """None of a line that is not committed yet."""
    path_then: str
    """Where the file was in that commit."""
    number_then: int
    author: str
    committed_at: datetime | None
    """None of a line that is not committed yet."""
    is_cut: bool = False
    """The history of a shallow clone ends in that commit: an earlier one may have written it."""


def blame_lines(
    repository: Repository, path: str, revision: str | None = None
) -> Iterator[BlamedLine]:
    """The lines of `path` (from the repository's root) at `revision`, in order.

    Without a revision those of the work tree, in a bare repository of HEAD. Renames of the file
    are followed; a line whose white space alone changed stays with who wrote it. Raises
    NoSuchCommit, NoSuchFile, GitFailed.
    """
    if revision is None and repository.top_level is None:
        revision = "HEAD"
    resolved = None if revision is None else resolve(repository, revision)
    _check(repository, path, resolved)
    with stream_git(
        "--no-replace-objects", *SETTINGS, "-c", "core.quotePath=false",
        "blame", "--porcelain", "-w", "--encoding=UTF-8",
        *((resolved,) if resolved else ()), "--", path,
        git_dir=repository.git_dir, cwd=work_folder(repository), stdin=b"",
    ) as printed:  # fmt: skip
        yield from _read(printed, shallow_edge(repository))


@dataclass(slots=True)
class _Commit:
    author: str = ""
    committed_at: datetime | None = None
    path: str = field(default="")


def _read(printed: Iterable[bytes], edge: Set[str]) -> Iterator[BlamedLine]:
    """A commit is described where it comes first, its path again where it has several."""
    commits: dict[str, _Commit] = {}
    name, then, now = "", 0, 0
    for line in printed:
        if line.startswith(b"\t"):
            commit = commits[name]
            is_committed = name.strip("0") != ""
            yield BlamedLine(
                now,
                _text(line[1:].removesuffix(b"\n")),
                name if is_committed else None,
                commit.path,
                then,
                commit.author,
                commit.committed_at if is_committed else None,
                name in edge,
            )
        elif header := _HEADER.match(line):
            name, then, now = header[1].decode(), int(header[2]), int(header[3])
            commits.setdefault(name, _Commit())
        else:
            key, _, value = line.rstrip(b"\n").partition(b" ")
            if key == b"author":
                commits[name].author = _text(value)
            elif key == b"committer-time":
                commits[name].committed_at = datetime.fromtimestamp(int(value), UTC)
            elif key == b"filename":
                commits[name].path = _text(_unquoted(value))


def resolve(repository: Repository, revision: str) -> str:
    """The full hash of a commit, named as git allows it. Raises NoSuchCommit."""
    try:
        said = run_git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}",
            git_dir=repository.git_dir,
        )  # fmt: skip
    except GitFailed as error:
        raise NoSuchCommit(revision, repository) from error
    return said.decode("ascii").strip()


def _check(repository: Repository, path: str, resolved: str | None) -> None:
    folder = work_folder(repository)
    is_file = Path(folder, path).is_file() if resolved is None else True
    if not is_file or not (
        _is_blob(repository, resolved or "HEAD", path)
        or (resolved is None and _is_blob(repository, "", path))
    ):
        raise NoSuchFile(path, resolved[:10] if resolved else str(folder))


def _is_blob(repository: Repository, revision: str, path: str) -> bool:
    """Whether the commit has that file, without a revision the index."""
    try:
        said = run_git("cat-file", "-t", f"{revision}:{path}", git_dir=repository.git_dir)
    except GitFailed:
        return False
    return said.strip() == b"blob"


def _unquoted(path: bytes) -> bytes:
    """A path with quotes, backslashes or control characters comes as a C string."""
    if not (path.startswith(b'"') and path.endswith(b'"')):
        return path
    return _ESCAPE.sub(
        lambda found: bytes(
            [int(found[1], 8) if len(found[1]) == 3 else _LETTERS[found[1][0]]]
        ),
        path[1:-1],
    )  # fmt: skip


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
