"""When each key was used last, to the minute: kept in memory, written now and then."""

from __future__ import annotations

import os
import time

import msgspec

from agent_analytics_collector.home import Home

WRITE_EVERY_S = 60.0


class KeyUse:
    """The running collector's own record of it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._used = read_key_use(home)
        self._changed = False
        self._written_at = float("-inf")

    def note(self, key_id: str, now: float) -> None:
        self._used[key_id] = int(now)
        self._changed = True

    def save(self, *, at_once: bool = False) -> None:
        """Write what is new, at most once a minute unless `at_once`. Raises OSError."""
        now = time.monotonic()
        if not self._changed or (now - self._written_at < WRITE_EVERY_S and not at_once):
            return
        self._changed, self._written_at = False, now
        temporary = self._home.key_use.with_suffix(".new")
        with open(temporary, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(msgspec.json.encode(self._used))
        os.replace(temporary, self._home.key_use)


def read_key_use(home: Home) -> dict[str, int]:
    """Seconds since 1970 by key; keys that were never used are not in it."""
    try:
        return msgspec.json.decode(home.key_use.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError):
        return {}
