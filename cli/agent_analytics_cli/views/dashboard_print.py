"""A view in the terminal: each question's title and its answer as its chart suits.

A number is a line, what goes over days a sparkline for each series, names have bars beside them,
all else is a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import rich_click as click

from agent_analytics_cli.display_names import DisplayNames
from agent_analytics_cli.tables import Column, Kind, as_text, print_table
from agent_analytics_cli.views.dashboard_answers import Answer
from agent_analytics_cli.views.dashboard_cells import cell, column_of, moment, text_of, unit_in
from agent_analytics_cli.views.sparklines import bar, sparkline
from agent_analytics_collector.dashboards import Unit, unit_of
from agent_analytics_collector.web.series import Plot, Series, number, plot, words

_DRAWN_OVER_DAYS = ("line", "area", "bar", "stacked_bar")
_SUMMED = ("area", "bar", "stacked_bar", "heatmap")
"""Kinds whose values add up, so that their sum says something."""
_MOST_PLACES = 60
_MOST_ROWS = 20
_BAR_WIDTH = 20
_OF_METRIC = tuple(
    measure + end
    for measure in ("value", "other_value", "difference")
    for end in ("", "_low", "_high")
)
"""Columns that hold what the row's `metric` measures."""


def print_answer(answer: Answer, names: DisplayNames) -> None:
    """Title, description and answer; names of agents and models as users know them."""
    question = answer.question
    click.secho(question.title, bold=True)
    click.secho(question.description, dim=True)
    if answer.ignored:
        click.secho(f"Shown for every {' and '.join(answer.ignored)}.", dim=True)
    if answer.has_whole_months:
        click.secho("Whole months: the days asked for do not cut them.", dim=True)
    if _is_unknown(answer, answer.columns):
        click.echo("  nothing recorded")
    elif answer.chart.y and _is_unknown(answer, answer.chart.y):
        click.echo(f"  not known: {', '.join(map(words, answer.chart.y))}")
    else:
        _print_rows(answer, names)
    click.echo()


def _is_unknown(answer: Answer, columns: Sequence[str]) -> bool:
    """No row has anything in these columns."""
    places = [answer.columns.index(column) for column in columns]
    return all(row[place] is None for row in answer.rows for place in places)


def _print_rows(answer: Answer, names: DisplayNames) -> None:
    chart = answer.chart
    if chart.kind == "number":
        _print_number(answer)
        return
    shown = [tuple(names.shown(row).values()) for row in answer.as_dicts()]
    if chart.kind == "heatmap" or chart.kind in _DRAWN_OVER_DAYS:
        drawn = plot(chart, answer.columns, shown)
        if chart.kind == "heatmap" or (drawn.is_dated and len(drawn.places) > 1):
            _print_trends(answer, drawn)
            return
    _print_table(answer, shown)


def _print_number(answer: Answer) -> None:
    values = dict(zip(answer.columns, answer.rows[0], strict=True))
    texts = {key: text_of(value, unit_in(answer.chart, key), key) for key, value in values.items()}
    main = answer.chart.y[0]
    others = [f"{words(key)} {text}" for key, text in texts.items() if key != main]
    click.echo(
        "  " + click.style(texts[main], bold=True) + "".join(f"  · {each}" for each in others)
    )


def _print_trends(answer: Answer, drawn: Plot) -> None:
    chart = answer.chart
    places = drawn.places[-_MOST_PLACES:]
    heading = " to ".join(str(moment(chart.x or "", place)) for place in (places[0], places[-1]))
    on_one_scale = [value for each in drawn.series for value in each.values if value is not None]
    most = max(on_one_scale, default=0.0) if chart.kind == "heatmap" else None
    known = [each for each in drawn.series if any(value is not None for value in each.values)]
    rows = [_trend(chart.kind, each, most) for each in known]
    keys = ["lowest", "highest", "last"] if chart.kind != "heatmap" else []
    keys += ["total"] if chart.kind in _SUMMED and chart.unit != "percent" else []
    columns = [Column("series", words(chart.series or "")), Column("trend", heading)]
    is_written = chart.unit == "hours"
    columns += [
        Column(key, key, Kind.WRITTEN) if is_written else column_of(key, chart.unit, [1])
        for key in keys
    ]
    shown = text_of if is_written else _number_cell
    for row in rows:
        row["series"] = cell(chart.series or "", None, row["series"])
        row |= {key: shown(row[key], chart.unit) for key in keys}
    print_table(columns, rows)
    if len(places) < len(drawn.places):
        click.secho(
            f"  drawn are the last {len(places)} of {len(drawn.places):,}; the figures are of all",
            dim=True,
        )
    _print_empty([each.name for each in drawn.series if each not in known])


def _number_cell(value: Any, unit: Unit | None) -> Any:
    return cell("", unit, value)


def _trend(kind: str, series: Series, most: float | None) -> dict[str, Any]:
    known = [value for value in series.values if value is not None]
    return {
        "series": series.name,
        "trend": sparkline(series.values[-_MOST_PLACES:], most=most),
        "lowest": min(known, default=None),
        "highest": max(known, default=None),
        "last": known[-1] if known else None,
        "total": sum(map(_exact, known)) if known else None,
    }


def _exact(value: float) -> Decimal:
    """So that a sum of cents has no tail."""
    return Decimal(str(value))


def _print_table(answer: Answer, rows: Sequence[tuple[Any, ...]]) -> None:
    chart = answer.chart
    cells = [_cells(answer, row) for row in rows]
    empty = [key for key in answer.columns if all(row[key] is None for row in cells)]
    columns = [
        Column(key, words(key), Kind.WRITTEN)
        if _is_of_metric(answer, key)
        else column_of(key, unit_in(chart, key), [row[key] for row in cells])
        for key in answer.columns
        if key not in empty
    ]
    if chart.kind in ("bar", "stacked_bar") and len(chart.y) == 1:
        columns.append(Column("drawn_as_bar", ""))
        _add_bars(cells, chart.y[0])
    print_table(columns, cells[:_MOST_ROWS])
    if len(rows) > _MOST_ROWS:
        click.secho(
            f"  and {len(rows) - _MOST_ROWS:,} more; --json has all, "
            f"--csv --question {answer.question.id} too",
            dim=True,
        )
    _print_empty([words(key) for key in empty])


def _print_empty(names: Sequence[str]) -> None:
    if names:
        click.secho(f"  empty everywhere: {', '.join(map(as_text, names))}", dim=True)


def _is_of_metric(answer: Answer, key: str) -> bool:
    return "metric" in answer.columns and key in _OF_METRIC


def _cells(answer: Answer, row: tuple[Any, ...]) -> dict[str, Any]:
    """What the table shows of a row; where a row names its own metric, it has that one's unit."""
    values = dict(zip(answer.columns, row, strict=True))
    shown = {key: cell(key, unit_in(answer.chart, key), each) for key, each in values.items()}
    metric = values.get("metric")
    if isinstance(metric, str):
        for key, value in values.items():
            if key in _OF_METRIC and value is not None:
                shown[key] = text_of(value, unit_of(metric))
        shown["metric"] = words(metric)
    return shown


def _add_bars(rows: Sequence[dict[str, Any]], key: str) -> None:
    values = [number(row[key]) for row in rows]
    most = max((value for value in values if value is not None), default=0.0)
    for row, value in zip(rows, values, strict=True):
        row["drawn_as_bar"] = bar(value, most, _BAR_WIDTH)


def as_json(answer: Answer) -> Mapping[str, Any]:
    """The answer for `--json`; rows have the ids that the marts have."""
    question = answer.question
    return {
        "id": question.id,
        "title": question.title,
        "description": question.description,
        "ignored_filters": answer.ignored,
        "has_whole_months": answer.has_whole_months,
        "columns": answer.columns,
        "rows": answer.as_dicts(),
    }
