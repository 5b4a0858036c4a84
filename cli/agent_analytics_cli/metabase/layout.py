"""A view as a dashboard of Metabase: its questions on the grid, its filters above them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from agent_analytics_cli.metabase.charts import height_of
from agent_analytics_cli.metabase.entities import Entity
from agent_analytics_cli.metabase.questions import choices_column, filter_title
from agent_analytics_collector.dashboards import FILTERS, GRID_WIDTH, Dashboard


def filters_of(view: Dashboard) -> tuple[str, ...]:
    """The filters that any of its questions knows."""
    known = {name for question in view.questions for name in question.filters}
    return tuple(name for name in FILTERS if name in known)


def dashboard_entity(
    view: Dashboard, cards: Mapping[str, int], choices: Mapping[str, int]
) -> Entity:
    """The dashboard with those cards: question's id → card, filter → card of its values.

    A question that has no card (somebody threw it away) is left out, and what follows moves up.
    """
    return Entity(
        view.title,
        view.description,
        {
            "parameters": [_parameter(name, choices.get(name)) for name in filters_of(view)],
            "dashcards": _placed(view, cards),
        },
    )


def _placed(view: Dashboard, cards: Mapping[str, int]) -> list[dict[str, Any]]:
    """From left to right; the next row begins where the highest of a row ends."""
    placed: list[dict[str, Any]] = []
    row = col = row_height = 0
    for question in view.questions:
        card_id = cards.get(question.id)
        if card_id is None:
            continue
        if col + question.width > GRID_WIDTH:
            row, col, row_height = row + row_height, 0, 0
        height = height_of(question.chart)
        placed.append(
            {
                "card_id": card_id,
                "row": row, "col": col, "size_x": question.width, "size_y": height,
                "parameter_mappings": [_mapping(name, card_id) for name in question.filters],
                "visualization_settings": {},
            }
        )  # fmt: skip
        col += question.width
        row_height = max(row_height, height)
    return placed


def _parameter(name: str, choices_card: int | None) -> dict[str, Any]:
    common = {"id": _parameter_id(name), "name": filter_title(name), "slug": name}
    if FILTERS[name] == "date":
        return {**common, "type": "date/single", "sectionId": "date"}
    text = {**common, "type": "string/=", "sectionId": "string", "isMultiSelect": True}
    if choices_card is None:
        return text
    column = ["field", choices_column(name), {"base-type": "type/Text"}]
    return {
        **text,
        "values_query_type": "list",
        "values_source_type": "card",
        "values_source_config": {"card_id": choices_card, "value_field": column},
    }


def _mapping(name: str, card_id: int) -> dict[str, Any]:
    return {
        "parameter_id": _parameter_id(name),
        "card_id": card_id,
        "target": ["variable", ["template-tag", name]],
    }


def _parameter_id(name: str) -> str:
    return hashlib.sha256(f"agent-analytics/{name}".encode()).hexdigest()[:8]
