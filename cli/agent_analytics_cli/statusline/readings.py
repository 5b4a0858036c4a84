"""Keeping what Claude Code says of its limits, without the status line waiting for it.

Every session repeats what its own last answer said, also while others use more: a reading that is
higher than any of its window, or of a newer window, is put into the outbox and delivered by a
process of its own, which outlives the status line. `run/limits.json` has the highest readings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from agent_analytics_cli.statusline.facts import Facts, Window
from agent_analytics_collector.home import Home

_MOST_INHERITED = 1024
"""Descriptors from 3 on below this one may be inherited."""
_LARGEST_ACCOUNT_FILE = 8 * 1024 * 1024
"""Reading it takes 3 ms a megabyte of the 100 that a status line has."""
_SAME_WINDOW_S = 300.0
"""Resets of one window differ by seconds."""
_LONGEST_WINDOW_S = 31 * 86_400.0

Highest = dict[str, dict[str, list[float]]]
"""Account, "" when unknown → window → highest used percentage, reset."""


def keep_readings(facts: Facts, home: Home, now: float) -> None:
    """Return at once; a child keeps and delivers the readings if they are new.

    Not where there is no home. One that `uninstall` left still keeps what a status line tells that
    calls us: Claude Code's own does not any more.
    """
    if not facts.told or facts.session_id is None or not home.outbox.is_dir():
        return
    if not _news(facts, _highest(home), _account(), now):
        return
    _in_background(lambda: store_readings(facts, home, now))


def store_readings(facts: Facts, home: Home, now: float) -> None:
    """Put new readings into the outbox and deliver it as far as somebody takes it.

    Raises OutboxUnusable, OSError.
    """
    import fcntl

    from agent_analytics_cli.outbound.flusher import flush_outbox
    from agent_analytics_cli.outbound.outbox import SESSION_RECORDS, Entry, Outbox
    from agent_analytics_cli.private_files import open_private

    home.run.mkdir(mode=0o700, exist_ok=True)
    with open(home.run / "limits.lock", "ab", opener=open_private) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several sessions hear the same reading at once
        highest, account = _highest(home), _account()
        news = _news(facts, highest, account, now)
        if not news:
            return
        Outbox(home, "events").append(
            Entry(SESSION_RECORDS, _record(facts, window, account, now)) for window in news
        )
        told = highest.setdefault(account or "", {})
        told |= {window.name: [window.used_percentage or 0.0, _end(window, now)] for window in news}
        temporary = home.run / "limits.json.new"
        with open(temporary, "w", encoding="utf-8", opener=open_private) as file:
            json.dump(_still_open(highest, now), file)
        os.replace(temporary, home.run / "limits.json")
    flush_outbox(home, linger_s=0)


def _record(facts: Facts, window: Window, account: str | None, now: float) -> dict[str, Any]:
    from agent_analytics_cli.statusline.text import moment

    payload = {
        "window": window.name,
        "used_percentage": window.used_percentage,
        "resets_at": window.resets_at,
        "account": account,
        "agent_version": facts.agent_version,
        "source": "status_line",
    }
    return {
        "agent": "claude_code",
        "session_id": facts.session_id,
        "kind": "rate_limit",
        "timestamp": moment(now),
        "payload": {key: value for key, value in payload.items() if value is not None},
    }


def _news(facts: Facts, highest: Highest, account: str | None, now: float) -> list[Window]:
    """The windows that are newer than what was told of the account, or used more."""
    told = highest.get(account or "", {})
    return [window for window in facts.windows if _is_news(window, told.get(window.name), now)]


def _is_news(window: Window, before: list[float] | None, now: float) -> bool:
    if before is None:
        return True
    used, end = before
    later_s = _end(window, now) - end
    if abs(later_s) <= _SAME_WINDOW_S:
        return (window.used_percentage or 0.0) > used
    return later_s > 0


def _end(window: Window, now: float) -> float:
    """Its reset; now where none is told, or one that would keep every later reading out."""
    longest_s = window.length_s or _LONGEST_WINDOW_S
    if window.resets_at is None or window.resets_at > now + longest_s + 600:
        return now
    return window.resets_at


def _still_open(highest: Highest, now: float) -> Highest:
    return {
        account: {name: each for name, each in told.items() if each[1] > now - _SAME_WINDOW_S}
        for account, told in highest.items()
    }


def _highest(home: Home) -> Highest:
    """Nothing where the file is missing or not as we write it."""
    try:
        said = json.loads((home.run / "limits.json").read_bytes())
        return {
            account: {name: [float(used), float(end)] for name, (used, end) in told.items()}
            for account, told in said.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _account() -> str | None:
    """Id of the account that Claude Code is logged in to, as its own `.claude.json` names it.

    The file is in `CLAUDE_CONFIG_DIR`, else beside `~/.claude` (2.1).
    """
    from agent_analytics_cli.machine import claude_config_dir, user_home, variable

    folder = claude_config_dir() if variable("CLAUDE_CONFIG_DIR") else user_home()
    path = folder / ".claude.json"
    try:
        if path.stat().st_size > _LARGEST_ACCOUNT_FILE:
            return None
        account = json.loads(path.read_bytes())["oauthAccount"]["accountUuid"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return account if isinstance(account, str) and 0 < len(account) <= 128 else None


def _in_background(work: Callable[[], None]) -> None:
    """Run `work` in a child that holds nothing of ours open; Claude Code waits for a line's end."""
    if os.fork() > 0:
        return
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        os.closerange(3, _MOST_INHERITED)
        os.chdir("/")  # a folder of the user's is not kept busy
        os.nice(19)
        with suppress(Exception):  # trouble of delivering is in the hooks' log
            work()
    finally:
        os._exit(0)
