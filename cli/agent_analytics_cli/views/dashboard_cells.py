"""Values of questions as people read them, by the unit that their column has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agent_analytics_cli.shares import UNKNOWN, percent, usd
from agent_analytics_cli.short_names import short_project
from agent_analytics_cli.tables import Column, Kind, as_text, count_text
from agent_analytics_collector.dashboards import Chart, Unit, unit_of
from agent_analytics_collector.web.series import words

_KINDS = {"usd": Kind.USD, "percent": Kind.SHARE, "seconds": Kind.MS}
_PLACES = ("project", "project_id", "repository")
_WIDE_HEADING = 10


def unit_in(chart: Chart, column: str) -> Unit | None:
    """The unit of a column; the chart's for what it draws."""
    drawn = (*chart.y, chart.low, chart.high)
    return chart.unit if chart.unit and column in drawn else unit_of(column)


def column_of(key: str, unit: Unit | None, values: Sequence[Any]) -> Column:
    """How a column of a question is shown in a table; `values` tell a number from a text."""
    if not any(_is_number(value) for value in values):
        return Column(key, words(key))
    heading = words(key).removesuffix(" seconds")  # a duration tells its own unit
    if len(heading) > _WIDE_HEADING:
        heading = "\n".join(heading.split(" "))
    return Column(key, heading, _KINDS.get(unit or "", Kind.COUNT))


def cell(key: str, unit: Unit | None, value: Any) -> Any:
    """The value as `tables` wants it for a column of that unit."""
    if key in _PLACES and isinstance(value, str):
        return short_project(value)
    if not _is_number(value):
        return moment(key, value)
    if unit == "usd":
        return value if isinstance(value, Decimal) else Decimal(str(value))
    if unit == "seconds":
        return float(value) * 1000
    if unit == "percent":
        return value
    rounded = round(float(value), 2)
    if rounded == 0 != value:  # not nothing, so it must not read 0
        return float(value)
    return int(value) if rounded == int(value) else rounded


def text_of(value: Any, unit: Unit | None, key: str = "") -> str:
    """A single value as one text: `$1.20`, `12.5%`, `1,234`, `3.5 h`; `—` is unknown."""
    if value is None:
        return UNKNOWN
    if not _is_number(value):
        return as_text(cell(key, unit, value))
    if unit == "usd":
        return usd(Decimal(str(value)))
    if unit == "percent":
        return percent(value)
    number = count_text(cell(key, None, value))
    if unit == "seconds":
        return f"{number} s"
    return f"{number} h" if unit == "hours" else number


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def moment(key: str, value: Any) -> Any:
    """A date or time as text, a month as `2026-03`; all else as it is."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.strftime("%Y-%m") if key == "month" else value.isoformat()
    return value
