"""Loopback is served as it is; every other address only with keys, and encrypted."""

from __future__ import annotations

import ipaddress
import socket

from agent_analytics_collector.errors import NotSafeToServe
from agent_analytics_collector.settings import Settings


def check_exposure(settings: Settings, *, has_keys: bool) -> None:
    """Raises NotSafeToServe when `settings.host` is reached by others and something is missing."""
    if is_loopback(settings.host):
        return
    tls = settings.tls
    is_encrypted = tls.certificate is not None or tls.behind_proxy
    if not (has_keys and is_encrypted):
        raise NotSafeToServe(settings.host, has_keys=has_keys, is_encrypted=is_encrypted)


def is_loopback(host: str) -> bool:
    """Whether everything that `host` stands for is this machine's loopback interface.

    A name that cannot be resolved is not: whether it can be bound is not decided here.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    if not host:
        return False  # all interfaces
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    addresses = [str(address[0]).partition("%")[0] for *_, address in found]
    return all(ipaddress.ip_address(address).is_loopback for address in addresses)
