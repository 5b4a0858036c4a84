"""The forwarder's own process: `python -m agent_analytics_collector.forward.process`.

The service starts it when something was received, writes a byte to its standard input for every
piece of news and closes it to stop. It ends by itself once every destination has had everything
and nothing came for a while.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import structlog

from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.forward.delivery import Delivery
from agent_analytics_collector.forward.destination import Destination, destinations
from agent_analytics_collector.forward.progress import Progress, read_progress, write_progress
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import installation_id
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import load_settings

log = structlog.get_logger()

IDLE_EXIT_S = 60.0


def main() -> None:
    """Send on until standard input is closed, or nothing is left and nothing comes."""
    home = Home.from_environment()
    configure_logging(home, "forward")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's to answer
    try:
        where = destinations(home, load_settings(home).settings)
        installation = installation_id(home)
    except AgentAnalyticsError as error:
        log.error("forward_cannot_start", problem=str(error))
        sys.exit(1)
    with _alone(home):
        asyncio.run(_serve(home, where, installation))


async def _serve(home: Home, where: list[Destination], installation: str) -> None:
    known = read_progress(home)
    current = {
        each.key: known.get(each.key) or Progress(each.forward.endpoint) for each in where
    }  # fmt: skip

    def save(key: str, progress: Progress) -> None:
        current[key] = progress
        write_progress(home, current)

    deliveries = [
        Delivery(each, installation, current[each.key], partial(save, each.key)) for each in where
    ]
    write_progress(home, current)
    tasks = [asyncio.create_task(each.run()) for each in deliveries]
    listening = asyncio.create_task(_listen(deliveries))
    try:
        await asyncio.wait([listening, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (listening, *tasks):
            task.cancel()
        results = await asyncio.gather(listening, *tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            log.error("forward_failed", exc_info=result)
            sys.exit(1)


async def _listen(deliveries: list[Delivery]) -> None:
    """Pass news on; return when standard input is closed, or all is done and nothing comes."""
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), sys.stdin
    )
    try:
        while True:
            try:
                news = await asyncio.wait_for(stream.read(4096), IDLE_EXIT_S)
            except TimeoutError:
                if all(each.is_idle for each in deliveries):
                    return
                continue
            if not news:
                return
            for each in deliveries:
                each.tell()
    finally:
        transport.close()


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Wait for the forwarder of a service that was killed: it ends as soon as it notices."""
    descriptor = os.open(home.run / "forward.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
