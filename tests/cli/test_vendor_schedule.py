"""Vendors are asked once a day by whoever runs `up`, in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from agent_analytics_cli import vendor_schedule
from agent_analytics_cli.history.daily import EVERY_S, is_due
from agent_analytics_cli.vendor_schedule import set_up, sync_daily
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.spool.reader import read_signal

from ..connectors.vendor_server import Reply, vendor_server
from .conftest import StartCollector
from .test_sync import rows


def configure(home: Home, url: str) -> Settings:
    vendors = {
        "github": {"organisation": "acme", "api_url": url},
        "claude": {"api_url": url, "token": "sk-ant-admin01-x"},
        "cursor": {"api_url": url, "token": "key_0123456789"},
    }
    home.config_file.write_text(json.dumps({"vendors": vendors}))
    home.config_file.chmod(0o600)
    return load_settings(home).settings


def schedule(home: Home, settings: Settings, until: Callable[[], bool]) -> None:
    """Run the schedule until something is so."""

    async def watch() -> None:
        task = asyncio.create_task(sync_daily(home, settings))
        end = time.monotonic() + 60
        while not until():
            assert time.monotonic() < end
            assert not task.done()
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(watch())


def arrived(home: Home) -> int:
    """Deliveries of usage that the collector has made durable."""
    return len([*read_signal(home.spool, Signal.VENDOR_USAGE)])


def test_only_vendors_with_a_token_are_set_up(home: Home) -> None:
    assert set_up(Settings()) == []
    assert set_up(configure(home, "https://x")) == ["claude", "cursor"]


def test_nobody_set_up_is_nothing_to_do() -> None:
    asyncio.run(asyncio.wait_for(sync_daily(Home.from_environment(), Settings()), 5))


@pytest.mark.slow
def test_each_vendor_is_asked_once_a_day_and_one_that_fails_keeps_no_other_back(
    start_collector: StartCollector, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor_schedule, "LOOK_S", 0.05)
    start_collector()
    day = {"data": [{"day": "2026-11-01", "email": "jo@acme.com"}], "usageEvents": []}
    with vendor_server(
        lambda question: Reply(401) if question.path.startswith("/v1") else Reply(200, day)
    ) as server:
        settings = configure(home, server.url)
        schedule(home, settings, lambda: arrived(home) == 1)
        assert {path.split("/")[1] for path in server.paths} == {"v1", "teams"}
        assert len(server.asked) == 3
        looked = time.monotonic() + 1
        schedule(home, settings, lambda: time.monotonic() > looked)
        assert len(server.asked) == 3
        yesterday = time.time() - EVERY_S - 1
        os.utime(home.run / "sync-cursor", (yesterday, yesterday))
        schedule(home, settings, lambda: arrived(home) == 2)
        assert len(server.asked) == 5
    assert rows(home, "SELECT actor FROM raw_vendor_usage") == [("jo@acme.com",)]


def test_a_clock_that_was_set_back_keeps_no_vendor_waiting(home: Home) -> None:
    mark = home.run / "sync-cursor"
    mark.touch()
    assert not is_due(home, "sync-cursor")
    tomorrow = time.time() + 3600
    os.utime(mark, (tomorrow, tomorrow))
    assert is_due(home, "sync-cursor")


def test_the_schedule_loads_no_http_client() -> None:
    script = "import sys, agent_analytics_cli.vendor_schedule; print('httpx' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "False\n"
