"""What each agent leaves on the developer's machine.

Whoever adds an agent adds its folder here and a line to READERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.agents import claude_code
from agent_analytics_cli.agents.session_file import Record, SessionFile, Trouble


@dataclass(frozen=True, slots=True)
class SessionReader:
    """How the session files of one agent are found and read."""

    title: str
    """The agent's name for people."""
    folder: Callable[[Path | None], Path]
    """The agent's own folder, under the home folder named or (None) the user's."""
    find: Callable[[Path, Trouble], list[SessionFile]]
    """The session files of that folder, in a fixed order."""
    read: Callable[[SessionFile, Trouble], Iterator[Record]]
    """The records of one file."""


READERS = {
    "claude_code": SessionReader(
        "Claude Code",
        claude_code.config_dir,
        claude_code.find_session_files,
        claude_code.read_session_file,
    ),
}
"""Agent, as `enabled_agents` names it → its reader."""
