"""The processes that are measured: a real collector, a no-op server, exporters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from agent_analytics_collector.home import Home
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import ServiceState, read_loader, read_service

LOADER = "agent_analytics_collector.warehouse.loader_process"
_ROOT = Path(__file__).parents[1]
_START_S = 60.0
_STOP_S = 20.0
_OF_AGENTS = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME", "GEMINI_CLI_HOME")
_LOADED_S = 600.0


class Failed(Exception):
    """A process that is measured did not do its work; the text says which and what it said."""


@dataclass(frozen=True, slots=True)
class Collector:
    """A running `agent-analytics up`."""

    home: Home
    state: ServiceState
    process: psutil.Process

    def loader(self) -> psutil.Process | None:
        """Its loader; None when that has nothing to do and left."""
        for child in self.process.children():
            try:
                if LOADER in child.cmdline():
                    return child
            except psutil.Error:
                continue
        return None


def command() -> list[str]:
    """`agent-analytics` of this environment, as it is installed if it is."""
    script = Path(sys.executable).with_name("agent-analytics")
    if script.exists():
        return [str(script)]
    start = "from agent_analytics_cli.main import main; main()"
    return [sys.executable, "-c", start]


def environment(home: Home, **settings: str) -> dict[str, str]:
    """This process's environment without settings of the person who measures."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AGENT_ANALYTICS_") and name not in _OF_AGENTS
    }
    named = {f"AGENT_ANALYTICS_{name}": value for name, value in settings.items()}
    return clean | named | {"AGENT_ANALYTICS_HOME": str(home.root)}


@contextmanager
def scratch_home() -> Iterator[Home]:
    """A home of its own that is removed afterwards."""
    root = Path(tempfile.mkdtemp(prefix="agent-analytics-bench-"))
    try:
        home = Home(root)
        home.create()
        yield home
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def collector(**settings: str) -> Iterator[Collector]:
    """`agent-analytics up` in a home of its own, on free ports; stopped as by Ctrl-C."""
    with scratch_home() as home:
        user_home = home.root / "user"
        (user_home / ".claude" / "projects").mkdir(parents=True)  # to be watched
        output = home.root / "up.out"
        ports = ("--grpc-port", "0", "--http-port", "0", "--api-port", "0")
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*command(), "up", "--no-demo", *ports],
                env=environment(home, **settings) | {"HOME": str(user_home)},
                stdout=file,
                stderr=file,
            )
        try:
            wait_for(
                lambda: read_service(home) is not None or process.poll() is not None,
                _START_S,
                "the collector's start",
            )
            state = read_service(home)
            if state is None:
                raise Failed(f"agent-analytics up ended: {output.read_text(errors='replace')}")
            yield Collector(home, state, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def noop_server() -> Iterator[tuple[str, psutil.Process]]:
    """A gRPC server that answers at once and does nothing: its address, its process."""
    with _module("benchmarks.noop_server") as (process, said):
        yield said, psutil.Process(process.pid)


@contextmanager
def noop_http_server() -> Iterator[int]:
    """An HTTP server that answers at once and does nothing: its port."""
    with _module("benchmarks.noop_http_server") as (_, said):
        yield int(said)


@contextmanager
def _module(name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running module that ends with its standard input, and the first line that it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", name],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(_STOP_S)


@dataclass(frozen=True, slots=True)
class Sent:
    """What exporters saw, and what it cost the server."""

    seconds: float
    """From the first request to the last answer."""
    request_seconds: list[float]
    server_cpu_seconds: float


def export(
    address: str, server: psutil.Process, *, exporters: int, requests: int, first: int
) -> Sent:
    """Send `requests` requests, from number `first` on, over `exporters` connections at once."""
    numbers = (exporters, requests, first)
    used = _own_cpu_seconds(server)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.exporters", address, *map(str, numbers)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise Failed(f"exporters to {address} ended with {done.returncode}")
    used = _own_cpu_seconds(server) - used
    return Sent(**json.loads(done.stdout), server_cpu_seconds=used)


def _own_cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def proportional_memory(process: psutil.Process) -> float:
    """MB of memory, shared pages in parts (PSS); RSS where the system does not know it."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return resident_memory(process)
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def resident_memory(process: psutil.Process) -> float:
    """MB of memory, shared pages included (RSS); 0 of a process that has ended."""
    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


def wait_until_loaded(home: Home, timeout_s: float = _LOADED_S) -> None:
    """Return when all that the spool holds now is in the DuckDB file."""
    target = end_of_spool(home.spool)
    wait_for(lambda: position(home) >= target, timeout_s, "loading")


def position(home: Home) -> Position:
    """The spool position up to which the loader says everything is stored."""
    state = read_loader(home)
    return Position(state.segment, state.offset)


def wait_for(done: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Return when `done` says so. Raises Failed after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            raise Failed(f"{what} took more than {timeout_s:.0f} s")
        time.sleep(0.02)
