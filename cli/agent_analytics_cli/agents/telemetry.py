"""What switching any agent's telemetry on comes to: where to, what changes, what is in effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from agent_analytics_cli.changes import ChangeRefused, FileChange, masked
from agent_analytics_cli.receipt import Entry, FragmentLost, Replaced, undo
from agent_analytics_collector.server_settings import Forward


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where telemetry is to go."""

    endpoint: str
    """OTLP/gRPC."""
    http_endpoint: str | None
    """Base address of OTLP/HTTP; None when it is not known."""
    headers: Mapping[str, str]
    """Who sends; with a backend elsewhere its key, which is a secret, too."""

    @property
    def is_elsewhere(self) -> bool:
        """What agents send leaves this machine."""
        from agent_analytics_collector.addresses import is_loopback

        return not is_loopback(self.endpoint)


@dataclass(frozen=True, slots=True)
class KeptReceiver:
    """Where an agent sent its telemetry before, which is to get it still."""

    agent: str
    """As `enabled_agents` names it."""
    endpoint: str
    """Base URL of its OTLP/HTTP."""
    headers: Mapping[str, str]
    """That the agent sent along; keys are among them."""
    signals: tuple[str, ...]

    def forward(self, headers_file: str) -> Forward:
        """As config.yaml has it."""
        return Forward(
            self.endpoint, headers_file=headers_file, signals=self.signals, agents=(self.agent,)
        )


@dataclass(frozen=True, slots=True)
class TelemetryPlan:
    """What switching an agent's telemetry on would do."""

    change: FileChange | None
    """Of its settings file; None when nothing is to be done, or nothing may be."""
    fragment: str
    """What of the changed file is ours."""
    conflicts: list[str]
    """Settings that would be overridden, or override ours: then nothing is changed."""
    kept: list[str]
    """What the user has set otherwise, which stays, and what else is worth knowing."""
    files: tuple[FileChange, ...] = ()
    """Files of our own that the change needs."""
    fragments: tuple[str, ...] = ()
    """In place of `fragment`, where what is ours is in several pieces."""
    replaced: tuple[Replaced, ...] = ()
    """Values of the user's that ours took the place of."""
    receiver: KeptReceiver | None = None
    """Where those values led to; with conflicts, whom what it sends could go on to."""


@dataclass(frozen=True, slots=True)
class TelemetryState:
    """What an agent's next session will do."""

    enabled: bool
    """It sends telemetry over OTLP."""
    endpoint: str | None = None
    """Where to; None when no endpoint is set."""
    over_http: bool = False
    origin: str | None = None
    """The file, or "the shell's environment", that the endpoint comes from."""
    problems: list[str] = field(default_factory=list)
    """Sentences: settings that the agent cannot use, or that hide others."""


def http_base_of(endpoint: str, *, over_http: bool) -> str | None:
    """The base address of OTLP/HTTP of a receiver that an agent sends to; None if not known.

    Of one that is sent gRPC it is port 4318 beside 4317.
    """
    endpoint = endpoint.strip().rstrip("/")
    try:
        url = urlsplit(endpoint)
        if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc:
            return None
        if over_http:
            return endpoint
        if url.port != 4317:
            return None
    except ValueError:  # no number, or no port's
        return None
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{host}:4318"


def elsewhere(title: str) -> str:
    """What a person can do whose agent already sends telemetry to somebody else."""
    return (
        "To keep both, have that receiver (an OpenTelemetry Collector, say) forward to the "
        "collector of agent-analytics; or leave telemetry as it is and read "
        f"{title}'s session files with `agent-analytics import`."
    )


def same_endpoint(one: object, other: object) -> bool:
    """Whether two addresses come to the same."""
    return _plain(one) == _plain(other)


def shown(value: object) -> str:
    """A setting's value as a person may see it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return masked(text)


def without_ours(entry: Entry | None, current: bytes | None) -> bytes | None:
    """The file as it would be without us. Raises ChangeRefused."""
    if entry is None or current is None:
        return current
    try:
        change = undo(entry)
    except FragmentLost as error:
        raise ChangeRefused(
            Path(entry.path),
            "what agent-analytics put in was edited since. Take that out, then run this again",
        ) from error
    return current if change is None else change.after


def text_of(path: Path, content: bytes | None) -> str:
    """The file's text; "" where there is none. Raises ChangeRefused."""
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as error:
        raise ChangeRefused(path, "it is not UTF-8") from error


def _plain(endpoint: object) -> str:
    return str(endpoint).strip().rstrip("/").lower().replace("//localhost:", "//127.0.0.1:")
