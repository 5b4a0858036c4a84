"""The three ports of a collector: bound, served within their limits, and let go."""

from __future__ import annotations

import asyncio
from socket import socket

import grpc
from starlette.types import ASGIApp

from agent_analytics_collector.edge.connections import Connections, room_for
from agent_analytics_collector.edge.exposure import check_exposure, is_loopback
from agent_analytics_collector.edge.front import RequestSize
from agent_analytics_collector.edge.http_server import HttpServer
from agent_analytics_collector.edge.tls import ServedTls, TlsFiles
from agent_analytics_collector.errors import PortInUse
from agent_analytics_collector.home import Home
from agent_analytics_collector.ports import bind, holder_of
from agent_analytics_collector.settings import Settings

GRACE_S = 3.0
"""How long a stop waits for requests that are under way."""
OTLP_HTTP, API = "otlp_http", "api"
_PORTS = 3


class Ports:
    """OTLP/gRPC, OTLP/HTTP and the API of one collector."""

    def __init__(self, home: Home, settings: Settings, *, has_keys: bool) -> None:
        """Raises NotSafeToServe, TlsUnusable."""
        check_exposure(settings, has_keys=has_keys)
        self._settings = settings
        files = TlsFiles.of(home, settings.tls)
        self.tls = None if files is None else ServedTls(files)
        share = not (settings.tls.behind_proxy or is_loopback(settings.host))
        self.room = room_for(settings.limits.connections, _PORTS)
        self.connections = {name: Connections(self.room, share=share) for name in (OTLP_HTTP, API)}
        self._sockets: dict[str, socket] = {}
        self._servers: list[HttpServer] = []
        self._served: list[asyncio.Task[None]] = []
        self._grpc: grpc.aio.Server | None = None
        self.grpc_port = 0

    @property
    def http_port(self) -> int:
        return int(self._sockets[OTLP_HTTP].getsockname()[1])

    @property
    def api_port(self) -> int:
        return int(self._sockets[API].getsockname()[1])

    def bind(self) -> None:
        """Take the HTTP ports before anything else is begun. Raises PortInUse, BadSetting."""
        settings = self._settings
        for name, what, option, port in (
            (OTLP_HTTP, "OTLP/HTTP", "--http-port", settings.http_port),
            (API, "API", "--api-port", settings.api_port),
        ):
            self._sockets[name] = bind(what, option, settings.host, port)

    async def serve_grpc(self, server: grpc.aio.Server) -> None:
        """Raises PortInUse, BadSetting."""
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"{host}:{settings.grpc_port}"
        try:
            if self.tls is None:
                self.grpc_port = server.add_insecure_port(address)
            else:
                self.grpc_port = server.add_secure_port(address, self.tls.grpc_credentials())
        except RuntimeError as error:
            holder = holder_of(settings.grpc_port)
            if holder is None:
                # gRPC does not say why; the system does.
                bind("OTLP/gRPC", "--grpc-port", settings.host, settings.grpc_port).close()
            raise PortInUse(
                "OTLP/gRPC", settings.host, settings.grpc_port, "--grpc-port", holder
            ) from error
        await server.start()
        self._grpc = server

    async def serve_http(self, otlp: ASGIApp, api: ASGIApp) -> None:
        """Return once both ports answer."""
        for name, app in ((OTLP_HTTP, otlp), (API, api)):
            server = HttpServer(
                RequestSize(app),
                self.connections[name],
                request_timeout_s=self._settings.limits.request_timeout_s,
                grace_s=GRACE_S,
                tls=None if self.tls is None else self.tls.context,
                behind_proxy=self._settings.tls.behind_proxy,
            )
            self._servers.append(server)
            self._served.append(asyncio.create_task(server.serve(sockets=[self._sockets[name]])))
        while not all(server.started for server in self._servers):
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Finish the requests under way."""
        if self._grpc is not None:
            await self._grpc.stop(GRACE_S)
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._served, return_exceptions=True)

    def close(self) -> None:
        """Let go of what `bind` took, when a start fails."""
        for taken in self._sockets.values():
            taken.close()
