"""Keys over real gRPC and HTTP: who is let in, and whose what they send becomes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agent_analytics_collector.access.expiry import HEADER, utc
from agent_analytics_collector.access.key_use import read_key_use
from agent_analytics_collector.access.keys import revoke_key
from agent_analytics_collector.envelope import OTLP_SIGNALS, Signal
from agent_analytics_collector.otlp.grpc import SERVICES
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import read_entries
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.warehouse.flush import flush
from tests.service.team import TeamServer, team_server
from tests.service.test_otlp_grpc import status_of

PROTOBUF = {"content-type": "application/x-protobuf"}
MALLORY = {"x-developer-id": "mallory"}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TeamServer]:
    with team_server(tmp_path_factory.mktemp("team")) as server:
        yield server


@pytest.fixture(scope="module")
def channel(team: TeamServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(team.running.state.grpc) as opened:
        yield opened


def mallorys(marker: str) -> bytes:
    """Logs that say wherever they can that they are mallory's."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    record = resource.scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
    record.body.string_value = marker
    for attributes in (resource.resource.attributes, record.attributes):
        for name in ("developer.id", "agent_analytics.developer_id", "user.email"):
            attributes.add(key=name).value.string_value = "mallory"
    return request.SerializeToString()


def export(
    channel: grpc.Channel, token: str | None, body: bytes = b"", signal: Signal = Signal.LOGS
) -> grpc.Call:
    method = channel.unary_unary(f"/{SERVICES[signal]}/Export", None, None)
    metadata = (*MALLORY.items(), *((("x-api-key", token),) if token else ()))
    _, call = method.with_call(body, 60, metadata)
    return call


def refused(channel: grpc.Channel, token: str | None, signal: Signal = Signal.LOGS) -> Any:
    with pytest.raises(grpc.RpcError) as error:
        export(channel, token, mallorys("never"), signal)
    return error.value


def post(team: TeamServer, path: str, token: str | None, **more: Any) -> httpx.Response:
    """Over the API's port, or for OTLP paths over its own."""
    state = team.running.state
    otlp = path in ("/", *(f"/v1/{signal}" for signal in OTLP_SIGNALS))
    base = f"http://{state.http}" if otlp else state.api_url
    headers = MALLORY | more.pop("headers", {}) | ({"x-api-key": token} if token else {})
    return httpx.post(base + path, headers=headers, **more)


def spooled(team: TeamServer) -> list[tuple[str, str | None]]:
    """(body, developer in the envelope) of everything that was taken."""
    taken = [entry.envelope for entry in read_entries(team.home.spool, Position())]
    return [
        (envelope.body.decode("utf-8", "replace"), envelope.headers.get("x-developer-id"))
        for envelope in taken
        if envelope is not None
    ]


RECORD = {
    "agent": "own_tool", "session_id": "s", "kind": "prompt", "timestamp": "2026-11-22T10:00:00Z",
}  # fmt: skip


def test_what_comes_with_a_developer_s_key_is_theirs_whatever_it_says(
    team: TeamServer, channel: grpc.Channel
) -> None:
    key = team.tokens["ada"]
    export(channel, key, mallorys("over-grpc"))
    assert post(team, "/v1/logs", key, headers=PROTOBUF, content=mallorys("over-http")).is_success
    assert post(team, "/", key, headers=PROTOBUF, content=mallorys("at-the-root")).is_success
    for path in ("/v1/session-records", "/v1/events"):
        record = RECORD | {"session_id": path, "developer_id": "mallory"}
        assert post(team, path, key, json=record).json()["accepted"] == 1
    days = [{"day": "2026-11-01"}, {"day": "2026-11-02", "developer_id": "ada"}]
    assert post(team, "/v1/copilot-metrics", key, json=days).json()["accepted"] == 2
    whose = {
        marker: {developer for body, developer in spooled(team) if marker in body}
        for marker in ("over-grpc", "over-http", "at-the-root", "/v1/session-records", "/v1/events",
                       "2026-11-01")
    }  # fmt: skip
    assert list(whose.values()) == [{"ada"}] * 6


def test_a_gateway_and_the_installation_say_whose_it_is(team: TeamServer) -> None:
    token = team.home.token.read_text().strip()
    for who, key in (("gateway", team.tokens["gateway"]), ("installation", token)):
        record = RECORD | {"session_id": f"by-{who}"}
        assert post(team, "/v1/session-records", key, json=record).is_success
        body = mallorys(f"otlp-by-{who}")
        assert post(team, "/v1/logs", key, headers=PROTOBUF, content=body).is_success
    found = spooled(team)
    for marker in ("by-gateway", "by-installation", "otlp-by-gateway", "otlp-by-installation"):
        assert {developer for body, developer in found if marker in body} == {"mallory"}


def test_spaces_around_a_name_make_nobody_else_of_it(team: TeamServer) -> None:
    """gRPC hands them on as they are."""
    metadata = (("x-api-key", team.tokens["gateway"]), ("x-developer-id", " grace hopper  "))
    with grpc.insecure_channel(team.running.state.grpc) as channel:
        export_logs = channel.unary_unary(f"/{SERVICES[Signal.LOGS]}/Export", None, None)
        export_logs(mallorys("with-spaces"), 60, metadata)
    found = {developer for body, developer in spooled(team) if "with-spaces" in body}
    assert found == {"grace hopper"}


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("/v1/copilot-metrics", {"day": "2026-11-03", "developer_id": "mallory"}),
        ("/v1/copilot-metrics", {"day": "2026-11-03", "developer_id": "ADA"}),
        ("/v1/copilot-metrics", {"day": "2026-11-03", "organisation": "acme"}),
        ("/v1/vendor-usage", {"vendor": "cursor", "day": "2026-11-03", "actor": "mallory"}),
        ("/v1/vendor-usage", {"vendor": "cursor", "day": "2026-11-03"}),
    ],
    ids=str,
)
def test_only_an_administrator_tells_of_others(
    team: TeamServer, path: str, record: dict[str, Any]
) -> None:
    own = {"day": "2026-11-04"} | ({"vendor": "v", "actor": "ada"} if "vendor" in path else {})
    for who in ("ada", "ingest"):
        answer = post(team, path, team.tokens[who], json=[record])
        assert answer.status_code == 422
        assert (answer.json()["accepted"], answer.json()["rejected"]) == (0, 1)
        assert "somebody else" in answer.json()["problems"][0]["reason"]
        told = post(team, path, team.tokens[who], json=[record, own]).json()
        assert (told["accepted"], told["rejected"]) == (1, 1)
        assert told["problems"][0]["index"] == 0
    assert post(team, path, team.tokens["admin"], json=[record]).json()["accepted"] == 1
    assert post(team, path, team.tokens["gateway"], json=[record]).json()["accepted"] == 1


def test_without_a_key_that_is_taken_the_api_answers_401_and_says_what_to_do(
    team: TeamServer,
) -> None:
    for token in (None, "nonsense", team.tokens["ada"][:-1]):
        answer = post(team, "/v1/session-records", token, json=RECORD)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "keys create" in answer.json()["detail"]
        if token:
            assert token not in answer.text


def test_without_a_key_that_is_taken_otlp_answers_unauthenticated_in_its_own_form(
    team: TeamServer, channel: grpc.Channel
) -> None:
    for token in (None, "nonsense", team.tokens["ada"][:-1]):
        answer = post(team, "/v1/logs", token, headers=PROTOBUF, content=mallorys("never"))
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "retry-after" not in answer.headers
        status = Status.FromString(answer.content)
        assert status.code == grpc.StatusCode.UNAUTHENTICATED.value[0]
        assert "x-api-key" in status.message or "damaged" in status.message
        json_body = {"headers": {"content-type": "application/json"}, "content": b"{}"}
        assert post(team, "/v1/traces", token, **json_body).json()["code"] == status.code
        for signal in OTLP_SIGNALS:
            error = refused(channel, token, signal)
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED
            assert error.details() == status.message
    assert not [body for body, _ in spooled(team) if "never" in body]


def test_a_key_that_only_reads_sends_nothing(team: TeamServer, channel: grpc.Channel) -> None:
    key = team.tokens["read"]
    answer = post(team, "/v1/session-records", key, json=RECORD)
    assert answer.status_code == 403
    assert "may not ingest; it has read" in answer.json()["detail"]
    assert post(team, "/v1/logs", key, headers=PROTOBUF, content=b"").status_code == 403
    error = refused(channel, key)
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "may not ingest" in error.details()


def test_two_keys_in_one_request_are_refused(team: TeamServer) -> None:
    both = {"authorization": f"Bearer {team.tokens['bo']}"}
    answer = post(team, "/v1/session-records", team.tokens["ada"], headers=both, json=RECORD)
    assert answer.status_code == 401
    with httpx.Client() as client:
        twice = [("x-api-key", team.tokens["ada"])] * 2 + [("content-type", "application/json")]
        url = f"{team.running.state.api_url}/v1/session-records"
        again = client.post(url, headers=twice, content=json.dumps(RECORD))
    assert again.status_code == 401


def test_probes_need_no_key(team: TeamServer, channel: grpc.Channel) -> None:
    for path in ("/healthz", "/readyz"):
        assert httpx.get(team.running.state.api_url + path).is_success
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=""))
    assert health.status == health_pb2.HealthCheckResponse.SERVING


def test_a_key_that_ends_soon_is_told_so_in_every_answer(
    team: TeamServer, channel: grpc.Channel
) -> None:
    key, ends = team.tokens["ending"], utc(team.keys["ending"].expires_at)
    assert post(team, "/v1/session-records", key, json=[]).headers[HEADER] == ends
    assert post(team, "/v1/logs", key, headers=PROTOBUF, content=b"").headers[HEADER] == ends
    assert (HEADER, ends) in (export(channel, key).trailing_metadata() or ())
    for who in ("ada", "admin"):
        answer = post(team, "/v1/session-records", team.tokens[who], json=[])
        assert answer.is_success
        assert HEADER not in answer.headers


def test_a_revoked_key_is_refused_on_every_port_within_two_seconds(
    team: TeamServer, channel: grpc.Channel
) -> None:
    token, key = team.make("ada")

    def is_taken() -> list[bool]:
        try:
            over_grpc = export(channel, token).code() is grpc.StatusCode.OK
        except grpc.RpcError:
            over_grpc = False
        return [
            post(team, "/v1/session-records", token, json=[]).is_success,
            post(team, "/v1/logs", token, headers=PROTOBUF, content=b"").is_success,
            over_grpc,
        ]

    deadline = time.monotonic() + 2
    while not all(is_taken()):
        assert time.monotonic() < deadline
    revoke_key(team.home, key.key_id)
    deadline = time.monotonic() + 2
    while any(is_taken()):
        assert time.monotonic() < deadline
    assert "revoked" in post(team, "/v1/session-records", token, json=[]).json()["detail"]


def test_while_the_file_of_keys_is_broken_senders_are_asked_to_come_again(
    team: TeamServer, channel: grpc.Channel
) -> None:
    good, key = team.home.keys.read_bytes(), team.tokens["ada"]
    team.home.keys.write_bytes(good[:-20])
    try:
        deadline = time.monotonic() + 2
        while post(team, "/v1/session-records", key, json=[]).status_code != 503:
            assert time.monotonic() < deadline
        answer = post(team, "/v1/logs", key, headers=PROTOBUF, content=b"")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        error = refused(channel, key)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        found = status_of(error)
        assert found is not None
        assert found.details[0].Is(RetryInfo.DESCRIPTOR)
        assert httpx.get(f"{team.running.state.api_url}/healthz").is_success
    finally:
        team.home.keys.write_bytes(good)
    deadline = time.monotonic() + 2
    while not post(team, "/v1/session-records", key, json=[]).is_success:
        assert time.monotonic() < deadline


def test_rows_are_the_key_s_developer_s_and_no_key_is_in_any_file(tmp_path: Path) -> None:
    with team_server(tmp_path / "team") as team:
        for who in ("ada", "ingest", "admin", "gateway"):
            body = mallorys(f"by-{who}")
            answer = post(team, "/v1/logs", team.tokens[who], headers=PROTOBUF, content=body)
            assert answer.is_success
        post(team, "/v1/session-records", team.tokens["ada"][:-1], json=RECORD)
        assert post(team, "/v1/session-records", team.tokens["read"], json=RECORD).is_client_error
    flush(team.home, Settings(), 30)
    with duckdb.connect(str(team.home.database), read_only=True) as connection:
        found = connection.execute(
            "SELECT body, developer_id FROM raw_otel_logs ORDER BY body"
        ).fetchall()
    assert found == [
        ("by-ada", "ada"), ("by-admin", "root"), ("by-gateway", "mallory"), ("by-ingest", "ada"),
    ]  # fmt: skip
    for path in team.home.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for who, token in team.tokens.items():
                assert token.encode() not in content, (who, path)
    used = {who for who, key in team.keys.items() if key.key_id in read_key_use(team.home)}
    assert used == {"ada", "ingest", "read", "admin", "gateway"}
