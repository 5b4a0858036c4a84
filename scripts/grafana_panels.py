"""Grafana panels for the DuckDB data source (motherduck-duckdb-datasource 0.4.5, Grafana 13).

`$__timeFrom()` and `$__timeTo()` are quoted UTC times. `${name:sqlstring}` quotes each value of a
variable, but not the value that stands for all of them, which is put in as it is. HUGEINT, the
type of a sum of integers, arrives as text, so no view answers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent_analytics_collector.dashboards import FILTERS, Chart, Question, fill, rewrite, unit_of

Json = dict[str, Any]
Columns = Mapping[str, str]
"""Column of an answer → DuckDB's name of its type."""

DATASOURCE = {"type": "motherduck-duckdb-datasource", "uid": "agent-analytics"}
ALL = "'*'"
"""What a variable stands for when all is chosen; no name of anything is a lone asterisk."""
UNITS = {
    "usd": "currencyUSD",
    "percent": "percentunit",
    "tokens": "short",
    "lines": "none",
    "hours": "h",
    "seconds": "s",
    "count": "none",
}
_HEIGHT = {"number": 4, "table": 9, "interval": 9, "heatmap": 16}
_LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_TOOLTIP = {"mode": "multi", "sort": "desc"}
_LINE = {"drawStyle": "line", "lineWidth": 2, "showPoints": "always", "pointSize": 5}
_AREA = {**_LINE, "fillOpacity": 30, "stacking": {"mode": "normal", "group": "A"}}


def grafana_sql(question: Question) -> str:
    """The question's SQL with Grafana's time range and variables as its filters."""
    return rewrite(question, _clause)


def labelled(sql: str, columns: Columns, chart: Chart) -> str:
    """`sql` with the columns that are drawn as names as text, and none of them NULL.

    Grafana's matrix breaks on NULL and shows a day as a number. DuckDB keeps the order of rows
    through a subquery that is only selected from.
    """
    labels = [name for name in columns if name in _labels(chart, columns)]
    if not labels:
        return sql
    replaced = ",\n    ".join(_label(name, columns[name], chart) for name in labels)
    return f"select * replace (\n    {replaced}\n)\nfrom (\n{sql}\n)"


def panel(number: int, question: Question, columns: Columns, place: Json) -> Json:
    """One panel, of the kind that comes nearest to the question's chart."""
    chart = question.chart
    kind, options, defaults, transformations = _drawing(chart, columns)
    defaults = {"noValue": "unknown", "unit": UNITS[chart.unit or "count"], **defaults}
    is_table = kind == "table" and chart.kind != "heatmap"
    return {
        "id": number,
        "type": kind,
        "title": question.title,
        "description": question.description,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [target(labelled(grafana_sql(question), columns, chart))],
        "transformations": transformations,
        "fieldConfig": {
            "defaults": {"noValue": "unknown"} if is_table else defaults,
            "overrides": _column_units(columns) if is_table else [],
        },
        "options": options,
    }


def target(sql: str) -> Json:
    """A query of the plugin's code editor, answered as a table."""
    return {
        "refId": "A",
        "datasource": DATASOURCE,
        "editorMode": "code",
        "format": 1,
        "rawQuery": True,
        "rawSql": sql,
    }


def places(questions: Sequence[Question]) -> list[Json]:
    """Where each question stands in the grid: rows from left to right, each as high as it needs."""
    found: list[Json] = []
    x = y = height = 0
    for question in questions:
        if x + question.width > 24:
            x, y, height = 0, y + height, 0
        own = _HEIGHT.get(question.chart.kind, 8)
        found.append({"x": x, "y": y, "w": question.width, "h": own})
        x, height = x + question.width, max(height, own)
    return found


def variable(name: str, choices: str) -> Json:
    """The variable of a text filter: any of what the query `choices` finds, or all."""
    return {
        "type": "query",
        "name": name,
        "label": name.capitalize(),
        "datasource": DATASOURCE,
        "query": choices,
        "definition": choices,
        "refresh": 1,
        "regex": "",
        "sort": 0,
        "multi": True,
        "includeAll": True,
        "allValue": ALL,
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
        "hide": 0,
    }


def _clause(name: str, condition: str) -> str:
    if FILTERS[name] == "date":
        return "and " + fill(condition, "$__timeFrom()" if name == "since" else "$__timeTo()")
    chosen = f"${{{name}:sqlstring}}"
    any_of_them = condition.replace(f" = :{name}", f" in ({chosen})")
    return f"and ({ALL} in ({chosen}) or {any_of_them})"


def _labels(chart: Chart, columns: Columns) -> set[str]:
    """Columns that are drawn as names and not on an axis of time or numbers."""
    if chart.kind in ("bar", "stacked_bar", "heatmap"):
        return {name for name in (chart.x, chart.series) if name}
    if chart.kind in ("line", "area") and not _is_time(columns[chart.x or ""]):
        return {name for name in (chart.x, chart.series) if name}
    return {chart.series} if chart.series and chart.kind != "interval" else set()


def _label(name: str, kind: str, chart: Chart) -> str:
    text = f'cast("{name}" as varchar)'
    if chart.kind == "heatmap" and kind.endswith(("INT", "INTEGER")):
        text = f"format('{{:02d}}', \"{name}\")"  # sorted as text, 10 stands before 9
    return f"coalesce({text}, '(none)') as \"{name}\""


def _drawing(chart: Chart, columns: Columns) -> tuple[str, Json, Json, list[Json]]:
    """(panel type, options, defaults of its fields, transformations)."""
    if chart.kind == "number":
        reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        return "stat", {"reduceOptions": reduced, "colorMode": "none", "textMode": "value"}, {}, []
    if chart.kind == "heatmap":
        coloured = {
            "color": {"mode": "continuous-blues"},
            "custom": {"cellOptions": {"type": "color-background"}, "align": "center"},
        }
        matrix = _matrix(chart.x, chart.series, chart.y[0])
        by_x = {"id": "sortBy", "options": {"sort": [{"field": f"{chart.x}\\{chart.series}"}]}}
        return "table", {"cellHeight": "sm", "showHeader": True}, coloured, [matrix, by_x]
    if chart.kind in ("table", "interval"):
        return "table", {"cellHeight": "sm", "showHeader": True}, {}, []
    if chart.kind == "scatter":
        by_name = {"id": "byName", "options": chart.x}
        options = {"mapping": "auto", "series": [{"x": {"matcher": by_name}}]}
        return "xychart", {**options, "legend": _LEGEND, "tooltip": _TOOLTIP}, {}, _apart(chart)
    shown = {"legend": _LEGEND, "tooltip": _TOOLTIP}
    if chart.kind in ("line", "area") and _is_time(columns[chart.x or ""]):
        custom: Json = {"custom": _AREA if chart.kind == "area" else _LINE}
        if chart.series and len(chart.y) == 1:
            custom["displayName"] = f"${{__field.labels.{chart.series}}}"
        return "timeseries", shown, custom, _apart(chart)
    bars = {
        **shown,
        "xField": chart.x,
        "xTickLabelSpacing": 100,
        "stacking": "normal" if chart.kind in ("stacked_bar", "area") else "none",
    }
    if not chart.series:
        return "barchart", bars, {}, []
    bars["xField"] = f"{chart.x}\\{chart.series}"
    return "barchart", bars, {}, [_matrix(chart.x, chart.series, chart.y[0])]


def _matrix(row: str | None, column: str | None, value: str) -> Json:
    """A column for each value of `column`; what is missing stays unknown."""
    options = {"rowField": row, "columnField": column, "valueField": value, "emptyValue": "null"}
    return {"id": "groupingToMatrix", "options": options}


def _apart(chart: Chart) -> list[Json]:
    """A line for each series."""
    if not chart.series:
        return []
    options = {"fields": [chart.series], "keepFields": False, "naming": {"asLabels": True}}
    return [{"id": "partitionByValues", "options": options}]


def _column_units(columns: Columns) -> list[Json]:
    found = []
    for name, kind in columns.items():
        unit = "time:YYYY-MM-DD" if kind == "DATE" else UNITS.get(unit_of(name) or "")
        if unit and kind != "VARCHAR":
            properties = [{"id": "unit", "value": unit}]
            matcher = {"id": "byName", "options": name}
            found.append({"matcher": matcher, "properties": properties})
    return found


def _is_time(kind: str) -> bool:
    return kind == "DATE" or kind.startswith("TIMESTAMP")
