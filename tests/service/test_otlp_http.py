"""OTLP/HTTP as the protocol demands it, on a real port."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from agent_analytics_collector.envelope import Encoding
from agent_analytics_collector.home import Home
from agent_analytics_collector.spool.reader import count_waiting, read_entries
from agent_analytics_collector.spool.segments import Position

from .conftest import RunningService, Start

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024


def logs(text: str = "claude_code.api_request", count: int = 1) -> bytes:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number in range(count):
        records.add(time_unix_nano=time.time_ns() + number).body.string_value = text
    return request.SerializeToString()


def json_logs() -> bytes:
    record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": "claude_code.x"}}
    scope_logs = [{"logRecords": [record], "unknownField": 1}]
    return json.dumps({"resourceLogs": [{"scopeLogs": scope_logs}]}).encode()


@pytest.fixture
def url(start: Start) -> str:
    return f"http://{start().state.http}"


def spooled(home: Home) -> int:
    return count_waiting(home.spool, Position()).total_records


def test_protobuf_is_answered_in_protobuf_and_is_in_the_spool(url: str, home: Home) -> None:
    headers = PROTOBUF | {"x-developer-id": "ada", "x-api-key": "secret"}
    answer = httpx.post(f"{url}/v1/logs", content=logs(), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert not ExportLogsServiceResponse.FromString(answer.content).HasField("partial_success")
    (entry,) = read_entries(home.spool, Position())
    assert entry.envelope is not None
    assert entry.envelope.headers["x-developer-id"] == "ada"
    assert "x-api-key" not in entry.envelope.headers


def test_json_is_answered_in_json(url: str, home: Home) -> None:
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    answer = httpx.post(f"{url}/v1/logs", content=json_logs(), headers=content_type)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {}
    (entry,) = read_entries(home.spool, Position())
    assert entry.envelope is not None
    assert entry.envelope.encoding is Encoding.JSON


def test_gzip_and_chunked_bodies_are_taken(url: str, home: Home) -> None:
    compressed = gzip.compress(logs(count=3)) + gzip.compress(b"")

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(compressed), 7):
            yield compressed[start : start + 7]

    headers = PROTOBUF | {"Content-Encoding": "gzip"}
    answer = httpx.post(f"{url}/v1/logs", content=chunks(), headers=headers)
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert answer.status_code == 200
    assert spooled(home) == 3


def test_an_empty_request_is_a_success_and_leaves_nothing(running: RunningService) -> None:
    url = f"http://{running.state.http}/v1/metrics"
    for content, headers in ((b"", PROTOBUF), (b"{}", JSON)):
        assert httpx.post(url, content=content, headers=headers).status_code == 200
    assert spooled(running.home) == 0


def test_the_root_path_is_routed_by_content(url: str, home: Home, fixtures: Path) -> None:
    for agent in ("claude/f-http-protobuf", "codex/c-http-binary", "gemini/c-http"):
        folder = fixtures / agent
        for request in json.loads((folder / "requests.json").read_text()):
            headers = {"Content-Type": request["content_type"]}
            body = (folder / request["file"]).read_bytes()
            assert httpx.post(url, content=body, headers=headers).status_code == 200
    entries = [e.envelope for e in read_entries(home.spool, Position()) if e.envelope]
    expected = [
        request["signal"]
        for agent in ("claude/f-http-protobuf", "codex/c-http-binary", "gemini/c-http")
        for request in json.loads((fixtures / agent / "requests.json").read_text())
    ]
    assert [entry.signal.value for entry in entries] == expected


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400),
        (b"{not json", JSON, 400),
        (b"[]", JSON, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (logs(), PROTOBUF | {"Content-Encoding": "deflate"}, 415),
        (logs(), PROTOBUF | {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(logs())[:-9], PROTOBUF | {"Content-Encoding": "gzip"}, 400),
        (logs(), PROTOBUF | {"Origin": "https://evil.example"}, 403),
        (logs(), PROTOBUF | {"Host": "evil.example"}, 403),
    ],
    # The bodies have the time in them, and every process must name the tests alike.
    ids=[
        "no OTLP",
        "no JSON",
        "a list",
        "text",
        "no type",
        "deflate",
        "no gzip",
        "torn gzip",
        "an origin",
        "a host",
    ],
)
def test_what_cannot_be_taken_gets_a_status_that_says_why(
    running: RunningService, content: bytes, headers: dict[str, str], status: int
) -> None:
    url = f"http://{running.state.http}"
    answer = httpx.post(f"{url}/v1/logs", content=content, headers=headers)
    assert answer.status_code == status
    if answer.headers["content-type"] == "application/json":
        assert answer.json()["message"]
    else:
        assert Status.FromString(answer.content).message
    assert "access-control-allow-origin" not in answer.headers
    assert spooled(running.home) == 0


def test_bad_points_are_counted_and_their_neighbours_stay(url: str, home: Home) -> None:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    for value in (1.0, float("nan"), float("inf"), 2.0):
        metric.gauge.data_points.add(time_unix_nano=time.time_ns(), as_double=value)
    metric.gauge.data_points.add(time_unix_nano=2**64 - 1, as_double=1.0)
    body = request.SerializeToString()
    answer = httpx.post(f"{url}/v1/metrics", content=body, headers=PROTOBUF)
    assert answer.status_code == 200
    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_data_points == 3
    assert partial.error_message
    as_json = httpx.post(
        f"{url}/v1/metrics",
        content=json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": "m", "gauge": {"dataPoints": [{"asDouble": "NaN", "timeUnixNano": "1"}]}}
        ]}]}]}),
        headers=JSON,
    )  # fmt: skip
    assert int(as_json.json()["partialSuccess"]["rejectedDataPoints"]) == 1


def test_the_size_limit_is_64_mib_after_decompression(url: str, home: Home) -> None:
    limit = 64 * MIB
    frame = len(logs("x" * (limit - 100))) - (limit - 100)
    for extra, status in ((0, 200), (1, 413)):
        body = logs("x" * (limit - frame + extra))
        assert len(body) == limit + extra
        compressed = zlib.compress(body, 1, wbits=31)
        headers = PROTOBUF | {"Content-Encoding": "gzip"}
        answer = httpx.post(f"{url}/v1/logs", content=compressed, headers=headers, timeout=60)
        assert answer.status_code == status
    assert spooled(home) == 1


def test_a_full_spool_asks_the_client_to_come_back(start: Start) -> None:
    url = f"http://{start(**{'spool.max_bytes': MIB}).state.http}"
    statuses = []
    for _ in range(20):
        answer = httpx.post(f"{url}/v1/logs", content=logs("x" * 100_000), headers=PROTOBUF)
        statuses.append(answer.status_code)
    # The loader empties the spool at the same time; what matters is that it filled up once.
    refused = httpx.post(f"{url}/v1/logs", content=logs("x" * 2 * MIB), headers=PROTOBUF)
    assert set(statuses) <= {200, 503}
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert Status.FromString(refused.content).message


def test_only_post_is_served(running: RunningService) -> None:
    url = f"http://{running.state.http}"
    assert httpx.get(f"{url}/v1/logs").status_code == 405
    assert httpx.post(f"{url}/v1/profiles", content=b"", headers=PROTOBUF).status_code == 404
