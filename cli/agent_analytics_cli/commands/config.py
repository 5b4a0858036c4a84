"""`agent-analytics config`: the settings in force."""

from __future__ import annotations

import re
from typing import Any

import rich_click as click

from agent_analytics_cli.output import Format, format_options, print_listing
from agent_analytics_cli.tables import Column
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

_SECRET = re.compile("(key|token|secret|password)$")
_COLUMNS = (Column("setting", "setting"), Column("value", "value"), Column("origin", "from"))


@click.group(name="config")
def command() -> None:
    """Show the settings and where each comes from.

    Settings are read from flags, then `AGENT_ANALYTICS_*` variables, then `config.yaml` in the
    state folder, then defaults.

    \b
    Example:
    $ agent-analytics config show
    """


@command.command()
@format_options
def show(output_format: Format) -> None:
    """Show every setting, its value and where the value comes from.

    The first row is the state folder. Secrets are masked.

    \b
    Examples:
    $ agent-analytics config show
    $ AGENT_ANALYTICS_HTTP_PORT=4418 agent-analytics config show --json
    """
    home = Home.from_environment()
    rows = [("home", str(home.root), Home.origin()), *load_settings(home).rows()]
    print_listing(
        _COLUMNS,
        [{"setting": name, "value": _mask(name, value), "origin": source}
         for name, value, source in rows],
        output_format,
    )  # fmt: skip


def _mask(name: str, value: Any) -> Any:
    return "****" if value and _SECRET.search(name) else value
