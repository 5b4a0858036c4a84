"""What `init` has to know, and what it takes when nobody says otherwise."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from agent_analytics_cli.agents.claude_code.otel_variables import DETAILS, REPOSITORY
from agent_analytics_cli.agents.claude_code.settings_files import ENV
from agent_analytics_cli.git.repository import GitFailed, NotARepository, find_repository, run_git
from agent_analytics_cli.json_text import members_of
from agent_analytics_cli.receipt import Receipt
from agent_analytics_cli.setup.agents import AGENTS
from agent_analytics_cli.setup.forwards import as_setting
from agent_analytics_cli.shell_profile import set_by
from agent_analytics_collector.errors import BadSetting
from agent_analytics_collector.server_settings import Forward
from agent_analytics_collector.settings import Loaded

Hooks = Literal["here", "everywhere", "none"]
STATUS_LINE = "statusLine"
"""Of the receipt, the part of Claude Code's settings that is the status line."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that `init` asks."""

    developer_id: str
    project_id: str | None
    agents: tuple[str, ...]
    """Keys of AGENTS."""
    backend_url: str | None
    """None is the collector on this machine."""
    endpoint: str | None
    """OTLP/gRPC endpoint for the agents; None is the collector on this machine."""
    api_key: str | None
    """Secret for the backend."""
    tool_details: bool
    repository_names: bool
    hooks: Hooks
    shell_profile: bool
    ports: Mapping[str, int] = field(default_factory=dict)
    """`grpc_port`, `http_port`, `api_port`, where they are to change."""
    status_line: bool = False
    """Claude Code is to call `agent-analytics statusline`."""
    forward: tuple[Forward, ...] | None = None
    """Where the collector sends on to; None leaves it as it is."""
    forward_headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Headers by whose they are (`server`, an agent), to be written; keys are among them."""
    keep_receivers: bool = False
    """Agents that send elsewhere are to send here, and what they send goes on to there."""

    def settings(self) -> dict[str, Any]:
        """The answers that config.yaml keeps, by dotted name."""
        return {
            "api_key": self.api_key,
            "backend_url": self.backend_url,
            "enabled_agents": self.agents,
            "developer_id": self.developer_id,
            "project_id": self.project_id,
            "telemetry.endpoint": self.endpoint,
            **({} if self.forward is None else {"forward": as_setting(self.forward)}),
            **self.ports,
        }


def default_answers(loaded: Loaded, receipt: Receipt, here: Path) -> Answers:
    """What was answered before, else what this machine says."""
    settings = loaded.settings
    known = [member for entry in receipt.entries if entry.kind == "settings" and entry.under == ENV
             for member in members_of("".join(entry.fragments), ENV)]  # fmt: skip
    is_local = settings.backend_url is None and settings.telemetry.endpoint is None
    return Answers(
        developer_id=settings.developer_id or _developer(here),
        project_id=settings.project_id,
        agents=_agents(loaded),
        backend_url=settings.backend_url,
        endpoint=settings.telemetry.endpoint,
        api_key=settings.api_key,
        # A collector elsewhere would get tool input over the network: that takes a yes.
        tool_details=DETAILS in known if known else is_local,
        repository_names=REPOSITORY in known if known else True,
        hooks="here" if _is_repository(here) else "none",
        # A function for one program alone is no yes to variables for all.
        shell_profile=any(
            set_by("".join(entry.fragments)) for entry in receipt.entries if entry.kind == "profile"
        ),
        status_line=any(entry.part == STATUS_LINE for entry in receipt.entries),
    )


def check_developer_id(value: str) -> str:
    """The id, if OTLP headers can carry it: printable ASCII. Raises BadSetting."""
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise BadSetting(
            "developer_id",
            "answer",
            f"{value!r} must be printable ASCII; an e-mail address will do",
        )
    return value


def endpoint_of(backend_url: str) -> str:
    """Where a backend takes OTLP/gRPC unless it says otherwise: port 4317 of the same host."""
    url = urlsplit(backend_url)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{host}:4317"


def _agents(loaded: Loaded) -> tuple[str, ...]:
    """Those chosen before; else those found here, or Claude Code where none is."""
    known = tuple(name for name in loaded.settings.enabled_agents if name in AGENTS)
    if loaded.origins["enabled_agents"] != "default":
        return known
    return tuple(name for name in known if AGENTS[name].is_found()) or known[:1]


def _developer(here: Path) -> str:
    try:
        email = run_git("config", "user.email", cwd=here).decode(errors="replace").strip()
    except GitFailed:
        email = ""
    try:
        return check_developer_id(email or f"{_user()}@{socket.gethostname()}")
    except BadSetting:
        return "me"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user: a container with a made-up id
        return "me"


def _is_repository(here: Path) -> bool:
    try:
        find_repository(here)
    except (NotARepository, GitFailed):
        return False
    return True
