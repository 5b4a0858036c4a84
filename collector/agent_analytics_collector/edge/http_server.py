"""The HTTP server of a port: uvicorn's, whose connections have limits of time and number."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from agent_analytics_collector.edge.connections import Connection, Connections, sender_of

MOST_HEADER_BYTES = 16 * 1024
_PROXIES = ["127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
"""Where a proxy in front may be; a client's own X-Forwarded-For is believed from nowhere else."""
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HttpServer(uvicorn.Server):
    """A uvicorn server in our event loop; signals are the CLI's business."""

    def __init__(
        self,
        app: ASGIApp,
        connections: Connections,
        *,
        request_timeout_s: float,
        grace_s: float,
        tls: ssl.SSLContext | None,
        behind_proxy: bool,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app, lifespan="off", log_config=None, access_log=False, server_header=False,
                ws="none", timeout_graceful_shutdown=int(grace_s), proxy_headers=behind_proxy,
                forwarded_allow_ips=_PROXIES, h11_max_incomplete_event_size=MOST_HEADER_BYTES,
            )
        )  # fmt: skip
        self.open_connections = connections
        self.request_timeout_s = request_timeout_s
        self.handshakes: set[asyncio.Task[None]] = set()
        self._tls = tls

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """As uvicorn does it, but for the connections."""
        await self.lifespan.startup()
        self.servers = []
        loop = asyncio.get_running_loop()
        for listener in sockets or ():
            # TLS begins later: a client that never shakes hands is one of the connections, too.
            self.servers.append(await loop.create_server(self._connection, sock=listener))
        self.started = True

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for handshake in self.handshakes:
            handshake.cancel()
        await super().shutdown(sockets)

    def _connection(self) -> asyncio.Protocol:
        http = BoundedHttp(self)
        return http if self._tls is None else _TlsFirst(self, http, self._tls)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class BoundedHttp(H11Protocol):
    """HTTP/1.1 whose client has to hurry: with its headers, each part of its body, and reading."""

    def __init__(self, server: HttpServer) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(server.config, server.server_state, server.lifespan.state, loop)
        self._all = server.open_connections
        self._patience_s = server.request_timeout_s
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._connection: Connection | None = None
        self._early: list[bytes] = []
        """What came between the TLS handshake and `connection_made`."""

    def enter(self, transport: asyncio.Transport) -> bool:
        """Whether there is room for it; else it is closed."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        connection = Connection(sender_of(address), transport.abort)
        if self._all.enter(connection):
            self._connection = connection
        else:
            transport.abort()
        return self._connection is not None

    def leave(self) -> None:
        """It is closed; once is enough, and twice does no harm."""
        self._expect_nothing()
        self.resume_writing()
        if self._connection is not None:
            self._all.leave(self._connection)
            self._connection = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        if self._connection is None and not self.enter(stream):
            return
        super().connection_made(stream)
        self._look()
        for data in self._early:
            self.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.leave()
        if self.transport is not None:  # it was let in
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport is None:
            self._early.append(data)
        else:
            super().data_received(data)
            self._look()

    def on_response_complete(self) -> None:
        self._expect_nothing()
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(self._patience_s, self.too_slow)

    def resume_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        if self.flow is not None:
            super().resume_writing()

    def _look(self) -> None:
        """Whether we wait for the client now, and for what."""
        if self._connection is None or self.transport.is_closing():
            return
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering and not self.cycle.more_body:
            self._expect_nothing()
            self._all.work(self._connection)
            return
        self._all.wait(self._connection)
        if is_answering:
            self._expect(self._no_body)
        elif self._reading is None and self.timeout_keep_alive_task is None:
            self._expect(self._no_headers)  # all of them: bytes that trickle win no time

    def _expect(self, otherwise: Callable[[], None]) -> None:
        self._expect_nothing()
        self._reading = self.loop.call_later(self._patience_s, otherwise)

    def _expect_nothing(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _no_headers(self) -> None:
        self.transport.write(_TOO_SLOW)
        self.too_slow()

    def _no_body(self) -> None:
        if self.flow.read_paused:  # it is we who do not read
            self._expect(self._no_body)
        else:
            self.too_slow()

    def too_slow(self) -> None:
        if self._connection is not None:
            self._all.too_slow(self._connection)


class _TlsFirst(asyncio.Protocol):
    """Shakes hands, and then hands the connection over to HTTP."""

    def __init__(self, server: HttpServer, http: BoundedHttp, context: ssl.SSLContext) -> None:
        self._server, self._http, self._context = server, http, context

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        if self._http.enter(stream):
            task = asyncio.get_running_loop().create_task(self._shake_hands(stream))
            self._server.handshakes.add(task)
            task.add_done_callback(self._server.handshakes.discard)

    def connection_lost(self, exc: Exception | None) -> None:
        self._http.leave()

    async def _shake_hands(self, plain: asyncio.Transport) -> None:
        patience_s = self._server.request_timeout_s
        encrypted: asyncio.Transport | None = None
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                plain, self._http, self._context, server_side=True,
                ssl_handshake_timeout=patience_s, ssl_shutdown_timeout=patience_s,
            )  # fmt: skip
        except ConnectionAbortedError:  # asyncio's own, when it took too long
            self._http.too_slow()
        except OSError:  # of TLS or of the connection
            pass
        finally:
            if encrypted is None:
                plain.abort()
                self._http.leave()
        if encrypted is not None:
            self._http.connection_made(encrypted)
