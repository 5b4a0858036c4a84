"""A vendor's API on this machine: a real HTTP server that answers as the test wants it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Question:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any


@dataclass(frozen=True)
class Reply:
    """What to answer; `content` that is no bytes is sent as JSON."""

    status: int = 200
    content: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class VendorServer:
    """The server's address and what it was asked."""

    url: str
    asked: list[Question] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [question.path for question in self.asked]


@contextmanager
def vendor_server(answer: Callable[[Question], Reply]) -> Iterator[VendorServer]:
    """A server on a free port; what `answer` raises is raised at the end."""
    problems: list[Exception] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            question = Question(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(content) if content else None,
            )
            server.asked.append(question)
            try:
                reply = answer(question)
            except Exception as error:
                problems.append(error)
                reply = Reply(418, b"the test's server failed")
            body = (
                reply.content
                if isinstance(reply.content, bytes)
                else json.dumps(reply.content).encode()
            )
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if reply.status != 204:
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server = VendorServer(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
    for problem in problems:
        raise problem


def replies(*given: Reply) -> Callable[[Question], Reply]:
    """Answers one after the other; the last again and again."""
    left = list(given)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
