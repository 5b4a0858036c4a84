"""Keeps the loader waiting while a large import needs the cores; loading is next."""

from __future__ import annotations

import os
import time
from types import TracebackType

from agent_analytics_collector.home import Home

LONGEST_S = 20.0
"""Then the loader gets its share, however much there is left to import."""
_AGAIN_S = 1.0


class LoadingPause:
    """`with LoadingPause(home) as pause: pause.go_on()`, called every now and then."""

    def __init__(self, home: Home) -> None:
        self._want = home.want
        self._began = time.monotonic()
        self._touched = 0.0
        self._mtime_ns: int | None = None
        """Of the file as we left it; another's is another program's wish."""

    def __enter__(self) -> LoadingPause:
        self.go_on()
        return self

    def go_on(self) -> None:
        """The import still runs."""
        now = time.monotonic()
        if now - self._touched < _AGAIN_S or now - self._began > LONGEST_S:
            return
        self._touched = now
        try:
            self._want.touch(mode=0o600)
            self._mtime_ns = os.stat(self._want).st_mtime_ns
        except OSError:  # no collector of this home has run yet
            self._mtime_ns = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if os.stat(self._want).st_mtime_ns == self._mtime_ns:
                self._want.unlink()
        except OSError:
            pass
