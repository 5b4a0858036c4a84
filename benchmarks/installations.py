"""A team's server: 10,000 installations that each send once a minute, every key checked."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Scope
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import read_loader
from benchmarks.figures import Aim, Figure, Measurement, Size, percentile
from benchmarks.processes import (
    Collector,
    Failed,
    collector,
    noop_http_server,
    resident_memory,
    wait_until_loaded,
)

_ROOT = Path(__file__).parents[1]
RECORDS = 20
"""Log records a request: a minute of somebody at work with one agent."""
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Plan:
    installations: int
    keys: int
    """Developers: some have several machines."""
    seconds: int
    warm_up_seconds: int


PLANS = {
    Size.FULL: Plan(10_000, 1_000, 600, 60),
    Size.QUICK: Plan(10_000, 200, 60, 10),
    Size.TINY: Plan(600, 5, 1, 1),
}


def measure(size: Size) -> Measurement:
    """One stream of requests to a server that does nothing, then to a collector."""
    plan = PLANS[size]
    rate = plan.installations / 60
    with noop_http_server() as port:
        theirs = _send("127.0.0.1", port, ["none"], rate, plan.warm_up_seconds, 0)
    with collector(TRANSFORM_ENABLED="false") as service:
        keys = [_key(service, f"dev_{number}") for number in range(plan.keys)]
        ports = (service.state.host, service.state.http_port)
        _send(*ports, keys, rate, plan.warm_up_seconds, 0)
        first = int(rate * plan.warm_up_seconds)
        with _Memory(service) as memory:
            ours = _send(*ports, keys, rate, plan.seconds, first)
        wait_until_loaded(service.home)
        stored = read_loader(service.home).records["logs"]
    lost = (first + ours["acknowledged"]) * RECORDS - stored
    if refused := {s: n for s, n in ours["statuses"].items() if s != "200"}:
        raise Failed(f"requests were refused: {refused}")
    figures = [
        Figure(
            f"p{percent} of a request, from when it was due", "ms",
            [percentile(ours["request_seconds"], percent) * 1000],
            [percentile(theirs["request_seconds"], percent) * 1000],
            Aim(100, of="subject") if percent == 95 else None,
        )
        for percent in (50, 95, 99)
    ]  # fmt: skip
    figures += [
        Figure("requests", "requests/s", [ours["acknowledged"] / plan.seconds]),
        Figure("records acknowledged and not stored", "records", [lost], aim=Aim(0, of="subject")),
        Figure("memory of the service: last tenth of the time", "MB", [memory.last], [memory.first],
               Aim(1.1)),
    ]  # fmt: skip
    return Measurement(
        f"installations: {plan.installations:,} that send once a minute, for {plan.seconds} s",
        "an HTTP server of the same kind that answers at once; for memory the first tenth",
        figures,
        [
            f"{rate:.0f} requests a second of {RECORDS} log records, evenly spaced, over "
            f"{CONNECTIONS} connections with {plan.keys:,} keys; sender, service and loader share "
            "the machine. dbt does not run meanwhile.",
        ],
    )


def _key(service: Collector, developer_id: str) -> str:
    token, _ = create_key(
        service.home, Settings(), developer_id=developer_id, organisation="bench",
        scopes=[Scope.INGEST], days=1,
    )  # fmt: skip
    return token


def _send(
    host: str, port: int, keys: list[str], rate: float, seconds: int, first: int
) -> dict[str, Any]:
    run = {
        "host": host, "port": port, "keys": keys, "records": RECORDS, "rate": rate,
        "requests": int(rate * seconds), "first": first, "connections": CONNECTIONS,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.installation_client"],
        cwd=_ROOT, input=json.dumps(run), stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"the client of {host}:{port} ended with {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


class _Memory:
    """The service's memory in MB while something runs: medians of the first and last tenth."""

    def __init__(self, service: Collector) -> None:
        self._process = service.process
        self._samples: list[float] = []
        self._done = Event()
        self._thread = Thread(target=self._sample)

    def _sample(self) -> None:
        while not self._done.wait(0.2):
            self._samples.append(resident_memory(self._process))

    def __enter__(self) -> _Memory:
        self._samples.append(resident_memory(self._process))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def first(self) -> float:
        return percentile(self._samples[: len(self._samples) // 10 + 1], 50)

    @property
    def last(self) -> float:
        return percentile(self._samples[-(len(self._samples) // 10 + 1) :], 50)
