"""Waiting until everything accepted so far is in the DuckDB file."""

from __future__ import annotations

import time
from collections.abc import Callable

from agent_analytics_collector.errors import FileLocked, NotFlushed
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import count_waiting, end_of_spool
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import read_loader, read_service
from agent_analytics_collector.warehouse.recovery_state import read_recovery

POLL_S = 0.05


def flush(
    home: Home,
    settings: Settings,
    timeout_s: float,
    progress: Callable[[int], None] = lambda waiting_records: None,
) -> None:
    """Return when what was accepted before the call is loaded; without a service, load it here.

    `progress` hears how many records wait. Raises FileLocked when somebody else still has the
    file after `timeout_s`, NotFlushed when another thing keeps it.
    """
    target = end_of_spool(home.spool)
    deadline = time.monotonic() + timeout_s
    step = _watch if read_service(home) else _load_here(home, settings)
    while True:
        state = read_loader(home)
        position = Position(state.segment, state.offset)
        waiting = count_waiting(home.spool, position)
        progress(waiting.total_records)
        recovery = read_recovery(home)
        whole = home.database.exists() and (recovery is None or recovery.finished_at is not None)
        if whole and (position >= target or waiting.entries == 0):
            return
        if time.monotonic() >= deadline:
            if state.waiting_for:
                raise FileLocked(home.database, state.waiting_for)
            raise NotFlushed(waiting.total_records, timeout_s, state.problem)
        step()


def _watch() -> None:
    time.sleep(POLL_S)


def _load_here(home: Home, settings: Settings) -> Callable[[], None]:
    # Not at the top: DuckDB and Arrow are heavy, and with a service running only it needs them.
    from agent_analytics_collector.warehouse.loader import Loader

    loader = Loader(home, settings)

    def step() -> None:
        loader.prepare()
        time.sleep(min(loader.pause_s(), POLL_S))
        if loader.pause_s() == 0:
            loader.use_file()

    return step
