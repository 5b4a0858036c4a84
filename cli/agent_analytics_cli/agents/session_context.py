"""What a session file said so far: the context that its later lines leave out."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_analytics_cli.agents.kept_values import identifier, timestamp, without_nulls
from agent_analytics_cli.agents.session_file import Record
from agent_analytics_cli.git.repository import (
    NotARepository,
    find_repository,
    normalized_remote,
)

Payload = dict[str, object]

_KEPT = ("session_id", "project_path", "git_branch", "repository", "about")


@dataclass(slots=True)
class Context:
    """The session that a file is at, and where it works."""

    agent: str
    source_file: str
    session_id: str | None = None
    project_path: str | None = None
    git_branch: str | None = None
    repository: str | None = None
    """As the agent names it; used where this machine cannot tell."""
    about: Payload = field(default_factory=dict)
    """What the payload of every record carries."""

    def record(self, kind: str, at: object, payload: Payload) -> Record | None:
        """A record without what is unknown; None when its session or its time is."""
        moment = timestamp(at)
        if self.session_id is None or moment is None:
            return None
        here = repository_at(self.project_path) if self.project_path else None
        return {
            "agent": self.agent,
            "session_id": self.session_id,
            "kind": kind,
            "timestamp": moment,
            "project_path": self.project_path,
            "git_branch": self.git_branch,
            "repository": here or self.repository,
            "source_file": self.source_file,
            "payload": without_nulls(payload | self.about),
        }

    def kept(self) -> dict[str, Any]:
        """What is to be known when the file is read on from here."""
        return {name: getattr(self, name) for name in _KEPT}

    def take_up(self, kept: dict[str, Any]) -> None:
        """Go on with what was kept."""
        for name in _KEPT:
            if kept.get(name) is not None:
                setattr(self, name, kept[name])


@functools.lru_cache(maxsize=4096)
def repository_at(folder: str) -> str | None:
    """Identity of the repository there, as far as this machine can tell."""
    if not os.path.isabs(folder) or not os.path.isdir(folder):
        return None
    try:
        return find_repository(Path(folder)).identity
    except NotARepository:
        return None


def remote_url(value: object) -> str | None:
    """The address of a remote on a server, without credentials."""
    return identifier(normalized_remote(value)) if isinstance(value, str) else None
