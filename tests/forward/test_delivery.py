"""One destination: what it gets, what is tried again, what is left out, what blocks it."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import trustme
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.forward import delivery as delivery_module
from agent_analytics_collector.forward.backlog import count_backlog, standings
from agent_analytics_collector.forward.delivery import Delivery
from agent_analytics_collector.forward.destination import Destination
from agent_analytics_collector.forward.progress import Progress
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import Forward
from agent_analytics_collector.settings import Settings, SpoolSettings
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.spool.writer import Spool

from .receiver import Came, Receiver, Reply, receiving, takes

HERE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (
        ("FIRST_PAUSE_S", 0.01), ("LONGEST_PAUSE_S", 30.0), ("GATHER_S", 0.0), ("_LOOK_S", 0.02),
    ):  # fmt: skip
        monkeypatch.setattr(delivery_module, name, seconds)


def logs(*texts: str) -> bytes:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for text in texts:
        records.add().body.string_value = text
    return request.SerializeToString()


def texts(came: Came) -> list[str]:
    request = ExportLogsServiceRequest.FromString(came.body)
    return [
        record.body.string_value
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def otlp(body: bytes, encoding: Encoding = Encoding.PROTOBUF, **headers: str) -> Envelope:
    kept = {name.replace("_", "-"): value for name, value in headers.items()}
    return Envelope(Signal.LOGS, encoding, body, time.time_ns(), kept)


def commits(*hashes: str) -> Envelope:
    body = json.dumps([{"commit_hash": one} for one in hashes]).encode()
    return Envelope(Signal.COMMITS, Encoding.JSON, body, time.time_ns(), {"x-developer-id": "ada"})


def spool_up(home: Home, *envelopes: Envelope, records: int = 1) -> None:
    async def put_all() -> None:
        spool = Spool(home.spool, SpoolSettings())
        for envelope in envelopes:
            await spool.put(envelope, records)
        spool.close()

    asyncio.run(put_all())


def send(
    home: Home,
    forward: Forward,
    until: Callable[[Delivery], bool] = lambda delivery: delivery.is_idle,
    progress: Progress | None = None,
) -> tuple[Progress, list[Progress]]:
    """Deliver until that; the last progress and all that were written down."""
    written: list[Progress] = []

    async def deliver() -> Progress:
        delivery = Delivery(
            Destination(home, forward), HERE, progress or Progress(forward.endpoint), written.append
        )
        task = asyncio.create_task(delivery.run())
        give_up_at = time.monotonic() + 20
        while not until(delivery) and time.monotonic() < give_up_at and not task.done():
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert until(delivery), delivery.progress
        return delivery.progress

    return asyncio.run(deliver()), written


def all_texts(receiver: Receiver) -> list[str]:
    return sorted(text for came in receiver.taken for text in texts(came))


def test_requests_arrive_with_their_headers_and_ours_packed_and_put_together(home: Home) -> None:
    (home.root / "server.headers").write_text("# the key\nX-API-Key: s3cret\n")
    spool_up(
        home, otlp(logs("a"), x_developer_id="ada"), otlp(logs("b", "c"), x_developer_id="ada"),
        otlp(logs("d"), x_developer_id="zoë"),
    )  # fmt: skip
    with receiving() as far:
        progress, _ = send(home, Forward(far.url + "/", headers_file="server.headers"))
    ada, zoe = sorted(far.taken, key=lambda came: len(texts(came)), reverse=True)
    assert (ada.path, texts(ada), texts(zoe)) == ("/v1/logs", ["a", "b", "c"], ["d"])
    assert ada.headers["content-encoding"] == "gzip"
    assert ada.headers["content-type"] == "application/x-protobuf"
    assert (ada.headers["x-api-key"], ada.headers["x-developer-id"]) == ("s3cret", "ada")
    assert zoe.headers["x-developer-id"].encode("latin-1").decode() == "zoë"
    assert ada.headers["agent-analytics-forwarded"] == HERE
    assert (progress.delivered, progress.refused, progress.problem) == (3, 0, None)
    assert progress.position == end_of_spool(home.spool)


def test_spaces_around_a_header_keep_nothing_back(home: Home) -> None:
    spool_up(home, otlp(logs("a"), x_developer_id=" ada "), otlp(logs("b"), x_developer_id="bo"))
    with receiving() as far:
        send(home, Forward(far.url))
    assert sorted(came.headers["x-developer-id"] for came in far.taken) == ["ada", "bo"]


def test_one_request_travels_as_the_bytes_that_came(home: Home) -> None:
    body = b'{"resourceLogs": [ ]  ,"more": 1}'
    spool_up(home, otlp(body, Encoding.JSON), otlp(body, Encoding.JSON))
    with receiving() as far:
        send(home, Forward(far.url))
    assert [(came.body, came.headers["content-type"]) for came in far.taken] == [
        (body, "application/json")
    ] * 2


def test_records_of_the_api_go_there_only_where_it_is_named(home: Home) -> None:
    spool_up(home, commits("a", "b"), commits("c"), otlp(logs("x")))
    with receiving() as otlp_alone, receiving() as api:
        send(home, Forward(otlp_alone.url))
        send(home, Forward(otlp_alone.url, api=api.url, signals=()))
    assert [came.path for came in otlp_alone.taken] == ["/v1/logs"]
    (came,) = api.taken
    assert came.path == "/v1/commits"
    assert [one["commit_hash"] for one in json.loads(came.body)] == ["a", "b", "c"]
    assert came.headers["x-developer-id"] == "ada"


def test_of_some_agents_only_what_those_sent_goes(home: Home) -> None:
    spool_up(
        home, otlp(logs("claude"), x_agent_name="claude_code"),
        otlp(logs("codex"), x_agent_name="codex"), otlp(logs("nobody")),
    )  # fmt: skip
    forward = Forward("http://127.0.0.1:1", agents=("claude_code",))
    assert count_backlog(Destination(home, forward), Position()).requests == 1
    with receiving() as far:
        progress, _ = send(home, msgspec.structs.replace(forward, endpoint=far.url))
    assert all_texts(far) == ["claude"]
    assert progress.delivered == 1


def test_where_an_agent_sent_before_is_not_told_who_sends(home: Home) -> None:
    spool_up(
        home,
        otlp(
            logs("one"), x_agent_name="codex", x_developer_id="ada@example.com",
            agent_analytics_forwarded="other",
        ),
    )  # fmt: skip
    with receiving() as far:
        (home.root / "headers").write_text("x-api-key: k\n")
        send(home, Forward(far.url, headers_file="headers", agents=("codex",)))
    (came,) = far.taken
    assert not {"x-agent-name", "x-developer-id"} & set(came.headers)
    assert came.headers["x-api-key"] == "k"
    assert came.headers["agent-analytics-forwarded"] == f"other,{HERE}"


def test_it_goes_on_behind_what_was_written_down(home: Home) -> None:
    spool_up(home, otlp(logs("first")))
    with receiving() as far:
        progress, written = send(home, Forward(far.url))
        assert written[-1] == progress
        spool_up(home, otlp(logs("second")))
        send(home, Forward(far.url), progress=progress)
    assert [texts(came) for came in far.taken] == [["first"], ["second"]]


@pytest.mark.parametrize("trouble", [Reply(503), Reply(500), Reply(429), Reply(408), None])
def test_what_may_get_better_is_tried_until_it_is(home: Home, trouble: Reply | None) -> None:
    spool_up(home, *(otlp(logs(str(number)), x_developer_id=f"d{number}") for number in range(9)))
    left = {"bad": 25}

    def behaviour(came: Came) -> Reply | None:
        left["bad"] -= 1
        return trouble if left["bad"] >= 0 else takes(came)

    with receiving(behaviour) as far:
        progress, written = send(home, Forward(far.url))
    assert set(all_texts(far)) == {str(number) for number in range(9)}
    assert (progress.refused, progress.problem, progress.is_blocked) == (0, None, False)
    said = [one for one in written if one.problem]
    assert said, "trouble that lasts is written down for doctor"
    assert not any(one.is_blocked for one in said)
    assert all(one.position == Position() for one in written[: written.index(said[0]) + 1])


def test_a_pause_that_is_asked_for_is_kept(home: Home) -> None:
    spool_up(home, otlp(logs("a")))
    at: list[float] = []

    def behaviour(came: Came) -> Reply:
        at.append(time.monotonic())
        return Reply(429, {"Retry-After": "1"}) if len(at) == 1 else takes(came)

    with receiving(behaviour) as far:
        send(home, Forward(far.url))
    assert at[1] - at[0] >= 1.0
    assert len(at) == 2


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_at_fault_is_left_out_and_counted_and_its_neighbours_arrive(
    home: Home, status: int
) -> None:
    spool_up(home, *(otlp(logs("poison" if number == 5 else str(number))) for number in range(9)))

    def behaviour(came: Came) -> Reply:
        return Reply(status) if "poison" in texts(came) else takes(came)

    with receiving(behaviour) as far:
        progress, _ = send(home, Forward(far.url))
    assert all_texts(far) == sorted(str(number) for number in range(9) if number != 5)
    assert (progress.delivered, progress.refused) == (8, 1)
    assert progress.last_refusal is not None
    assert str(status) in progress.last_refusal


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_refused_key_or_a_wrong_address_stops_it_and_says_so(home: Home, status: int) -> None:
    spool_up(home, otlp(logs("a")))
    with receiving(lambda came: Reply(status)) as far:
        progress, _ = send(
            home, Forward(far.url), until=lambda delivery: delivery.progress.is_blocked
        )
    assert len(far.came) == 1, "nobody is hammered with a key that does not hold"
    assert progress.problem is not None
    assert str(status) in progress.problem
    assert progress.position == Position()


def test_a_new_key_is_used_at_once(home: Home) -> None:
    file = home.root / "server.headers"
    file.write_text("x-api-key: old\n")
    spool_up(home, otlp(logs("a")))

    def behaviour(came: Came) -> Reply:
        return takes(came) if came.headers["x-api-key"] == "new" else Reply(401)

    def until(delivery: Delivery) -> bool:
        if delivery.progress.is_blocked and "old" in file.read_text():
            file.write_text("x-api-key: new\n")
        return delivery.is_idle

    with receiving(behaviour) as far:
        progress, _ = send(home, Forward(far.url, headers_file="server.headers"), until)
    assert all_texts(far) == ["a"]
    assert (progress.problem, progress.is_blocked) == (None, False)


@pytest.mark.parametrize(
    "content", [None, "hunter2\n", "x-api-key: hunter2ü\n", "bad name: hunter2\n"]
)
def test_headers_that_cannot_be_read_stop_it_and_name_the_file(
    home: Home, content: str | None
) -> None:
    spool_up(home, otlp(logs("a")))
    if content is not None:
        (home.root / "server.headers").write_text(content)
    with receiving() as far:
        progress, _ = send(
            home, Forward(far.url, headers_file="server.headers"),
            until=lambda delivery: delivery.progress.is_blocked,
        )  # fmt: skip
    assert far.came == []
    assert "server.headers" in (progress.problem or "")
    assert "hunter2" not in (progress.problem or "")


def test_a_login_page_that_says_yes_to_everything_has_taken_nothing(home: Home) -> None:
    spool_up(home, otlp(logs("a")), commits("a"))
    page = Reply(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Welcome</html>")
    with receiving(lambda came: page) as far:
        for forward in (Forward(far.url), Forward(far.url, api=far.url, signals=())):
            progress, _ = send(home, forward, until=lambda one: bool(one.progress.problem))
            assert progress.delivered == 0
            assert progress.position < end_of_spool(home.spool)


def test_records_that_were_not_taken_of_a_request_are_counted(home: Home) -> None:
    spool_up(home, otlp(logs("a", "b", "c")), commits("a", "b"))
    partly = ExportLogsServiceResponse()
    partly.partial_success.rejected_log_records = 2

    def behaviour(came: Came) -> Reply:
        if came.path == "/v1/logs":
            kind = {"Content-Type": "application/x-protobuf"}
            return Reply(200, kind, partly.SerializeToString())
        kind = {"Content-Type": "application/json"}
        return Reply(200, kind, b'{"accepted": 1, "duplicate": 0, "rejected": 1}')

    with receiving(behaviour) as far:
        progress, _ = send(home, Forward(far.url, api=far.url))
    assert (progress.delivered, progress.rejected) == (2, 3)


def test_with_no_room_to_write_down_how_far_it_is_nothing_is_sent_twice(home: Home) -> None:
    spool_up(home, otlp(logs("a")), commits("b"))

    def no_room(_: Progress) -> None:
        raise OSError(28, "No space left on device")

    async def deliver(forward: Forward) -> None:
        delivery = Delivery(Destination(home, forward), HERE, Progress(forward.endpoint), no_room)
        task = asyncio.create_task(delivery.run())
        give_up_at = time.monotonic() + 20
        while not delivery.is_idle and not task.done() and time.monotonic() < give_up_at:
            await asyncio.sleep(0.005)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert delivery.is_idle

    with receiving() as far:
        asyncio.run(deliver(Forward(far.url, api=far.url)))
    assert sorted(came.path for came in far.came) == ["/v1/commits", "/v1/logs"]


def test_damaged_bytes_cost_only_themselves(home: Home) -> None:
    spool_up(home, otlp(logs("a" * 200)), otlp(logs("b" * 200)), otlp(logs("c")))
    (segment,) = home.spool.glob("*.segment")
    data = bytearray(segment.read_bytes())
    data[data.index(b"bbb")] ^= 1
    segment.write_bytes(data)
    with receiving() as far:
        send(home, Forward(far.url))
    assert all_texts(far) == ["a" * 200, "c"]


def test_a_standing_tells_what_waits_and_since_when(home: Home) -> None:
    spool_up(home, otlp(logs("a")), commits("b"), records=3)
    (standing,) = standings(home, Settings(forward=(Forward("http://127.0.0.1:1"),)))
    assert (standing.backlog.requests, standing.backlog.records) == (1, 3)
    assert standing.backlog.oldest_ns is not None
    assert time.time() - standing.backlog.oldest_ns / 1e9 < 60
    assert standing.progress.last_delivery_at is None


def test_the_same_destination_twice_is_one(home: Home, tmp_path: Path) -> None:
    forward = Forward("http://127.0.0.1:1")
    again = msgspec.structs.replace(forward, headers_file="x")
    other = msgspec.structs.replace(forward, agents=("codex",))
    assert len(standings(home, Settings(forward=(forward, again, other)))) == 2


def test_a_certificate_is_believed_only_by_whom_the_ca_file_names(home: Home) -> None:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(home.root / "ca.pem"))
    (home.root / "broken.pem").write_text("hello")
    spool_up(home, otlp(logs("a")))
    with receiving(tls=tls) as far:
        progress, _ = send(home, Forward(far.url), until=lambda one: bool(one.progress.problem))
        assert "CERTIFICATE_VERIFY_FAILED" in (progress.problem or "")
        progress, _ = send(
            home, Forward(far.url, ca_file="broken.pem"),
            until=lambda delivery: delivery.progress.is_blocked,
        )  # fmt: skip
        assert "broken.pem" in (progress.problem or "")
        assert far.came == []
        send(home, Forward(far.url, ca_file="ca.pem"))
    assert all_texts(far) == ["a"]
