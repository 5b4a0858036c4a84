"""Writing the DuckDB file anew, so that what was deleted is no longer in it.

DuckDB keeps the space of deleted rows for new ones, and what they held in it: a checkpoint only
gives back what is free at the file's end.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

_NEW = "rewritten"


def rewrite(connection: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Copy what is in the leased file to a new one, and put that in its place, durably.

    The connection still has the old file afterwards: nothing may be written with it any more.
    Raises duckdb.IOException or OSError where a second file has no room; the old one stays then.
    """
    new = database.with_name(f".{database.name}.{_NEW}")
    for left in (new, new.with_name(new.name + ".wal")):
        left.unlink(missing_ok=True)
    row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    try:
        connection.execute("CHECKPOINT")  # or closing would write to the new file's log
        path = str(new).replace("'", "''")
        connection.execute(f"ATTACH '{path}' AS {_NEW}")
        try:
            new.chmod(0o600)
            connection.execute(f'COPY FROM DATABASE "{row[0]}" TO {_NEW}')
        finally:
            connection.execute(f"DETACH {_NEW}")
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    os.replace(new, database)
    folder = os.open(database.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
