"""The loader's own process: `python -m agent_analytics_collector.warehouse.loader_process`.

Turning attributes into rows is Python's work and would otherwise stand in the way of
acknowledging. The service starts it when there is work, writes a byte to its standard input for
every piece of news and closes it to stop; the loader ends by itself when nothing came for a
while, so an idle collector holds neither its memory nor anything of DuckDB.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

import msgspec

from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.state import read_loader, write_state
from agent_analytics_collector.warehouse.loader import WANT_PAUSE_S, Loader

IDLE_EXIT_S = 30.0
STEP_S = 0.5


def main() -> None:
    """Load until there is nothing left, then wait for news; leave when none comes."""
    home = Home.from_environment()
    configure_logging(home, "loader")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's to answer
    try:
        loader = Loader(home, load_settings(home).settings)
    except AgentAnalyticsError as error:
        write_state(
            home.loader_state, msgspec.structs.replace(read_loader(home), problem=str(error))
        )
        sys.exit(1)
    while True:
        if loader.has_work:
            loader.prepare()
            if not _leave_file_to_others(loader):
                return
            loader.use_file()
        elif not _wait_for_news(IDLE_EXIT_S):
            return


def _leave_file_to_others(loader: Loader) -> bool:
    """Wait for the loader's turn; False as soon as standard input is closed.

    In steps, because `run/want` may go early; not for ever, because it may come again and again.
    """
    until = time.monotonic() + max(WANT_PAUSE_S, loader.pause_s())
    while (pause_s := loader.pause_s()) > 0 and time.monotonic() < until:
        if not _sleep(min(pause_s, STEP_S)):
            return False
    return True


def _sleep(seconds: float) -> bool:
    """Whether to go on afterwards: False as soon as standard input is closed."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if _readable(left) and not os.read(sys.stdin.fileno(), 4096):
            return False
    return True


def _wait_for_news(seconds: float) -> bool:
    """Whether news came in time; False also when standard input is closed."""
    return _readable(seconds) and bool(os.read(sys.stdin.fileno(), 4096))


def _readable(timeout_s: float) -> bool:
    return bool(select.select([sys.stdin], [], [], timeout_s)[0])


if __name__ == "__main__":
    main()
