"""Checks of hooks: git's in this repository, and what hooks noted and is not delivered."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import psutil

from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Verdict, how_long, ok, warn
from agent_analytics_cli.outbound.outbox import QUEUES, SESSION_RECORDS, SURVEYS

DELIVERY_IS_LATE_S = 60.0
LOG_IS_NEWS_S = 24 * 3600.0
_NOTES = {
    "commits": "Notes of commits that wait",
    "events": "Notes of what agents told that wait",
    "surveys": "Answers to `survey` that wait",
}
_LOG_TAIL_BYTES = 8192


def check_hook(situation: Situation) -> Verdict:
    """Whether commits of the repository around the current folder are noted."""
    from agent_analytics_cli.git.hook_status import State, hook_status
    from agent_analytics_cli.git.repository import NotARepository, find_repository

    if situation.trouble is not None:
        return warn("Not checked: the settings cannot be read.", "See the check `configuration`")
    if not situation.settings.git.track_commits:
        return ok("Commits are not tracked: git.track_commits is off.")
    try:
        repository = find_repository()
    except (NotARepository, FileNotFoundError):  # the folder itself may be gone
        return ok("This folder is in no git repository; inside one, doctor checks its hook.")
    here = repository.top_level or repository.git_dir
    found = hook_status(repository, situation.home)
    working = [status.event for status in found if status.state is State.IN_EFFECT]
    idle = [status for status in found if status.state is not State.IN_EFFECT]
    if not idle:
        return ok(f"Commits in {here} are noted ({', '.join(working)}).")
    if all(status.state is State.NOT_INSTALLED for status in found):
        said = f"Commits in {here} are not noted: no hook is installed."
    else:
        said = " ".join(f"{status.event} is {status.state}: {status.why}" for status in idle)
    can_install = any(status.state is State.NOT_INSTALLED for status in idle)
    command = "install" if can_install else "status"
    return warn(said, f"agent-analytics hooks {command}")


def check_outbox(situation: Situation) -> Verdict:
    """What waits to be delivered, and what the flusher has said in the last day."""
    outbox, log = situation.home.outbox, situation.log("hooks")
    waiting = waiting_notes(outbox)
    trouble = latest_trouble(log, waiting)
    if not waiting:
        if trouble:
            return warn(f"Nothing waits, but there was trouble: {trouble}", f"See {log}")
        return ok("No commit, no event of an agent and no answer waits to be delivered.")
    detail = " ".join(
        f"{_NOTES[queue]}: {lines:,}, the oldest for {how_long(age_s)} at least."
        for queue, (lines, age_s) in waiting.items()
    )
    is_late = any(age_s >= DELIVERY_IS_LATE_S for _, age_s in waiting.values())
    if trouble:
        detail += f" The last trouble: {trouble}"
    if _flusher_runs(outbox) and not is_late:
        return ok(f"{detail} They are being delivered.")
    is_there = situation.service or situation.settings.backend_url
    command = "log-commit --queued" if is_there else "up"
    return warn(detail, f"agent-analytics {command}")


def waiting_notes(outbox: Path) -> dict[str, tuple[int, float]]:
    """Of each queue that is not empty its lines, and for how many seconds the oldest waits."""
    files = {queue: [outbox / f"{queue}.jsonl"] for queue in QUEUES}
    files["commits"] += outbox.glob("noted*")
    found = {queue: _lines_and_age(paths) for queue, paths in files.items()}
    return {queue: (lines, age_s) for queue, (lines, age_s) in found.items() if lines}


def _lines_and_age(paths: Iterable[Path]) -> tuple[int, float]:
    """Number of lines in the files, and for how many seconds the oldest is unchanged."""
    lines, oldest_at = 0, time.time()
    for path in paths:
        try:
            with path.open("rb") as file:
                found = sum(1 for _ in file)
                changed_at = os.fstat(file.fileno()).st_mtime
        except (FileNotFoundError, NotADirectoryError):  # not there, or taken just now
            continue
        if found:
            lines, oldest_at = lines + found, min(oldest_at, changed_at)
    return lines, time.time() - oldest_at


def latest_trouble(
    log: Path, waiting: Collection[str], queues: Collection[str] = QUEUES
) -> str | None:
    """What the log's last line about these queues says, unless it is old.

    That a queue waits is trouble only while it is among `waiting`.
    """
    try:
        with log.open("rb") as file:
            status = os.fstat(file.fileno())
            if time.time() - status.st_mtime > LOG_IS_NEWS_S:
                return None
            file.seek(max(0, status.st_size - _LOG_TAIL_BYTES))
            tail = file.read().splitlines()
    except OSError:  # not there; the check of the home names one that is not ours to read
        return None
    for line in reversed(tail):
        try:
            said = json.loads(line)
            event = said["event"]
        except (ValueError, TypeError, KeyError):
            continue  # cut off, or no line of ours
        queue = _queue_of(said)
        is_over = event == f"{queue}_wait" and queue not in waiting
        if not is_over and (queue is None or queue in queues):
            why = said.get("problem") or said.get("reason")
            text = f"{event.replace('_', ' ')}{f': {why}' if why else ''}"
            return f"{text} ({said.get('timestamp', 'time unknown')})"
    return None


def _queue_of(said: dict[str, Any]) -> str | None:
    """What a line of the log is about; None where it does not tell."""
    if said["event"] in ("events_wait", "event_skipped") or said.get("path") == SESSION_RECORDS:
        return "events"
    if said["event"] == "surveys_wait" or said.get("path") == SURVEYS:
        return "surveys"
    if said["event"] in ("commits_wait", "commit_skipped") or "path" in said:
        return "commits"
    return None


def _flusher_runs(outbox: Path) -> bool:
    """As the hook sees it: a zombie, or what was given the pid since, is no flusher."""
    try:
        pid = int((outbox / "flusher.pid").read_text())
        return "--queued" in psutil.Process(pid).cmdline()
    except (OSError, ValueError, psutil.Error):
        return False
