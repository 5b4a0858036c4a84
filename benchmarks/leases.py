"""What thousands of small leases do to the DuckDB file."""

from __future__ import annotations

import asyncio
import time
from statistics import median

from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.writer import Spool
from agent_analytics_collector.warehouse.loader import Loader
from benchmarks.figures import Figure, Measurement, Size
from benchmarks.processes import Failed, scratch_home
from benchmarks.warehouse import bulk_insert, rows_of, scan_seconds
from benchmarks.workload import Requests, envelope

RECORDS = 20
LEASES = {Size.FULL: 5000, Size.QUICK: 500, Size.TINY: 10}
SCANS = {Size.FULL: 30, Size.QUICK: 15, Size.TINY: 1}


def measure(size: Size) -> Measurement:
    """One file filled by small leases, one by a single insert of the same rows."""
    count = LEASES[size]
    with scratch_home() as home, scratch_home() as other:
        seconds = asyncio.run(_lease_often(home, count))
        bulk_insert(other.database, rows_of(home.database))
        sizes = [path.stat().st_size / 1e6 for path in (home.database, other.database)]
        scans: tuple[list[float], list[float]] = ([], [])
        for _ in range(SCANS[size]):
            for file, times in zip((home.database, other.database), scans, strict=True):
                times.append(scan_seconds(file) * 1000)
    tenth = max(1, count // 10)
    first, last = (median(part) * 1000 for part in (seconds[:tenth], seconds[-tenth:]))
    return Measurement(
        f"leases: {count:,} of {RECORDS} rows each, by the loader without its pauses",
        "the file after one insert of the same rows",
        [
            Figure("size of the file", "MB", [sizes[0]], [sizes[1]]),
            Figure("scan of it", "ms", scans[0], scans[1]),
            Figure("a lease: last tenth beside the first", "ms", [last], [first]),
        ],
    )


async def _lease_often(home: Home, count: int) -> list[float]:
    """Spool a request and load it, `count` times; seconds of each lease."""
    configure_logging(home, "loader")
    settings = Settings()
    spool = Spool(home.spool, settings.spool)
    loader = Loader(home, settings)
    loader.use_file()  # asks where the file stands
    requests = Requests(RECORDS)
    seconds = []
    for number in range(count):
        await spool.put(envelope(requests.body(number)), RECORDS)
        loader.prepare()
        began = time.perf_counter()
        if not loader.use_file():
            raise Failed(f"loading stopped; {home.logs} says why")
        seconds.append(time.perf_counter() - began)
    spool.close()
    return seconds
