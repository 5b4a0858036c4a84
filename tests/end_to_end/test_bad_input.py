"""What goes wrong at the edges: a clear sentence with the next step, and nothing else lost."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.grpc import SERVICES
from agent_analytics_collector.spool.segments import list_segments, segment_path

from .conftest import Collector, StartUp, cli, free_port, query, spool_up, status, wait_for

pytestmark = pytest.mark.slow

PROTOBUF = {"Content-Type": "application/x-protobuf"}


def request(name: str, size: int = 10) -> bytes:
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    for number in range(size):
        record = records.add(time_unix_nano=time.time_ns())
        record.attributes.add(key="test.record").value.string_value = f"{name}/{number}"
    return message.SerializeToString()


def send(collector: Collector, name: str, size: int = 10) -> None:
    body = request(name, size)
    answer = httpx.post(f"http://{collector.http}/v1/logs", content=body, headers=PROTOBUF)
    assert answer.status_code == 200


def envelope(name: str, size: int = 10) -> tuple[Envelope, int]:
    return Envelope(Signal.LOGS, Encoding.PROTOBUF, request(name, size), time.time_ns()), size


def stored(home: Home) -> list[str]:
    rows = query(
        home.database, "SELECT attributes->>'test.record' FROM raw_otel_logs ORDER BY 1"
    )  # fmt: skip
    return [row[0] for row in rows]


def records(*names: str, size: int = 10) -> list[str]:
    return sorted(f"{name}/{number}" for name in names for number in range(size))


@pytest.fixture
def shell(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Somebody else's process with the DuckDB file open, until its input is closed."""
    script = (
        "import duckdb, sys\n"
        f"connection = duckdb.connect({str(home.database)!r})\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    assert cli("flush").returncode == 0  # the file is there
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    yield process
    process.communicate("" if process.poll() is None else None)


@pytest.mark.parametrize("arguments", [("up", "--prot", "1"), ("--loud",), ("flush", "now")])
def test_wrong_usage_exits_2_and_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    answer = cli(*arguments)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert arguments[-1] in answer.stderr or arguments[1] in answer.stderr
    assert "--help" in answer.stderr


def unusable_homes(folder: Path) -> dict[str, Path]:
    """Homes that root cannot make either."""
    file = folder / "notes.txt"
    file.write_text("I was here first")
    half = folder / "half"
    half.mkdir()
    (half / "data").write_text("not a folder")
    return {"under a file": file / "home", "in /proc": Path("/proc/home"), "a file inside": half}


@pytest.mark.parametrize("which", ["under a file", "in /proc", "a file inside"])
@pytest.mark.parametrize("command", ["up", "flush", "transform", "status", "report"])
def test_an_unusable_home_is_named_with_the_next_step(
    command: str, which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = unusable_homes(tmp_path)[which]
    monkeypatch.setenv("AGENT_ANALYTICS_HOME", str(root))
    answer = cli(command)
    if command in ("status", "report"):  # these only read, and there is nothing to read
        assert answer.returncode == 0, answer.stderr
    else:
        assert answer.returncode == 1
        assert answer.stderr.startswith(f"Error: {root} cannot be used as the state folder: ")
        assert "AGENT_ANALYTICS_HOME" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "bug" not in answer.stderr


@pytest.mark.parametrize("option", ["--grpc-port", "--http-port", "--api-port"])
def test_a_port_in_use_is_named_with_the_process_that_has_it(
    option: str, home: Home, up: StartUp
) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        collector = up(option, str(port), ready=False)
        assert collector.process.wait(60) == 1
    assert f"127.0.0.1:{port} is already in use by " in collector.err
    assert f"(process {os.getpid()})" in collector.err
    assert option in collector.err
    assert collector.group() == []
    assert not home.service_state.exists()


def test_a_second_up_for_one_home_names_the_first_and_leaves_it_alone(
    home: Home, up: StartUp
) -> None:
    first = up()
    second = up(ready=False)
    assert second.process.wait(60) == 1
    assert f"already running for {home.root} (process {first.process.pid})" in second.err
    send(first, "a")
    assert cli("flush").returncode == 0
    assert stored(home) == records("a")
    assert status()["service"]["pid"] == first.process.pid


@pytest.mark.parametrize("kept", [7, 40, -1])
def test_a_half_written_spool_tail_is_reported_and_the_rest_is_loaded(
    kept: int, home: Home, up: StartUp
) -> None:
    spool_up(home, [envelope("a"), envelope("b")])
    path = segment_path(home.spool, list_segments(home.spool)[-1])
    whole = path.read_bytes()
    tail = whole[whole.rindex(b"AAS1") :][:kept]
    path.write_bytes(whole + tail)
    collector = up()
    wait_for("the report", lambda: "half-written" in collector.err)
    assert f"{len(tail)} bytes of a half-written request were cut from the spool" in collector.err
    assert status()["service"]["torn_bytes"] == len(tail)
    assert f"{len(tail)} torn bytes" in cli("status").stdout
    send(collector, "c")
    assert cli("flush").returncode == 0
    assert stored(home) == records("a", "b", "c")


def test_a_file_that_is_no_database_is_set_aside_and_said(home: Home, up: StartUp) -> None:
    home.database.write_bytes(b"my shopping list" * 1000)
    collector = up()
    send(collector, "a")
    flushed = cli("flush")
    assert flushed.returncode == 0, flushed.stderr
    assert stored(home) == records("a")
    assert status()["problem"] is None
    (aside,) = home.data.glob("*.corrupt.*")
    assert aside.read_bytes().startswith(b"my shopping list")
    assert "not a valid DuckDB database file); nothing was lost" in cli("status").stdout


def test_flush_names_the_process_that_keeps_the_file_open(
    home: Home, up: StartUp, shell: subprocess.Popen[str]
) -> None:
    for running in (False, True):
        if running:
            send(up(), "b")
        else:
            spool_up(home, [envelope("a")])
        answer = cli("flush", "--timeout", "1")
        assert answer.returncode == 1
        assert answer.stderr.startswith(f"Error: {home.database} is open in process {shell.pid} (")
        assert "safe in the spool" in answer.stderr
        assert f"process {shell.pid}" in status()["loading_waits_for"]
        assert f"process {shell.pid}" in status()["lock_holder"]
        assert f"open in process {shell.pid}" in cli("status").stdout
    shell.communicate("")
    assert cli("flush").returncode == 0
    assert stored(home) == records("a", "b")


def test_status_with_nothing_running_says_how_to_start(home: Home) -> None:
    facts = status()
    assert facts["running"] is False
    assert facts["service"] is None
    assert facts["lock_holder"] is None
    said = cli("status")
    assert said.returncode == 0
    assert "not running; start it with `agent-analytics up`" in said.stdout
    home.service_state.write_text(json.dumps({"pid": 1, "process_started_at": 0}))
    assert status()["running"] is False  # what a kill -9 left behind


def test_up_once_on_an_empty_home_says_there_is_nothing(home: Home, up: StartUp) -> None:
    collector = up("--once", ready=False)
    assert collector.process.wait(60) == 0
    assert "Nothing has been received yet." in collector.err
    assert collector.group() == []
    assert not home.service_state.exists()
    assert not home.demo.root.exists()


def test_up_demo_once_prints_the_first_table_and_ends(home: Home) -> None:
    answer = cli("up", "--demo", "--once", *(f"--{p}-port=0" for p in ("grpc", "http", "api")))
    assert answer.returncode == 0, answer.stderr
    assert "This is the recorded demo, not your data" in answer.stderr
    assert "Claude Code" in answer.stdout
    assert re.search(r"\$\d", answer.stdout)
    assert not home.service_state.exists()
    assert stored(home) == []  # the demo has a home of its own


def send_until(address: str, end: threading.Event, answered: list[str], client: str) -> None:
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(f"/{SERVICES[Signal.LOGS]}/Export", bytes, bytes)
        number = 0
        while not end.is_set():
            name = f"{client}-{number}"
            try:
                export(request(name, size=5), timeout=60)
            except grpc.RpcError:
                return
            answered.append(name)
            number += 1


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "Ctrl-C"])
def test_a_stop_under_load_is_clean_and_keeps_what_was_acknowledged(
    how: str, home: Home, up: StartUp
) -> None:
    collector = up()
    end, answered = threading.Event(), list[str]()
    clients = [
        threading.Thread(target=send_until, args=(collector.grpc, end, answered, f"c{number}"))
        for number in range(3)
    ]
    for client in clients:
        client.start()
    wait_for("a load", lambda: home.database.exists() and len(answered) > 100)
    if how == "Ctrl-C":  # a terminal sends it to the whole group, the children too
        os.killpg(collector.process.pid, signal.SIGINT)
        assert collector.process.wait(60) == 0
    else:
        assert collector.stop(signal.Signals[how]) == 0
    assert collector.group() == []
    assert not home.service_state.exists()
    end.set()
    for client in clients:
        client.join(60)
    assert "Traceback" not in collector.err
    assert status()["running"] is False
    assert cli("flush").returncode == 0
    assert set(records(*answered, size=5)) <= set(stored(home))
    assert len(stored(home)) == len(set(stored(home)))


def test_a_stop_does_not_wait_for_a_file_that_somebody_keeps_open(
    home: Home, up: StartUp, shell: subprocess.Popen[str]
) -> None:
    spool_up(home, [envelope("a")])
    collector = up()
    wait_for("waiting", lambda: status()["loading_waits_for"])
    began = time.monotonic()
    assert collector.stop() == 0
    assert time.monotonic() - began < 10
    assert collector.group() == []
    assert shell.poll() is None


def test_a_stop_while_the_demo_is_made_leaves_no_process_behind(home: Home, up: StartUp) -> None:
    collector = up("--demo")
    wait_for("dbt", collector.runs_dbt)
    assert collector.stop() == 0
    wait_for("the end of the demo's processes", lambda: not collector.group(), 20)
    assert not home.demo.current_marts.exists()


def test_a_stop_while_dbt_runs_leaves_no_process_behind(home: Home, up: StartUp) -> None:
    spool_up(home, [envelope("a")])
    collector = up(transform_enabled=True)  # with data and no marts yet: dbt runs at once
    wait_for("dbt", collector.runs_dbt)
    assert collector.stop() == 0
    assert collector.group() == []
    assert not home.service_state.exists()
    assert not home.want.exists()
    facts = status()["dbt"]
    assert facts["running"] is False
    assert (facts["last"] or {"status": "error"})["status"] == "error"
    transformed = cli("transform")
    assert transformed.returncode == 0, transformed.stderr
    assert status()["dbt"]["last"]["status"] == "success"
