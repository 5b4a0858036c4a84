"""`agent-analytics log-event`: keep what an agent's own hook tells."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import rich_click as click

from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home

if TYPE_CHECKING:
    from agent_analytics_collector.settings import Settings

MOST_BYTES = 64 * 1024 * 1024


class EventTooLarge(AgentAnalyticsError):
    """What a hook told is more than any tool prints."""

    def __init__(self) -> None:
        super().__init__(
            f"The event is larger than {MOST_BYTES:,} bytes, so nothing was kept of it. "
            "Nothing else is lost."
        )


@click.command("log-event", short_help="Record what an agent's own hook tells.")
@click.argument("agent", type=click.Choice(["cursor"]))
def command(agent: str) -> None:
    """Keep the facts of one event of an agent's hook, which comes on standard input.

    `agents enable cursor` has Cursor call it by itself. No prompt, code or output is kept: of them
    only lengths, line counts, names of programs and files, and commit ids. Without a collector the
    facts wait until one runs.

    \b
    Example:
    $ agent-analytics log-event cursor < event.json
    """
    at = datetime.now(UTC)  # the event has no time of its own, and what follows takes some
    from agent_analytics_cli.outbound.flusher import flush_outbox, hooks_log, is_reachable
    from agent_analytics_cli.output import note
    from agent_analytics_collector.settings import load_settings

    home = Home.from_environment()
    home.create()
    settings = load_settings(home).settings
    if agent not in settings.enabled_agents:
        note(f"Nothing is kept: {agent} is not in enabled_agents. "
             f"`agent-analytics agents enable {agent}` puts it there.")  # fmt: skip
        return
    told = sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        kept = _keep(home, settings, told, at)
    except AgentAnalyticsError as error:
        hooks_log(home).error("event_skipped", agent=agent, problem=str(error))
        raise
    click.echo(f"{kept} records are kept.")
    if is_reachable(home, settings):
        flush_outbox(home)


def _keep(home: Home, settings: Settings, told: bytes, at: datetime) -> int:
    """How many records were put into the outbox.

    Raises EventTooLarge, NotAnEvent, OutboxUnusable, HomeUnusable.
    """
    from agent_analytics_cli.agents.cursor.hook_events import records_of
    from agent_analytics_cli.machine import machine_name
    from agent_analytics_cli.outbound.flusher import hooks_log
    from agent_analytics_cli.outbound.outbox import SESSION_RECORDS, Entry, Outbox
    from agent_analytics_collector.line_hashes import home_hasher

    if len(told) > MOST_BYTES:
        raise EventTooLarge
    hasher = home_hasher(home, settings.git.line_key_file)
    records = records_of(told, at, machine_name(), hasher)
    if dropped := Outbox(home, "events").append(
        Entry(SESSION_RECORDS, record) for record in records
    ):
        hooks_log(home).warning("outbox_full", dropped_oldest=dropped)
    return len(records)
