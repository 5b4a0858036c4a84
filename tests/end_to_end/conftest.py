"""The real command as a child process, in a process group of its own that can be killed whole."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from agent_analytics_cli.assets import dbt_project
from agent_analytics_collector.envelope import Envelope
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import SpoolSettings
from agent_analytics_collector.spool.writer import Spool

COMMAND = (sys.executable, "-m", "agent_analytics_cli.main")
DBT = Path(sys.executable).with_name("dbt")
START_S = 90.0
STOP_S = 60.0
PATIENCE_S = 90.0
"""What waiting may last: ten times what it takes while other tests load the machine."""


def cli(*arguments: str, timeout: float = 180.0) -> subprocess.CompletedProcess[str]:
    """Run one command of ours to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


def status() -> dict[str, Any]:
    """What `status --json` says."""
    answer = cli("status", "--json")
    assert answer.returncode == 0, answer.stderr
    facts: dict[str, Any] = json.loads(answer.stdout)
    return facts


def start_dbt_build() -> subprocess.Popen[str]:
    """`dbt build` as a person or cron starts it from a shell of their own."""
    project = str(dbt_project())
    return subprocess.Popen(
        [
            str(DBT), "build", "--exclude-resource-type", "unit_test",
            "--project-dir", project, "--profiles-dir", project,
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def wait_for(what: str, found: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """The first true answer of `found`; fails the test when none comes in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        if answer := found():
            return answer
        if time.monotonic() >= deadline:
            pytest.fail(f"After {timeout_s:g} s: {what} did not happen.")
        time.sleep(0.01)


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the live file, which a loader or dbt may have at the moment."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with duckdb.connect(str(database), read_only=True) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                return connection.execute(sql).fetchall()
        except duckdb.IOException:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)


def spool_up(home: Home, envelopes: Iterable[tuple[Envelope, int]]) -> int:
    """Put requests into the spool of a collector that is not running; the records in them."""

    async def put_all() -> int:
        writer = Spool(home.spool, SpoolSettings())
        total, under_way = 0, set[asyncio.Task[None]]()
        for envelope, records in envelopes:
            under_way.add(asyncio.create_task(writer.put(envelope, records)))
            total += records
            if len(under_way) >= 200:
                await asyncio.gather(*under_way)
                under_way.clear()
        await asyncio.gather(*under_way)
        writer.close()
        return total

    return asyncio.run(put_all())


def free_port() -> int:
    """A free port below those that the system gives to outgoing connections.

    A client that keeps trying a closed port of that range can end up connected to itself.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Collector:
    """A started `agent-analytics up`; its output is in `out` and `err`."""

    def __init__(self, home: Home, *arguments: str, **settings: object) -> None:
        environment = {
            "AGENT_ANALYTICS_" + name.upper(): str(value) for name, value in settings.items()
        }
        number = len(list(home.root.parent.glob("up-*.out")))
        self._out = home.root.parent / f"up-{number}.out"
        self._err = home.root.parent / f"up-{number}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*COMMAND, "up", *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=os.environ | environment, start_new_session=True,
            )  # fmt: skip

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def wait_until_ready(self) -> Collector:
        """Read the addresses from the line that begins with `ready`."""
        wait_for("ready", lambda: "\n" in self.out or self.process.poll() is not None, START_S)
        assert self.process.poll() is None, self.err
        word, *pairs = self.out.splitlines()[0].split()
        assert word == "ready"
        found = dict(pair.split("=", 1) for pair in pairs)
        self.grpc, self.http, self.api = found["grpc"], found["http"], found["api"]
        return self

    def group(self) -> list[psutil.Process]:
        """Living processes of its group: itself, the loader, dbt."""
        found = []
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, psutil.Error):
                same = os.getpgid(process.pid) == self.process.pid
                if same and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def runs_dbt(self) -> bool:
        """Whether a dbt is among its processes."""
        with suppress(psutil.Error):
            return any("--profiles-dir" in process.cmdline() for process in self.group())
        return False

    def kill(self) -> None:
        """kill -9 of the whole group, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)
        wait_for("the end of the group", lambda: not self.group())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code after a signal to the one process, as a supervisor sends it."""
        self.process.send_signal(number)
        return self.process.wait(STOP_S)


StartUp = Callable[..., Collector]


@pytest.fixture
def up(home: Home) -> Iterator[StartUp]:
    """Start `up --no-demo` with more arguments and settings; every group is killed at the end.

    Ports are free ones, dbt is not run by itself: `transform_enabled=True` changes that.
    """
    started: list[Collector] = []

    def start(*arguments: str, ready: bool = True, **settings: object) -> Collector:
        defaults = {"grpc_port": 0, "http_port": 0, "api_port": 0, "transform_enabled": False}
        collector = Collector(home, "--no-demo", *arguments, **(defaults | settings))
        started.append(collector)
        return collector.wait_until_ready() if ready else collector

    yield start
    for collector in started:
        collector.kill()
