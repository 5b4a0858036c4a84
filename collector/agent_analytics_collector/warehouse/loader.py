"""From the spool to the DuckDB file: read, decode, lease, store, let go, stay away a while."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime

import duckdb
import msgspec
import pyarrow as pa
import structlog

from agent_analytics_collector.errors import AgentAnalyticsError, FileLocked
from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import home_hasher
from agent_analytics_collector.privacy.pseudonyms import message_pseudonyms
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import read_entries
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import DbtRun, read_loader, write_state
from agent_analytics_collector.warehouse.batch import RawBatch
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.load import Batch, Stored, store, stored_position
from agent_analytics_collector.warehouse.publish import publish_new_runs
from agent_analytics_collector.warehouse.recovery import (
    TABLES,
    count_rows,
    is_damage,
    note_loaded,
    note_position,
    recover,
    replay_mark,
)
from agent_analytics_collector.warehouse.user_input import write_user_input

log = structlog.get_logger()

BATCH_RECORDS = 50_000
BATCH_BYTES = 32 * 1024 * 1024
MOST_REQUESTS = 1 << 20
LEAST_PAUSE_S = 0.3
"""A loader that leases back to back starves others: three of five dbt runs failed; staying away
this long, and at least as long as the lease took, six of six passed."""
LOCKED_PAUSE_S = 2.0
"""The longest wait between two tries while somebody else has the file."""
PROBLEM_PAUSE_S = 5.0
WANT_PAUSE_S = 15.0
"""How long the loader stays away after somebody touched `run/want`."""

_UNSTORABLE = (
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.InvalidInputException,
    pa.ArrowInvalid,
)
"""What DuckDB and Arrow raise for data they cannot take; no full disk, no missing table."""


class Loader:
    """Loads what the spool of one home holds and publishes what dbt has finished.

    Two at once would be slow but not wrong: `store` refuses a batch that the file is past.
    """

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._state = read_loader(home)
        self._position: Position | None = None
        """Where the file stands, once a lease has told."""
        self._batch: Batch | None = None
        self._unread: str | None = None
        """Why the next batch could not be read."""
        self._most_requests = MOST_REQUESTS
        """Requests of the next batch; halved while DuckDB refuses what is in it."""
        self._pause_s = 0.0
        self._let_go_at = 0.0

    @property
    def has_work(self) -> bool:
        """Whether a lease now would store or publish something."""
        if self._position is None or self._batch is not None:
            return True
        return self._file_was_changed() or self._spool_has_more()

    @property
    def waits_for(self) -> str | None:
        """Who holds the file, after a `use_file` that found it locked."""
        return self._state.waiting_for

    def pause_s(self) -> float:
        """Seconds for which the file is still left to others."""
        pause = self._let_go_at + self._pause_s - time.monotonic()
        try:
            wanted_s = time.time() - self._home.want.stat().st_mtime
        except FileNotFoundError:
            return max(pause, 0.0)
        return max(pause, min(WANT_PAUSE_S - wanted_s, WANT_PAUSE_S), 0.0)

    def prepare(self) -> None:
        """Decode the next batch while the file is left to others."""
        if self._batch is None and self._position is not None:
            self._unread = None
            try:
                self._batch = self._read_batch(self._position)
            except (AgentAnalyticsError, OSError) as error:
                self._unread = str(error)
            except Exception as error:
                self._unread = self._bug(error)
            if self._unread:
                self._stand_still(self._unread)

    def use_file(self) -> bool:
        """Lease the file once: store the prepared batch, publish; False when that failed.

        Nothing is raised: a loader that dies would be started on the same batch for ever. The
        state file says what stands in the way.
        """
        began = time.monotonic()
        try:
            self._use_file()
        except FileLocked as error:
            self._pause_s = min(max(self._pause_s * 2, LEAST_PAUSE_S), LOCKED_PAUSE_S)
            since = self._state.waiting_since or _now()
            self._remember(waiting_for=error.holder, waiting_since=since)
            return False
        except (AgentAnalyticsError, duckdb.Error, OSError) as error:
            self._stand_still(str(error))
            if is_damage(str(error)):
                self._recover(str(error))
            return False
        except Exception as error:
            self._stand_still(self._bug(error))
            return False
        finally:
            self._let_go_at = time.monotonic()
        self._pause_s = max(LEAST_PAUSE_S, self._let_go_at - began)
        return True

    def _recover(self, problem: str) -> None:
        """Have a sound file in the place of a damaged one, and go on at once."""
        try:
            if recover(self._home, self._settings, problem) is None:
                return
        except (AgentAnalyticsError, duckdb.Error, OSError) as error:
            self._stand_still(f"the DuckDB file is damaged and could not be replaced: {error}")
            return
        self._batch = self._position = None
        self._pause_s = LEAST_PAUSE_S
        self._remember(problem=None)

    def _bug(self, error: Exception) -> str:
        log.exception("loader_bug")
        return f"a bug ({type(error).__name__}); {self._home.logs} has the details"

    def _stand_still(self, problem: str) -> None:
        self._pause_s = PROBLEM_PAUSE_S
        if self._state.problem != problem:
            log.error("loading_stopped", problem=problem)
        self._remember(problem=problem, waiting_for=None, waiting_since=None)

    def _use_file(self) -> None:
        began = time.monotonic()
        stored: Stored | None = None
        problem = self._unread
        with lease(self._home.database) as connection:
            note_position(self._home, connection, Position(self._state.segment, self._state.offset))
            note_loaded(self._home, connection)
            write_user_input(connection, self._home, self._settings)
            if self._batch is not None:
                stored = self._store(connection, self._batch)
            self._batch = None
            self._position = stored_position(connection)
            try:
                publish_new_runs(connection, self._home, self._settings)
            except (duckdb.Error, OSError) as error:  # what was loaded is loaded all the same
                problem = f"publishing failed: {error}"
                log.error("publish_failed", problem=str(error))
            records = {
                signal.value: count_rows(connection, table) for signal, table in TABLES.items()
            }
            rejected = count_rows(connection, "raw_rejected")
            last_dbt_run = _last_dbt_run(connection)
            note_loaded(self._home, connection)
        self._remember(
            segment=self._position.segment,
            offset=self._position.offset,
            records=records,
            rejected=rejected,
            waiting_for=None,
            waiting_since=None,
            problem=problem,
            database_mtime_ns=self._home.database.stat().st_mtime_ns,
            last_dbt_run=last_dbt_run,
            **self._waited(),
            **_said_of(stored, began),
        )

    def _waited(self) -> dict[str, object]:
        """The wait for the file that is over now, added to those before."""
        since, state = self._state.waiting_since, self._state
        if since is None:
            return {}
        seconds = (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()
        return {
            "lock_waits": state.lock_waits + 1,
            "lock_wait_s": round(state.lock_wait_s + max(seconds, 0.0), 3),
        }

    def _store(self, connection: duckdb.DuckDBPyConnection, batch: Batch) -> Stored | None:
        """Store the batch; one that DuckDB refuses is tried again in halves.

        So a single request that cannot be stored, for a reason nobody foresaw, is set aside in
        `raw_rejected` and its neighbours are kept.
        """
        try:
            stored = store(connection, batch)
        except _UNSTORABLE as error:
            log.error("batch_refused", problem=type(error).__name__, requests=batch.requests)
            if batch.requests > 1:
                self._most_requests = batch.requests // 2
                return None
            reason = f"DuckDB could not store it: {type(error).__name__}"  # the text may quote it
            refused = _rejected_row("request", reason)
            stored = store(connection, dataclasses.replace(batch, tables={}, rejected=refused))
        self._most_requests = min(self._most_requests * 2, MOST_REQUESTS)
        return stored

    def _read_batch(self, start: Position) -> Batch | None:
        """The next entries after `start`, decoded; None when there are none."""
        hasher = home_hasher(self._home, self._settings.git.line_key_file)
        raw = RawBatch(
            include_text=self._settings.telemetry.include_prompts,
            text_developers=self._settings.privacy.text_developers,
            hasher=hasher,
            pseudonyms=message_pseudonyms(self._home, self._settings),
        )
        end, size, damaged, requests = start, 0, 0, 0
        received_at: datetime | None = None
        mark = replay_mark(self._home)
        for entry in read_entries(self._home.spool, start):
            end = entry.after
            damaged += entry.damaged_bytes
            if entry.envelope is not None:
                raw.add(entry.envelope)
                received_at = received_at or _moment(entry.envelope.received_at_ns)
                size += len(entry.envelope.body)
            requests += 1
            full = raw.records >= BATCH_RECORDS or size >= BATCH_BYTES
            if full or requests >= self._most_requests or end == mark:
                break
        if end == start:
            return None
        if raw.repaired_strings or raw.dropped_attributes:
            log.warning("text_changed", repaired_strings=raw.repaired_strings,
                        dropped_attributes=raw.dropped_attributes)  # fmt: skip
        rejected = raw.rejected_table()
        if damaged:
            log.error("spool_damaged", bytes=damaged, before=end)
            rejected = _with_damage(rejected, damaged, end)
        return Batch(start, end, requests, raw.tables(), rejected, raw.records, received_at)

    def _spool_has_more(self) -> bool:
        assert self._position is not None
        return next(read_entries(self._home.spool, self._position), None) is not None

    def _file_was_changed(self) -> bool:
        try:
            return self._home.database.stat().st_mtime_ns != self._state.database_mtime_ns
        except FileNotFoundError:
            return True

    def _remember(self, **changes: object) -> None:
        self._state = msgspec.structs.replace(self._state, **changes)
        write_state(self._home.loader_state, self._state)


def _said_of(stored: Stored | None, began: float) -> dict[str, object]:
    if stored is None:
        return {}
    log.info("loaded", rows=stored.rows, duplicates=stored.duplicates, rejected=stored.rejected)
    return {
        "last_load_at": _now(),
        "last_load_rows": stored.rows,
        "last_load_s": round(time.monotonic() - began, 3),
    }


def _last_dbt_run(connection: duckdb.DuckDBPyConnection) -> DbtRun | None:
    row = connection.execute(
        "SELECT finished_at, status, models, errors FROM dbt_runs "
        "WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    return DbtRun(row[0].isoformat(timespec="milliseconds"), row[1], row[2] or 0, row[3] or 0)


def _with_damage(rejected: pa.Table | None, damaged_bytes: int, before: Position) -> pa.Table:
    """`rejected` with a row for bytes of the spool that are no entry any more."""
    place = f"before offset {before.offset} of segment {before.segment}"
    row = _rejected_row("spool", f"{damaged_bytes} damaged bytes {place}")
    return row if rejected is None else pa.concat_tables([rejected.select(row.column_names), row])


def _rejected_row(signal: str, reason: str) -> pa.Table:
    return pa.table(
        {
            "signal": [signal],
            "reason": [reason],
            "record": pa.array([None], pa.string()),
            "created_at": pa.array([datetime.now(UTC)], pa.timestamp("us", "UTC")),
        }
    )


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
