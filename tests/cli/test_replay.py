"""`replay`: against the real collector, and against a server that answers as told."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click.testing
import grpc
import psutil
import pytest
from click.testing import CliRunner
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from agent_analytics_cli.main import cli
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.grpc import SERVICES
from agent_analytics_collector.spool.reader import read_entries
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import ServiceState, write_state

from ..service.conftest import RunningService

PARTIAL = ExportLogsServiceResponse()
PARTIAL.partial_success.rejected_log_records = 3
PARTIAL.partial_success.error_message = "NaN"


@dataclass
class Request:
    """What the server saw."""

    where: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Collector:
    """A gRPC and an HTTP server that note requests and answer from `script`, then accept."""

    seen: list[Request] = field(default_factory=list)
    script: list[Any] = field(default_factory=list)
    """gRPC: (code, retry seconds or None) or bytes; HTTP: (status, headers, body)."""

    def next(self, otherwise: Any) -> Any:
        return self.script.pop(0) if self.script else otherwise


def grpc_service(collector: Collector, name: str) -> grpc.GenericRpcHandler[Any, Any]:
    def export(body: bytes, context: grpc.ServicerContext) -> bytes:
        headers = {k: v for k, v in context.invocation_metadata() or () if isinstance(v, str)}
        collector.seen.append(Request(name, headers, body))
        answer = collector.next(b"")
        if isinstance(answer, bytes):
            return answer
        code, retry_s = answer
        status = Status(code=code.value[0], message="later")
        if retry_s is not None:
            detail = AnyMessage()
            detail.Pack(RetryInfo(retry_delay=Duration(nanos=int(retry_s * 1e9))))
            status.details.append(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, "later")
        return b""

    return grpc.method_handlers_generic_handler(
        name, {"Export": grpc.unary_unary_rpc_method_handler(export)}
    )


class HttpHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: Collector

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.collector.seen.append(Request(self.path, headers, self._body()))
        status, extra, body = self.collector.next((200, {}, b""))
        self.send_response(status)
        for name, value in {**extra, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "content-length" in self.headers:
            return self.rfile.read(int(self.headers["content-length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector(home: Home) -> Iterator[Collector]:
    """A scripted collector, running for this home."""
    made = Collector()
    over_grpc = grpc.server(
        ThreadPoolExecutor(2), handlers=[grpc_service(made, name) for name in SERVICES.values()]
    )
    grpc_port = over_grpc.add_insecure_port("127.0.0.1:0")
    over_grpc.start()
    handler = type("Handler", (HttpHandler,), {"collector": made})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as over_http:
        thread = threading.Thread(target=over_http.serve_forever, args=(0.01,))
        thread.start()
        announce(home, grpc_port, over_http.server_port)
        yield made
        over_http.shutdown()
        thread.join()
    over_grpc.stop(None).wait()


def announce(home: Home, grpc_port: int, http_port: int) -> None:
    write_state(
        home.service_state,
        ServiceState(
            pid=os.getpid(), process_started_at=psutil.Process().create_time(),
            host="127.0.0.1", grpc_port=grpc_port, http_port=http_port, api_port=0,
            version="test", started_at="2026-01-01T00:00:00+00:00",
        ),
    )  # fmt: skip


def record(folder: Path, **changes: Any) -> Path:
    """A folder with one recorded request."""
    folder.mkdir(parents=True, exist_ok=True)
    request = {"file": "001-logs.pb", "signal": "logs", "transport": "grpc"} | changes
    (folder / "001-logs.pb").write_bytes(b"\n\x00")
    (folder / "requests.json").write_text(json.dumps([request]))
    return folder


def replay(folder: Path, *arguments: str) -> click.testing.Result:
    return CliRunner().invoke(cli, ["replay", str(folder), *arguments])


def summary(folder: Path, *arguments: str) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(replay(folder, "--json", *arguments).stdout)
    return printed


HTTP = {"transport": "http/protobuf", "content_type": "application/x-protobuf"}
JSON = {"transport": "http/json", "content_type": "application/json"}


def test_all_recordings_are_accepted_by_the_real_collector(home: Home, fixtures: Path) -> None:
    recorded = [
        ((index.parent / request["file"]).read_bytes(), request["headers"].get("x-developer-id"))
        for index in sorted(fixtures.rglob("requests.json"))
        for request in json.loads(index.read_text())
    ]
    service = RunningService(home)
    try:
        result = replay(fixtures, "--json")
    finally:
        service.stop()
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "requests": len(recorded), "accepted": len(recorded), "rejected": 0, "failed": [],
    }  # fmt: skip
    assert result.stderr == ""
    envelopes = [entry.envelope for entry in read_entries(home.spool, Position())]
    assert [
        (found.body, found.headers.get("x-developer-id")) for found in envelopes if found
    ] == recorded


def test_each_request_travels_as_it_was_recorded(
    collector: Collector, fixtures: Path, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    for scenario in ("claude/a-simple", "claude/e-http-json", "claude/f-http-protobuf"):
        shutil.copytree(fixtures / scenario, tree / scenario)
    (chunked,) = [
        index.parent for index in fixtures.glob("gemini/*/requests.json")
        if "chunked" in index.read_text()
    ]  # fmt: skip
    shutil.copytree(chunked, tree / "gemini")
    recorded = [
        (index.parent, request)
        for index in sorted(tree.rglob("requests.json"))
        for request in json.loads(index.read_text())
    ]
    result = replay(tree)
    assert (result.exit_code, result.stdout) == (
        0, f"{len(recorded)} of {len(recorded)} requests were accepted.\n",
    )  # fmt: skip
    for (folder, request), seen in zip(recorded, collector.seen, strict=True):
        assert seen.body == (folder / request["file"]).read_bytes()
        if request["transport"] == "grpc":
            assert seen.where == SERVICES[Signal(request["signal"])]
        else:
            assert seen.where == request["path"]
            assert seen.headers["content-type"] == request["content_type"]
            is_chunked = "Transfer-Encoding" in request["headers"]
            assert (seen.headers.get("transfer-encoding") == "chunked") is is_chunked
        custom = {k: v for k, v in seen.headers.items() if k.startswith("x-")}
        assert custom == {"x-api-key": "dummy-collector-key", "x-developer-id": "dev_abc"}


def test_no_header_but_the_recorded_x_ones_carries_a_secret(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    headers = {"Authorization": "Bearer secret", "Cookie": "a=b", "X-Team": "core"}
    for number, transport in enumerate(({}, HTTP)):
        result = replay(record(tmp_path / str(number), headers=headers, **transport))
        assert result.exit_code == 0, result.output
    for seen in collector.seen:
        assert seen.headers["x-team"] == "core"
        assert not {"authorization", "cookie"} & set(seen.headers)


@pytest.mark.parametrize(
    ("transport", "answers"),
    [
        ({}, [(grpc.StatusCode.UNAVAILABLE, 0.1), (grpc.StatusCode.RESOURCE_EXHAUSTED, 0.1)]),
        ({}, [(grpc.StatusCode.UNAVAILABLE, None), (grpc.StatusCode.ABORTED, None)]),
        (HTTP, [(503, {"Retry-After": "0.1"}, b""), (429, {"Retry-After": "0"}, b"")]),
        (JSON, [(502, {}, b""), (504, {"Retry-After": formatdate(usegmt=True)}, b"")]),
    ],
)
def test_what_is_to_come_later_is_sent_again(
    collector: Collector, tmp_path: Path, transport: dict[str, str], answers: list[Any]
) -> None:
    collector.script = answers
    assert summary(record(tmp_path / "r", **transport))["accepted"] == 1
    assert len(collector.seen) == 3


def test_the_collectors_own_delay_is_kept(collector: Collector, tmp_path: Path) -> None:
    collector.script = [(grpc.StatusCode.UNAVAILABLE, 0.7)]
    started = time.monotonic()
    assert summary(record(tmp_path / "r"))["accepted"] == 1
    assert time.monotonic() - started >= 0.7


@pytest.mark.parametrize(
    ("transport", "answer", "reason"),
    [
        ({}, (grpc.StatusCode.INVALID_ARGUMENT, None), "INVALID_ARGUMENT: later"),
        ({}, (grpc.StatusCode.RESOURCE_EXHAUSTED, None), "RESOURCE_EXHAUSTED: later"),
        ({}, PARTIAL.SerializeToString(), "3 records were rejected: NaN"),
        (HTTP, (200, {}, PARTIAL.SerializeToString()), "3 records were rejected: NaN"),
        (
            JSON,
            (200, {}, b'{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"NaN"}}'),
            "3 records were rejected: NaN",
        ),
        (HTTP, (400, {}, b""), "HTTP 400 Bad Request"),
        (HTTP, (500, {}, b""), "HTTP 500 Internal Server Error"),
        (HTTP, (302, {"Location": "http://127.0.0.1:1/"}, b""), "HTTP 302 Found"),
        (JSON, (200, {}, b"<html>"), "the answer is no OTLP; is this a collector?"),
        (HTTP, (200, {}, b"<html>"), "the answer is no OTLP; is this a collector?"),
    ],
)
def test_what_is_refused_or_taken_in_part_is_reported_and_exits_1(
    collector: Collector, tmp_path: Path, transport: dict[str, str], answer: Any, reason: str
) -> None:
    record(tmp_path / "r" / "a", **transport)
    record(tmp_path / "r" / "b", **transport)
    collector.script = [answer]
    result = replay(tmp_path / "r", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "requests": 2, "accepted": 1, "rejected": 1,
        "failed": [{"file": "a/001-logs.pb", "reason": reason}],
    }  # fmt: skip
    assert result.stderr == f"a/001-logs.pb: {reason}\n"
    assert len(collector.seen) == 2


def test_a_warning_beside_success_is_success(collector: Collector, tmp_path: Path) -> None:
    collector.script = [(200, {}, b'{"partialSuccess":{"errorMessage":"fine, but"}}')]
    assert summary(record(tmp_path / "r", **JSON))["accepted"] == 1


def test_patience_ends_after_the_timeout(collector: Collector, tmp_path: Path) -> None:
    collector.script = [(grpc.StatusCode.UNAVAILABLE, 0.2)] * 1000
    started = time.monotonic()
    result = replay(record(tmp_path / "r"), "--timeout", "1")
    assert 0.5 < time.monotonic() - started < 20
    assert result.exit_code == 1
    assert result.stdout == "0 of 1 requests were accepted.\n"
    assert result.stderr == "001-logs.pb: UNAVAILABLE: later\n"


@pytest.mark.parametrize("transport", [{}, HTTP])
def test_a_collector_that_went_away_costs_the_patience_once(
    home: Home, tmp_path: Path, transport: dict[str, str]
) -> None:
    announce(home, 1, 1)
    for number in range(20):
        record(tmp_path / "r" / str(number), **transport)
    started = time.monotonic()
    assert summary(tmp_path / "r", "--timeout", "1")["rejected"] == 20
    assert time.monotonic() - started < 15


def test_without_a_collector_the_next_step_is_named(tmp_path: Path, home: Home) -> None:
    result = replay(record(tmp_path / "r"))
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: No collector is running for {home.root}. Start it with `agent-analytics up`.\n"
    )


def test_a_folder_without_recordings_is_named(collector: Collector, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        result = replay(folder)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: There is no requests.json in {folder} or below")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"file": "002-logs.pb"}, "002-logs.pb is missing"),
        ({"file": "../secret.pb"}, "'../secret.pb' is no name of a file in this folder"),
        ({"transport": "carrier-pigeon"}, "'carrier-pigeon'"),
        ({"signal": "profiles"}, "'profiles'"),
        ({"path": "@example.com/v1/logs", **HTTP}, "does not begin with /"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_broken_recording_sends_nothing_at_all(
    collector: Collector, tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    record(tmp_path / "a")
    record(tmp_path / "b", **changes)
    result = replay(tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {tmp_path / 'b' / 'requests.json'}: ")
    assert problem in result.stderr
    assert result.stderr.endswith("Nothing was sent.\n")
    assert collector.seen == []


def test_requests_json_that_is_no_json_is_named(collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "requests.json").write_text("[{")
    result = replay(tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(tmp_path / "requests.json") in result.stderr
