"""The running service: its API, its ports, its lock, its state file."""

from __future__ import annotations

import os
import socket

import httpx
import pytest

from agent_analytics_collector.errors import AlreadyRunning, PortInUse
from agent_analytics_collector.home import Home
from agent_analytics_collector.state import read_service

from .conftest import RunningService, Start


def test_healthz_answers_and_refuses_foreign_pages(running: RunningService) -> None:
    url = f"{running.state.api_url}/healthz"
    assert httpx.get(url).json()["status"] == "ok"
    assert httpx.get(url, headers={"Host": "evil.example"}).status_code == 403
    assert httpx.get(url, headers={"Origin": "https://evil.example"}).status_code == 403
    own = url.removesuffix("/healthz")
    assert httpx.get(url, headers={"Origin": own}).status_code == 200


def test_a_name_that_was_allowed_is_served(start: Start) -> None:
    url = f"{start(allowed_hosts=('collector.lan',)).state.api_url}/healthz"
    assert httpx.get(url, headers={"Host": "collector.lan:8321"}).status_code == 200


def test_other_commands_find_the_ports_until_it_stops(start: Start, home: Home) -> None:
    running = start()
    assert read_service(home) == running.state
    assert running.state.pid == os.getpid()
    running.stop()
    assert read_service(home) is None
    assert not home.service_state.exists()


def test_a_second_service_for_the_same_home_is_refused(start: Start) -> None:
    start()
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        start()


@pytest.mark.parametrize("option", ["grpc_port", "http_port", "api_port"])
def test_a_port_in_use_is_named_with_its_holder(start: Start, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        flag = "--" + option.replace("_", "-")
        with pytest.raises(PortInUse, match=rf"{port}.*process {os.getpid()}.*{flag}"):
            start(**{option: port})
    start(**{option: port})  # and nothing was left behind: the same home starts afterwards


def test_data_that_was_never_modelled_makes_dbt_due_at_the_next_start(
    start: Start, home: Home
) -> None:
    from .test_otlp_http import PROTOBUF, logs

    first = start()
    httpx.post(f"http://{first.state.http}/v1/logs", content=logs(), headers=PROTOBUF)
    first.stop()
    assert start().service._schedule.first_new_data_at is not None
