"""How much a key may do in a minute: requests of the API, bytes and records of OTLP.

Counted over the last minute, not by the clock's minutes, and by the monotonic clock, so that no
jump of the clock locks anybody out. A restart forgets.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from agent_analytics_collector.access.principal import INSTALLATION, LOCAL, Principal
from agent_analytics_collector.otlp.status import OverBudget
from agent_analytics_collector.server_settings import LimitSettings

WINDOW_S = 60.0
_MOST_SENDERS = 20_000
"""Of the API, that are remembered; beyond, who was longest away goes."""
_UNLIMITED = frozenset({INSTALLATION.key_id, LOCAL.key_id})
"""This machine's own commands send what they have as fast as it is taken."""


class MovingWindow:
    """An amount that may be taken within any `window_s` seconds.

    Amounts within one `grain_s` are kept as one, so that memory does not grow with their number;
    with 0 the limit is exact.
    """

    def __init__(self, limit: int, window_s: float = WINDOW_S, grain_s: float = 0.0) -> None:
        self.limit = limit
        self._window_s = window_s
        self._grain_s = grain_s
        self._taken: deque[tuple[float, int]] = deque()
        """(when, amount), oldest first."""
        self._total = 0

    def wait_s(self, amount: int, now: float) -> float:
        """Seconds until `amount` can be taken; 0 when it can be now.

        More than the whole limit can be taken when nothing else was: it could never go otherwise.
        """
        self._forget(now)
        missing = self._total + amount - self.limit
        if missing <= 0 or not self._taken:
            return 0.0
        for at, taken in self._taken:
            missing -= taken
            if missing <= 0:
                return at + self._window_s - now
        return self._taken[-1][0] + self._window_s - now

    def take(self, amount: int, now: float) -> None:
        self._total += amount
        if self._taken and now - self._taken[-1][0] < self._grain_s:
            at, taken = self._taken[-1]
            self._taken[-1] = (at, taken + amount)
        else:
            self._taken.append((now, amount))

    def left(self, now: float) -> int:
        self._forget(now)
        return max(self.limit - self._total, 0)

    def empty_in_s(self, now: float) -> float:
        """Seconds until everything can be taken again."""
        self._forget(now)
        return self._taken[-1][0] + self._window_s - now if self._taken else 0.0

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0][0] <= now - self._window_s:
            self._total -= self._taken.popleft()[1]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what its sender is told either way."""

    retry_after_s: int | None
    """None: it may pass."""
    headers: tuple[tuple[str, str], ...]


class RequestLimit:
    """Requests a minute, of each sender of the API."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._windows: dict[str, MovingWindow] = {}
        self.refused = 0

    def ask(self, sender: str) -> Verdict:
        """Count a request of `sender`, a key's id or an address; refused ones do not count."""
        now = self._clock()
        window = self._windows.pop(sender, None) or MovingWindow(self.limit)
        self._windows[sender] = window  # at the end: the first is who was longest away
        if len(self._windows) > _MOST_SENDERS:
            del self._windows[next(iter(self._windows))]
        wait_s = window.wait_s(1, now)
        if wait_s > 0:
            self.refused += 1
        else:
            window.take(1, now)
        headers = (
            ("RateLimit-Limit", str(self.limit)),
            ("RateLimit-Remaining", str(window.left(now))),
            ("RateLimit-Reset", str(math.ceil(wait_s or window.empty_in_s(now)))),
        )
        return Verdict(math.ceil(wait_s) if wait_s > 0 else None, headers)


def is_limited(principal: Principal) -> bool:
    return principal.key_id not in _UNLIMITED


class OtlpBudget:
    """Bytes and records a minute, of each key; what is over is asked to come again later."""

    def __init__(self, limits: LimitSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bytes = _budgets(limits.otlp_bytes_per_minute)
        self._records = _budgets(limits.otlp_records_per_minute)

    def ask(self, principal: Principal, size: int) -> None:
        """Whether `size` bytes are within the budget; nothing is taken. Raises OverBudget."""
        if is_limited(principal):
            _refuse_over(self._bytes[principal.key_id], "bytes", size, self._clock())

    def take(self, principal: Principal, size: int, records: int) -> None:
        """Count a request that is about to be stored. Raises OverBudget, and counts nothing."""
        if not is_limited(principal):
            return
        now = self._clock()
        both = (
            (self._bytes[principal.key_id], "bytes", size),
            (self._records[principal.key_id], "records", records),
        )
        for window, what, amount in both:
            _refuse_over(window, what, amount, now)
        for window, _, amount in both:
            window.take(amount, now)


def _budgets(limit: int) -> defaultdict[str, MovingWindow]:
    """Key's id → what it sent; there are only as many as keys."""
    return defaultdict(lambda: MovingWindow(limit, grain_s=1.0))


def _refuse_over(window: MovingWindow, what: str, amount: int, now: float) -> None:
    wait_s = window.wait_s(amount, now)
    if wait_s > 0:
        raise OverBudget(f"{window.limit:,} {what}", math.ceil(wait_s))
