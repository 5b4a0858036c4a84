"""Who may ask which question, and of whom: developers of themselves, leads of their teams."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from agent_analytics_collector.access.principal import Principal, Role
from agent_analytics_collector.api.reads.marts import Marts
from agent_analytics_collector.dashboards import Question, counting_people
from agent_analytics_collector.errors import AskedWrongly, NotAllowed
from agent_analytics_collector.home import Home

_OF_LEADS = ("team", "since", "until")
"""Filters that a lead may give. With any other, or other days than a month, two answers could be
taken from each other, and what is left be of one person."""
_WHOLE_MONTHS = (
    "A lead asks of one calendar month that is over: since its first day, until its last."
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A question as somebody may ask it."""

    question: Question
    values: Mapping[str, object]
    """Of its filters."""
    smallest_group: int | None = None
    """People behind a row under which it is hidden."""
    others: bool = True
    """Whether the answer may tell of somebody else than who asks."""
    developers: tuple[str, ...] = field(default=())
    teams: tuple[str, ...] = field(default=())
    """Whom it was asked of; without either everybody."""


def roles_of(question: Question) -> tuple[Role, ...]:
    """Who may ask the question at all."""
    by_person = "developer" in question.filters
    by_team = question.can_count_people and set(_OF_LEADS) <= set(question.filters)
    asked_by = {Role.DEVELOPER: by_person, Role.LEAD: by_team, Role.ADMIN: True}
    return tuple(role for role, may in asked_by.items() if may)


def check_role(role: Role, question: Question) -> None:
    """Raises NotAllowed where nobody of that role may ask the question, of whomever."""
    if role not in roles_of(question):
        raise NotAllowed(_refusal(role, question))


def allowed(
    principal: Principal,
    question: Question,
    given: Mapping[str, object],
    *,
    own: tuple[str, ...],
    today: date,
    smallest_group: int,
) -> Allowed:
    """The question, which their role may ask, as the principal may with the filters given.

    `own` are the names under which the marts know the principal's developer. Raises NotAllowed,
    AskedWrongly.
    """
    if principal.role is Role.ADMIN:
        developers, teams = _texts(given, "developer"), _texts(given, "team")
        is_own = bool(developers) and set(developers) <= set(own)
        return Allowed(counting_people(question), given, None, not is_own, developers, teams)
    if principal.role is Role.LEAD:
        return _of_a_team(principal, question, given, today, smallest_group)
    asked = _texts(given, "developer")
    if not own:
        raise NotAllowed("This key is nobody's own, so there is nothing that it may read.")
    if not set(asked) <= set(own):
        raise NotAllowed("A developer's key reads that developer's data alone.")
    return Allowed(question, {**given, "developer": own}, others=False)


def own_names(home: Home, marts: Marts, developer_id: str | None) -> tuple[str, ...]:
    """The names under which the marts know this developer; its own name even if they do not.

    As in dbt, the identities of developer_identities.csv are alike in any case of letters.
    """
    if developer_id is None:
        return ()
    identities = _identities(home)
    person = identities.get(developer_id.strip().lower(), developer_id)
    also = [identity for identity, whose in identities.items() if whose == person]
    found = marts.run(
        "select developer_id from dim_developers "
        "where developer_id = any($names) or lower(developer_id) = any($also) order by 1",
        {"names": [developer_id, person], "also": [*also, ""]},
    )
    return tuple(dict.fromkeys([person, developer_id, *(name for (name,) in found.rows)]))


def team_of(marts: Marts, names: tuple[str, ...]) -> tuple[str, ...]:
    """The team or teams that these names are in."""
    found = marts.run(
        "select distinct team from dim_developers "
        "where team is not null and developer_id = any($names) order by 1",
        {"names": [*names]},
    )
    return tuple(team for (team,) in found.rows)


def _of_a_team(
    principal: Principal,
    question: Question,
    given: Mapping[str, object],
    today: date,
    smallest_group: int,
) -> Allowed:
    if more := [name for name in given if name not in _OF_LEADS]:
        raise NotAllowed(
            f"A lead sees sums of a team, so {', '.join(more)} cannot be given: a smaller part "
            "could tell of one person."
        )
    asked = _texts(given, "team") or principal.teams
    if not set(asked) <= set(principal.teams):
        raise NotAllowed(f"A lead asks of their own teams: {', '.join(principal.teams)}.")
    if len(asked) != 1:
        raise AskedWrongly(f"Ask of one team at a time: {', '.join(principal.teams)}.")
    since, until = _month(given.get("since"), given.get("until"), today)
    values = {"team": asked, "since": since, "until": until}
    return Allowed(counting_people(question), values, smallest_group, teams=asked)


def _month(since: object, until: object, today: date) -> tuple[date, date]:
    """First and last day of the month that is asked of, else of the last one that is over.

    One that still goes on would tell each day's work by what it was the day before.
    """
    last_over = today.replace(day=1) - timedelta(days=1)
    if since is None and until is None:
        return last_over.replace(day=1), last_over
    if not isinstance(since, date) or not isinstance(until, date):
        raise AskedWrongly(_WHOLE_MONTHS)
    next_month = (since.replace(day=1) + timedelta(days=31)).replace(day=1)
    if since.day != 1 or until != next_month - timedelta(days=1) or until > last_over:
        raise AskedWrongly(_WHOLE_MONTHS)
    return since, until


def _identities(home: Home) -> dict[str, str]:
    """Identity in lower case → developer, of the user's file; nothing where it cannot be read."""
    path = home.seeds / "developer_identities.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                {str(name).strip(): str(text or "").strip() for name, text in row.items()}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
    return {
        row["identity"].lower(): row["developer_id"]
        for row in rows
        if row.get("identity") and row.get("developer_id")
    }


def _texts(given: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = given.get(name)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _refusal(role: Role, question: Question) -> str:
    if role is Role.LEAD:
        return (
            f"{question.id} tells of persons, or cannot say how many are behind a figure. "
            "GET /v1/views lists what a lead may ask."
        )
    return (
        f"{question.id} cannot be asked of one developer alone. GET /v1/views lists what a "
        "developer may ask."
    )
