"""Putting another file in the place of the DuckDB file, harmless to be killed in."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from agent_analytics_collector.backup.folder import sync_folder
from agent_analytics_collector.errors import NotADatabase
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import belong_to_owner
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.recovery import is_damage
from agent_analytics_collector.warehouse.recovery_state import Recovery

LEASE_TIMEOUT_S = 60.0
SET_ASIDE = ("*.corrupt.*", "*.replaced.*")
Note = Callable[[tuple[str, ...]], Recovery]
"""Tells of the swap, given the names under which what was there stays."""


def swap(live: Path, new: Path | None, note: Note, *, damaged: bool) -> Recovery:
    """Put `new`, or nothing, in the place of the DuckDB file, under its lock if it can be opened.

    What was there stays beside it, `….replaced.<time>`, or `….corrupt.<time>` where it was known to
    be `damaged` or shows to be. `note` is called first: whoever has the file next must know. Raises
    FileLocked.
    """
    if not live.exists():
        return _swap(live, new, note, "replaced")
    try:
        with lease_when_free(live, LEASE_TIMEOUT_S, migrates=False) as connection:
            try:
                connection.execute("CHECKPOINT")  # or closing would write to the new file's log
            except duckdb.Error:
                return _swap(live, new, note, "corrupt")
            return _swap(live, new, note, "corrupt" if damaged else "replaced")
    except (NotADatabase, duckdb.Error) as error:
        if not (isinstance(error, NotADatabase) or is_damage(str(error))):
            raise
        return _swap(live, new, note, "corrupt")


def _swap(live: Path, new: Path | None, note: Note, kind: str) -> Recovery:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    log = live.with_name(live.name + ".wal")
    there = [path for path in (log, live) if path.exists()]
    aside = {path: path.with_name(f"{path.name}.{kind}.{stamp}") for path in there}
    recovery = note(tuple(path.name for path in aside.values()))
    if log in aside:  # first, for it must never lie beside the new file
        log.rename(aside[log])
    if live in aside:
        _link_or_rename(live, aside[live], stays=new is not None)
    if new is not None:
        descriptor = os.open(new, os.O_RDONLY)
        try:
            belong_to_owner(descriptor, live.parent)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(new, live)
    sync_folder(live.parent)
    return recovery


def _link_or_rename(path: Path, other: Path, *, stays: bool) -> None:
    """Under its old name as well where it `stays`: there is no moment without a file then."""
    if stays:
        try:
            os.link(path, other)
            return
        except OSError:  # a file system without links
            pass
    path.rename(other)


def set_aside(home: Home, before: datetime | None = None) -> list[Path]:
    """What swaps, and leases with a damaged log, left beside the DuckDB file; None: ever."""
    found = [path for pattern in SET_ASIDE for path in home.data.glob(pattern)]
    # Not when it was changed last: that is long before it was set aside.
    return [one for one in found if before is None or one.stat().st_ctime < before.timestamp()]
