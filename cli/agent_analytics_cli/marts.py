"""The published marts, as commands read them: one run's file, opened read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home


class MartsUnreadable(AgentAnalyticsError):
    """The published file exists and cannot be used."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"The published marts in {path} cannot be read: {problem}. "
            "Publish them again with `agent-analytics transform`."
        )


@contextmanager
def open_marts(home: Home) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """A read-only connection to the latest published run; None when nothing is published yet.

    `current` is resolved once, so that all queries see one run although a new one may be
    published meanwhile. Raises MartsUnreadable, also when a mart is missing or has other columns.
    """
    try:
        path = home.current_marts.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            yield connection
    except (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException) as error:
        raise MartsUnreadable(path, str(error).splitlines()[0]) from error


def published_at(marts: duckdb.DuckDBPyConnection | None) -> datetime | None:
    """When the run was published that the connection reads; None when nothing is.

    The run's folder is named by it; a file that lies elsewhere was published when it was written.
    """
    row = marts and marts.execute("select path from duckdb_databases() where path is not null")
    found = row.fetchone() if row else None
    if found is None:
        return None
    file = Path(found[0])
    try:
        return datetime.strptime(file.parent.name, "%Y%m%dT%H%M%S_%fZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
