"""Imports agents' session files: what is new in them, and what delivering it did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.outbound.api_client import ApiClient
from agent_analytics_cli.sessions.delivery import Outcome, deliver_files
from agent_analytics_cli.sessions.plan import Plan
from agent_analytics_cli.sessions.workers import ATTEMPT_S, deliver_in_parallel, worker_count
from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import home_hasher
from agent_analytics_collector.settings import Settings

Progress = Callable[[int, int], None]
"""Called with (bytes read, bytes to read) now and then."""


class Summary(msgspec.Struct):
    """What an import did, or with --dry-run would do."""

    folders: list[str]
    """Those with session files; all that were looked at when none has any."""
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


def look(plan: Plan, home: Home, settings: Settings, progress: Progress | None = None) -> Summary:
    """Read what is planned and deliver nothing. Raises HomeUnusable."""
    hasher = home_hasher(home, settings.git.line_key_file)
    outcome, tell = Outcome(), _teller(plan, progress)
    for each in plan.waiting:
        read = READERS[each.agent].read
        for record in read(each.file, outcome.trouble, each.reading, hasher):
            outcome.survey.add(record)
        outcome.files += each.file.path not in outcome.trouble.unreadable
        tell(each.size)
    return _summary(plan, outcome)


def deliver(
    plan: Plan,
    home: Home,
    settings: Settings,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
) -> Summary:
    """Deliver what is planned; each file is remembered once the collector has all of it.

    What the collector asks to send later is sent again until `timeout_s` went by without anything
    being taken; what is left then is `files_left`. Raises NotRunning, ApiRefused, HomeUnusable,
    WorkerFailed.
    """
    tell, remember = _teller(plan, progress), plan.imported.add
    hasher = home_hasher(home, settings.git.line_key_file)
    with ApiClient.connect(home, settings, ATTEMPT_S) as api:
        if worker_count(plan.size) == 1:
            outcome = deliver_files(plan.waiting, api, timeout_s, remember, tell, hasher)
        else:
            outcome = deliver_in_parallel(plan.waiting, home, timeout_s, remember, tell)
    return _summary(plan, outcome)


def _teller(plan: Plan, progress: Progress | None) -> Callable[[int], None]:
    """What to call with the bytes of each part that was read."""
    total, done = plan.size, 0

    def tell(size: int) -> None:
        nonlocal done
        done += size
        if progress:
            progress(done, total)

    return tell


def _summary(plan: Plan, outcome: Outcome) -> Summary:
    trouble, survey = outcome.trouble, outcome.survey
    failed = sum(each.file.path in trouble.unreadable for each in plan.waiting)
    trouble.add(plan.trouble)
    return Summary(
        folders=[str(folder) for folder in plan.folders],
        files_read=outcome.files,
        files_unchanged=plan.unchanged,
        files_left=len(plan.waiting) - failed - outcome.files,
        sessions=len(survey.sessions),
        records=survey.records,
        first_at=survey.first_at,
        last_at=survey.last_at,
        accepted=outcome.accepted,
        duplicate=outcome.duplicate,
        rejected=outcome.rejected,
        damaged_lines=trouble.damaged_lines,
        unreadable=[f"{path}: {reason}" for path, reason in trouble.unreadable.items()],
        problems=outcome.problems,
    )
