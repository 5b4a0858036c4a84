"""Where accepted requests are sent on to, and which of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import msgspec

from agent_analytics_collector.envelope import AGENT_HEADER, OTLP_SIGNALS, Signal
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import Forward
from agent_analytics_collector.settings import Settings

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class HeadersUnusable(AgentAnalyticsError):
    """The file with a destination's headers cannot be used; nothing is sent there until it can."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be used: {problem}. It holds a `name: value` in each line, such as "
            "`x-api-key: …`; `agent-analytics init --server` writes it anew."
        )


@dataclass(frozen=True)
class Destination:
    """One entry of `forward` in config.yaml."""

    home: Home
    forward: Forward

    @cached_property
    def key(self) -> str:
        """Names it in our files; a new file of headers is no new destination."""
        about = (self.forward.endpoint, self.forward.api, self.forward.agents)
        return blake2b(msgspec.json.encode(about), digest_size=6).hexdigest()

    @cached_property
    def signals(self) -> frozenset[Signal]:
        """What it takes."""
        otlp = {signal for signal in OTLP_SIGNALS if signal.value in self.forward.signals}
        rest = set(Signal) - set(OTLP_SIGNALS) if self.forward.api else set()
        return frozenset(otlp | rest)

    @property
    def is_third_party(self) -> bool:
        """Whether it is where an agent's telemetry went before: not told who sends, nor which
        agent, as the agent never told it."""
        return self.forward.agents is not None

    @property
    def headers_path(self) -> Path | None:
        name = self.forward.headers_file
        return self.home.root / name if name else None

    @property
    def ca_path(self) -> Path | None:
        name = self.forward.ca_file
        return self.home.root / name if name else None

    def takes(self, signal: Signal, headers: Mapping[str, str]) -> bool:
        """Whether a request is to go there."""
        agents = self.forward.agents
        return signal in self.signals and (agents is None or headers.get(AGENT_HEADER) in agents)

    def url(self, signal: Signal) -> str:
        """Where requests of a signal that it takes are posted."""
        base = self.forward.endpoint if signal in OTLP_SIGNALS else self.forward.api or ""
        return f"{base.rstrip('/')}/v1/{signal.value.replace('_', '-')}"

    def headers(self) -> dict[str, str]:
        """Of its file, names in lower case; none where no file is named. Raises HeadersUnusable."""
        return read_headers(self.headers_path) if self.headers_path else {}


def destinations(home: Home, settings: Settings) -> list[Destination]:
    """All of the settings; of two that are the same the first."""
    found = [Destination(home, forward) for forward in settings.forward]
    return list({each.key: each for each in reversed(found)}.values())[::-1]


def read_headers(path: Path) -> dict[str, str]:
    """The headers in a file; `#` begins a comment line. Raises HeadersUnusable."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise HeadersUnusable(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise HeadersUnusable(path, "it is not ASCII") from error
    headers: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not is_header(name, value):
            raise HeadersUnusable(path, f"line {number} is no header")
        headers[name.lower()] = value
    return headers


def is_header(name: str, value: str) -> bool:
    """Whether a file of headers can hold it."""
    return bool(_NAME.fullmatch(name)) and value.isascii() and value.isprintable()


def write_headers(headers: Mapping[str, str]) -> str:
    """The text of a file of headers, each of which `is_header`."""
    lines = [f"{name}: {value}\n" for name, value in headers.items()]
    return "".join(["# Headers of requests that agent-analytics sends on.\n", *lines])
