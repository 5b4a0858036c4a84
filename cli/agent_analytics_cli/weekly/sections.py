"""What the report is made of, before it is Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from agent_analytics_cli.views.dashboard_cells import text_of
from agent_analytics_cli.weekly.week import Week
from agent_analytics_collector.dashboards import Chart, unit_of
from agent_analytics_collector.web.series import words


@dataclass(frozen=True, slots=True)
class Section:
    """Sentences, a table and, where it shows more than the table, a chart of its rows."""

    id: str
    title: str
    sentences: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """Names as in a mart: their last word is the unit."""
    rows: Sequence[tuple[Any, ...]] = ()
    chart: Chart | None = None
    drawn: Sequence[tuple[Any, ...]] = ()
    """What the chart draws where that is not the rows."""
    written_numbers: tuple[str, ...] = ()
    """Columns whose numbers are texts already, because each row has a unit of its own."""

    def headings(self) -> list[str]:
        return [words(column) for column in self.columns]

    def texts(self) -> list[list[str]]:
        """The rows as people read them."""
        return [
            [text_of(value, unit_of(column), column)
             for column, value in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]  # fmt: skip

    def is_number(self, place: int) -> bool:
        """Whether the column at that place holds numbers, so that it is set to the right."""
        return self.columns[place] in self.written_numbers or any(
            isinstance(row[place], int | float | Decimal) and not isinstance(row[place], bool)
            for row in self.rows
        )


@dataclass(frozen=True, slots=True)
class WeeklyReport:
    """The whole report."""

    week: Week
    published_at: datetime
    is_demo: bool
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        return f"AI coding agents, {self.week.monday} to {self.week.until}"
