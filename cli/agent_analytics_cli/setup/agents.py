"""The agents that can be told to report: where their settings are, and how they are switched on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent_analytics_cli.agents.claude_code import telemetry as claude_code
from agent_analytics_cli.agents.claude_code.otel_variables import ENDPOINT
from agent_analytics_cli.agents.claude_code.settings_files import ENV
from agent_analytics_cli.agents.codex import telemetry as codex
from agent_analytics_cli.agents.copilot_cli import telemetry as copilot_cli
from agent_analytics_cli.agents.cursor import hooks_file as cursor
from agent_analytics_cli.agents.gemini_cli import telemetry as gemini_cli
from agent_analytics_cli.agents.telemetry import Receiver, TelemetryPlan, TelemetryState
from agent_analytics_cli.machine import (
    claude_config_dir,
    codex_home,
    copilot_home,
    gemini_dir,
    has_program,
)  # fmt: skip
from agent_analytics_cli.receipt import Entry
from agent_analytics_collector.home import Home


@dataclass(frozen=True, slots=True)
class Wish:
    """What an agent is to be told."""

    receiver: Receiver
    tool_details: bool
    repository_names: bool
    export_interval_s: int
    project_dir: Path
    in_profile: bool
    """The shell's profile is written, too."""
    entry: Entry | None = None
    """Of the agent's settings file, if it was written before."""
    own_variables: Collection[tuple[str, str]] = field(default_factory=tuple)
    """Ours in the shell's environment, by an earlier profile."""
    managed: Sequence[Path] | None = None
    """Replaces the places of Claude Code's managed settings."""
    home: Home = field(default_factory=Home.from_environment)
    """What an agent's own hook reports to."""
    keep: bool = False
    """Telemetry that goes elsewhere by the user's own settings comes here, and goes on to there."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent; its key in AGENTS is its name in `enabled_agents`."""

    title: str
    program: str
    """That it is started by; for others `other_programs`."""
    folder: Callable[[], Path]
    settings: str | None
    """Name of its settings file in that folder; None when it has only its environment."""
    under: str | None
    """Of a JSON settings file the key that holds what is ours."""
    plan: Callable[[Wish], TelemetryPlan]
    state: Callable[[Path | None], TelemetryState]
    """What its next session in a project will do."""
    other_programs: tuple[str, ...] = ()
    own_files: Callable[[Home], tuple[Path, ...]] = lambda home: ()
    """Files in our own folder that are there for this agent alone."""
    by_hook: bool = False
    """It sends no telemetry: it runs our hook, which tells what it does."""

    @property
    def settings_file(self) -> Path | None:
        return self.folder() / self.settings if self.settings else None

    def is_found(self) -> bool:
        """Whether it is, or was, on this machine."""
        programs = (self.program, *self.other_programs)
        return self.folder().is_dir() or any(map(has_program, programs))


def _plan_claude_code(wish: Wish) -> TelemetryPlan:
    return claude_code.plan_telemetry(
        claude_config_dir(), wish.receiver.endpoint, wish.receiver.headers,
        details=wish.tool_details, repository_names=wish.repository_names,
        export_interval_s=wish.export_interval_s, project_dir=wish.project_dir,
        managed=wish.managed, entry=wish.entry, own_variables=wish.own_variables, keep=wish.keep,
    )  # fmt: skip


def _claude_code_state(project_dir: Path | None) -> TelemetryState:
    status = claude_code.telemetry_status(claude_config_dir(), project_dir)
    return TelemetryState(
        status.enabled, status.endpoint, (status.protocol or "").startswith("http"),
        status.origins.get(ENDPOINT), [*status.problems, *status.overrides],
    )  # fmt: skip


def _plan_codex(wish: Wish) -> TelemetryPlan:
    return codex.plan_telemetry(codex_home(), wish.receiver, entry=wish.entry, keep=wish.keep)


def _plan_gemini_cli(wish: Wish) -> TelemetryPlan:
    return gemini_cli.plan_telemetry(
        gemini_dir(), wish.receiver, project_dir=wish.project_dir, entry=wish.entry,
        own_variables=wish.own_variables,
    )  # fmt: skip


def _plan_copilot_cli(wish: Wish) -> TelemetryPlan:
    return copilot_cli.plan_telemetry(
        wish.receiver, in_profile=wish.in_profile, own_variables=wish.own_variables
    )


def _plan_cursor(wish: Wish) -> TelemetryPlan:
    return cursor.plan_hooks(cursor.cursor_folder(), wish.home, entry=wish.entry)


AGENTS = {
    "claude_code": Agent(
        "Claude Code", "claude", claude_config_dir, "settings.json", ENV,
        _plan_claude_code, _claude_code_state,
    ),
    "codex": Agent(
        codex.TITLE, "codex", codex_home, "config.toml", None,
        _plan_codex, lambda project_dir: codex.telemetry_state(codex_home()),
    ),
    "gemini_cli": Agent(
        gemini_cli.TITLE, "gemini", gemini_dir, "settings.json", gemini_cli.UNDER,
        _plan_gemini_cli,
        lambda project_dir: gemini_cli.telemetry_state(gemini_dir(), project_dir),
    ),
    "copilot_cli": Agent(
        copilot_cli.TITLE, copilot_cli.PROGRAM, copilot_home, None, None,
        _plan_copilot_cli, lambda project_dir: copilot_cli.telemetry_state(),
    ),
    "cursor": Agent(
        cursor.TITLE, cursor.PROGRAMS[0], cursor.cursor_folder, cursor.FILE, cursor.UNDER,
        _plan_cursor,
        lambda project_dir: cursor.hooks_state(cursor.cursor_folder(), Home.from_environment()),
        other_programs=cursor.PROGRAMS[1:], own_files=lambda home: (cursor.stub_path(home),),
        by_hook=True,
    ),
}  # fmt: skip
