"""Imports agents' session files: which there are, which are new, what delivering them did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from agent_analytics_cli.agents import READERS, SessionReader
from agent_analytics_cli.agents.session_file import Record, SessionFile, Trouble
from agent_analytics_cli.api_client import ApiClient, ApiUnreachable
from agent_analytics_cli.imported import Imported
from agent_analytics_cli.session_delivery import Answers, Delivery
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings

ATTEMPT_S = 30.0
"""What the collector gets to answer one batch."""

Progress = Callable[[int, int], None]
"""Called with (bytes read, bytes to read) after each file."""


@dataclass(slots=True)
class Plan:
    """The session files there are, and which of them are to be read."""

    titles: list[str]
    """The agents, for people."""
    folders: list[Path]
    """Where their files were looked for."""
    imported: Imported
    trouble: Trouble = field(default_factory=Trouble)
    waiting: list[tuple[SessionReader, SessionFile]] = field(default_factory=list)
    unchanged: int = 0
    """Files that were delivered before and are the same still."""


class Summary(msgspec.Struct):
    """What an import did, or with --dry-run would do."""

    folders: list[str]
    files_read: int
    files_unchanged: int
    """Delivered before and the same still, so not read."""
    files_left: int
    """To be delivered by the next import, because the collector did not take them in time."""
    sessions: int
    records: int
    first_at: datetime | None
    """Time of the earliest record that was read; None without any."""
    last_at: datetime | None
    accepted: int
    duplicate: int
    rejected: int
    damaged_lines: int
    unreadable: list[str]
    """`path: reason` of files and folders."""
    problems: list[str]
    """Why the first records were rejected, and why files are left."""


def plan_import(
    home: Home, settings: Settings, user_home: Path | None = None, *, again: bool = False
) -> Plan:
    """What an import would read: the new and changed session files of the enabled agents.

    They are looked for under `user_home`, by default where the agents themselves look; `again`
    takes the unchanged ones as well.
    """
    readers = [READERS[agent] for agent in settings.enabled_agents if agent in READERS]
    folders = [reader.folder(user_home) for reader in readers]
    imported = Imported.load(home, settings.backend_url)
    plan = Plan([reader.title for reader in readers], folders, imported)
    for reader, folder in zip(readers, folders, strict=True):
        found = reader.find(folder, plan.trouble)
        imported.forget_missing(folder, found)
        for file in found:
            if imported.has(file) and not again:
                plan.unchanged += 1
            else:
                plan.waiting.append((reader, file))
    return plan


def look(plan: Plan, progress: Progress | None = None) -> Summary:
    """Read what is planned and deliver nothing."""
    survey = _Survey()
    for _, records in _read(plan, progress):
        for record in records:
            survey.add(record)
    return _summary(plan, survey, Answers(), len(plan.waiting) - _failed(plan))


def deliver(
    plan: Plan,
    home: Home,
    settings: Settings,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
) -> Summary:
    """Deliver what is planned; each file is remembered once the collector has all of it.

    What the collector asks to send later is sent again until `timeout_s` went by without anything
    being taken; what is left then is `files_left`. Raises NotRunning, ApiRefused, HomeUnusable.
    """
    survey = _Survey()
    with ApiClient.connect(home, settings, ATTEMPT_S) as api:
        delivery = Delivery(api, timeout_s, plan.imported)
        try:
            for file, records in _read(plan, progress):
                for record in records:
                    survey.add(record)
                    delivery.add(record)
                if file.path not in plan.trouble.unreadable:
                    delivery.end_file(file)
            delivery.flush()
        except ApiUnreachable as error:
            delivery.answers.problems.append(str(error))
    return _summary(plan, survey, delivery.answers, delivery.files)


class _Survey:
    """What the records are about."""

    def __init__(self) -> None:
        self.records = 0
        self.sessions: set[tuple[str, str]] = set()
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None

    def add(self, record: Record) -> None:
        at = datetime.fromisoformat(record["timestamp"])
        self.records += 1
        self.sessions.add((record["agent"], record["session_id"]))
        self.first_at = min(self.first_at or at, at)
        self.last_at = max(self.last_at or at, at)


def _read(plan: Plan, progress: Progress | None) -> Iterator[tuple[SessionFile, Iterator[Record]]]:
    total, done = sum(file.size for _, file in plan.waiting), 0
    for reader, file in plan.waiting:
        yield file, reader.read(file, plan.trouble)
        done += file.size
        if progress:
            progress(done, total)


def _failed(plan: Plan) -> int:
    """Files that could not be read to their end."""
    return sum(file.path in plan.trouble.unreadable for _, file in plan.waiting)


def _summary(plan: Plan, survey: _Survey, answers: Answers, files_read: int) -> Summary:
    return Summary(
        folders=[str(folder) for folder in plan.folders],
        files_read=files_read,
        files_unchanged=plan.unchanged,
        files_left=len(plan.waiting) - _failed(plan) - files_read,
        sessions=len(survey.sessions),
        records=survey.records,
        first_at=survey.first_at,
        last_at=survey.last_at,
        accepted=answers.accepted,
        duplicate=answers.duplicate,
        rejected=answers.rejected,
        damaged_lines=plan.trouble.damaged_lines,
        unreadable=[f"{path}: {reason}" for path, reason in plan.trouble.unreadable.items()],
        problems=answers.problems,
    )
