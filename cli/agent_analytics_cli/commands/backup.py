"""`agent-analytics backup`: make, list, check and export copies of the home."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from agent_analytics_cli.output import Format, format_options, note, print_json, print_listing
from agent_analytics_cli.tables import Column, Kind
from agent_analytics_collector.backup.export import export_tables
from agent_analytics_collector.backup.folder import Backup, find_backup, list_backups
from agent_analytics_collector.backup.make import make_backup
from agent_analytics_collector.backup.verify import problems_of
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import Settings, load_settings

_LIST = (
    Column("name", "backup"),
    Column("made_at", "made"),
    Column("rows", "rows", Kind.COUNT),
    Column("size_bytes", "bytes", Kind.COUNT),
)
_VERIFIED = (Column("name", "backup"), Column("sound", "sound"), Column("problems", "problems"))


@click.group("backup", short_help="Make, list, check and export backups.")
def command() -> None:
    """Copies of the DuckDB file, the configuration, the seeds and the keys.

    A running collector makes one each day and keeps 30 (`backup.keep`, `backup.folder`,
    `backup.enabled` in config.yaml). `agent-analytics restore` brings one back.

    \b
    Examples:
    $ agent-analytics backup now
    $ agent-analytics backup verify latest
    """


@command.command("now")
@format_options
def now(output_format: Format) -> None:
    """Make a backup; what is received meanwhile waits in the spool.

    Example: agent-analytics backup now
    """
    home, settings = _home()
    backup = make_backup(home, settings, datetime.now(UTC))
    note(f"Made {backup.path}.")
    print_listing(_LIST, [_row(backup)], output_format)


@command.command("list")
@format_options
def list_(output_format: Format) -> None:
    """Show the backups, oldest first.

    Example: agent-analytics backup list --json
    """
    home, settings = _home()
    found = list_backups(home, settings)
    print_listing(_LIST, [_row(backup) for backup in found], output_format)
    if not found:
        note("There is no backup yet. Make one with `agent-analytics backup now`.")


@command.command("verify")
@click.argument("name", required=False)
@format_options
@click.pass_context
def verify(context: click.Context, name: str | None, output_format: Format) -> None:
    """Read a backup to its last row and compare it with its manifest; without NAME each of them.

    Exits 1 when one is damaged.

    Example: agent-analytics backup verify latest
    """
    home, settings = _home()
    chosen = [find_backup(home, settings, name)] if name else list_backups(home, settings)
    rows = [
        {"name": backup.name, "sound": not problems, "problems": problems}
        for backup in chosen
        for problems in [problems_of(backup)]
    ]
    print_listing(_VERIFIED, rows, output_format)
    if not all(row["sound"] for row in rows):
        context.exit(1)


@command.command("export")
@click.option(
    "--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files; made where there is none.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the files as JSON.")
def export(folder: Path, as_json: bool) -> None:
    """Write the raw tables as Parquet, a file for each table and month, for the long term.

    Parquet outlives versions of DuckDB. Months that are written already are written anew.

    Example: agent-analytics backup export --to /mnt/archive/agent-analytics
    """
    home, _ = _home()
    written = export_tables(home, folder)
    if as_json:
        print_json([{"file": str(path), "rows": rows} for path, rows in written])
        return
    for path, rows in written:
        click.echo(f"{path}  {rows:,} rows")
    if not written:
        note("There is nothing to export yet.")


def _home() -> tuple[Home, Settings]:
    home = Home.from_environment()
    home.create()
    configure_logging(home, "cli")
    return home, load_settings(home).settings


def _row(backup: Backup) -> dict[str, object]:
    return {
        "name": backup.name,
        "made_at": backup.made_at,
        "rows": sum(backup.manifest.rows.values()),
        "size_bytes": backup.manifest.size_bytes,
    }
