"""Where numbers are looked up: the DuckDB file with all that they are made of, else the marts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from agent_analytics_cli.marts import open_marts
from agent_analytics_cli.output import note
from agent_analytics_collector.errors import AgentAnalyticsError, FileLocked
from agent_analytics_collector.home import Home
from agent_analytics_collector.warehouse.lease import lease, lease_when_free

WAIT_S = 10.0
"""How long another process may keep the DuckDB file before the published marts have to do."""

Row = dict[str, Any]


class NoNumbers(AgentAnalyticsError):
    """Nothing was transformed or published yet."""

    def __init__(self, home: Home) -> None:
        super().__init__(
            f"{home.root} has no marts yet, so there is nothing to look at. "
            "`agent-analytics transform` makes them of what was received."
        )


@dataclass(frozen=True, slots=True)
class Numbers:
    """Marts by their names and, in the DuckDB file, all that is below them."""

    connection: duckdb.DuckDBPyConnection
    not_live: str | None
    """Why these are the published marts alone; None when it is the DuckDB file."""
    published: str | None = None
    """Run of the published marts beside the DuckDB file, attached as `published`."""

    @property
    def is_live(self) -> bool:
        return self.not_live is None

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Each row as a dict."""
        result = self.connection.execute(sql, parameters or {})
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@contextmanager
def open_numbers(home: Home) -> Iterator[Numbers]:
    """The DuckDB file while it is free, in one transaction that cannot write; else the marts.

    Raises NoNumbers, MartsUnreadable, NotADatabase, NewerSchema.
    """
    with ExitStack() as stack:
        why = f"{home.database} is not there"
        if home.database.exists():
            try:
                connection = stack.enter_context(_leased(home))
            except FileLocked as error:
                why = f"{error.path} is open in {error.holder}"
            else:
                if _has_marts(connection):
                    run = _attach_published(connection, home)
                    connection.execute("SET search_path = 'marts,intermediate,staging,main'")
                    connection.execute("BEGIN TRANSACTION READ ONLY")
                    yield Numbers(connection, None, run)
                    connection.execute("ROLLBACK")
                    return
                why = f"dbt has made no marts in {home.database}"
        marts = stack.enter_context(open_marts(home))
        if marts is None:
            raise NoNumbers(home)
        marts.execute("SET TimeZone = 'UTC'")
        yield Numbers(marts, why)


@contextmanager
def _leased(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(lease(home.database))
        except FileLocked as error:
            note(f"{error.path} is open in {error.holder}. Waiting up to {WAIT_S:g} s for it.")
            connection = stack.enter_context(lease_when_free(home.database, WAIT_S))
        yield connection


def _has_marts(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "SELECT count(*) FROM duckdb_tables() "
        "WHERE schema_name = 'marts' AND table_name = 'fct_agent_requests'"
    ).fetchall()
    return bool(found[0][0])


def _attach_published(connection: duckdb.DuckDBPyConnection, home: Home) -> str | None:
    try:
        path = home.current_marts.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        return None
    quoted = str(path).replace("'", "''")
    try:
        connection.execute(f"ATTACH '{quoted}' AS published (READ_ONLY)")
    except duckdb.Error:  # `report` says what is wrong with it
        return None
    return path.parent.name
