"""Session files in general: where one lies, what it says, what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Record = dict[str, Any]
"""One session record as `POST /v1/session-records` takes it; `payload` is flat."""


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A session file as it was when it was found."""

    path: Path
    source_file: str
    """Path relative to the folder that holds the agent's own, as `.claude/projects/…`."""
    size: int
    """Bytes."""
    mtime_ns: int


@dataclass(slots=True)
class Reading:
    """How far a file was read; a reader given one goes on there, and moves it along."""

    offset: int = 0
    """Bytes up to the end of the last whole line; 0 of a file that is read only as a whole."""
    context: dict[str, Any] | None = None
    """What later lines leave out because earlier ones said it, as JSON has it."""


@dataclass(slots=True)
class Trouble:
    """What could not be read; the rest was."""

    damaged_lines: int = 0
    unreadable: dict[Path, str] = field(default_factory=dict)
    """Reason by path of the file or folder."""

    def cannot_read(self, path: Path, error: OSError) -> None:
        self.unreadable[path] = error.strerror or str(error)

    def add(self, other: Trouble) -> None:
        """Count in what somebody else could not read."""
        self.damaged_lines += other.damaged_lines
        self.unreadable |= other.unreadable
