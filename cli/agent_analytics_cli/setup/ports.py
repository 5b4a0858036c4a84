"""Whether the collector of this home has its ports, or can have them."""

from __future__ import annotations

import contextlib
import errno
import socket
from dataclasses import dataclass

from agent_analytics_collector.home import Home
from agent_analytics_collector.ports import holder_of
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import read_service


@dataclass(frozen=True, slots=True)
class PortCheck:
    """What stands in the way of sending to this home's collector."""

    problem: str | None
    """Why agents must not be pointed at the OTLP/gRPC port; None when they may."""
    notes: list[str]


def check_ports(home: Home, settings: Settings) -> PortCheck:
    """Look at the three ports; a port that this home's own collector holds is fine."""
    notes: list[str] = []
    if settings.grpc_port == 0:
        return PortCheck(
            "Agents cannot be pointed at a port that changes with every start (grpc_port is 0). "
            "Choose one with --grpc-port.", notes,
        )  # fmt: skip
    service = read_service(home)
    if service is not None and service.grpc_port != settings.grpc_port:
        notes.append(
            f"The collector that is running listens on port {service.grpc_port}; from its next "
            f"start on it is {settings.grpc_port}, where agents are going to send."
        )
    own = {service.grpc_port, service.http_port, service.api_port} if service else set()
    problem = None
    for name in ("grpc_port", "http_port", "api_port"):
        port = getattr(settings, name)
        if not port or port in own or not _is_taken(settings.host, port):
            continue
        option = f"--{name.replace('_', '-')}"
        holder = holder_of(port) or "another program"
        said = f"Port {port} ({name}) is in use by {holder}, not by this home's collector."
        if name == "grpc_port":
            problem = (
                f"{said} Telemetry is not switched on, for it would go there. "
                f"Stop that program, or run this again with another port: {option} {port + 1000}."
            )
        else:
            notes.append(
                f"{said} `agent-analytics up` cannot start beside it: choose another with {option}."
            )
    return PortCheck(problem, notes)


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        # Without listen(): several that only probe do not see each other.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
