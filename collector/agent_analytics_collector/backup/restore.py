"""Bringing a backup back: rehearsed in a folder of its own, then swapped in.

The loader finds the restored file behind the spool and loads the rest of it again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from agent_analytics_collector.backup.folder import HOME_FILES, Backup, copy_file
from agent_analytics_collector.backup.swap import swap
from agent_analytics_collector.backup.verify import digest_of, problems_of, table_rows
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.tombstones import reapply_erasures
from agent_analytics_collector.spool.reader import Waiting, count_waiting
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.transform import alone, ask_for_full_refresh
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.load import stored_position
from agent_analytics_collector.warehouse.recovery import last_received, note_replaced
from agent_analytics_collector.warehouse.recovery_state import Recovery


class BadBackup(AgentAnalyticsError):
    """A backup is not what it says and is not restored."""

    def __init__(self, backup: Backup, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(
            f"The backup {backup.name} is damaged: {'; '.join(problems)}. Restore an older one; "
            "`agent-analytics backup verify` says which are sound."
        )


class RestoreFailed(AgentAnalyticsError):
    """The backup is sound and there is something in the way of it."""

    def __init__(self, backup: Backup, home: Home, problem: str) -> None:
        super().__init__(
            f"The backup {backup.name} could not be put into {home.data}: {problem}. "
            "What was there stays. It needs room for a copy of the DuckDB file."
        )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A backup opened, migrated and cleared of erased people, in a folder of its own."""

    backup: Backup
    database: Path
    rows: dict[str, int]
    position: Position
    until: datetime | None
    """When the last request was received that it has."""
    replay: Waiting
    """What the spool still holds after the backup's position."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore that took place."""

    recovery: Recovery
    brought_back: list[str]
    """Files of the home that were gone."""
    kept: list[str]
    """Files of the home that are others than in the backup, and stayed."""


@contextmanager
def rehearsed(home: Home, backup: Backup) -> Iterator[Rehearsal]:
    """A copy of the backup, proven to open; it is gone afterwards.

    To be called `alone_with_backups`. Raises BadBackup, NewerSchema, RestoreFailed.
    """
    if problems := problems_of(backup):
        raise BadBackup(backup, problems)
    for left in home.data.glob(".restore-*"):  # of one that was killed
        shutil.rmtree(left, ignore_errors=True)
    folder = home.data / f".restore-{backup.name}"
    try:
        try:
            rehearsal = _rehearse(home, backup, folder / home.database.name)
        except (OSError, duckdb.IOException) as error:
            raise RestoreFailed(backup, home, str(error).splitlines()[0]) from error
        yield rehearsal
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rehearse(home: Home, backup: Backup, database: Path) -> Rehearsal:
    began = time.monotonic()
    copy_file(backup.database, database)
    with lease(database) as connection:
        # Marts that wait there for being published may be older than those that are.
        connection.execute("UPDATE dbt_runs SET published_at = now() WHERE published_at IS NULL")
        if _is_of_another_home(home, backup):  # its position says nothing of this spool
            connection.execute('UPDATE loader_position SET segment = 0, "offset" = 0')
    reapply_erasures(database, home)
    with lease(database) as connection:
        rows, position = table_rows(connection), stored_position(connection)
        until = last_received(connection)
        connection.execute("CHECKPOINT")
    waiting = count_waiting(home.spool, position)
    return Rehearsal(backup, database, rows, position, until, waiting, time.monotonic() - began)


def _is_of_another_home(home: Home, backup: Backup) -> bool:
    return home.installation.exists() and backup.installation not in (
        None, home.installation.read_text(encoding="ascii").strip(),
    )  # fmt: skip


def put_in_place(home: Home, rehearsal: Rehearsal, cause: str | None = None) -> Restored:
    """Put the rehearsed file in the place of the DuckDB file, under its lock.

    `run/recovery.json` says why, and later what was lost; `cause` is what damaged the file, None
    where somebody wanted another. Files of the home that are gone, its keys and seeds, come back;
    those that are there stay. What is done once a day is due again. Raises FileLocked,
    RestoreFailed.
    """
    backup = rehearsal.backup

    def note(set_aside: tuple[str, ...]) -> Recovery:
        return note_replaced(
            home,
            cause or f"the backup {backup.name} was restored",
            rehearsal.position,
            until=rehearsal.until,
            set_aside=set_aside,
            backup=backup.name,
            retired=backup.manifest.retired,
        )

    try:
        with alone(home):
            recovery = swap(home.database, rehearsal.database, note, damaged=cause is not None)
            ask_for_full_refresh(home)  # its marts may be of another version's models
    except OSError as error:
        raise RestoreFailed(backup, home, str(error)) from error
    brought_back, kept = _bring_back(home, backup)
    home.housekeeping_state.unlink(missing_ok=True)
    return Restored(recovery, brought_back, kept)


def _bring_back(home: Home, backup: Backup) -> tuple[list[str], list[str]]:
    folder = backup.path / HOME_FILES
    brought_back, kept = [], []
    for path in sorted(filter(Path.is_file, folder.rglob("*"))):
        name = path.relative_to(folder)
        target = home.root / name
        if not target.exists():
            copy_file(path, target)
            brought_back.append(str(name))
        elif digest_of(path) != digest_of(target):
            kept.append(str(name))
    return brought_back, kept
