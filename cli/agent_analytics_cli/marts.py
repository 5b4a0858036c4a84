"""The published marts, as commands read them: one run's file, opened read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from agent_analytics_collector.errors import MartsUnreadable
from agent_analytics_collector.home import Home
from agent_analytics_collector.published_runs import PublishedRun, newest_run

__all__ = ["MartsUnreadable", "open_marts", "published_at"]


@contextmanager
def open_marts(home: Home) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """A read-only connection to the latest published run; None when nothing is published yet.

    All queries see one run although a new one may be published meanwhile. Raises MartsUnreadable,
    also when a mart is missing or has other columns.
    """
    run = newest_run(home)
    if run is None:
        yield None
        return
    try:
        with duckdb.connect(str(run.file), read_only=True) as connection:
            yield connection
    except (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException) as error:
        raise MartsUnreadable(run.file, str(error).splitlines()[0]) from error


def published_at(marts: duckdb.DuckDBPyConnection | None) -> datetime | None:
    """When the run was published that the connection reads; None when nothing is."""
    row = marts and marts.execute("select path from duckdb_databases() where path is not null")
    found = row.fetchone() if row else None
    if found is None:
        return None
    return PublishedRun(Path(found[0])).at
