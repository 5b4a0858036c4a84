"""A receiver elsewhere that answers as told, and remembers what it was sent."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass(frozen=True)
class Came:
    """One request, its body unpacked."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Behaviour = Callable[[Came], Reply | None]
"""None resets the connection."""


def takes(came: Came) -> Reply:
    """What a server of ours answers to what it takes."""
    if "/v1/logs" in came.path or "/v1/metrics" in came.path or "/v1/traces" in came.path:
        return Reply(headers={"Content-Type": came.headers["content-type"]})
    body = b'{"accepted": 1, "duplicate": 0, "rejected": 0, "problems": []}'
    return Reply(headers={"Content-Type": "application/json"}, body=body)


@dataclass
class Receiver:
    """Its address, and the requests that came."""

    url: str
    came: list[Came] = field(default_factory=list)
    taken: list[Came] = field(default_factory=list)
    """Those that were answered with success."""
    behaviour: Behaviour = takes


@contextmanager
def receiving(
    behaviour: Behaviour = takes, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver on a free port, with TLS or without."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    receiver = Receiver(f"{scheme}://127.0.0.1:{server.server_port}", behaviour=behaviour)
    handler.receiver = receiver  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def passing_to(url: str, when: Callable[[], str]) -> Behaviour:
    """A bad way to another server: `when` says what befalls each request.

    `well`, `refused` (503), `lost` (reset before it arrives), `unanswered` (reset after it did).
    """

    def behaviour(came: Came) -> Reply | None:
        fate = when()
        if fate == "refused":
            return Reply(503)
        if fate == "lost":
            return None
        passed = {
            name.encode(): value.encode("latin-1")
            for name, value in came.headers.items()
            if name not in ("host", "content-length", "content-encoding", "connection")
        }
        answer = httpx.post(
            url + came.path, content=came.body, headers=passed, trust_env=False, timeout=30
        )
        if fate == "unanswered":
            return None
        kind = {"Content-Type": answer.headers.get("content-type", "")}
        return Reply(answer.status_code, kind, answer.content)

    return behaviour


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        came = Came(self.path, headers, body)
        self.receiver.came.append(came)
        reply = self.receiver.behaviour(came)
        if reply is None:
            # A reset, not an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if reply.status < 300:
            self.receiver.taken.append(came)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        pass
