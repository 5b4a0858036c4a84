"""A laptop's collector that feeds a team's: real ones, with a bad way between them."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import httpx
import psutil
import pytest
import yaml

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.forward.backlog import standings
from agent_analytics_collector.forward.progress import Progress, read_progress
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.warehouse.flush import flush

from ..service.conftest import RunningService
from ..service.test_api import COMMIT
from .receiver import passing_to, receiving
from .test_delivery import logs

pytestmark = pytest.mark.slow

LOGS = "SELECT body, developer_id, record_key::varchar FROM raw_otel_logs ORDER BY ALL"
COMMITS = "SELECT commit_hash, developer_id FROM raw_git_commits ORDER BY ALL"


@pytest.fixture
def server_home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "server")
    made.create()
    return made


@pytest.fixture
def running() -> Iterator[list[RunningService]]:
    """Collectors that are stopped at the end."""
    started: list[RunningService] = []
    yield started
    for service in started:
        service.stop()


def feed(home: Home, otlp: str, api: str) -> None:
    """What `init --server` writes."""
    forward = {"endpoint": otlp, "api": api}
    home.config_file.write_text(yaml.safe_dump({"forward": [forward]}))


def send(service: RunningService, home: Home, numbers: range) -> None:
    """A log record and a commit of each number, by two developers."""
    token = home.token.read_text().strip()
    for number in numbers:
        developer = ("ada", "zoë")[number % 2].encode()
        httpx.post(
            f"http://{service.state.http}/v1/logs", content=logs(f"record {number}"),
            headers={b"content-type": b"application/x-protobuf", b"x-developer-id": developer},
            trust_env=False,
        ).raise_for_status()  # fmt: skip
        httpx.post(
            f"{service.state.api_url}/v1/commits",
            json=[COMMIT | {"commit_hash": f"{number:040x}"}],
            headers={b"authorization": b"Bearer " + token.encode(), b"x-developer-id": developer},
            trust_env=False,
        ).raise_for_status()  # fmt: skip


def wait_until(what: Callable[[], bool], timeout_s: float = 60.0) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.05)


def progress_of(home: Home) -> Progress:
    (progress,) = read_progress(home).values()
    return progress


def is_through(home: Home) -> bool:
    return bool(read_progress(home)) and progress_of(home).position == end_of_spool(home.spool)


def stored(home: Home, sql: str) -> list[tuple[object, ...]]:
    flush(home, load_settings(home).settings, 60)
    with duckdb.connect(str(home.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_everything_arrives_and_is_stored_once_over_a_way_that_loses_answers(
    home: Home, server_home: Home, running: list[RunningService]
) -> None:
    server = RunningService(server_home)
    running.append(server)
    chance = random.Random(7)
    fates = ["well", "well", "refused", "lost", "unanswered"]
    token = server_home.token.read_text().strip()
    (home.root / "server.headers").write_text(f"authorization: Bearer {token}\n")
    with (
        receiving(passing_to(f"http://{server.state.http}", lambda: chance.choice(fates))) as otlp,
        receiving(passing_to(server.state.api_url, lambda: chance.choice(fates))) as api,
    ):
        feed(home, otlp.url, api.url)
        config = yaml.safe_load(home.config_file.read_text())
        config["forward"][0]["headers_file"] = "server.headers"
        home.config_file.write_text(yaml.safe_dump(config))
        laptop = RunningService(home)
        running.append(laptop)
        send(laptop, home, range(40))
        wait_until(lambda: is_through(home))
        assert len(otlp.came) > len(otlp.taken), "the way was bad"
    assert len(stored(home, LOGS)) == 40
    assert stored(server_home, LOGS) == stored(home, LOGS)
    assert stored(server_home, COMMITS) == stored(home, COMMITS)
    assert progress_of(home).refused == 0


def forwarder_of(home: Home) -> psutil.Process | None:
    for child in psutil.Process().children(recursive=True):
        try:
            named = "agent_analytics_collector.forward.process" in child.cmdline()
            if named and child.environ()["AGENT_ANALYTICS_HOME"] == str(home.root):
                return child
        except (psutil.Error, KeyError):
            continue
    return None


def test_a_server_that_is_away_and_a_forwarder_that_is_killed_cost_nothing(
    home: Home, server_home: Home, running: list[RunningService]
) -> None:
    server = RunningService(server_home)
    otlp_port, api_port = server.state.http_port, server.state.api_port
    feed(home, f"http://{server.state.http}", server.state.api_url)
    token = server_home.token.read_text().strip()
    (home.root / "server.headers").write_text(f"authorization: Bearer {token}\n")
    config = yaml.safe_load(home.config_file.read_text())
    config["forward"][0]["headers_file"] = "server.headers"
    home.config_file.write_text(yaml.safe_dump(config))
    laptop = RunningService(home)
    try:
        send(laptop, home, range(5))
        wait_until(lambda: is_through(home))
        server.stop()
        send(laptop, home, range(5, 10))
        wait_until(lambda: progress_of(home).problem is not None)
        (standing,) = standings(home, load_settings(home).settings)
        assert standing.backlog.records >= 5
        killed = forwarder_of(home)
        assert killed is not None
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait(10)
    finally:
        laptop.stop()
    assert forwarder_of(home) is None
    laptop = RunningService(home)  # the laptop was closed in between
    running.append(laptop)
    send(laptop, home, range(10, 15))
    running.append(RunningService(server_home, http_port=otlp_port, api_port=api_port))
    wait_until(lambda: is_through(home))
    assert len(stored(home, LOGS)) == 15
    assert stored(server_home, LOGS) == stored(home, LOGS)
    assert stored(server_home, COMMITS) == stored(home, COMMITS)


def test_a_collector_that_feeds_itself_over_another_ends_the_loop(
    home: Home, server_home: Home, running: list[RunningService]
) -> None:
    server_home.config_file.write_text("http_port: 0\n")
    first = RunningService(home)
    feed(server_home, f"http://{first.state.http}", first.state.api_url)
    second = RunningService(server_home)
    running.append(second)
    port = first.state.http_port
    first.stop()
    home.config_file.write_text(
        yaml.safe_dump({"forward": [{"endpoint": f"http://{second.state.http}"}]})
    )
    first = RunningService(home, http_port=port)
    running.append(first)
    for number in range(3):
        httpx.post(
            f"http://{first.state.http}/v1/logs", content=logs(f"record {number}"),
            headers={"Content-Type": "application/x-protobuf"}, trust_env=False,
        ).raise_for_status()  # fmt: skip
    wait_until(lambda: is_through(home) and is_through(server_home))
    assert (progress_of(server_home).delivered, progress_of(server_home).refused > 0) == (0, True)
    assert "400" in (progress_of(server_home).last_refusal or "")
    assert len(stored(home, LOGS)) == len(stored(server_home, LOGS)) == 3
    assert first.service.receiver.records[Signal.LOGS] == 3
