"""A real collector in the test's own process, on free ports, and clients for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from agent_analytics_cli.assets import dbt_project
from agent_analytics_collector.home import Home
from agent_analytics_collector.service import Service
from agent_analytics_collector.settings import load_settings

FREE_PORTS = {"grpc_port": 0, "http_port": 0, "api_port": 0, "transform.enabled": False}


class RunningService:
    """The service in a thread with its own event loop."""

    def __init__(self, home: Home, **flags: object) -> None:
        self.home = home
        self._flags = FREE_PORTS | flags
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(90)
        if self._problem is not None:
            self._thread.join()
            raise self._problem

    async def _run(self) -> None:
        try:
            settings = load_settings(self.home, self._flags).settings
            async with Service(self.home, settings, dbt_project(), "test") as service:
                self.service = service
                self.state = service.state
                self._loop = asyncio.get_running_loop()
                self._ready.set()
                await service.stopped()
        except BaseException as error:
            self._problem = error
            self._ready.set()

    def stop(self) -> None:
        """Stop as SIGTERM would; what went wrong on the way is raised."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.service.stop)
        self._thread.join(60)
        if self._problem is not None:
            raise self._problem


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One collector, in a home of its own, for all tests of a module that leave nothing there."""
    home = Home(tmp_path_factory.mktemp("running"))
    home.create()
    service = RunningService(home)
    yield service
    service.stop()


Start = Callable[..., RunningService]


@pytest.fixture
def start(home: Home) -> Iterator[Start]:
    """Start a collector with settings by dotted name; all are stopped at the end."""
    running: list[RunningService] = []

    def start_one(**flags: object) -> RunningService:
        running.append(RunningService(home, **flags))
        return running[-1]

    yield start_one
    for service in running:
        service.stop()
