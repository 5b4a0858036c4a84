"""Whether a run of dbt costs what is new, not what there is; and the dashboards' queries."""

from __future__ import annotations

import re
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from agent_analytics_cli.assets import dbt_project
from agent_analytics_collector.dashboards import load_dashboards
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.transform import transform
from benchmarks.figures import Aim, Figure, Measurement, Size, percentile
from benchmarks.raw_rows import TURNS, Rows, Turns

RATIO_AIM = Aim(1.5)
TIME_AIM = Aim(10.0, of="subject")
QUERY_AIM = Aim(150.0, of="subject")
_DASHBOARDS = Path(__file__).parents[1] / "dashboards"
_DISK_BYTES = 12_000_000_000
"""Free space that the full size takes at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    small: int
    large: int
    new: int
    """Rows that come before an incremental run, about."""
    rounds: int
    queries: int
    """How often each query of a dashboard runs."""


PLANS = {
    Size.FULL: Plan(1_000_000, 10_000_000, 10_000, 3, 20),
    Size.QUICK: Plan(100_000, 1_000_000, 10_000, 2, 10),
    Size.TINY: Plan(0, 10_000, 1_000, 0, 1),
}


@dataclass(frozen=True, slots=True)
class Run:
    """A `transform`, publishing included."""

    seconds: float
    cpu_s: float
    """Of dbt and of publishing."""


@dataclass
class Grown:
    """A home with raw rows, and what running dbt over them took."""

    rows: int
    full: Run
    incremental: list[Run]
    idle: Run
    heaviest: list[str]
    queries_ms: dict[str, list[float]]


def measure(size: Size) -> Measurement:
    """A full build and incremental ones of few and of ten times as many raw rows."""
    plan = PLANS[size]
    folder = Path(tempfile.mkdtemp(prefix="agent-analytics-bench-"))
    try:
        if size is Size.FULL and shutil.disk_usage(folder).free < _DISK_BYTES:
            raise OSError(f"{folder} needs {_DISK_BYTES / 1e9:.0f} GB; set TMPDIR to another place")
        large = _grow(folder / "large", plan, plan.large)
        # Twenty seconds of dbt's own for each run: too many to only see that it runs.
        small = _grow(folder / "small", plan, plan.small) if plan.small else large
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    figures = [
        Figure("full build", "s", [large.full.seconds], [small.full.seconds]),
        Figure("full build, CPU", "s", [large.full.cpu_s], [small.full.cpu_s]),
    ]
    seconds = [run.seconds for run in large.incremental]
    cpu = [run.cpu_s for run in large.incremental]
    figures += [
        Figure("incremental run", "s", seconds, [r.seconds for r in small.incremental], RATIO_AIM),
        Figure("incremental run, CPU", "s", cpu, [r.cpu_s for r in small.incremental], RATIO_AIM),
        Figure("incremental run, whole project", "s", seconds, aim=TIME_AIM),
    ]
    figures.append(
        Figure("run without anything new", "s", [large.idle.seconds], [small.idle.seconds])
    )
    for name, taken in large.queries_ms.items():
        before = [percentile(small.queries_ms[name], 95)]
        figures.append(Figure(f"{name}, p95", "ms", [percentile(taken, 95)], before, QUERY_AIM))
    return Measurement(
        f"dbt_growth: {large.rows:,} raw rows, then about {plan.new:,} new ones of old and new "
        "sessions; dbt and publishing",
        f"the same with {small.rows:,} raw rows",
        figures,
        [f"slowest models of the last incremental run: {', '.join(large.heaviest)}"],
    )


def _grow(root: Path, plan: Plan, wanted: int) -> Grown:
    home = Home(root)
    home.create()
    rows = Rows(home)
    groups = rows.groups(wanted)
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    step = timedelta(days=365) / len(groups)
    grown = rows.add(Turns(groups, range(TURNS), end - timedelta(days=365), step))
    full = _transform(home)
    incremental = []
    for number in range(plan.rounds + 1):
        turns = max(1, plan.new // (2 * rows.rows))
        # One group goes on where it was, another begins.
        old = groups[-1 - number % len(groups)]
        first = TURNS * (1 + number // len(groups))
        going_on = range(first, first + turns)
        rows.add(Turns(range(old, old + 1), going_on, end - step * (groups.stop - old), step))
        new = groups.stop + number
        rows.add(Turns(range(new, new + 1), range(turns), end, step))
        incremental.append(_transform(home))
    heaviest = _slowest_models(home)
    idle = _transform(home) if plan.rounds else incremental[-1]
    # The first one after a full build finds none of the pages it needs in the cache.
    counted = incremental[-plan.rounds :]
    return Grown(grown.rows, full, counted, idle, heaviest, _query_times(home, plan.queries))


def _transform(home: Home) -> Run:
    began, before = time.perf_counter(), _cpu_s()
    assert transform(home, Settings(), dbt_project()) is not None
    return Run(time.perf_counter() - began, _cpu_s() - before)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


_MADE = re.compile(r" model \w+\.(\w+) .*in (\d+\.\d+)s\]")


def _slowest_models(home: Home) -> list[str]:
    """Of the last run, as dbt printed it."""
    made = _MADE.findall((home.logs / "transform.log").read_text())
    slowest = sorted(made, key=lambda model: -float(model[1]))[:8]
    return [f"{name} {float(seconds):.1f} s" for name, seconds in slowest]


def _query_times(home: Home, rounds: int) -> dict[str, list[float]]:
    """Each query of a dashboard as a BI tool runs it: over `bi.duckdb`, which stays open."""
    times: dict[str, list[float]] = {}
    with duckdb.connect(str(home.bi_database), read_only=True) as connection:
        for dashboard in load_dashboards(_DASHBOARDS):
            for question in dashboard.questions:
                name = f"{dashboard.id}: {question.id}"
                for _ in range(rounds):
                    began = time.perf_counter()
                    connection.execute(question.sql).fetchall()
                    times.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    return times
