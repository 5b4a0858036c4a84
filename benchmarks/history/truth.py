"""What is known of a generated history: who wrote each line, and what tells of it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

WINDOW = timedelta(seconds=300)
"""For so long after its last event a session counts as active, by default."""

_keys = itertools.count(1)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of a file; it stays the same line wherever it is moved or committed to."""

    text: str
    author: str
    """A session's id, or the name of a person."""
    key: int = field(default_factory=_keys.__next__)

    def respaced(self, text: str) -> Line:
        """The same line with other white space."""
        return Line(text, self.author, self.key)


Tree = dict[str, tuple[Line, ...]]
"""The files of a commit by path."""


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str


@dataclass(slots=True)
class CommitTruth:
    """One commit that is in the repository at the end."""

    commit_hash: str
    story: str
    """What it was made in."""
    at: datetime
    new: dict[str, list[Line]]
    """Lines by path that whoever worked for this commit wrote."""
    made_by: str | None = None
    """The session whose tool call made it, and whose file says so."""
    noted: dict[str, int] = field(default_factory=dict)
    """Lines by session that its git-ai note tells."""
    marker: str | None = None
    """The agent that its trailer names."""
    is_merge: bool = False

    def authors(self) -> set[str]:
        """Who wrote its lines."""
        return {line.author for lines in self.new.values() for line in lines}

    def lines_of(self, author: str) -> Counter[tuple[str, str]]:
        """How often it has each (path, text) by this author."""
        return Counter(
            (path, line.text)
            for path, lines in self.new.items()
            for line in lines
            if line.author == author
        )


@dataclass(slots=True)
class SessionTruth:
    """One session of an agent."""

    session_id: str
    agent: str
    has_file: bool = True
    """Its file is on this machine."""
    tells_edits: bool = True
    """Its tool calls say what they wrote; a shell's do not."""
    last_at: datetime | None = None
    """Of its last event."""
    written: int = 0
    """Lines that it wrote, whatever became of them."""


@dataclass(slots=True)
class History:
    """A generated repository and all that is true of it."""

    repository: Path
    user_home: Path
    """A home folder with the agents' session files."""
    commits: dict[str, CommitTruth] = field(default_factory=dict)
    sessions: dict[str, SessionTruth] = field(default_factory=dict)
    rewrites: list[tuple[str, str, str]] = field(default_factory=list)
    """(kind, old hash, new hash) that a hook saw."""
    trees: dict[str, Tree] = field(default_factory=dict)

    def writers(self, commit: CommitTruth) -> set[str]:
        """The sessions that took part in a commit."""
        found = {author for author in commit.authors() if author in self.sessions}
        return found | ({commit.made_by} if commit.made_by else set())

    def evidence(self, commit: CommitTruth) -> str:
        """The strongest tier that there is evidence for; `none` of an agent's work without any.

        `person` where no agent took part.
        """
        writers = [self.sessions[name] for name in self.writers(commit)]
        if commit.noted:
            return "note"
        if commit.made_by and self.sessions[commit.made_by].has_file:
            return "tool_call"
        if any(each.has_file and each.tells_edits for each in writers):
            return "lines"
        if commit.marker:
            return "marker"
        ends = [each.last_at for each in writers if each.has_file and each.last_at]
        if any(commit.at - end <= WINDOW for end in ends):
            return "window"
        return "none" if writers else "person"


def new_lines(before: Tree, after: Tree) -> dict[str, list[Line]]:
    """By path, the lines of `after` that are not in `before`."""
    known = {line.key for lines in before.values() for line in lines}
    found = {
        path: [line for line in lines if line.key not in known]
        for path, lines in after.items()
        if lines is not before.get(path)
    }
    return {path: lines for path, lines in found.items() if lines}


def text_of(lines: Iterable[Line]) -> str:
    """The content of a file."""
    return text_of_lines(line.text for line in lines)


def text_of_lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)
