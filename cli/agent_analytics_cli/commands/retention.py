"""`agent-analytics retention`: remove what is older than the settings keep, or show it."""

from __future__ import annotations

from datetime import UTC, datetime

import rich_click as click

from agent_analytics_cli.output import Format, format_options, note, print_listing
from agent_analytics_cli.tables import Column, Kind
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.retention import Removed, apply_retention
from agent_analytics_collector.warehouse.retention_plan import look_ahead

_COLUMNS = (
    Column("table", "table"),
    Column("kept_days", "days kept", Kind.COUNT),
    Column("facts_stay", "facts stay"),
    Column("oldest_on", "oldest"),
    Column("rows", "rows", Kind.COUNT),
    Column("rows_due", "due", Kind.COUNT),
    Column("rows_gone", "gone", Kind.COUNT),
    Column("next_on", "next go on"),
)


@click.command("retention", short_help="Remove what is older than the settings keep.")
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would go, and when.")
@format_options
def command(dry_run: bool, output_format: Format) -> None:
    """Remove raw rows and, much later, all figures that are older than the settings keep.

    `retention.raw_days` in config.yaml is for what agents send: when it goes, the facts in it are
    archived, and no figure changes. `retention.aggregate_days` is for everything. Where keys were
    made they are 90 and 730; a single user's data is kept for ever. A running collector does this
    by itself.

    Example: agent-analytics retention --dry-run
    """
    home = Home.from_environment()
    home.create()
    configure_logging(home, "cli")
    settings = load_settings(home).settings
    now = datetime.now(UTC)
    removed = Removed() if dry_run else apply_retention(home, settings, now)
    rows = [
        {
            "table": due.table,
            "kept_days": due.kept_days,
            "facts_stay": due.is_archived,
            "oldest_on": due.oldest_on,
            "rows": due.rows,
            "rows_due": due.rows_due,
            "rows_gone": removed.rows[due.table],
            "next_on": due.next_on,
        }
        for due in look_ahead(home, settings, now)
    ]
    filled = [row for row in rows if row["rows"] or row["rows_gone"]]
    if filled or output_format is not Format.TABLE:
        print_listing(_COLUMNS, filled if output_format is Format.TABLE else rows, output_format)
    if not rows:
        note(
            "Everything is kept for ever. `retention.raw_days: 90` in "
            f"{home.config_file} keeps what agents send for 90 days, and its facts for ever."
        )
    elif not filled:
        note("Nothing is stored yet. `agent-analytics up` receives what agents send.")
    if removed.unread:
        note(
            f"{removed.unread:,} rows are old enough and stay until their facts are in the models: "
            "run `agent-analytics transform`."
        )
    if removed.needs_transform:
        note(
            "Figures of these days go from the marts with the next `agent-analytics transform`, "
            "which makes everything anew."
        )
