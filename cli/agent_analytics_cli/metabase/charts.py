"""A question's chart as Metabase draws it: `display` and `visualization_settings`.

Metabase documents these settings in its front end's source alone
(`frontend/src/metabase/visualizations`, v0.63).
"""

from __future__ import annotations

import json
import re
from typing import Any

from agent_analytics_collector.dashboards import Chart, Question, Unit, unit_of

_DISPLAY = {"number": "scalar", "stacked_bar": "bar", "interval": "table", "heatmap": "table"}
"""Chart kind → display, where they differ. Metabase draws no intervals: a table shows its ends."""
_FORMATS: dict[Unit, dict[str, Any]] = {
    "usd": {"number_style": "currency", "currency": "USD", "currency_style": "symbol"},
    "percent": {"number_style": "percent", "decimals": 1},
    "tokens": {"number_style": "decimal", "decimals": 0},
    "lines": {"number_style": "decimal", "decimals": 0},
    "count": {"number_style": "decimal", "decimals": 0},
    "hours": {"suffix": " h"},
    "seconds": {"suffix": " s"},
}
_HEIGHTS = {"number": 3, "table": 8, "heatmap": 8, "interval": 8}
_HEIGHT = 6
_WORD = re.compile(r"\b[a-z][a-z0-9_]*\b")


def display_of(chart: Chart) -> str:
    """Metabase's name of the kind of chart."""
    return _DISPLAY.get(chart.kind, chart.kind)


def height_of(chart: Chart) -> int:
    """Rows of a dashboard's grid."""
    return _HEIGHTS.get(chart.kind, _HEIGHT)


def settings_of(question: Question) -> dict[str, Any]:
    """Roles of the columns, and how their numbers read."""
    settings = _roles(question.chart)
    formats = {name: _FORMATS[unit] for name, unit in _units(question).items()}
    if formats:
        # A column is named by the JSON of a reference to it.
        settings["column_settings"] = {
            json.dumps(["name", name], separators=(",", ":")): {**formats[name]}
            for name in sorted(formats)
        }
    return settings


def _roles(chart: Chart) -> dict[str, Any]:
    if chart.kind == "number":
        return {"scalar.field": chart.y[0]}
    if chart.kind == "heatmap":
        return {
            "table.pivot": True,
            "table.pivot_column": chart.series,
            "table.cell_column": chart.y[0],
        }
    if display_of(chart) == "table":
        return {}
    roles: dict[str, Any] = {
        "graph.dimensions": [column for column in (chart.x, chart.series) if column],
        "graph.metrics": list(chart.y),
    }
    if chart.kind in ("stacked_bar", "area"):
        roles["stackable.stack_type"] = "stacked"
    return roles


def _units(question: Question) -> dict[str, Unit]:
    """Column → unit: as the chart says, else as its name says.

    Only a running query knows its columns, so every word of the SQL that could be one counts;
    Metabase leaves settings alone whose column the answer does not have.
    """
    units = {word: unit for word in _WORD.findall(question.sql) if (unit := unit_of(word))}
    chart = question.chart
    if chart.unit:
        measures = (*chart.y, chart.low, chart.high)
        units |= {column: chart.unit for column in measures if column}
    return units
