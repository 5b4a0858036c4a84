"""Charts: what ECharts draws for the answer to a dashboard's question.

An option is plain JSON, so a page can carry it as data. Functions, the formats of numbers and
the colours of light and dark are in `static/charts.js`, which is told the unit beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from agent_analytics_collector.dashboards import Chart
from agent_analytics_collector.web.series import UNKNOWN, Plot, Series, number, plot

Option = dict[str, Any]

_STACKED = ("stacked_bar", "area")
_MOST_POINTS = 40
"""Up to here a line shows its points, so that one between two gaps is seen."""
_CELL_PIXELS = 15
_GRID = {"left": 8, "right": 24, "top": 12, "bottom": 8, "outerBoundsMode": "same"}
_WITH_LEGEND = {**_GRID, "top": 40}


def chart_option(
    chart: Chart, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> Option | None:
    """An ECharts option for the rows; None for a number, a table, and where nothing can be drawn.

    Values stay in the question's unit: a percent is a fraction of 1. What is unknown is a gap.
    """
    if chart.kind in ("number", "table") or not rows:
        return None
    if chart.kind == "scatter":
        return _scatter(chart, columns, rows)
    if chart.kind == "interval":
        return _interval(chart, columns, rows)
    drawn = plot(chart, columns, rows)
    if not any(value is not None for series in drawn.series for value in series.values):
        return None
    return _heatmap(drawn) if chart.kind == "heatmap" else _over_axis(chart, drawn)


def chart_height(option: Option) -> int:
    """Pixels that the chart needs to be read: a line for each name that stands beside its axis."""
    names = option["yAxis"].get("data")
    return 280 if names is None else 72 + 28 * len(names)


def _over_axis(chart: Chart, drawn: Plot) -> Option:
    """Lines, areas and bars; bars of names lie, because names are long."""
    lies = chart.kind in ("bar", "stacked_bar") and not drawn.is_dated
    places, values = _category(drawn.places), {"type": "value"}
    if drawn.is_dated and chart.x == "month":
        places = _months(places)
    series = [_series(chart, each, lies=lies) for each in drawn.series]
    return _framed(
        {
            "tooltip": {"trigger": "axis", "confine": True},
            "xAxis": values if lies else places,
            "yAxis": {**places, "inverse": True} if lies else values,
            "series": series,
        }
    )


def _series(chart: Chart, series: Series, *, lies: bool) -> Option:
    made: Option = {"name": series.name, "data": list(series.values)}
    if chart.kind in _STACKED:
        made["stack"] = "all"
    if chart.kind in ("bar", "stacked_bar"):
        return {**made, "type": "bar", "barMaxWidth": 18 if lies else 36}
    points = sum(value is not None for value in series.values)
    made |= {"type": "line", "showSymbol": points <= _MOST_POINTS, "connectNulls": False}
    return {**made, "areaStyle": {"opacity": 0.35}} if chart.kind == "area" else made


def _scatter(chart: Chart, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Option:
    """Points; `x` is a number, else a name."""
    at = {name: place for place, name in enumerate(columns)}
    x, y = at[chart.x or ""], at[chart.y[0]]
    is_number = all(number(row[x]) is not None or row[x] is None for row in rows)
    points: dict[str, list[list[object]]] = {}
    for row in rows:
        name = str(row[at[chart.series]]) if chart.series else chart.y[0]
        place = number(row[x]) if is_number else str(row[x])
        if place is not None and number(row[y]) is not None:
            points.setdefault(name, []).append([place, number(row[y])])
    return _framed(
        {
            "tooltip": {"trigger": "item", "confine": True},
            "xAxis": {"type": "value" if is_number else "category", "scale": True},
            "yAxis": {"type": "value"},
            "series": [
                {"name": name, "type": "scatter", "symbolSize": 9, "data": data}
                for name, data in points.items()
            ],
        }
    )


def _interval(chart: Chart, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Option:
    """A point on a bar from low to high for each row; no bar where the range is unknown."""
    at = {name: place for place, name in enumerate(columns)}
    names, values, lows, widths = [], [], [], []
    for row in rows:
        parts = (row[at[key]] for key in (chart.x, chart.series) if key)
        names.append(" · ".join(UNKNOWN if part is None else _label(part) for part in parts))
        low, high = number(row[at[chart.low or ""]]), number(row[at[chart.high or ""]])
        values.append(number(row[at[chart.y[0]]]))
        lows.append(low)
        widths.append(high - low if low is not None and high is not None else None)
    # `all`: a range that begins below zero ends where it should only if signs stack together.
    stacked: Option = {"type": "bar", "stack": "range", "stackStrategy": "all", "barWidth": 8}
    unseen = {"itemStyle": {"color": "transparent"}, "silent": True, "tooltip": {"show": False}}
    points: Option = {"type": "line", "lineStyle": {"opacity": 0}, "symbolSize": 10, "z": 3}
    return _framed(
        {
            "tooltip": {"trigger": "item", "confine": True},
            "xAxis": {"type": "value"},
            "yAxis": {**_category(_distinct(names)), "inverse": True},
            "series": [
                {**stacked, **unseen, "data": lows},
                {**stacked, "silent": True, "itemStyle": {"opacity": 0.4}, "data": widths},
                {**points, "showSymbol": True, "symbol": "circle", "data": values},
            ],
        },
        legend=False,
    )


def _heatmap(drawn: Plot) -> Option:
    """A square in each cell, the fuller the more.

    Drawn as points: a heatmap of ECharts' own needs the full build, which is half as large again.
    """
    values = [value for series in drawn.series for value in series.values if value is not None]
    most = max(map(abs, values)) or 1.0
    points = [
        {
            "value": [place, row, value],
            "itemStyle": {"opacity": round(0.08 + 0.92 * abs(value) / most, 3)},
        }
        for row, series in enumerate(drawn.series)
        for place, value in enumerate(series.values)
        if value is not None
    ]
    flat = {"splitLine": {"show": False}}
    return _framed(
        {
            "tooltip": {"trigger": "item", "confine": True},
            "xAxis": {**_category(drawn.places), **flat},
            "yAxis": {**_category([each.name for each in drawn.series]), **flat, "inverse": True},
            "series": [
                {"type": "scatter", "symbol": "rect", "symbolSize": _CELL_PIXELS, "data": points}
            ],
        },
        legend=False,
    )


def _framed(option: Option, *, legend: bool = True) -> Option:
    """With what all charts share; a legend only where there is something to tell apart."""
    told_apart = legend and len(option["series"]) > 1
    shared: Option = {"animation": False, "aria": {"enabled": True}, "grid": _GRID}
    if told_apart:
        shared |= {"legend": {"type": "scroll", "top": 4}, "grid": _WITH_LEGEND}
    return shared | option


def _category(places: Sequence[object]) -> Option:
    return {"type": "category", "data": [_label(place) for place in places]}


def _label(place: object) -> str:
    return place.isoformat() if isinstance(place, date) else str(place)


def _months(labels: Option) -> Option:
    """The same with `2026-03` for each first day."""
    return {**labels, "data": [label[:7] for label in labels["data"]]}


def _distinct(names: Sequence[str]) -> list[str]:
    """An axis takes two equal names for one place."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told
