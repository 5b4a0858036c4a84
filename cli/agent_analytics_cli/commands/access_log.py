"""`agent-analytics access-log`: who looked at whose data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import rich_click as click

from agent_analytics_cli.day_options import parse_day
from agent_analytics_cli.days import Days
from agent_analytics_cli.output import Format, format_options, note, print_listing
from agent_analytics_cli.tables import Column, Kind
from agent_analytics_collector.access.access_log import Look, read_looks
from agent_analytics_collector.home import Home

_COLUMNS = (
    Column("at", "at (UTC)"),
    Column("key_id", "key"),
    Column("role", "role"),
    Column("developer_id", "by"),
    Column("of", "of"),
    Column("question", "question"),
    Column("rows", "rows", Kind.COUNT),
)
_FACTS = (
    "at", "key_id", "role", "developer_id", "route", "question", "developers", "teams", "rows",
)  # fmt: skip


@click.command("access-log")
@click.option("--developer", metavar="NAME", help="Only looks that named this developer, or were "
              "of everybody.")  # fmt: skip
@click.option("--since", metavar="DAY", help="First day, in UTC: 2026-03-14, today, 7d or 2w.")
@format_options
def command(developer: str | None, since: str | None, output_format: Format) -> None:
    """Show who looked at data that is not their own, newest first.

    Every answer of the API with the data of others is written down before it goes out. In a home
    without keys there are no others, and nothing is written. A developer reads who looked at them
    at `GET /v1/me/access-log`.

    \b
    Examples:
    $ agent-analytics access-log --since 7d
    $ agent-analytics access-log --developer ada --json
    """
    first: date | None = parse_day(since, "--since", Days("UTC"))
    looks = [
        look
        for _, look in read_looks(Home.from_environment(), first)
        if developer is None or look.is_about((developer,), ())
    ]
    if output_format is Format.TABLE:
        print_listing(_COLUMNS, [_for_people(look) for look in looks], output_format)
    else:
        columns = [Column(name, name) for name in _FACTS]
        print_listing(columns, [_for_programs(look) for look in looks], output_format)
    if not looks:
        note(
            "Nobody looked at the data of others. Keys that may are made with `agent-analytics "
            "keys create --developer NAME --scope read`."
        )


def _for_programs(look: Look) -> dict[str, Any]:
    return {name: getattr(look, name) for name in _FACTS} | {"role": look.role.value}


def _for_people(look: Look) -> dict[str, Any]:
    at = datetime.fromisoformat(look.at).astimezone(UTC)
    return _for_programs(look) | {
        "at": f"{at:%Y-%m-%d %H:%M:%S}",
        "developer_id": look.developer_id or "installation",
        "of": ", ".join((*look.developers, *look.teams)) or "everybody",
        "question": look.question or look.route,
    }
