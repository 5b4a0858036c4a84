"""The service's child processes: the loader while there is work, dbt when it is due."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from agent_analytics_collector.home import Home

log = structlog.get_logger()

STOP_S = 10.0
"""How long a child may take to end by itself before it is terminated, and then killed."""


RESTART_S = 1.0
"""The least time between two starts, so that a child that fails at once does no harm."""


class Child:
    """At most one running process of one kind."""

    def __init__(self, name: str, arguments: list[str], home: Home) -> None:
        self._name = name
        self._arguments = arguments
        self._environment: Mapping[str, str] = os.environ | {
            "AGENT_ANALYTICS_HOME": str(home.root)
        }  # fmt: skip
        self._process: asyncio.subprocess.Process | None = None
        self._not_before = 0.0
        self._output = home.logs / f"{name}.out"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, unless it runs."""
        if self.running or time.monotonic() < self._not_before:
            return
        if self._process is not None and self._process.returncode:
            log.error("child_failed", child=self._name, exit_code=self._process.returncode,
                      output=str(self._output))  # fmt: skip
        self._not_before = time.monotonic() + RESTART_S
        with self._output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=self._environment,
            )

    async def tell(self) -> None:
        """Send a byte of news; start the process when it is not running."""
        await self.start()
        if self._process is None or self._process.stdin is None:
            return
        with suppress(ConnectionError):
            self._process.stdin.write(b"\n")

    async def wait(self) -> int:
        """Its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self, *, at_once: bool = False) -> None:
        """Close its standard input and wait; insist when it does not end."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        for insist in (process.terminate, process.kill):
            if not at_once:
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), STOP_S)
                    return
            with suppress(ProcessLookupError):
                insist()
            at_once = False
        await process.wait()


def loader(home: Home) -> Child:
    return Child("loader", ["-m", "agent_analytics_collector.warehouse.loader_process"], home)


def transform(home: Home, dbt_project: Path) -> Child:
    arguments = ["-m", "agent_analytics_collector.transform", "--dbt-project", str(dbt_project)]
    return Child("transform", arguments, home)


def housekeeping(home: Home) -> Child:
    return Child("housekeeping", ["-m", "agent_analytics_collector.housekeeping"], home)


def forwarder(home: Home) -> Child:
    return Child("forwarder", ["-m", "agent_analytics_collector.forward.process"], home)
