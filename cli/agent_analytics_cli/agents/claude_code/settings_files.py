"""The files that Claude Code has its settings from, in the order of their say."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent_analytics_cli.json_reader import NotJson, read
from agent_analytics_cli.json_text import is_strict
from agent_analytics_cli.machine import variable

ENV = "env"
"""Key of a settings file whose members become variables of the session."""

SKIPPED = (
    "holds comments or trailing commas, for which Claude Code is reported to discard the whole "
    "file (anthropics/claude-code#83190, August 2026). Take them out for it to be read."
)
"""What there is to say of a settings file that is no strict JSON."""

_IN_THE_SHELL = (
    "CLAUDE_CODE_ENABLE_TELEMETRY", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER",
    "OTEL_LOG_TOOL_DETAILS", "OTEL_METRICS_INCLUDE_REPOSITORY",
    "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_LOGS_EXPORT_INTERVAL",
    *(
        f"OTEL_EXPORTER_OTLP{signal}_{what}"
        for signal in ("", "_METRICS", "_LOGS")
        for what in ("PROTOCOL", "ENDPOINT", "HEADERS")
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """One place that settings come from; `str()` names it in a sentence."""

    what: str
    path: Path | None
    """None is the shell's environment."""
    variables: dict[str, str] = field(default_factory=dict)
    has_headers_helper: bool = False
    problem: str | None = None
    """A sentence, when the file is there and cannot be used."""

    @property
    def where(self) -> str:
        return str(self.path) if self.path else "the shell's environment"

    def __str__(self) -> str:
        return f"{self.path} ({self.what})" if self.path else "The shell's environment"


def settings_sources(
    config_dir: Path, project_dir: Path | None, managed: Sequence[Path] | None = None
) -> list[Source]:
    """Every settings file that exists, and the user's; those with the last word first.

    `managed` replaces the places of this machine's managed settings.
    """
    files = [
        ("managed settings", path) for path in (managed_files() if managed is None else managed)
    ]
    # What claude.ai's console sets for an organization, as Claude Code keeps it between starts.
    files.insert(0, ("settings managed by your organization", config_dir / "remote-settings.json"))
    if project_dir is not None:
        files.append(("local project settings", project_dir / ".claude/settings.local.json"))
        files.append(("project settings", project_dir / ".claude/settings.json"))
    user = config_dir / "settings.json"
    files = [(what, path) for what, path in files if path.exists() and path != user]
    return [_source(what, path) for what, path in (*files, ("your settings", user))]


def shell_source(own: Collection[tuple[str, str]]) -> Source:
    """The environment, without what we put into the shell's profile ourselves."""
    found = {name: variable(name) for name in _IN_THE_SHELL}
    foreign = {name: value for name, value in found.items() if value and (name, value) not in own}
    return Source("shell", None, foreign)


def managed_files(folder: Path | None = None) -> list[Path]:
    """Where an administrator's settings are; the file with the last word first."""
    if folder is None:
        is_mac = sys.platform == "darwin"
        folder = Path("/Library/Application Support/ClaudeCode" if is_mac else "/etc/claude-code")
    drop_ins = sorted((folder / "managed-settings.d").glob("*.json"), reverse=True)
    return [*drop_ins, folder / "managed-settings.json"]


def as_variables(members: Any) -> dict[str, str]:
    """The members of `env` as the strings that Claude Code makes of them."""
    if not isinstance(members, dict):
        return {}
    return {
        name: value if isinstance(value, str) else str(value).lower()
        for name, value in members.items()
        if isinstance(value, str | bool | int | float)
    }


def _source(what: str, path: Path) -> Source:
    try:
        text = path.read_bytes().decode()
        node = read(text)
    except FileNotFoundError:
        return Source(what, path)
    except (OSError, UnicodeDecodeError, NotJson) as error:
        return Source(what, path, problem=f"{path} ({what}) cannot be read: {error}.")
    settings = node.value if node else {}
    if not isinstance(settings, dict):
        return Source(what, path, problem=f"{path} ({what}) holds no settings.")
    return Source(
        what, path, as_variables(settings.get(ENV)), bool(settings.get("otelHeadersHelper")),
        None if is_strict(text) else f"{path} {SKIPPED}",
    )  # fmt: skip
