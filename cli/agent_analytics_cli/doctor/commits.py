"""Checks of git's side: the hook in this repository, and what hooks noted and is not delivered."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import psutil

from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Verdict, how_long, ok, warn

DELIVERY_IS_LATE_S = 60.0
LOG_IS_NEWS_S = 24 * 3600.0
WAIT = "commits_wait"
"""The flusher's word for a delivery that is tried again."""
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
    waiting, age_s = _waiting(outbox)
    trouble = latest_trouble(log, resolved=not waiting)
    if not waiting:
        if trouble:
            return warn(f"Nothing waits, but a commit had trouble: {trouble}", f"See {log}")
        return ok("No commit waits to be delivered.")
    detail = f"Notes of commits that wait: {waiting:,}, the oldest for {how_long(age_s)} at least."
    if trouble:
        detail += f" The last trouble: {trouble}"
    if _flusher_runs(outbox) and age_s < DELIVERY_IS_LATE_S:
        return ok(f"{detail} They are being delivered.")
    is_there = situation.service or situation.settings.backend_url
    command = "log-commit --queued" if is_there else "up"
    return warn(detail, f"agent-analytics {command}")


def _waiting(outbox: Path) -> tuple[int, float]:
    """Number of lines in files that wait, and for how many seconds the oldest is unchanged."""
    lines, oldest_at = 0, time.time()
    for path in (*outbox.glob("noted*"), outbox / "commits.jsonl"):
        try:
            with path.open("rb") as file:
                found = sum(1 for _ in file)
                changed_at = os.fstat(file.fileno()).st_mtime
        except (FileNotFoundError, NotADirectoryError):  # not there, or taken just now
            continue
        if found:
            lines, oldest_at = lines + found, min(oldest_at, changed_at)
    return lines, time.time() - oldest_at


def latest_trouble(log: Path, *, resolved: bool) -> str | None:
    """What the log's last line says, unless it is old; `resolved` leaves out that commits wait."""
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
        if not (resolved and event == WAIT):
            why = said.get("problem") or said.get("reason")
            text = f"{event.replace('_', ' ')}{f': {why}' if why else ''}"
            return f"{text} ({said.get('timestamp', 'time unknown')})"
    return None


def _flusher_runs(outbox: Path) -> bool:
    """As the hook sees it: a zombie, or what was given the pid since, is no flusher."""
    try:
        pid = int((outbox / "flusher.pid").read_text())
        return "--queued" in psutil.Process(pid).cmdline()
    except (OSError, ValueError, psutil.Error):
        return False
