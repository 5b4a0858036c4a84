"""Slow and many clients: they are cut, and everybody else is served."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
import httpx
import pytest

from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Scope
from agent_analytics_collector.edge.connections import Connection, Connections, sender_of
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.otlp.grpc import SERVICES
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import ServiceState
from tests.service.conftest import Start
from tests.service.test_otlp_grpc import export
from tests.service.test_otlp_http import PROTOBUF, logs

from .certificates import SERVED, Authority

HEAD = b"POST /v1/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"


@contextmanager
def slow_clients(port: int, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections that have sent `sent` and say no more."""
    with ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            client.sendall(sent)
            clients.append(client)
        yield clients


def answer(client: socket.socket) -> bytes:
    """Everything until the other side closes; b"" when it did so without a word."""
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def trickle(client: socket.socket) -> None:
    for _ in range(40):
        client.sendall(b"a")
        time.sleep(0.1)


def is_served(state: ServiceState, verify: ssl.SSLContext | bool = False) -> bool:
    """Whether both HTTP ports answer to somebody who comes anew."""
    with httpx.Client(verify=verify, timeout=30) as client:
        sent = client.post(f"{state.http_url}/v1/logs", content=logs(), headers=PROTOBUF)
        asked = client.get(f"{state.api_url}/healthz")
    return (sent.status_code, asked.status_code) == (200, 200)


@pytest.mark.slow
def test_five_hundred_slow_clients_on_each_port_keep_nobody_out(start: Start) -> None:
    running = start()
    state = running.state
    with (
        slow_clients(state.http_port, 500, HEAD + b"X-Slow: "),
        slow_clients(state.api_port, 500, b"GET /healthz HTTP/1.1\r\nHos"),
    ):
        assert all(is_served(state) for _ in range(5))
        opened = {name: each.total for name, each in running.service.ports.connections.items()}
        assert min(opened.values()) >= 500, "they were let be"


def test_more_slow_clients_than_there_is_room_for_make_room_for_others(start: Start) -> None:
    running = start(**{"limits.connections": 20})
    state = running.state
    with (
        slow_clients(state.http_port, 60, HEAD + b"Content-Length: 100\r\n\r\nx"),
        slow_clients(state.api_port, 60, b"G"),
    ):
        assert all(is_served(state) for _ in range(5))
    for each in running.service.ports.connections.values():
        assert each.total <= 20
        assert each.cut["crowded"] >= 40
        assert each.cut["full"] == 0


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", b"408"),
        (b"POST /v1/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nX-", b"408"),
        (HEAD + b"Content-Length: 100\r\n\r\nx", b""),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b""),
    ],
)
def test_a_client_that_is_too_slow_is_cut(start: Start, sent: bytes, said: bytes) -> None:
    running = start(**{"limits.request_timeout_s": 1})
    with slow_clients(running.state.http_port, 1, sent) as (client,):
        assert answer(client)[9:12] == said
    assert running.service.ports.connections["otlp_http"].cut["too_slow"] == 1
    assert is_served(running.state)


def test_headers_that_trickle_win_no_time_and_a_body_that_goes_on_does(start: Start) -> None:
    running = start(**{"limits.request_timeout_s": 1})
    with slow_clients(running.state.http_port, 1, b"") as (client,):
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            trickle(client)
        assert running.service.ports.connections["otlp_http"].cut["too_slow"] == 1
    body = logs()
    head = HEAD + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    with slow_clients(running.state.http_port, 1, head) as (client,):
        for start_at in range(0, len(body), len(body) // 4):
            time.sleep(0.4)
            client.sendall(body[start_at : start_at + len(body) // 4])
        assert answer(client)[9:12] == b"200"


def test_who_does_not_read_the_answer_is_cut(start: Start) -> None:
    running = start(**{"limits.request_timeout_s": 1})
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with listener as client:
        client.connect(("127.0.0.1", running.state.api_port))
        # Many answers of some 100 KB, one after the other, of which none is read.
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 200)
        deadline = time.monotonic() + 20
        cut = running.service.ports.connections["api"].cut
        while not cut["too_slow"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert is_served(running.state)


def test_who_never_shakes_hands_is_cut_and_counted_as_everybody(
    start: Start, home: Home, authority: Authority
) -> None:
    authority.write(home.root)
    running = start(**SERVED, **{"limits.connections": 20, "limits.request_timeout_s": 2})
    verify = ssl.create_default_context(cafile=str(authority.file))
    state = running.state
    with (
        slow_clients(state.http_port, 60, b""),
        slow_clients(state.api_port, 15, b"\x16\x03\x01\x02\x00\x01") as api_clients,
    ):
        assert all(is_served(state, verify) for _ in range(5))
        assert [answer(client) for client in api_clients] == [b""] * 15
    running.stop()  # so that it has counted what its clients have seen
    ports = running.service.ports.connections
    assert ports["otlp_http"].cut["crowded"] >= 40
    assert ports["api"].cut["too_slow"] == 15


def test_headers_that_are_too_large_are_refused_on_every_port(start: Start) -> None:
    state = start().state
    large = {"X-Large": "x" * 20_000}
    for url in (f"{state.api_url}/healthz", f"{state.http_url}/v1/logs"):
        assert httpx.get(url, headers=large).status_code in (400, 431)
    with grpc.insecure_channel(state.grpc) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            export(channel, Signal.LOGS, logs(), (("x-large", "x" * 40_000),))
        assert code_of(refused.value) is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert export(channel, Signal.LOGS, logs()) == b""


def test_silent_clients_of_grpc_make_room_after_a_while(start: Start) -> None:
    state = start(**{"limits.connections": 3, "limits.request_timeout_s": 1}).state
    options = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200))
    with (
        slow_clients(state.grpc_port, 3, b"PRI * HTTP/2.0"),
        grpc.insecure_channel(state.grpc, options) as channel,
    ):
        with pytest.raises(grpc.RpcError) as refused:
            export(channel, Signal.LOGS, logs())
        assert code_of(refused.value) is grpc.StatusCode.UNAVAILABLE, "a client keeps its data"
        grpc.channel_ready_future(channel).result(20)
        assert export(channel, Signal.LOGS, logs()) == b""


def test_who_has_no_key_is_refused_before_anything_of_the_body_is_read(
    start: Start, home: Home
) -> None:
    create_key(home, Settings(), developer_id="ada", scopes=[Scope.INGEST])
    state = start().state
    never = threading.Event()
    with grpc.insecure_channel(state.grpc) as channel:
        call = channel.stream_unary(f"/{SERVICES[Signal.LOGS]}/Export", None, None)
        with pytest.raises(grpc.RpcError) as refused:
            call(iter(never.wait, True), timeout=20)
    never.set()
    assert code_of(refused.value) is grpc.StatusCode.UNAUTHENTICATED
    with slow_clients(state.http_port, 1, HEAD + b"Content-Length: 100\r\n\r\n") as (client,):
        client.settimeout(20)
        assert client.recv(65536)[9:12] == b"401"


def code_of(error: grpc.RpcError) -> grpc.StatusCode:
    assert isinstance(error, grpc.Call)
    return error.code()


class Client:
    """A connection whose end, as that of a real one, is told later."""

    def __init__(self, connections: Connections, address: str) -> None:
        self.is_cut = False
        self.connection = Connection(address, self._cut)
        self.is_in = connections.enter(self.connection)

    def _cut(self) -> None:
        self.is_cut = True


def test_one_address_has_a_quarter_and_the_crowd_makes_room() -> None:
    connections = Connections(8, share=True)
    crowd = [Client(connections, "192.0.2.1") for _ in range(5)]
    assert [client.is_cut for client in crowd] == [True, True, True, False, False]
    for client in crowd[3:]:
        connections.work(client.connection)
    assert not Client(connections, "192.0.2.1").is_in, "both are being answered"
    others = [Client(connections, f"198.51.100.{number}") for number in range(6)]
    assert all(client.is_in for client in others)
    late = Client(connections, "203.0.113.9")
    assert late.is_in
    assert others[0].is_cut, "of those that wait, the first of the most crowded address"
    assert connections.total == 8
    assert dict(connections.cut) == {"crowded": 4, "full": 1}


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_who_has_a_network_of_ipv6_is_one_sender(address: str, sender: str) -> None:
    assert sender_of(address) == sender


def test_who_is_being_answered_is_never_cut() -> None:
    connections = Connections(2, share=False)
    both = [Client(connections, "127.0.0.1") for _ in range(2)]
    for client in both:
        connections.work(client.connection)
    assert not Client(connections, "127.0.0.1").is_in
    connections.wait(both[1].connection)
    assert Client(connections, "127.0.0.1").is_in
    assert [client.is_cut for client in both] == [False, True]
    for client in both:
        connections.leave(client.connection)
        connections.leave(client.connection)
