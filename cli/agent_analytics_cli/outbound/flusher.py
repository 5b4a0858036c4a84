"""The flusher: one process at a time that delivers what git hooks and agents' hooks noted.

Hooks start it, detached, when `flusher.pid` names no living process; `up` starts it when something
waits. It takes `noted`, reads the facts from git, keeps them in the outbox, delivers the outbox,
lingers for more (a rebase commits many times) and ends. Whatever kills it in between: what is
not delivered is in `noted`, in a taken `noted.*` or in a queue of the outbox, and delivered twice
is stored once.
"""

from __future__ import annotations

import fcntl
import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_analytics_cli.private_files import open_private
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home

if TYPE_CHECKING:
    from agent_analytics_cli.noted import Kept
    from agent_analytics_collector.settings import Settings

LINGER_S = 2.0
POLL_S = 0.4
PATIENCE_S = 3.0
"""How long another flusher may leave noted lines alone before we trust that it will see them."""
TIMEOUT_S = 10.0
_QUEUES = ("commits.jsonl", "events.jsonl", "surveys.jsonl")
"""Of `outbox.QUEUES`, whose module would be too much to import when there is no work."""


def has_work(home: Home) -> bool:
    """Whether anything in the outbox waits for a flusher."""
    try:
        with os.scandir(home.outbox) as found:
            return any(
                entry.name.split(".")[0] == "noted"
                or (entry.name in _QUEUES and entry.stat().st_size > 0)
                for entry in found
            )
    except OSError:
        return False


def flush_outbox(home: Home, linger_s: float = LINGER_S) -> None:
    """Deliver what waits, and what comes while lingering; return at once when nothing does.

    Expected trouble is in `logs/hooks.log`, and what it is about stays in the outbox.
    """
    if not has_work(home):
        return
    try:
        with _only_one(home) as alone:
            if not alone:
                return
            try:
                _work(home, linger_s)
            finally:
                _release_pid(home)
    except (AgentAnalyticsError, OSError) as error:
        hooks_log(home).error("flusher_stopped", problem=str(error))


def _work(home: Home, linger_s: float) -> None:
    kept: set[Kept] = set()
    while True:
        _claim_pid(home)
        is_empty = _drain(home, kept)
        until = time.monotonic() + linger_s
        while time.monotonic() < until:
            time.sleep(min(POLL_S, linger_s))
            if _has_news(home, is_empty):
                _claim_pid(home)
                is_empty = _drain(home, kept)
                until = time.monotonic() + linger_s
        # A hook that still saw our pid started nobody: after it is gone, look once more.
        _release_pid(home)
        if not _has_news(home, is_empty):
            return


def _drain(home: Home, kept: set[Kept]) -> bool:
    """Empty `noted` into the outbox and the outbox into the API; whether that took all of it."""
    from agent_analytics_cli.outbound.outbox import QUEUES
    from agent_analytics_collector.settings import load_settings

    settings = load_settings(home).settings
    _collect(home, settings, kept)
    return all([_deliver(home, settings, queue) for queue in QUEUES])


def _collect(home: Home, settings: Settings, kept: set[Kept]) -> None:
    from agent_analytics_cli import noted

    for taken in noted.take(home):
        done = 0
        give_up_at = time.monotonic() + PATIENCE_S
        while not noted.forget(taken, done):
            content = taken.read_bytes()
            if len(content) > done:
                _keep(home, settings, content[done:], kept)
                done = len(content)
            elif time.monotonic() > give_up_at:  # a hook that stands still; the next flusher's
                break
            else:
                time.sleep(noted.SETTLE_S)


def _keep(home: Home, settings: Settings, content: bytes, kept: set[Kept]) -> None:
    """Noted lines become entries of the outbox."""
    from agent_analytics_cli import noted
    from agent_analytics_cli.git.repository import git_version
    from agent_analytics_cli.git.tracked import Tracked
    from agent_analytics_cli.outbound.outbox import Outbox
    from agent_analytics_collector.line_hashes import home_hasher

    if not settings.git.track_commits:
        return
    git_version()  # raises: without git nothing is gone, the lines wait for it
    lines, unsound = noted.parse(content)
    hasher = home_hasher(home, settings.git.line_key_file)
    outcome = noted.read_facts(lines, settings.project_id, hasher, kept)
    tracked = Tracked.load(home, settings.backend_url)
    for repository in outcome.repositories:
        tracked.keep(repository)
    if dropped := Outbox(home).append(outcome.entries):
        hooks_log(home).warning("outbox_full", dropped_oldest=dropped)
    if unsound:
        hooks_log(home).warning("unsound_lines_noted", lines=unsound)
    for problem in outcome.problems:
        hooks_log(home).warning("commit_skipped", **problem)


def _deliver(home: Home, settings: Settings, queue: str) -> bool:
    """Whether nothing of the queue waits any more."""
    from agent_analytics_cli.outbound.outbox import Outbox

    outbox = Outbox(home, queue)
    batch, damaged = outbox.next_batch()
    if damaged:
        hooks_log(home).warning(
            "damaged_lines_set_aside", lines=damaged, file=str(outbox.damaged_path)
        )
    if batch is None:
        return True
    if not is_reachable(home, settings):
        return False
    from agent_analytics_cli.outbound.api_client import ApiClient, ApiRefused, ApiUnreachable
    from agent_analytics_cli.outbound.delivery import deliver

    with ApiClient.connect(home, settings, TIMEOUT_S) as api:
        while batch is not None:
            try:
                delivered = deliver(api, batch.path, batch.bodies)
            except (ApiUnreachable, ApiRefused) as error:
                hooks_log(home).warning(f"{queue}_wait", problem=str(error))
                return False
            for body, reason in delivered.refused:
                about = body.get("commit_hash") or body.get("new_hash") or body.get("kind")
                hooks_log(home).error(
                    "refused_for_good", path=batch.path, commit=about, reason=reason
                )
            outbox.remove(batch.lines)
            batch, _ = outbox.next_batch()
    return True


def is_reachable(home: Home, settings: Settings) -> bool:
    """False when there is nobody to ask, which is no trouble: `up` delivers what waits."""
    from agent_analytics_collector.state import read_service

    return bool(settings.backend_url) or read_service(home) is not None


def _has_news(home: Home, was_empty: bool) -> bool:
    """Whether more came; in a queue that nobody takes, nothing is new."""
    return _is_noted(home) or (was_empty and has_work(home))


def _is_noted(home: Home) -> bool:
    return (home.outbox / "noted").exists()


@contextmanager
def _only_one(home: Home) -> Iterator[bool]:
    """Whether we are the one flusher.

    While lines are noted that the other does not take, it may be about to end: it is waited for.
    """
    with open(home.outbox / "flusher.lock", "ab", opener=open_private) as file:
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not _is_noted(home) or time.monotonic() > give_up_at:
                    yield False
                    return
                time.sleep(POLL_S / 4)
            else:
                yield True
                return


def _claim_pid(home: Home) -> None:
    """Two hooks at once start two flushers, and the file may name the one that left."""
    path = _pid_file(home)
    ours = f"{os.getpid()}\n"
    try:
        if path.read_text(encoding="ascii") == ours:
            return
    except (OSError, UnicodeDecodeError):
        pass
    with open(path, "w", encoding="ascii", opener=open_private) as file:
        file.write(ours)


def _release_pid(home: Home) -> None:
    with suppress(OSError):
        _pid_file(home).unlink()


def _pid_file(home: Home) -> Path:
    return home.outbox / "flusher.pid"


@functools.cache
def hooks_log(home: Home) -> Any:
    """`logs/hooks.log`, opened when there is something to say: structlog takes 100 ms."""
    import logging

    import structlog

    from agent_analytics_collector.logs import configure_logging

    with suppress(OSError):  # not ours to write: delivering goes on, and doctor names the file
        configure_logging(home, "hooks")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log each request
    return structlog.get_logger()
