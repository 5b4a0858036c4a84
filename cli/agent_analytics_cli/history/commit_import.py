"""Imports the history of repositories: what is new in it, delivered as the hook would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from agent_analytics_cli.git.commit_facts import read_commits
from agent_analytics_cli.git.history import count_new, new_commits, tips
from agent_analytics_cli.git.repository import Repository
from agent_analytics_cli.git.tracked import Tracked
from agent_analytics_cli.history.note_import import ImportedNotes, import_notes
from agent_analytics_cli.outbound.api_client import ApiClient
from agent_analytics_cli.outbound.delivery import Body, deliver_patiently, in_batches
from agent_analytics_cli.outbound.outbox import COMMITS
from agent_analytics_collector.line_hashes import LineHasher

Progress = Callable[[int, int], None]
"""Called with (commits done, commits to do) now and then."""
_MOST_REASONS = 20


class Imported(msgspec.Struct):
    """What importing one repository did, or with --dry-run would do."""

    repository: str
    commits: int
    """New ones."""
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    unreadable: int = 0
    """Commits that git cannot read."""
    reasons: list[str] = []
    """Why the first of them were refused or unreadable."""
    notes: ImportedNotes | None = None
    """What became of its git-ai notes; None when they were not looked at."""


def look(repository: Repository, tracked: Tracked, since: date | None, *, again: bool) -> Imported:
    """How much is new, without reading it. Raises GitFailed."""
    known = () if again else tracked.of(repository).tips
    return Imported(repository.identity, count_new(repository, known, since))


def import_history(
    repository: Repository,
    api: ApiClient,
    tracked: Tracked,
    hasher: LineHasher,
    *,
    project_id: str | None,
    since: date | None = None,
    again: bool = False,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
) -> Imported:
    """Deliver commits and git-ai notes that were not before; then the repository is followed.

    With `since` older history stays undelivered, and a later import without it brings that.
    Raises GitFailed, ApiUnreachable, ApiRefused, HomeUnusable.
    """
    followed = tracked.of(repository)
    known = [] if again else followed.tips
    reached = tips(repository)
    total, done = count_new(repository, known, since), 0
    outcome = Imported(repository.identity, total)
    for hashes in new_commits(repository, known, since):
        read = read_commits(repository, hashes, project_id=project_id, hasher=hasher)
        outcome.unreadable += len(read.problems)
        for name, reason in read.problems.items():
            _note(outcome, name, reason)
        bodies = [payload | {"recorded_by": "backfill"} for payload in read.payloads.values()]
        for batch in in_batches(bodies):
            _count(outcome, batch, api, timeout_s)
        done += len(hashes)
        if progress:
            progress(done, total)
    if since is None:
        followed.tips = reached
    tracked.keep(repository, followed)
    outcome.notes = import_notes(repository, api, None if again else followed.notes_tip, timeout_s)
    followed.notes_tip = outcome.notes.tip
    tracked.keep(repository, followed)
    return outcome


def _count(outcome: Imported, batch: list[Body], api: ApiClient, timeout_s: float) -> None:
    delivered = deliver_patiently(api, COMMITS, batch, timeout_s)
    outcome.accepted += delivered.accepted
    outcome.duplicate += delivered.duplicate
    outcome.refused += len(delivered.refused)
    for body, reason in delivered.refused:
        _note(outcome, body["commit_hash"], reason)


def _note(outcome: Imported, commit_hash: str, reason: str) -> None:
    if len(outcome.reasons) < _MOST_REASONS:
        outcome.reasons.append(f"{commit_hash[:10]}: {reason}")
