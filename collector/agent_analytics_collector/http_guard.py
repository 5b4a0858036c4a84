"""Loopback is not a wall: any web page the user opens can reach it. What the HTTP ports refuse.

A page in a browser cannot choose its Host or hide its Origin, so requests that name a foreign
host (DNS rebinding) or come from another origin are turned away before anything is read.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers


def refuse_foreign(headers: Headers, allowed_hosts: Iterable[str]) -> str | None:
    """Why this request is refused; None when it may pass.

    `allowed_hosts` are names besides localhost; an IP address cannot be rebound and passes.
    """
    host_header = headers.get("host", "")
    host = _host_name(host_header)
    if not (host == "localhost" or _is_address(host) or host in allowed_hosts):
        return (
            f"Host {host!r} is not this collector. If it is a name for it, add it to "
            "allowed_hosts in config.yaml."
        )
    origin = headers.get("origin")
    if origin is not None and origin not in (f"http://{host_header}", f"https://{host_header}"):
        return f"Requests from the web page {origin!r} are not taken."
    return None


def _host_name(host_header: str) -> str:
    if host_header.startswith("["):
        return host_header[1:].partition("]")[0].lower()
    return host_header.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
