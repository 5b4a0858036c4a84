"""What a collector costs while nothing happens."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field

import psutil

from benchmarks.figures import Aim, Figure, Measurement, Size
from benchmarks.processes import (
    Collector,
    collector,
    export,
    proportional_memory,
    resident_memory,
    wait_for,
    wait_until_loaded,
)
from benchmarks.workload import RECORDS

MEMORY_AIM = Aim(200.0, of="subject")
CPU_AIM = Aim(0.5, of="subject")
_LOADER_LEAVES_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds to watch; `requests` are sent afterwards, for the memory that stays."""

    seconds: float
    settle_s: float
    every_s: float
    requests: int


PLANS = {
    Size.FULL: Plan(300, 5, 5, 1000),
    Size.QUICK: Plan(30, 5, 2, 200),
    Size.TINY: Plan(2, 0, 1, 0),
}


@dataclass(slots=True)
class Watched:
    """Memory samples in MB and CPU seconds over a span of time."""

    pss: list[float] = field(default_factory=list)
    rss: list[float] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    cpu_s: float = 0.0
    seconds: float = 0.0

    @property
    def cpu_percent(self) -> float:
        return 100 * self.cpu_s / self.seconds if self.seconds else 0.0


def measure(size: Size) -> Measurement:
    """A collector with the settings of a first start, and a Python that sleeps."""
    plan = PLANS[size]
    with (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1e6)"]) as sleeper,
        collector() as service,
    ):
        try:
            time.sleep(plan.settle_s)
            bare = psutil.Process(sleeper.pid)
            figures = _watch(service, bare, plan)
            if plan.requests:
                figures += _after_work(service, bare, plan)
        finally:
            sleeper.terminate()
    return Measurement(
        f"idle: `agent-analytics up` for {plan.seconds:.0f} s with nothing to do",
        "a Python that sleeps",
        figures,
        ["PSS: shared pages are counted once among the processes that share them; most is shown."],
    )


def _watch(service: Collector, bare: psutil.Process, plan: Plan) -> list[Figure]:
    with_loader, without, whole = Watched(), Watched(), Watched()
    cpu = _cpu_seconds(service.process)
    began = last = time.monotonic()
    while last < began + plan.seconds:
        has_loader = service.loader() is not None
        time.sleep(plan.every_s)
        now, used = time.monotonic(), _cpu_seconds(service.process)
        family = _family(service.process)
        for watched in (whole, with_loader if has_loader else without):
            watched.cpu_s += used - cpu
            watched.seconds += now - last
            watched.processes.append(len(family))
            watched.pss.append(sum(map(proportional_memory, family)))
            watched.rss.append(sum(map(resident_memory, family)))
        last, cpu = now, used
    figures = [
        *_memory("memory", whole, bare, MEMORY_AIM),
        Figure("CPU, of one core", "%", [whole.cpu_percent], aim=CPU_AIM),
    ]
    for what, part in (("with its loader", with_loader), ("after it left", without)):
        if part.seconds:
            what = f"  {what} ({part.seconds:.0f} s)"
            figures.append(
                Figure(f"{what}, PSS", "MB", [max(part.pss)], [proportional_memory(bare)])
            )
            figures.append(Figure(f"{what}, CPU", "%", [part.cpu_percent]))
    return figures


def _after_work(service: Collector, bare: psutil.Process, plan: Plan) -> list[Figure]:
    """What stays in memory when the collector has worked and its loader has left."""
    export(service.state.grpc, service.process, exporters=8, requests=plan.requests, first=0)
    wait_until_loaded(service.home)
    wait_for(lambda: len(_family(service.process)) == 1, 10 * _LOADER_LEAVES_S, "the children")
    watched = Watched()
    watched.pss.append(proportional_memory(service.process))
    watched.rss.append(resident_memory(service.process))
    return _memory(f"after {plan.requests * RECORDS:,} records, loader gone", watched, bare, None)


def _memory(what: str, watched: Watched, bare: psutil.Process, aim: Aim | None) -> list[Figure]:
    return [
        Figure(f"{what}, PSS", "MB", [max(watched.pss)], [proportional_memory(bare)], aim),
        Figure(f"{what}, RSS", "MB", [max(watched.rss)], [resident_memory(bare)]),
    ]


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu_seconds(process: psutil.Process) -> float:
    """User and system time of the process, of its children and of those that have ended."""
    own = process.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return float(total)
