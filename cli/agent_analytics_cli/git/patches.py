"""Lines that commits add and remove, read from git's patches as they come."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, TypeVar

from agent_analytics_cli.git.diffs import PLAIN, RENAMES, FileCounts
from agent_analytics_cli.git.repository import GitFailed, Repository, stream_git

_HASH_LINE = re.compile(rb"^(?:[0-9a-f]{40}|[0-9a-f]{64})\n$")
_HUNK = re.compile(rb"^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")

T = TypeVar("T")

Lines = Iterator[tuple[int | None, str]]
"""(number, line) of one file: the number in the new file, from 1; None of a removed line."""
Files = Iterator[tuple[FileCounts, Lines]]
"""The files of one commit, to be read in order; lines that are not read are passed over."""


def read_patches(
    repository: Repository,
    folder: Path,
    counts: Mapping[str, Sequence[FileCounts]],
    read: Callable[[str, Files], T],
) -> dict[str, T]:
    """What `read` makes of each commit and its files, by hash; without those that git gave up.

    `counts` is of `count_files`: paths are told there unquoted. Commits have at most one parent.
    """
    wanted = list(counts)
    if not wanted:
        return {}
    found: dict[str, T] = {}
    try:
        with stream_git(
            *PLAIN, "-p", "-U0", *RENAMES,
            git_dir=repository.git_dir, cwd=folder, stdin=_stdin(wanted),
        ) as printed:  # fmt: skip
            for commit_hash, sections in _sections_by_commit(printed):
                found[commit_hash] = read(commit_hash, _by_file(counts[commit_hash], sections))
    except GitFailed:
        if len(wanted) == 1:
            return {}
        middle = len(wanted) // 2
        halves = (
            {name: counts[name] for name in part} for part in (wanted[:middle], wanted[middle:])
        )
        first, second = (read_patches(repository, folder, half, read) for half in halves)
        return first | second
    return found


def _by_file(files: Iterable[FileCounts], sections: Iterator[Lines]) -> Files:
    for file in files:
        lines = chain.from_iterable(next(sections, iter(())) for _ in range(file.sections))
        yield file, lines
        _pass_over(lines)


def _sections_by_commit(printed: IO[bytes]) -> Iterator[tuple[str, Iterator[Lines]]]:
    """Each commit with its sections, one for each `diff --git`."""
    patch = _Patch(printed)
    while patch.line:
        commit_hash = patch.line.strip().decode()
        patch.advance()
        sections = patch.sections()
        yield commit_hash, sections
        for section in sections:
            _pass_over(section)


class _Patch:
    """A patch under way; `line` is the next one, empty at the end."""

    def __init__(self, printed: IO[bytes]) -> None:
        self._printed = printed
        self.line = b""
        self.advance()

    def advance(self) -> None:
        self.line = self._printed.readline()

    def sections(self) -> Iterator[Lines]:
        """Up to the next commit."""
        while self.line and not _HASH_LINE.match(self.line):
            if self.line.startswith(b"diff --"):
                self.advance()
                section = self._hunks()
                yield section
                _pass_over(section)
            else:
                self.advance()

    def _hunks(self) -> Lines:
        """A line of content may look like anything: hunks say how many lines they have."""
        while self.line and not self.line.startswith(b"diff --"):
            if hunk := _HUNK.match(self.line):
                number = int(hunk[2])
                left = int(hunk[1] or 1) + int(hunk[3] or 1)
                self.advance()
                while left and self.line:
                    if not self.line.startswith(b"\\"):  # "\ No newline at end of file"
                        left -= 1
                        text = self.line[1:].decode("utf-8", "replace")
                        if self.line.startswith(b"+"):
                            yield number, text
                            number += 1
                        else:
                            yield None, text
                    self.advance()
            elif _HASH_LINE.match(self.line):
                return
            else:
                self.advance()


def _pass_over(lines: Lines) -> None:
    for _ in lines:
        pass


def _stdin(hashes: Sequence[str]) -> bytes:
    return "".join(f"{commit_hash}\n" for commit_hash in hashes).encode()
