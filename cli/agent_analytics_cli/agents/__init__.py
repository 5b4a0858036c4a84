"""What each agent leaves on the developer's machine.

Whoever adds an agent adds its folder here and a line to READERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent_analytics_cli.agents import claude_code, codex, copilot_cli, gemini_cli
from agent_analytics_cli.agents.session_file import Reading, Record, SessionFile, Trouble
from agent_analytics_collector.line_hashes import LineHasher


class ReadFile(Protocol):
    """The records of one file, from a reading on, which follows; of edits only with a hasher."""

    def __call__(
        self,
        file: SessionFile,
        trouble: Trouble,
        reading: Reading | None = None,
        hasher: LineHasher | None = None,
    ) -> Iterator[Record]: ...


@dataclass(frozen=True, slots=True)
class SessionReader:
    """How the session files of one agent are found and read."""

    title: str
    """The agent's name for people."""
    folder: Callable[[Path | None], Path]
    """The agent's own folder, under the home folder named or (None) the user's."""
    find: Callable[[Path, Trouble], list[SessionFile]]
    """The session files of that folder, in a fixed order."""
    read: ReadFile
    kept_in: tuple[str, ...]
    """The folders in the agent's own below which its session files lie."""


READERS = {
    "claude_code": SessionReader(
        "Claude Code",
        claude_code.config_dir,
        claude_code.find_session_files,
        claude_code.read_session_file,
        ("projects",),
    ),
    "codex": SessionReader(
        "Codex",
        codex.codex_dir,
        codex.find_session_files,
        codex.read_session_file,
        ("sessions", "archived_sessions"),
    ),
    "gemini_cli": SessionReader(
        "Gemini CLI",
        gemini_cli.gemini_folder,
        gemini_cli.find_session_files,
        gemini_cli.read_session_file,
        ("tmp",),
    ),
    "copilot_cli": SessionReader(
        "Copilot CLI",
        copilot_cli.copilot_folder,
        copilot_cli.find_session_files,
        copilot_cli.read_session_file,
        ("session-state",),
    ),
}
"""Agent, as `enabled_agents` names it → its reader."""
