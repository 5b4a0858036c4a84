"""What a recipe is made from, and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.agents.claude_code.otel_variables import variables
from agent_analytics_cli.setup.answers import Answers
from agent_analytics_collector.settings import Settings

HOMES = ".agent-homes"
"""Folder in the user's home for the homes of agents that run elsewhere."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to paste or run (it goes to stdout), and what there is to know about it."""

    text: str
    notes: list[str] = field(default_factory=list)
    next_commands: list[str] = field(default_factory=list)
    """What to type on this machine afterwards."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was answered, and the settings of this machine."""

    answers: Answers
    settings: Settings

    def claude_code(self, endpoint: str, headers: Mapping[str, str]) -> dict[str, str]:
        """Claude Code's variables for telemetry to `endpoint`; values may hold references."""
        plain = variables(
            endpoint, {}, details=self.answers.tool_details,
            repository_names=self.answers.repository_names,
            export_interval_s=self.settings.telemetry.export_interval,
        )  # fmt: skip
        told = ",".join(f"{name}={value}" for name, value in headers.items())
        return plain | {"OTEL_EXPORTER_OTLP_HEADERS": told}


def session_folders() -> list[Path]:
    """Where agents keep their sessions, relative to a home."""
    return [
        reader.folder(Path()) / name for reader in READERS.values() for name in reader.kept_in
    ]  # fmt: skip
