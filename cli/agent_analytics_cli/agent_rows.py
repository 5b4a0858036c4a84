"""What `agents list` and `agents status` tell of each agent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import rich_click as click

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.doctor.agents import (
    Heard,
    heard_by_agent,
    is_same_address,
    project_folder,
    wanted_endpoint,
)  # fmt: skip
from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.marts import MartsUnreadable
from agent_analytics_cli.output import note
from agent_analytics_cli.setup.agents import AGENTS, Agent
from agent_analytics_cli.shares import UNKNOWN
from agent_analytics_cli.tables import Row
from agent_analytics_collector.home import Home


def agent_rows(home: Home) -> list[Row]:
    """One row per agent.

    `telemetry` is "on", "off", "elsewhere" (another receiver gets it) or "hook" (it sends none and
    runs our hook instead); `last_heard_at` is UTC, None where the published marts know nothing of
    the agent.
    """
    situation = Situation.of(home)
    if situation.trouble is not None:
        raise situation.trouble
    try:
        heard = heard_by_agent(home) or {}
    except MartsUnreadable as error:
        note(str(error))
        heard = {}
    return [_row(situation, name, agent, heard.get(name)) for name, agent in AGENTS.items()]


def _row(situation: Situation, name: str, agent: Agent, heard: Heard | None) -> Row:
    state = agent.state(project_folder())
    reader = READERS.get(name)
    telemetry = "hook" if agent.by_hook and state.enabled else "off"
    if state.enabled and not agent.by_hook:
        ours = wanted_endpoint(situation, over_http=state.over_http)
        telemetry = "on" if is_same_address(state.endpoint, ours) else "elsewhere"
    return {
        "agent": name,
        "title": agent.title,
        "found": agent.is_found(),
        "enabled": name in situation.settings.enabled_agents,
        "telemetry": telemetry,
        "endpoint": state.endpoint if state.enabled else None,
        "set_by": state.origin if state.enabled else None,
        "settings_file": agent.settings_file and str(agent.settings_file),
        "session_files": (
            [str(reader.folder(None) / kept) for kept in reader.kept_in] if reader else []
        ),
        "last_heard_at": _time(heard),
        "problems": state.problems,
    }


def _time(heard: Heard | None) -> str | None:
    if heard is None or heard.at_all is None:
        return None
    return f"{datetime.fromtimestamp(heard.at_all, UTC):%Y-%m-%dT%H:%M:%SZ}"


_LINES = {
    "found": "found", "enabled": "enabled", "telemetry": "telemetry", "endpoint": "endpoint",
    "set_by": "set by", "settings_file": "settings", "session_files": "sessions",
    "last_heard_at": "last heard",
}  # fmt: skip


def print_details(rows: Iterable[Row]) -> None:
    """Each row as a block of lines."""
    for number, row in enumerate(rows):
        click.echo(("\n" if number else "") + f"{row['title']} ({row['agent']})")
        for key, heading in _LINES.items():
            click.echo(f"  {heading:<11} {_shown(row[key])}")
        for sentence in row["problems"]:
            click.echo(f"  {sentence}")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or UNKNOWN
    return UNKNOWN if value is None else str(value)
