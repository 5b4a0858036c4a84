"""Records acknowledged a second, and how long a request waits for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import psutil

from agent_analytics_collector.state import read_loader
from benchmarks.figures import Aim, Figure, Measurement, Size, percentile
from benchmarks.processes import (
    Collector,
    Failed,
    Sent,
    collector,
    export,
    noop_server,
    wait_for,
    wait_until_loaded,
)
from benchmarks.workload import RECORDS

AIM = Aim(0.7, at_least=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """`requests` a round, by number of exporters."""

    rounds: int
    requests: dict[int, int]


PLANS = {
    Size.FULL: Plan(5, {1: 1500, 8: 3000, 32: 3000}),
    Size.QUICK: Plan(3, {1: 500, 8: 1000, 32: 1000}),
    Size.TINY: Plan(1, {1: 2, 8: 8, 32: 32}),
}


def measure(size: Size) -> Measurement:
    """Exporters against a collector and against a server that does nothing, in turn."""
    plan = PLANS[size]
    figures: list[Figure] = []
    for exporters, requests in plan.requests.items():
        figures += _figures(exporters, requests, plan.rounds)
    return Measurement(
        f"acknowledge: {RECORDS} log records a request, by number of exporters",
        "a gRPC server of the same kind that answers at once and does nothing",
        figures,
        [
            "`loader stopped`: the loader's process is suspended, as if it had a core to itself.",
        ],
    )


def _figures(exporters: int, requests: int, rounds: int) -> list[Figure]:
    baseline: list[Sent] = []
    subject: list[Sent] = []
    alone: list[Sent] = []
    with ExitStack() as stack:
        noop = stack.enter_context(noop_server())
        settings = {
            "TRANSFORM_ENABLED": "false",
            "SPOOL_MAX_BYTES": str(64 << 30),
            "SPOOL_REPLAY_WINDOW_HOURS": "0",  # or 2 GB a minute would stay on the disk
        }
        service = stack.enter_context(collector(**settings))
        sent = 0

        def send(address: str, server: psutil.Process) -> Sent:
            return export(address, server, exporters=exporters, requests=requests, first=sent)

        for _ in range(rounds):
            baseline.append(send(*noop))
            subject.append(send(service.state.grpc, service.process))
            sent += requests
            wait_until_loaded(service.home)
            alone.append(_with_loader_stopped(service, send))
            sent += requests
            wait_until_loaded(service.home)
        stored = read_loader(service.home).records["logs"]
        if stored != sent * RECORDS:
            raise Failed(f"{sent * RECORDS} records were acknowledged, {stored} are stored")
    what = f"{exporters} exporter{'s' * (exporters > 1)}"
    return [
        *_compare(what, baseline, subject, requests),
        _rate(f"{what}, loader stopped", baseline, alone, requests),
    ]


def _with_loader_stopped(service: Collector, send: Callable[[str, psutil.Process], Sent]) -> Sent:
    wait_for(lambda: service.loader() is not None, 10, "the loader's start")
    loader = service.loader()
    assert loader is not None
    loader.suspend()
    try:
        return send(service.state.grpc, service.process)
    finally:
        loader.resume()


def _compare(what: str, baseline: list[Sent], subject: list[Sent], requests: int) -> list[Figure]:
    figures = [_rate(what, baseline, subject, requests, AIM)]
    for percent in (50, 95, 99):
        theirs, ours = (
            [percentile(sent.request_seconds, percent) * 1000 for sent in rounds]
            for rounds in (baseline, subject)
        )
        figures.append(Figure(f"  p{percent} of a request", "ms", ours, theirs))
    theirs, ours = (
        [sent.server_cpu_seconds / requests * 1e6 for sent in rounds]
        for rounds in (baseline, subject)
    )
    figures.append(Figure("  CPU of the server, a request", "µs", ours, theirs))
    return figures


def _rate(
    what: str, baseline: list[Sent], subject: list[Sent], requests: int, aim: Aim | None = None
) -> Figure:
    theirs, ours = (
        [requests * RECORDS / sent.seconds for sent in rounds] for rounds in (baseline, subject)
    )
    return Figure(what, "records/s", ours, theirs, aim)
