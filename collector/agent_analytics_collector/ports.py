"""Binding the HTTP ports, and saying who has a port that is taken."""

from __future__ import annotations

import errno
import socket

import psutil

from agent_analytics_collector.errors import BadSetting, PortInUse


def bind(what: str, option: str, host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises PortInUse."""
    try:
        socket.getaddrinfo(host, port)
    except OSError as error:
        raise _unusable(host, port, option, error) from error
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio sets TCP_NODELAY; else each answer on a kept connection
    # waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(what, host, port, option, holder_of(port)) from error
        raise _unusable(host, port, option, error) from error
    listener.setblocking(False)
    return listener


def _unusable(host: str, port: int, option: str, error: OSError) -> BadSetting:
    return BadSetting(
        f"{host}:{port}", f"--host, {option}", f"cannot be listened on: {error.strerror}"
    )


def holder_of(port: int) -> str | None:
    """The process that listens on `port`, as "name (process 123)"; None when it is not told."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None
    for connection in connections:
        listening = connection.status == psutil.CONN_LISTEN
        if listening and connection.laddr and connection.laddr.port == port and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.Error:
                return f"process {connection.pid}"
    return None
