"""Makes a history of which the truth is known, story by story."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.history import branches, main_line, turns
from benchmarks.history.checkout import Checkout
from benchmarks.history.team import PEOPLE, Team
from benchmarks.history.truth import History

Story = Callable[[Team], None]

STORIES: dict[Story, int] = {
    main_line.agent_commits: 14,
    main_line.person_commits: 16,
    main_line.person_works: 16,
    main_line.person_rewrites: 4,
    main_line.both_in_a_commit: 6,
    main_line.two_agents: 5,
    main_line.parallel_sessions: 5,
    main_line.split_commits: 4,
    main_line.abandoned: 4,
    main_line.beside_a_session: 3,
    main_line.by_shell: 4,
    main_line.trailer_only: 5,
    main_line.noted: 6,
    turns.retyped: 5,
    turns.formatter: 4,
    turns.rename: 5,
    turns.amend: 5,
    turns.revert: 5,
    turns.undo_by_hand: 3,
    turns.nobodys_files: 3,
    turns.empty_commit: 2,
    main_line.too_late: 2,
    branches.squash: 7,
    branches.merge: 4,
    branches.rebase: 6,
    branches.cherry_pick: 5,
}
"""What happens, by how often."""


def generate(
    folder: Path,
    *,
    seed: int = 5,
    commits: int = 300,
    days: int = 160,
    until: datetime | None = None,
) -> History:
    """Make `folder`/widgets and `folder`/home; at least so many commits, the last one today.

    The same seed and `until` make the same history, to the hash.
    """
    chance = random.Random(seed)
    history = History(folder / "widgets", folder / "home")
    (history.user_home / ".claude" / "projects").mkdir(parents=True)
    (history.user_home / ".codex" / "sessions").mkdir(parents=True)
    end = until or datetime.now(UTC)
    begin = (end - timedelta(days=days)).replace(hour=8, minute=0, second=0, microsecond=0)
    checkout = Checkout(history, begin)
    team = Team(checkout, chance)
    _begin(team)
    # Stories take turns by weight, so that every kind is there however few commits are wanted.
    order = [story for story, weight in STORIES.items() for _ in range(weight)]
    step = timedelta(days=days) / commits
    first_turn = list(STORIES)
    chance.shuffle(first_turn)
    while len(history.commits) < commits or first_turn:
        _next_morning(team, begin + step * len(history.commits))
        team.unshelve()
        story = first_turn.pop() if first_turn else chance.choice(order)
        story(team)
        team.pause(600, 3000)
    for each in team.shelf:
        each.due = checkout.now
    team.unshelve()
    checkout.now = max(checkout.now, end - timedelta(hours=1))
    checkout.commit(PEOPLE[0], "Release", "empty commit")
    return history


def _begin(team: Team) -> None:
    """A project that is there already."""
    person = PEOPLE[0]
    editor = team.editor(person)
    for _ in range(8):
        path = team.new_path()
        team.checkout.files[path] = editor.new_file(path)
    attributes = ["*.pb.ts linguist-generated", ""]
    team.checkout.files[".gitattributes"] = editor.lines(attributes)
    team.checkout.commit(person, "Begin", "person works")


def _next_morning(team: Team, planned: datetime) -> None:
    """Not before it is planned, and in working hours."""
    now = max(team.checkout.now, planned)
    if now.hour >= 19:
        now = now.replace(hour=8, minute=team.chance.randrange(50)) + timedelta(days=1)
    elif now.hour < 8:
        now = now.replace(hour=8, minute=team.chance.randrange(50))
    team.checkout.now = now
