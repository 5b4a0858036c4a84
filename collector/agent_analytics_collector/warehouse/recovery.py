"""A damaged DuckDB file: set aside, the newest good backup put in its place, the loss stated.

`run/loader.json` is the high-water mark: how far the file was and how many rows it had. A file
that stands before it has lost something, however it came: a torn or missing write-ahead log, a
restore, a file that was removed. The loader reads what is missing from the spool again, and once
it is past the mark, what is still missing is the loss.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import duckdb
import msgspec
import structlog

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import read_entries
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import LoaderState, read_loader, write_bytes, write_state
from agent_analytics_collector.warehouse.api_rows import RAW_TABLES
from agent_analytics_collector.warehouse.load import stored_position
from agent_analytics_collector.warehouse.recovery_state import (
    FILE_NAME,
    Recovery,
    read_recovery,
    read_retired,
)

log = structlog.get_logger()

TABLES = {
    Signal.LOGS: "raw_otel_logs",
    Signal.METRICS: "raw_otel_metrics",
    Signal.TRACES: "raw_otel_spans",
    **RAW_TABLES,
}

_DAMAGE = re.compile(
    r"Corrupt database file|Could not read enough bytes|not a valid DuckDB database file"
)
"""What DuckDB 1.5 says of flipped bits, cut files and rubbish (210 damaged files tried). A file of
a newer version is none of it."""


def is_damage(problem: str) -> bool:
    """Whether DuckDB's message tells of a damaged file, not of its reader's troubles."""
    return bool(_DAMAGE.search(problem))


def recover(home: Home, settings: Settings, problem: str) -> Recovery | None:
    """Set a damaged file aside and put the newest sound backup in its place.

    None when the file can be read after all. Without a sound backup the next lease makes a new
    file. The live file must not be open in DuckDB here. Raises FileLocked, BackupsBusy,
    NewerSchema, RestoreFailed.
    """
    # Not at the top: a loader needs none of it until something is broken.
    from agent_analytics_collector.backup.folder import alone_with_backups, own_backups
    from agent_analytics_collector.backup.restore import BadBackup, put_in_place, rehearsed
    from agent_analytics_collector.backup.swap import swap
    from agent_analytics_collector.backup.verify import damage_of

    found = _DAMAGE.search(problem)
    cause = f"the DuckDB file was damaged ({found[0] if found else problem.splitlines()[0]})"
    with alone_with_backups(home):
        # Only now: another process may have seen the same, and have been faster.
        if not is_damage(damage_of(home.database) or ""):
            return None
        for backup in reversed(own_backups(home, settings)):
            try:
                with rehearsed(home, backup) as rehearsal:
                    return put_in_place(home, rehearsal, cause).recovery
            except BadBackup as error:
                log.error("backup_damaged", backup=backup.name, problems=error.problems)
        return swap(
            home.database,
            None,
            lambda aside: note_replaced(home, cause, set_aside=aside),
            damaged=True,
        )


def note_replaced(
    home: Home,
    cause: str,
    position: Position = Position(),  # noqa: B008  (immutable)
    *,
    until: datetime | None = None,
    set_aside: tuple[str, ...] = (),
    backup: str | None = None,
    retired: Mapping[str, int] | None = None,
) -> Recovery:
    """Say that a file which stands at `position` takes the place of the one that was loaded into.

    `until` is when the last request was received that it has; None: it has none. `retired` is what
    retention had removed from it by then, by table.
    """
    loader = read_loader(home)
    mark, rows = _high_water(home, loader)
    if retired is not None:  # what was removed since is back
        now = read_retired(home)
        rows = {
            signal: count + now.get(table, 0) - retired.get(table, 0)
            for signal, count in rows.items()
            for table in [TABLES[Signal(signal)]]
        }
    first = next(read_entries(home.spool, position), None)
    envelope = first.envelope if first else None
    gap_to = datetime.fromtimestamp(envelope.received_at_ns / 1e9, UTC) if envelope else None
    recovery = Recovery(
        at=_text(_now()),
        cause=cause,
        behind_segment=mark.segment,
        behind_offset=mark.offset,
        rows_before=rows,
        set_aside=set_aside,
        backup=backup,
        gap_from=None if until is None else _text(until),
        gap_to=_text(gap_to or _now()),
    )
    _write(home, recovery)
    loaded = msgspec.structs.replace(loader, segment=position.segment, offset=position.offset)
    write_state(home.loader_state, loaded)  # or `flush` would take the file to have it all
    log.error("database_replaced", cause=cause, backup=backup, set_aside=set_aside)
    return recovery


def _high_water(home: Home, loader: LoaderState) -> tuple[Position, dict[str, int]]:
    """How far a file was ever and its rows then: while one is being filled, not its own."""
    mark, recovery = replay_mark(home), read_recovery(home)
    if mark is not None and recovery is not None:
        return mark, dict(recovery.rows_before)
    return Position(loader.segment, loader.offset), dict(loader.records)


def note_position(home: Home, connection: duckdb.DuckDBPyConnection, mark: Position) -> None:
    """Before loading: see whether the file is behind `mark`, up to which it was loaded once."""
    position = stored_position(connection)
    if position >= mark or replay_mark(home) is not None:
        return
    cause = "the DuckDB file was behind what had been loaded into it"
    note_replaced(home, cause, position, until=last_received(connection))


def last_received(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """When the newest request of the file was received; None when it has none."""
    row = connection.execute("SELECT max(received_at) FROM ingest_batches").fetchone()
    return row[0] if row else None


def replay_mark(home: Home) -> Position | None:
    """Up to where the spool is being read again after a recovery; None when it is not."""
    recovery = read_recovery(home)
    if recovery is None or recovery.finished_at is not None:
        return None
    return Position(recovery.behind_segment, recovery.behind_offset)


def note_loaded(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    """Before and after loading: once all that was in the file is, say what is missing.

    Records that came since are not loaded yet then: a batch ends at `replay_mark`.
    """
    recovery, mark = read_recovery(home), replay_mark(home)
    if recovery is None or mark is None:
        return
    following = next(read_entries(home.spool, stored_position(connection)), None)
    if following is not None and following.after <= mark:
        return
    lost = {
        signal: count - rows
        for signal, count in recovery.rows_before.items()
        if count > (rows := count_rows(connection, TABLES[Signal(signal)]))
    }
    minutes = _minutes(recovery) if lost else 0.0
    _write(home, msgspec.structs.replace(
        recovery, finished_at=_text(_now()), lost=lost, lost_minutes=minutes
    ))  # fmt: skip
    tell = log.error if lost else log.warning
    tell("recovery_finished", lost=lost, minutes=minutes)


def count_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _write(home: Home, recovery: Recovery) -> None:
    write_bytes(home.run / FILE_NAME, msgspec.json.encode(recovery))


def _minutes(recovery: Recovery) -> float | None:
    if recovery.gap_from is None or recovery.gap_to is None:
        return None
    gap = datetime.fromisoformat(recovery.gap_to) - datetime.fromisoformat(recovery.gap_from)
    return max(gap.total_seconds() / 60, 0.0)


def _now() -> datetime:
    return datetime.now(UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
