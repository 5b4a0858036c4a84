"""`agent-analytics restore`: bring a backup back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_collector.backup.folder import alone_with_backups, find_backup
from agent_analytics_collector.backup.restore import (
    Rehearsal,
    Restored,
    put_in_place,
    rehearsed,
)
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import load_settings


@click.command("restore")
@click.argument("name")
@click.option("--rehearse", is_flag=True, help="Try it in a folder of its own; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(name: str, rehearse: bool, yes: bool, as_json: bool) -> None:
    """Put the backup NAME (or `latest`) in the place of the DuckDB file.

    It is tried in a folder of its own first: digests, rows, migrations, and who was erased since
    is erased from it. The file that was there is kept beside it as `….replaced.<time>`. The
    collector may run; what the spool still holds after the backup is loaded again, and `status`
    says what, if anything, was lost.

    \b
    Examples:
    $ agent-analytics restore latest --rehearse
    $ agent-analytics restore 20261122T031500Z
    """
    home = Home.from_environment()
    home.create()
    configure_logging(home, "cli")
    backup = find_backup(home, load_settings(home).settings, name)
    restored: Restored | None = None
    with alone_with_backups(home), rehearsed(home, backup) as rehearsal:
        note(_sentence(rehearsal))
        if not rehearse:
            if not yes:
                click.confirm(f"Replace {home.database} with it?", abort=True, err=True)
            restored = put_in_place(home, rehearsal)
    if restored:
        for sentence in _notes(home, restored):
            note(sentence)
    if as_json:
        print_json(_said(rehearsal, restored))


def _notes(home: Home, restored: Restored) -> Iterator[str]:
    for name in restored.recovery.set_aside:
        yield f"What was there is {home.data / name}; it goes by itself after 30 days."
    if restored.brought_back:
        yield f"These were gone and are back: {', '.join(restored.brought_back)}."
    if "keys.json" in restored.brought_back:
        yield (
            "Keys that were revoked after the backup was made are valid again: see "
            "`agent-analytics keys list`."
        )
    if restored.kept:
        yield f"These differ from the backup's and stay as they are: {', '.join(restored.kept)}."
    yield "Run `agent-analytics flush`, then `agent-analytics transform` for new marts."


def _said(rehearsal: Rehearsal, restored: Restored | None) -> dict[str, Any]:
    return {
        "backup": rehearsal.backup.name,
        "made_at": rehearsal.backup.made_at,
        "rows": sum(rehearsal.rows.values()),
        "replay_requests": rehearsal.replay.entries,
        "replay_records": rehearsal.replay.total_records,
        "seconds": round(rehearsal.seconds, 3),
        "restored": restored is not None,
        "set_aside": restored.recovery.set_aside if restored else (),
        "brought_back": restored.brought_back if restored else [],
        "kept": restored.kept if restored else [],
    }


def _sentence(rehearsal: Rehearsal) -> str:
    return (
        f"{rehearsal.backup.name} is sound: {sum(rehearsal.rows.values()):,} rows, tried in "
        f"{rehearsal.seconds:.1f} s. The spool holds {rehearsal.replay.total_records:,} records "
        "that came after it."
    )
