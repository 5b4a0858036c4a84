"""The same work in several repositories, of which one may be damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from agent_analytics_cli.git.repository import GitFailed, Repository
from agent_analytics_cli.output import note
from agent_analytics_cli.tables import as_text

Outcome = TypeVar("Outcome")


def in_each(
    repositories: Iterable[Repository], work: Callable[[Repository], Outcome]
) -> tuple[list[Outcome], int]:
    """What `work` gives, and in how many repositories git failed; those are noted on stderr."""
    outcomes: list[Outcome] = []
    failed = 0
    for repository in repositories:
        try:
            outcomes.append(work(repository))
        except GitFailed as error:
            note(as_text(f"{repository.identity}: {error}"))
            failed += 1
    return outcomes, failed
