"""A team's server: whether it is there, takes our key, and where it takes what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent_analytics_collector.addresses import is_loopback
from agent_analytics_collector.errors import AgentAnalyticsError

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0
_PROTOBUF = "application/x-protobuf"


class ServerUnusable(AgentAnalyticsError):
    """A server that was named is not there, is no agent-analytics, or does not take the key."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that takes our key."""

    api: str
    """Base URL of its REST API."""
    endpoint: str | None
    """Base URL of its OTLP/HTTP; None where that was not asked for."""
    developer_id: str | None
    """Whose key it is, as the key says; None where it is nobody's own."""


def find_server(
    url: str,
    key: str,
    endpoint: str | None = None,
    ca_file: Path | None = None,
    *,
    telemetry: bool = True,
) -> Server:
    """Ask the server whether it takes commits and, over OTLP/HTTP, telemetry, by sending none.

    `endpoint` is its OTLP/HTTP; None is at the same address, or port 4318 beside it. `ca_file`
    holds who vouches for its certificate. Raises ServerUnusable.
    """
    import ssl

    import httpx

    from agent_analytics_collector.access.tokens import unverified_developer

    url = url.rstrip("/")
    try:
        trusted = ssl.create_default_context(cafile=ca_file) if ca_file else True
    except OSError as error:
        raise ServerUnusable(f"{ca_file} holds no certificate that can be read: {error}") from error
    with httpx.Client(
        timeout=TIMEOUT_S, trust_env=not is_loopback(url), verify=trusted,
        headers={"x-api-key": key},
    ) as client:  # fmt: skip
        _check_api(client, url)
        if not telemetry:
            return Server(url, None, unverified_developer(key))
        found = next(
            (one for one in _candidates(url, endpoint) if _takes_telemetry(client, one)), None
        )
    if found is None:
        tried = " and ".join(_candidates(url, endpoint))
        raise ServerUnusable(
            f"{url} takes the key, but no OTLP/HTTP answers at {tried}. Name its address with "
            "--endpoint."
        )
    return Server(url, found, unverified_developer(key))


def _check_api(client: httpx.Client, url: str) -> None:
    import httpx

    try:
        answer = client.post(f"{url}/v1/commits", json=[])
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerUnusable(
            f"{url} does not answer: {error or type(error).__name__}. Correct --server, or try "
            "again where it can be reached."
        ) from error
    if answer.status_code in (401, 403):
        raise ServerUnusable(
            f"{url} does not take this key ({answer.status_code}). Ask for one that may send: "
            "`agent-analytics keys create` on the server makes it."
        )
    try:
        is_ours = answer.is_success and "accepted" in answer.json()
    except ValueError:
        is_ours = False
    if not is_ours:
        raise ServerUnusable(
            f"What answers at {url} is no agent-analytics ({answer.status_code}). --server is the "
            "address of its API, such as https://analytics.example.com."
        )


def _candidates(url: str, endpoint: str | None) -> Iterator[str]:
    """Where its OTLP/HTTP may be."""
    if endpoint:
        yield endpoint.rstrip("/")
        return
    yield url
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    yield f"{parts.scheme}://{host}:4318"


def _takes_telemetry(client: httpx.Client, endpoint: str) -> bool:
    """Whether an export of nothing is answered as OTLP answers it."""
    import httpx

    try:
        answer = client.post(
            f"{endpoint}/v1/logs", content=b"", headers={"Content-Type": _PROTOBUF}
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return answer.is_success and answer.headers.get("content-type", "").startswith(_PROTOBUF)
