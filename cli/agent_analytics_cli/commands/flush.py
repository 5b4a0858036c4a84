"""`agent-analytics flush`: wait until everything accepted is in DuckDB."""

from __future__ import annotations

import json

import rich_click as click

from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.flush import flush


@click.command("flush", short_help="Wait until everything accepted is in DuckDB.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait at most.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(timeout: float, as_json: bool) -> None:
    """Return when everything accepted so far is in the DuckDB file.

    Without a running collector the spool is loaded by this command itself. Exits 1, naming the
    holder, when another program keeps the file open.

    Example: agent-analytics flush --timeout 10
    """
    home = Home.from_environment()
    home.create()
    configure_logging(home, "cli")
    flush(home, load_settings(home).settings, timeout)
    click.echo(
        json.dumps({"flushed": True, "database": str(home.database)})
        if as_json
        else f"Everything accepted is in {home.database}."
    )
