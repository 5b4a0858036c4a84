"""A small HTTP server that answers as a test wants it to: late, wrongly or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[str, list[dict[str, Any]]], tuple[int, Any]]


@dataclass
class Asked:
    """What came, and the server's address."""

    url: str
    bodies: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    stop_hanging: threading.Event = field(default_factory=threading.Event)


def takes_all(path: str, bodies: list[dict[str, Any]]) -> tuple[int, Any]:
    return 200, {"accepted": len(bodies), "duplicate": 0, "rejected": 0, "problems": []}


@contextmanager
def answering(answer: Answer | None) -> Iterator[Asked]:
    """A server that answers POSTs with (status, JSON or bytes); None answers nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.bodies.append((self.path, body))
            asked.keys.add(self.headers["Authorization"])
            if answer is None:
                asked.stop_hanging.wait(60)
                self.close_connection = True
                return
            status, content = answer(self.path, body)
            encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        asked = Asked(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield asked
        finally:
            asked.stop_hanging.set()
            server.shutdown()
            thread.join()
