"""The rows of a question as series over one axis, as charts and sparklines draw them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from agent_analytics_collector.dashboards import Chart

Cell = float | None
UNKNOWN = "—"
_HOURS = range(24)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart: a value for each place of the axis, None where there is none."""

    name: str
    values: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Series over the places of one axis."""

    places: tuple[object, ...]
    """Dates without gaps, or what `x` has, in the order of the rows."""
    series: tuple[Series, ...]

    @property
    def is_dated(self) -> bool:
        return bool(self.places) and all(isinstance(place, date) for place in self.places)


def plot(chart: Chart, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Plot:
    """The rows by `x`, a series for each value of `chart.series` and each `y`.

    Of several rows with the same place and series the last one counts.
    """
    at = {name: number for number, name in enumerate(columns)}
    cells: dict[str, dict[object, Cell]] = {}
    places: dict[object, None] = {}
    for row in rows:
        place = _place(row[at[chart.x]]) if chart.x else None
        places.setdefault(place)
        for y in chart.y:
            name = _name(chart, y, row[at[chart.series]] if chart.series else None)
            cells.setdefault(name, {})[place] = number(row[at[y]])
    is_clock = chart.kind == "heatmap" and set(places) <= set(_HOURS)
    ordered = tuple(_HOURS) if is_clock else every_place(places)
    return Plot(
        ordered,
        tuple(
            Series(name, tuple(values.get(place) for place in ordered))
            for name, values in cells.items()
        ),
    )


def every_place(places: Iterable[object]) -> tuple[object, ...]:
    """The same; where all are dates, in order and with those that have no row.

    First days of months are taken for months, days a multiple of 7 apart for weeks.
    """
    given = tuple(places)
    dates = sorted(place for place in given if isinstance(place, date))
    if len(dates) < len(given) or len(dates) < 2:
        return given
    if all(day.day == 1 for day in dates):
        first, last = dates[0], dates[-1]
        months = (last.year - first.year) * 12 + last.month - first.month
        return tuple(_months_after(first, count) for count in range(months + 1))
    step = 7 if all((day - dates[0]).days % 7 == 0 for day in dates) else 1
    count = (dates[-1] - dates[0]).days // step
    return tuple(dates[0] + timedelta(days=step * number) for number in range(count + 1))


def number(value: object) -> Cell:
    """A value of a `y` to draw; None where it is unknown or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return float(value)


def words(column: str) -> str:
    """A column's name to read: `cache savings` of `cache_savings_usd`, whose amounts have a `$`."""
    return column.removesuffix("_usd").removesuffix("_id").replace("_", " ")


def _place(value: object) -> object:
    if isinstance(value, datetime):
        return value.date() if value.time().isoformat() == "00:00:00" else value.isoformat(" ")
    return UNKNOWN if value is None else value


def _name(chart: Chart, y: str, series: object) -> str:
    if chart.series is None:
        return words(y)
    name = UNKNOWN if series is None else str(series)
    return name if len(chart.y) == 1 else f"{name}: {words(y)}"


def _months_after(first: date, count: int) -> date:
    years, month = divmod(first.month - 1 + count, 12)
    return date(first.year + years, month + 1, 1)
