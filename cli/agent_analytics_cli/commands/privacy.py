"""`agent-analytics privacy`: what is stored about a person; handed out, deleted."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich_click as click

from agent_analytics_cli.agent_rows import agent_rows
from agent_analytics_cli.assets import dbt_project
from agent_analytics_cli.output import Format, format_options, note, print_json, print_listing
from agent_analytics_cli.setup.questions import has_terminal
from agent_analytics_cli.tables import Column, Kind
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.privacy.erase import Erased, erase, look_up
from agent_analytics_collector.privacy.export import export_subject
from agent_analytics_collector.privacy.report import given_away, spool_bytes, stored
from agent_analytics_collector.privacy.rows import count_rows
from agent_analytics_collector.privacy.subject import Subject, use_subject
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.lease import lease_when_free

_WAIT_S = 60.0
_STORED = (
    Column("table", "table"), Column("rows", "rows", Kind.COUNT),
    Column("first_at", "first"), Column("last_at", "last"),
)  # fmt: skip
_ROWS = (Column("table", "table"), Column("rows", "rows", Kind.COUNT))


@click.group(name="privacy")
def command() -> None:
    """Show, hand out and delete what is stored about a person.

    A developer is known by any of their names: the one in reports, an e-mail address, an agent's
    own id. All records of the others are found through it.

    \b
    Examples:
    $ agent-analytics privacy report ada@example.com
    $ agent-analytics privacy export ada@example.com --to ada
    $ agent-analytics privacy delete ada@example.com --dry-run
    """


@command.command("report")
@click.argument("developer", required=False)
@format_options
def report_command(developer: str | None, output_format: Format) -> None:
    """Show what is stored, of all or about DEVELOPER, and what leaves this machine.

    \b
    Examples:
    $ agent-analytics privacy report
    $ agent-analytics privacy report ada@example.com --json
    """
    home, settings = _home()
    subject = look_up(home, settings, developer) if developer else None
    if subject is None:
        flush(home, settings, _WAIT_S)
    with lease_when_free(home.database, _WAIT_S) as connection:
        if subject is not None:
            use_subject(connection, subject)
        rows = [asdict(one) for one in stored(connection, of_subject=subject is not None)]
    given = [{"what": one.what, "where": one.where} for one in given_away(settings)]
    given += [
        {"what": f"telemetry of {row['agent']}", "where": row["endpoint"]}
        for row in agent_rows(home)
        if row["endpoint"]
    ]
    if output_format is Format.JSON:
        names = sorted(subject.names) if subject else None
        found = {"names": names, "stored": rows, "spool_bytes": spool_bytes(home)}
        print_json(found | {"leaves_this_machine": given})
        return
    if rows or output_format is Format.CSV:
        print_listing(_STORED, rows, output_format)
    if subject:
        note(f"Known as {', '.join(sorted(subject.names))}.")
    if not rows:
        note("Nothing is stored. `agent-analytics up` starts the collector.")
    note(f"The spool holds {spool_bytes(home):,} bytes of received requests, of everybody.")
    for one in given:
        note(f"Sent to {one['where']}: {one['what']}.")
    if not given:
        note("Nothing leaves this machine by agent-analytics.")


@command.command("export")
@click.argument("developer")
@click.option(
    "--to", "folder", required=True, metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path), help="A new folder for the files.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def export_command(developer: str, folder: Path, as_json: bool) -> None:
    """Write everything stored about DEVELOPER as JSON and CSV, a file a table.

    \b
    Example:
    $ agent-analytics privacy export ada@example.com --to ada
    """
    home, settings = _home()
    done = export_subject(home, look_up(home, settings, developer), folder)
    if as_json:
        print_json({"folder": str(done.folder), "rows": done.rows})
        return
    rows = [{"table": table, "rows": count} for table, count in done.rows.items()]
    print_listing(_ROWS, rows, Format.TABLE)
    note(f"Written to {done.folder}, which only you can read.")


@command.command("delete")
@click.argument("developer")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted and delete nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def delete_command(developer: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Delete everything stored about DEVELOPER, in backups too, and prove that it is gone.

    The DuckDB file, its backups and the published marts are written anew, keys are revoked, and
    old copies that are restored later are cleaned again. What was sent on to other servers is
    theirs to delete. It cannot be undone.

    \b
    Examples:
    $ agent-analytics privacy delete ada@example.com --dry-run
    $ agent-analytics privacy delete ada@example.com
    """
    if not (yes or dry_run or has_terminal()):
        raise click.UsageError("There is no terminal to ask on. Add --yes to go ahead.")
    home, settings = _home()
    subject = look_up(home, settings, developer)
    found = _found(home, subject)
    if dry_run or not yes:
        _show(subject, found, as_json=as_json and dry_run)
    if dry_run:
        return
    if not yes:
        click.confirm("Delete all of it, for good?", default=False, abort=True, err=True)
    erased = erase(home, settings, developer, dbt_project())
    if as_json:
        print_json(_as_json(subject, erased))
    else:
        _tell(erased)


def _home() -> tuple[Home, Settings]:
    home = Home.from_environment()
    home.create()
    configure_logging(home, "cli")
    return home, load_settings(home).settings


def _found(home: Home, subject: Subject) -> dict[str, int]:
    with lease_when_free(home.database, _WAIT_S) as connection:
        use_subject(connection, subject)
        return count_rows(connection)


def _show(subject: Subject, found: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        print_json({"names": sorted(subject.names), "rows": found})
        return
    rows = [{"table": table, "rows": count} for table, count in found.items()]
    print_listing(_ROWS, rows, Format.TABLE)
    note(f"Known as {', '.join(sorted(subject.names))}; {len(subject.sessions):,} sessions.")


def _as_json(subject: Subject, erased: Erased) -> dict[str, Any]:
    return {
        "names": sorted(subject.names),
        "rows": erased.rows,
        "spool_entries": erased.entries,
        "backups": erased.backups,
        "keys": erased.keys,
        "remains": [asdict(one) for one in erased.remains],
    }


def _tell(erased: Erased) -> None:
    click.echo(
        f"Deleted {erased.total_rows:,} rows, {erased.entries:,} entries of the spool and "
        f"{erased.keys:,} keys; {erased.backups:,} backups were rewritten. A search of every "
        "table, entry and file found nothing more."
    )
    for place in sorted({one.file for one in erased.remains}):
        note(f"{place} still has a name: it is yours to change.")
