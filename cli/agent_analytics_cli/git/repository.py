"""Calling plain git, and what identifies a repository."""

from __future__ import annotations

import functools
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agent_analytics_cli.machine import environment_for_git
from agent_analytics_collector.errors import AgentAnalyticsError

TIMEOUT_S = 60.0

# Greedy before the @: in `https://me:p@ss@host/…` the password has one too.
_HTTP = re.compile(r"^https?://(?:[^/]*@)?([^/]+)/+([^?#]+)", re.IGNORECASE)
_SSH = re.compile(
    r"^(?:ssh|git|git\+ssh|ssh\+git)://(?:[^/]*@)?(\[[^/\]]+\]|[^/:]+)(?::\d+)?/+([^?#]+)",
    re.IGNORECASE,
)
_SCP_LIKE = re.compile(r"^(?:[^/:]+@)?([^/:@]{2,}):/*([^/].*)$")


class NotARepository(AgentAnalyticsError):
    """A command needs a git repository and is not in one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} is in no git repository. Change into one, or name one.")


class GitFailed(AgentAnalyticsError):
    """git ended with an error, or is not installed."""

    def __init__(self, arguments: tuple[str, ...], problem: str) -> None:
        self.arguments, self.problem = arguments, problem
        super().__init__(f"`git {' '.join(arguments)}` failed: {problem}")


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository as seen from one of its work trees."""

    git_dir: Path
    """Absolute; of a linked work tree or a submodule its own."""
    common_dir: Path
    """Absolute; what all work trees share."""
    top_level: Path | None
    """Root of the work tree; None in a bare repository."""
    identity: str
    """`https://host/owner/name` of its origin, else the main work tree's absolute path.

    All work trees share it. Of a bare repository, and of one with `--separate-git-dir`, it is the
    path of what they share. Always encodable; bytes of a path that are no UTF-8 are U+FFFD.
    """


def run_git(
    *arguments: str,
    cwd: Path | None = None,
    git_dir: Path | None = None,
    stdin: bytes | None = None,
) -> bytes:
    """What git prints. `GIT_*` of the environment does not reach it. Raises GitFailed."""
    try:
        done = subprocess.run(
            _command(arguments, git_dir),
            cwd=cwd, input=stdin if stdin is not None else b"", capture_output=True,
            env=environment_for_git(), timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise GitFailed(arguments, f"no answer in {TIMEOUT_S:g} s") from error
    except (OSError, ValueError) as error:  # no git, no such folder, a NUL in an argument
        raise GitFailed(arguments, str(error)) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise GitFailed(arguments, said or f"exit code {done.returncode}")
    return done.stdout


def pipe_git(
    first: Sequence[str], second: Sequence[str], *, git_dir: Path, cwd: Path, stdin: bytes
) -> bytes:
    """What `second` prints of what `first` prints; it never lies in our memory. Raises GitFailed.

    `stdin` goes to `first` and must fit into a pipe (64 KiB).
    """
    environment = environment_for_git()
    try:
        with (
            subprocess.Popen(
                _command(first, git_dir), cwd=cwd, env=environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            ) as source,
            subprocess.Popen(
                _command(second, git_dir), cwd=cwd, env=environment,
                stdin=source.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            ) as filtered,
        ):  # fmt: skip
            assert source.stdin is not None
            assert source.stdout is not None
            source.stdout.close()  # or `first` would not notice that `second` has gone
            source.stdin.write(stdin)
            source.stdin.close()
            try:
                printed, _ = filtered.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired as error:
                source.kill()
                filtered.kill()
                raise GitFailed(tuple(second), f"no answer in {TIMEOUT_S:g} s") from error
    except OSError as error:
        raise GitFailed(tuple(first), str(error)) from error
    if failed := source.returncode or filtered.returncode:
        raise GitFailed(tuple(first), f"exit code {failed}")
    return printed


@contextmanager
def stream_git(*arguments: str, git_dir: Path, cwd: Path, stdin: bytes) -> Iterator[IO[bytes]]:
    """What git prints, to be read as it comes, so that it never lies in our memory whole.

    `stdin` must fit into a pipe (64 KiB). Raises GitFailed, at the end too.
    """
    try:
        process = subprocess.Popen(
            _command(arguments, git_dir), cwd=cwd, env=environment_for_git(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise GitFailed(arguments, str(error)) from error
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _feed(process.stdin, stdin, arguments)
            yield process.stdout
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise GitFailed(arguments, f"exit code {process.returncode}")


def _feed(pipe: IO[bytes], stdin: bytes, arguments: tuple[str, ...]) -> None:
    try:
        pipe.write(stdin)
        pipe.close()
    except OSError as error:  # git ended without reading it
        with suppress(OSError):
            pipe.close()
        raise GitFailed(arguments, str(error)) from error


def _command(arguments: Sequence[str], git_dir: Path | None) -> list[str]:
    return ["git", *(("--git-dir", str(git_dir)) if git_dir else ()), *arguments]


@functools.cache
def git_version() -> tuple[int, int]:
    """(major, minor) of the installed git. Raises GitFailed."""
    said = run_git("--version").decode(errors="replace")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None:
        raise GitFailed(("--version",), f"it says {said.strip()!r}")
    return int(found[1]), int(found[2])


def find_repository(path: Path | None = None, git_dir: Path | None = None) -> Repository:
    """The repository around `path` (the current folder), or of `git_dir`. Raises NotARepository."""
    try:
        # From inside the git dir: our own current folder may be gone, or another work tree.
        here = (git_dir or path or Path.cwd()).absolute()
    except FileNotFoundError as error:
        raise NotARepository(path or Path(".")) from error
    try:
        said = run_git(
            "rev-parse", "--absolute-git-dir", "--git-common-dir", "--is-bare-repository",
            cwd=here, git_dir=here if git_dir else None,
        )  # fmt: skip
    except GitFailed as error:
        raise NotARepository(here) from error
    found, common, is_bare = os.fsdecode(said).split("\n")[:3]
    own = Path(found).resolve()
    # git counts `..` from the real folder, which is not where a link to it lies.
    shared = (here / common).resolve()
    top_level = None if is_bare == "true" else _top_level(own, None if git_dir else here)
    return Repository(own, shared, top_level, _identity(own, shared))


def normalized_remote(url: str) -> str | None:
    """`https://host/owner/name` of a remote on a server; None for a path or a file.

    Without credentials, `.git` and ssh's port, as `normalized_repository` of the dbt project.
    """
    url = url.strip()
    found = _HTTP.match(url) or _SSH.match(url) or (None if "://" in url else _SCP_LIKE.match(url))
    if found is None:
        return None
    return f"https://{found[1]}/{re.sub(r'(?:[.]git)?/*$', '', found[2])}"


def _top_level(git_dir: Path, here: Path | None) -> Path | None:
    """The work tree; of a git dir alone the one that it belongs to."""
    if here is not None:
        try:
            return Path(os.fsdecode(run_git("rev-parse", "--show-toplevel", cwd=here)).rstrip("\n"))
        except GitFailed:  # inside .git itself
            pass
    link = git_dir / "gitdir"  # of a linked work tree: the path of its .git file
    if link.is_file():
        return Path(os.path.normpath(git_dir / os.fsdecode(link.read_bytes()).rstrip("\n"))).parent
    return _main_work_tree(git_dir)


def _main_work_tree(common_dir: Path) -> Path | None:
    """None when it is not known: of a bare repository, or one with `--separate-git-dir`."""
    try:  # of a submodule: relative to its git dir
        configured = os.fsdecode(_config(common_dir, "core.worktree"))
    except GitFailed:
        return common_dir.parent if common_dir.name == ".git" else None
    return Path(os.path.normpath(common_dir / configured))


def _identity(git_dir: Path, common_dir: Path) -> str:
    try:
        url = os.fsdecode(_config(git_dir, "remote.origin.url"))
    except GitFailed:
        url = ""
    identity = normalized_remote(url) or str(_main_work_tree(common_dir) or common_dir)
    return os.fsencode(identity).decode(errors="replace")


def _config(git_dir: Path, name: str) -> bytes:
    return run_git("config", name, cwd=git_dir, git_dir=git_dir).rstrip(b"\n")
