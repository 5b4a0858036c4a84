"""What several checks ask, asked once: the settings, the running collector, what `status` shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, load_settings
from agent_analytics_collector.state import ServiceState, read_service

ANSWER_TIMEOUT_S = 1.5

T = TypeVar("T")


class Silent(AgentAnalyticsError):
    """The collector is not there or does not answer as one; `next_step` says what to do."""

    def __init__(self, problem: str, next_step: str) -> None:
        self.next_step = next_step
        super().__init__(problem)


class Once(Generic[T]):
    """A function's answer, or the error it raised, computed by the first of many threads."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answers: list[T] = []
        self._error: Exception | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._error is not None:
                raise self._error
            if not self._answers:
                try:
                    self._answers.append(self._ask())
                except Exception as error:
                    self._error = error
                    raise
            return self._answers[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a collector that answers said of itself."""

    base_url: str
    version: str
    unready: list[str]
    """Why it does not take or load records; empty when it does."""
    skew_s: float | None
    """Its clock minus ours, at least so much; None when it does not tell the time."""


@dataclass
class Situation:
    """One home, as the checks see it."""

    home: Home
    settings: Settings
    """The defaults when they cannot be read."""
    trouble: AgentAnalyticsError | None = None
    """Why the settings cannot be read."""
    service: ServiceState | None = None
    """The collector that runs for this home."""
    collector: Once[Answer] = field(init=False)
    """The collector that commits go to. Raises Silent."""
    overview: Once[dict[str, Any]] = field(init=False)
    """What `status --json` prints. It opens and closes the DuckDB file, which drops the locks
    this process has on it: whoever opens that file calls this before."""

    def __post_init__(self) -> None:
        self.collector = Once(lambda: _ask(self))
        self.overview = Once(self._overview)

    @classmethod
    def of(cls, home: Home) -> Situation:
        try:
            service = read_service(home)
        except OSError:  # not ours to read; the check of the home says so
            service = None
        try:
            return cls(home, load_settings(home).settings, None, service)
        except AgentAnalyticsError as error:
            return cls(home, Settings(), error, service)

    def log(self, name: str) -> Path:
        return self.home.logs / f"{name}.log"

    def _overview(self) -> dict[str, Any]:
        from agent_analytics_collector.overview import overview

        return overview(self.home)


def sentence_of(error: Exception) -> str:
    """What an error says, with a full stop."""
    return str(error).rstrip(".") + "."


def _ask(situation: Situation) -> Answer:
    import httpx

    from agent_analytics_cli.outbound.api_client import ApiClient
    from agent_analytics_collector.addresses import is_loopback

    settings, service = situation.settings, situation.service
    if settings.backend_url is None and service is None:
        raise Silent("No collector is running for this home.", "agent-analytics up")
    if settings.backend_url is not None or service is None:
        next_step = (
            f"Check backend_url in {situation.home.config_file}, and that its collector runs"
        )
    else:
        next_step = (
            f"Stop process {service.pid} and start `agent-analytics up` again; "
            f"{situation.log('service')} may say why"
        )
    with ApiClient.connect(situation.home, settings, ANSWER_TIMEOUT_S) as api:
        base_url, verify = api.base_url, api.verify
    # No secret goes along: whoever answers need not be a collector.
    try:
        with httpx.Client(
            base_url=base_url,
            timeout=ANSWER_TIMEOUT_S,
            trust_env=not is_loopback(base_url),
            verify=verify,
        ) as client:
            asked_at = time.time()
            health = client.get("/healthz")
            answered_at = time.time()
            readiness = client.get("/readyz")
    except httpx.TimeoutException as error:
        raise Silent(f"{base_url} does not answer.", next_step) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Silent(f"{base_url} cannot be reached: {error}.", next_step) from error
    version = _body(health).get("version")
    if not health.is_success or not isinstance(version, str):
        problem = f"What answers at {base_url} is no agent-analytics collector"
        raise Silent(f"{problem} ({health.status_code}).", next_step)
    skew_s = _skew_s(health.headers.get("date"), asked_at, answered_at)
    return Answer(base_url, version, _unready(readiness), skew_s)


def _unready(readiness: Any) -> list[str]:
    if readiness.is_success:
        return []
    reasons = _body(readiness).get("reasons")
    if isinstance(reasons, list) and reasons:
        return [str(reason) for reason in reasons]
    return [f"it answers {readiness.status_code} to /readyz"]


def _body(answer: Any) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _skew_s(date: str | None, asked_at: float, answered_at: float) -> float | None:
    """How far the server's clock is from ours at least; its header cuts off parts of a second."""
    try:
        told = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    ahead, behind = told - answered_at, told + 1 - asked_at
    return ahead if ahead > 0 else min(behind, 0.0)
