"""Rows a second from the spool into the DuckDB file."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from agent_analytics_collector.home import Home
from agent_analytics_collector.spool.reader import end_of_spool
from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.processes import LOADER, environment, position, scratch_home, wait_for
from benchmarks.warehouse import bulk_insert, load_without_pauses, rows_of
from benchmarks.workload import RECORDS, Requests, fill_spool

AIM = Aim(0.2, at_least=True)
_TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    requests: int


PLANS = {Size.FULL: Plan(5, 3000), Size.QUICK: Plan(3, 1000), Size.TINY: Plan(1, 10)}


def measure(size: Size) -> Measurement:
    """Load the same backlog again and again, and insert the rows that came of it."""
    plan = PLANS[size]
    rows = plan.requests * RECORDS
    baseline: list[float] = []
    polite: list[float] = []
    restless: list[float] = []
    with scratch_home() as home, scratch_home() as other:
        size_bytes = fill_spool(home, Requests(), plan.requests)
        for _ in range(plan.rounds):
            _forget(home)
            polite.append(rows / _load_with_pauses(home))
            _forget(home)
            restless.append(rows / load_without_pauses(home))
            _forget(other)
            baseline.append(rows / bulk_insert(other.database, rows_of(home.database)))
    return Measurement(
        f"load: {rows:,} records ({size_bytes / 1e6:.0f} MB) waiting in the spool",
        "DuckDB's insert of the same rows from one Arrow table, checkpoint included",
        [
            Figure("the loader's process", "rows/s", polite, baseline, AIM),
            Figure("  without its pauses", "rows/s", restless, baseline),
        ],
    )


def _load_with_pauses(home: Home) -> float:
    """Let the process that `up` starts load all; seconds from its first lease to the last."""
    target = end_of_spool(home.spool)
    with subprocess.Popen(
        [sys.executable, "-m", LOADER], env=environment(home), stdin=subprocess.PIPE
    ) as process:
        try:
            # The first lease only asks where the file stands.
            wait_for(home.loader_state.exists, _TIMEOUT_S, "the loader's start")
            began_ns = home.loader_state.stat().st_mtime_ns
            wait_for(lambda: position(home) >= target, _TIMEOUT_S, "loading")
            ended_ns = home.loader_state.stat().st_mtime_ns
        finally:
            process.terminate()
    return (ended_ns - began_ns) / 1e9


def _forget(home: Home) -> None:
    """Remove the DuckDB file and what is known of it; the spool stays."""
    for path in (home.database, home.database.with_name(home.database.name + ".wal")):
        path.unlink(missing_ok=True)
    home.loader_state.unlink(missing_ok=True)
