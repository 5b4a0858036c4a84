"""Questions asked of one published run, within bounds.

A request's values only ever become parameters. Beside that the connection reaches the run's file
and nothing else: no other file, no other setting, so much memory, so much time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent_analytics_collector.dashboards import Question, bind
from agent_analytics_collector.errors import (
    AskedWrongly,
    MartsUnreadable,
    RunGone,
    TookTooLong,
)
from agent_analytics_collector.published_runs import PublishedRun

if TYPE_CHECKING:
    import duckdb  # a collector that nobody asks never imports it

MOST_ROWS = 100_000
TIMEOUT_S = 20.0
_MEMORY = "512MB"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": _MEMORY,
    "threads": 1,  # so that rows which an ORDER BY leaves equal come in one order, page after page
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows in the question's order, with the names and DuckDB's types of their columns."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Marts:
    """One run, open for questions; made by `open_run`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def ask(self, question: Question, values: Mapping[str, object]) -> Answer:
        """The answer, for the filters' values. Raises AskedWrongly for more than MOST_ROWS rows."""
        return self.run(*bind(question, values))

    def run(self, sql: str, values: Mapping[str, object] | None = None) -> Answer:
        """The same of SQL of our own."""
        cursor = self._connection.execute(sql, values or {})
        described = cursor.description or ()
        rows = cursor.fetchmany(MOST_ROWS + 1)
        if len(rows) > MOST_ROWS:
            raise AskedWrongly(
                f"The answer has more than {MOST_ROWS:,} rows. Ask for less: give since and until, "
                "or a filter."
            )
        return Answer(
            tuple(column[0] for column in described),
            tuple(str(column[1]) for column in described),
            rows,
        )

    def columns_of(self, question: Question) -> Mapping[str, str]:
        """Name → DuckDB's type of what the question answers."""
        return {name: kind for name, kind, *_ in self.run(f"describe {question.sql}").rows}


@contextmanager
def open_run(
    run: PublishedRun,
    time_zone: str = "UTC",
    rollover_hour: int = 0,
    timeout_s: float = TIMEOUT_S,
) -> Iterator[Marts]:
    """The run, for one thread and at most so long; hours and weekdays are of the time zone.

    SQL has the hour at which a day begins as `getvariable('rollover_hour')`.

    Raises RunGone, AskedWrongly, TookTooLong, MartsUnreadable.
    """
    import duckdb

    try:
        with (
            duckdb.connect(":memory:", config=_CONFIG) as connection,
            _limited(connection, timeout_s),
        ):
            _set_time_zone(connection, time_zone)
            file = str(run.file).replace("'", "''")
            connection.execute(f"ATTACH '{file}' AS marts (READ_ONLY)")
            connection.execute("USE marts")
            connection.execute(f"SET VARIABLE rollover_hour = {rollover_hour:d}")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield Marts(connection)
    except duckdb.InterruptException as error:
        raise TookTooLong(f"{timeout_s:g} seconds") from error
    except duckdb.OutOfMemoryException as error:
        raise TookTooLong(f"{_MEMORY} of memory") from error
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise AskedWrongly("A value is out of the range that can be asked for.") from error
    except duckdb.Error as error:
        if not run.file.exists():
            raise RunGone from error
        raise MartsUnreadable(run.file, str(error).splitlines()[0]) from error


@contextmanager
def _limited(connection: duckdb.DuckDBPyConnection, timeout_s: float) -> Iterator[None]:
    timer = threading.Timer(timeout_s, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # else it may interrupt a connection that is closed


def _set_time_zone(connection: duckdb.DuckDBPyConnection, time_zone: str) -> None:
    """Raises AskedWrongly."""
    import duckdb

    quoted = time_zone.replace("'", "''")
    try:
        connection.execute(f"SET TimeZone = '{quoted}'")
    except duckdb.Error as error:
        raise AskedWrongly(f"{time_zone!r} is no IANA time zone; one is Europe/Berlin.") from error
