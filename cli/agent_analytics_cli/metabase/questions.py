"""Questions of `dashboards/` as Metabase's: native queries with optional clauses for filters."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from agent_analytics_cli.metabase.charts import display_of, settings_of
from agent_analytics_cli.metabase.entities import Entity
from agent_analytics_collector.dashboards import CHOICES, FILTERS, Question, fill, rewrite


def question_entity(question: Question, database_id: int) -> Entity:
    """The question on that database."""
    tags = {name: _template_tag(name) for name in question.filters}
    return Entity(
        question.title,
        question.description,
        {
            "dataset_query": _native(database_id, rewrite(question, _optional_clause), tags),
            "display": display_of(question.chart),
            "visualization_settings": settings_of(question),
        },
    )


def choices_entity(filter_name: str, database_id: int) -> Entity:
    """The question whose answer is the values to choose from in a text filter's list."""
    return Entity(
        f"Values of {filter_name}",
        f"What the filter “{filter_title(filter_name)}” of the dashboards offers.",
        {
            "dataset_query": _native(database_id, CHOICES[filter_name], {}),
            "display": "table",
            "visualization_settings": {},
        },
    )


def choices_column(filter_name: str) -> str:
    """The one column of `choices_entity`'s answer."""
    return CHOICES[filter_name].removeprefix("select ").removeprefix("distinct ").split()[0]


def filter_title(filter_name: str) -> str:
    """What people read above a filter."""
    return filter_name.capitalize()


def _native(database_id: int, sql: str, tags: dict[str, Any]) -> dict[str, Any]:
    return {
        "database": database_id,
        "type": "native",
        "native": {"query": sql, "template-tags": tags},
    }


def _optional_clause(name: str, condition: str) -> str:
    """Metabase leaves `[[…]]` out while its variable has no value.

    A text variable takes several values at once, which it writes with commas between them.
    """
    if FILTERS[name] == "text":
        condition = condition.replace(f" = :{name}", f" in (:{name})")
    return f"[[and {fill(condition, f'{{{{{name}}}}}')}]]"


def _template_tag(name: str) -> dict[str, Any]:
    return {
        "id": str(uuid5(NAMESPACE_URL, f"agent-analytics/filter/{name}")),
        "name": name,
        "display-name": filter_title(name),
        "type": FILTERS[name],
    }
