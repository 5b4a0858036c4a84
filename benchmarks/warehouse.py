"""DuckDB's own speed, as a baseline, and the loader without its pauses."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
import pyarrow as pa

from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.loader import Loader
from benchmarks.processes import Failed, position

_SCAN = (
    "SELECT count(*), sum(length(attributes)), max(timestamp), count(DISTINCT session_id) "
    "FROM raw_otel_logs"
)


def load_without_pauses(home: Home) -> float:
    """Load all that the home's spool holds, lease after lease; seconds."""
    configure_logging(home, "loader")
    loader = Loader(home, Settings())
    target = end_of_spool(home.spool)
    began = time.perf_counter()
    while position(home) < target:
        loader.prepare()
        if not loader.use_file():
            raise Failed(f"loading stopped; {home.logs} says why")
    return time.perf_counter() - began


def rows_of(database: Path) -> pa.Table:
    """All rows of `raw_otel_logs`."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute("SELECT * FROM raw_otel_logs").to_arrow_table()


def bulk_insert(database: Path, rows: pa.Table) -> float:
    """Insert `rows` into `raw_otel_logs` with one statement, durably; seconds.

    The file and its tables are made before, if there are none. The time includes opening it and
    the checkpoint at closing, as a lease's does.
    """
    if not database.exists():
        with lease(database):
            pass
    began = time.perf_counter()
    with lease(database) as connection:
        connection.register("incoming", rows)
        connection.execute("INSERT INTO raw_otel_logs SELECT * FROM incoming")
        connection.unregister("incoming")
    return time.perf_counter() - began


def scan_seconds(database: Path) -> float:
    """Time of a query that reads the large column of all rows."""
    with duckdb.connect(str(database), read_only=True) as connection:
        began = time.perf_counter()
        connection.execute(_SCAN).fetchall()
        return time.perf_counter() - began
