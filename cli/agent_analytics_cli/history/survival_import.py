"""Measures the survival of lines in followed repositories and delivers it, day by day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import msgspec

from agent_analytics_cli.git.repository import Repository
from agent_analytics_cli.git.tracked import Tracked
from agent_analytics_cli.history.survival import TimeRanOut, landed, measure
from agent_analytics_cli.outbound.api_client import ApiClient
from agent_analytics_cli.outbound.delivery import Body, deliver_patiently, in_batches
from agent_analytics_collector.line_hashes import LineHasher

PATH = "/v1/line-survival"
Told = Callable[[Repository, int, date], None]
"""Called with (repository, age in days, day of its commits) that was measured."""


_MOST_REASONS = 20


class AtAge(msgspec.Struct):
    """What was found at one age."""

    age_days: int
    commits: int = 0
    lines_at_start: int = 0
    lines_alive: int = 0


class Measured(msgspec.Struct):
    """What measuring one repository did."""

    repository: str
    commits: int = 0
    """Commits whose lines were looked for, at any age."""
    ages: list[AtAge] = []
    """Those at which lines of commits were looked for."""
    refused: int = 0
    reasons: list[str] = []
    """Why the first of them were refused."""
    is_finished: bool = True
    """False when time ran out; the next run goes on there."""


def measure_and_deliver(
    repository: Repository,
    api: ApiClient,
    tracked: Tracked,
    hasher: LineHasher,
    now: datetime,
    *,
    ages: Sequence[int],
    since: date | None,
    again: bool,
    until_s: float,
    timeout_s: float,
    told: Told | None = None,
) -> Measured:
    """Measure what is due until `until_s` (`time.monotonic()`); what is delivered is remembered.

    Raises GitFailed, ApiUnreachable, ApiRefused, HomeUnusable.
    """
    outcome = Measured(repository.identity)
    followed = tracked.of(repository)
    _deliver(api, landed(repository, now), timeout_s, outcome)
    known = {} if again or since else dict(followed.measured)
    commits: set[str] = set()
    try:
        for age, day, records in measure(
            repository, hasher, known, now, ages=ages, since=since, until_s=until_s
        ):
            _deliver(api, records, timeout_s, outcome)
            commits.update(record["commit_hash"] for record in records)
            _count(outcome, age, records)
            if since is None:
                followed.measured[age] = max(day, followed.measured.get(age, day))
                tracked.keep(repository, followed)
            if told and records:
                told(repository, age, day)
    except TimeRanOut:
        outcome.is_finished = False
    outcome.commits = len(commits)
    return outcome


def _count(outcome: Measured, age: int, records: Sequence[Body]) -> None:
    if not records:
        return
    if not outcome.ages or outcome.ages[-1].age_days != age:
        outcome.ages.append(AtAge(age))
    found = outcome.ages[-1]
    found.commits += len(records)
    found.lines_at_start += sum(record["lines_at_start"] for record in records)
    found.lines_alive += sum(record["lines_alive"] for record in records)


def _deliver(api: ApiClient, records: list[Body], timeout_s: float, outcome: Measured) -> None:
    for batch in in_batches(records):
        refused = deliver_patiently(api, PATH, batch, timeout_s).refused
        outcome.refused += len(refused)
        for body, reason in refused[: _MOST_REASONS - len(outcome.reasons)]:
            outcome.reasons.append(f"{body['commit_hash'][:10]}: {reason}")
