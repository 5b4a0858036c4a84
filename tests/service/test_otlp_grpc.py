"""OTLP/gRPC as the protocol demands it, with real clients."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from agent_analytics_collector.envelope import OTLP_SIGNALS, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.grpc import SERVICES
from agent_analytics_collector.spool.reader import count_waiting, read_entries
from agent_analytics_collector.spool.segments import Position

from .conftest import RunningService, Start
from .test_otlp_http import logs

MIB = 1024 * 1024
UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


@pytest.fixture
def channel(start: Start) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(start().state.grpc, options=UNLIMITED) as opened:
        yield opened


@pytest.fixture
def shared_channel(running: RunningService) -> Iterator[grpc.Channel]:
    """To a collector in which other tests leave nothing either."""
    with grpc.insecure_channel(running.state.grpc, options=UNLIMITED) as opened:
        yield opened


def export(
    channel: grpc.Channel,
    signal: Signal,
    body: bytes,
    metadata: tuple[tuple[str, str | bytes], ...] | None = None,
    compression: grpc.Compression | None = None,
) -> bytes:
    method = channel.unary_unary(f"/{SERVICES[signal]}/Export", None, None)
    answer: bytes = method(body, 60, metadata, compression=compression)
    return answer


def status_of(error: grpc.RpcError) -> Status | None:
    found: Status | None = rpc_status.from_call(error)  # type: ignore[arg-type]  # it is a Call
    return found


def test_a_request_with_metadata_is_durable_when_answered(
    channel: grpc.Channel, home: Home
) -> None:
    metadata = (("x-developer-id", "ada"), ("x-api-key", "secret"))
    answer = export(channel, Signal.LOGS, logs(count=2), metadata=metadata)
    assert not ExportLogsServiceResponse.FromString(answer).HasField("partial_success")
    (entry,) = read_entries(home.spool, Position())
    assert entry.envelope is not None
    assert entry.envelope.headers["x-developer-id"] == "ada"
    assert "x-api-key" not in entry.envelope.headers


def test_gzip_and_empty_requests_are_taken(channel: grpc.Channel, home: Home) -> None:
    for signal in OTLP_SIGNALS:
        export(channel, signal, b"")
    export(channel, Signal.LOGS, logs(count=5), compression=grpc.Compression.Gzip)
    assert count_waiting(home.spool, Position()).total_records == 5


def test_what_is_no_otlp_is_an_invalid_argument(shared_channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        export(shared_channel, Signal.METRICS, b"\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = status_of(caught.value)
    assert status is not None
    detail = BadRequest()
    assert status.details[0].Unpack(detail)
    assert detail.field_violations[0].description


def test_invalid_utf_8_is_repaired_and_its_neighbours_stay(
    channel: grpc.Channel, home: Home
) -> None:
    broken = logs("abcdef", count=3).replace(b"abcdef", b"ab\xff\xfeef", 1)
    export(channel, Signal.LOGS, broken)
    assert count_waiting(home.spool, Position()).total_records == 3


def test_rejected_points_are_reported_in_partial_success(channel: grpc.Channel) -> None:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    metric.sum.data_points.add(time_unix_nano=time.time_ns(), as_double=float("nan"))
    metric.sum.data_points.add(time_unix_nano=time.time_ns(), as_int=3)
    histogram = request.resource_metrics[0].scope_metrics[0].metrics.add(name="h").histogram
    histogram.data_points.add(time_unix_nano=time.time_ns(), count=2**63)
    answer = export(channel, Signal.METRICS, request.SerializeToString())
    partial = ExportMetricsServiceResponse.FromString(answer).partial_success
    assert partial.rejected_data_points == 2


def test_the_size_limit_is_final_and_counts_after_decompression(
    channel: grpc.Channel, home: Home
) -> None:
    limit = 64 * MIB
    frame = len(logs("x" * (limit - 100))) - (limit - 100)
    export(channel, Signal.LOGS, logs("x" * (limit - frame)), compression=grpc.Compression.Gzip)
    with pytest.raises(grpc.RpcError) as caught:
        export(
            channel, Signal.LOGS, logs("x" * (limit - frame + 1)),
            compression=grpc.Compression.Gzip,
        )  # fmt: skip
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    status = status_of(caught.value)
    assert status is None or not any(d.Is(RetryInfo.DESCRIPTOR) for d in status.details)
    assert count_waiting(home.spool, Position()).total_records == 1


def test_a_full_spool_is_unavailable_with_retry_info(start: Start) -> None:
    state = start(**{"spool.max_bytes": MIB}).state
    with grpc.insecure_channel(state.grpc, options=UNLIMITED) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            export(channel, Signal.LOGS, logs("x" * 2 * MIB))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        retry = RetryInfo()
        status = status_of(caught.value)
        assert status is not None
        assert status.details[0].Unpack(retry)
        assert retry.retry_delay.seconds > 0


def test_the_health_service_says_serving(shared_channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(shared_channel)
    for name in ("", *SERVICES.values()):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_official_client_stub_is_served(channel: grpc.Channel, home: Home) -> None:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

    stub = LogsServiceStub(channel)  # type: ignore[no-untyped-call]
    answer = stub.Export(ExportLogsServiceRequest.FromString(logs()))
    assert answer == ExportLogsServiceResponse()
    assert count_waiting(home.spool, Position()).total_records == 1
