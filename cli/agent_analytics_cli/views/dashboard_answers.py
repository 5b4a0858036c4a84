"""The answers to a view's questions, from the published marts, for the filters a person gave."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from agent_analytics_cli.display_names import DisplayNames
from agent_analytics_collector.dashboards import (
    CHOICES,
    Chart,
    Dashboard,
    Question,
    bind,
    rewrite,
)
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.scrub.text import without_home


class NoSuchChoice(AgentAnalyticsError):
    """A filter's value is in none of the published rows."""

    def __init__(self, filter_name: str, value: str, known: Iterable[str]) -> None:
        self.filter_name, self.value = filter_name, value
        choices = sorted(known)
        near = difflib.get_close_matches(value, choices, n=3, cutoff=0.4) or choices[:5]
        there_is = f"There is {', '.join(near)}" if near else f"No {filter_name} is recorded yet"
        super().__init__(f"No {filter_name} is named {value!r}. {there_is}.")


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a question; a value that is unknown is None."""

    question: Question
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    ignored: tuple[str, ...] = ()
    """Filters that were given and that the question does not know."""
    has_whole_months: bool = False
    """The days that were asked for cut a month, and the question counts all of it."""

    @property
    def chart(self) -> Chart:
        return self.question.chart

    def as_dicts(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def answers(
    marts: duckdb.DuckDBPyConnection,
    view: Dashboard,
    filters: Mapping[str, object],
    only: str | None = None,
) -> Iterator[Answer]:
    """The view's answers in its order, or only one's. What is None in `filters` restricts nothing.

    Raises duckdb.CatalogException or BinderException where an older release published the marts.
    """
    given = {name: value for name, value in filters.items() if value is not None and value != ()}
    for question in view.questions:
        if only is None or question.id == only:
            sql, parameters = bind(question, given)
            cursor = marts.execute(sql, parameters)
            columns = tuple(column[0] for column in cursor.description or ())
            ignored = tuple(name for name in given if name not in question.filters)
            whole = _cut_a_month(given) and _counts_months(question)
            yield Answer(question, columns, cursor.fetchall(), ignored, whole)


def resolve(
    marts: duckdb.DuckDBPyConnection,
    filter_name: str,
    values: Iterable[str],
    names: DisplayNames,
) -> tuple[str, ...]:
    """The stored values that a person means: the whole text, its end after a slash, or the name
    that tables show for it, in capitals or not.

    `widgets` is every project or repository that ends with `/widgets`. Raises NoSuchChoice.
    """
    known = [str(row[0]) for row in marts.execute(CHOICES[filter_name]).fetchall() if row[0]]
    meant: dict[str, None] = {}
    for value in map(without_home, values):
        found = (
            [name for name in known if name == value]
            or [name for name in known if name.endswith(f"/{value}")]
            or [
                name
                for name in known
                if value.casefold() in (name.casefold(), names.of(filter_name, name).casefold())
            ]
        )
        if not found:
            raise NoSuchChoice(filter_name, value, known)
        meant.update(dict.fromkeys(found))
    return tuple(meant)


def _cut_a_month(given: Mapping[str, object]) -> bool:
    since, until = given.get("since"), given.get("until")
    begins_within = isinstance(since, date) and since.day != 1
    ends_within = isinstance(until, date) and (until + timedelta(days=1)).day != 1
    return begins_within or ends_within


def _counts_months(question: Question) -> bool:
    """Whether its filters of days choose months."""
    conditions: list[str] = []

    def clause(name: str, condition: str) -> None:
        if name in ("since", "until"):
            conditions.append(condition)

    rewrite(question, clause)
    return any(condition.startswith("month ") for condition in conditions)
