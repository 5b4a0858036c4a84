"""Tables for people: columns line up, unknown is `—`, and a narrow terminal cuts no number."""

from __future__ import annotations

import enum
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent_analytics_cli.shares import UNKNOWN, percent

Row = Mapping[str, Any]

_NARROWEST_TEXT = 10
"""Columns of text are folded to no less than this before a table gives way to blocks."""
_RULES = Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")
"""Rules under the heading and above the total, nothing else."""
_NO_LIMIT = 1_000_000
_UNITS = ("", "k", "M", "B", "T")
_SMALLEST_USD = Decimal("0.0001")
_SMALLEST_COUNT = 0.01


class Kind(enum.Enum):
    TEXT = "text"
    COUNT = "count"
    USD = "usd"
    SHARE = "share"
    """Of 1; shown in percent."""
    MS = "milliseconds"
    WRITTEN = "written"
    """Numbers that are texts already, because each has a unit of its own."""


@dataclass(frozen=True, slots=True)
class Column:
    """One key of the rows and how it is shown in tables."""

    key: str
    heading: str
    """May have line breaks, to keep a column of numbers narrow."""
    kind: Kind = Kind.TEXT
    lower_bound_if: str | None = None
    """Key of a boolean; when true, part of the amount is unknown and it reads `≥ $1.20`."""
    only_if_any: bool = False
    """Leave the column out of a table in which all its values are 0 or unknown."""

    @property
    def is_number(self) -> bool:
        return self.kind is not Kind.TEXT

    @property
    def heading_width(self) -> int:
        return max(map(cell_len, self.heading.split("\n")))


class _Layout:
    """The texts of a table and the width it takes, with exact or with shortened counts."""

    def __init__(
        self, columns: Sequence[Column], rows: Sequence[Row], *, shortened: bool, gap: int
    ) -> None:
        self.gap = gap
        self.cells = [_cells(column, rows, shortened=shortened) for column in columns]
        widths = [max(map(cell_len, texts), default=0) for texts in self.cells]
        self.least = [
            max(column.heading_width, width if column.is_number else min(width, _NARROWEST_TEXT))
            for column, width in zip(columns, widths, strict=True)
        ]
        gaps = gap * (len(columns) - 1)
        self.narrowest = sum(self.least) + gaps
        self.width = sum(map(max, widths, (column.heading_width for column in columns))) + gaps


def print_table(columns: Sequence[Column], rows: Sequence[Row], total: Row | None = None) -> None:
    """A table as wide as its content when piped.

    In a terminal that is too narrow for it, first the gaps shrink, then counts read `12.3k`, then
    texts are folded; where even that does not fit, each row becomes a block of lines. A number is
    never cut.
    """
    every = [*rows, *(() if total is None else (total,))]
    shown = [c for c in columns if not c.only_if_any or any(row[c.key] for row in every)]
    in_terminal = sys.stdout.isatty()  # rich would take FORCE_COLOR for one
    console = Console(file=sys.stdout, highlight=False, force_terminal=in_terminal)
    if not in_terminal:
        console.width = _NO_LIMIT
    layouts = [
        _Layout(shown, every, shortened=shortened, gap=gap)
        for shortened, gap in ((False, 2), (False, 1), (True, 1))
    ]
    chosen = next((layout for layout in layouts if layout.width <= console.width), layouts[-1])
    with console.capture() as rendered:
        if chosen.narrowest <= console.width:
            console.print(_table(shown, chosen, bold_from=len(rows)))
        else:
            _print_blocks(console, shown, layouts[0], bold_from=len(rows))
    for text in rendered.get().splitlines():
        print(text.rstrip())  # rich pads the last column


def as_text(value: object) -> str:
    """A value as one line that a terminal can show without obeying it.

    Control characters in names from telemetry could move the cursor or hide text.
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(value)
    )


def count_text(value: float) -> str:
    """`1,234`, `3.5`; `<0.01` is less than that, but not nothing."""
    if 0 < abs(value) < _SMALLEST_COUNT:
        return f"{'-' if value < 0 else ''}<{_SMALLEST_COUNT}"
    return f"{value:,}"


def _table(columns: Sequence[Column], layout: _Layout, bold_from: int) -> Table:
    table = Table(box=_RULES, show_edge=False, pad_edge=False, padding=(0, layout.gap - 1, 0, 0))
    for column, least in zip(columns, layout.least, strict=True):
        table.add_column(
            Text(column.heading),
            justify="right" if column.is_number else "left",
            overflow="fold",
            no_wrap=column.is_number,
            min_width=least,
        )
    for number, line in enumerate(zip(*layout.cells, strict=True)):
        is_total = number >= bold_from
        if is_total:
            table.add_section()
        table.add_row(*map(Text, line), style="bold" if is_total else "")
    return table


def _print_blocks(
    console: Console, columns: Sequence[Column], layout: _Layout, bold_from: int
) -> None:
    headings = [column.heading.replace("\n", " ") for column in columns]
    indent = max(map(len, headings))
    for number, line in enumerate(zip(*layout.cells, strict=True)):
        keys = (text for column, text in zip(columns, line, strict=True) if not column.is_number)
        style = "bold" if number >= bold_from else ""
        console.print(Text(" · ".join(filter(None, keys)), style=style))
        for column, heading, text in zip(columns, headings, line, strict=True):
            if column.is_number:
                console.print(Text(f"  {heading:<{indent}}  {text}"))


def _cells(column: Column, rows: Sequence[Row], *, shortened: bool) -> list[str]:
    """The column's texts; amounts get the same number of decimals, so that they line up."""
    values = [row[column.key] for row in rows]
    if column.kind is Kind.COUNT:
        count = _short_count if shortened else count_text
        return [UNKNOWN if value is None else count(value) for value in values]
    if column.kind in (Kind.TEXT, Kind.WRITTEN):
        return [as_text(value) for value in values]
    if column.kind in (Kind.SHARE, Kind.MS):
        text_of = percent if column.kind is Kind.SHARE else _duration
        return [UNKNOWN if value is None else text_of(value) for value in values]
    decimals = max((_decimals(value) for value in values if value is not None), default=2)
    texts = []
    for value, row in zip(values, rows, strict=True):
        is_bound = column.lower_bound_if is not None and row[column.lower_bound_if]
        text = UNKNOWN if value is None else _usd(value, decimals)
        texts.append(f"≥ {text}" if is_bound and value is not None else text)
    return texts


def _short_count(count: float) -> str:
    """Three digits and a unit from 10,000 on: `9,999`, `12.3k`, `345k`, `6.78M`, `9.01B`."""
    if abs(count) < 10_000:
        return count_text(count)
    number, power = Decimal(count), 0
    while abs(number) >= Decimal("999.5") and power + 1 < len(_UNITS):
        number, power = number / 1000, power + 1
    return f"{number:.3g}{_UNITS[power]}"


def _duration(milliseconds: Decimal | float) -> str:
    """`12 ms`, `3.4 s`, `5m 06s`, `2h 03m`."""
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    if minutes < 60:
        return f"{minutes}m {seconds:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def _decimals(amount: Decimal) -> int:
    """How many decimals an amount needs: 2, at most 4."""
    rounded = amount.quantize(_SMALLEST_USD, ROUND_HALF_UP).normalize()
    return max(2, -int(rounded.as_tuple().exponent))


def _usd(amount: Decimal, decimals: int) -> str:
    sign = "-" if amount < 0 else ""
    if 0 < abs(amount) < _SMALLEST_USD / 2:  # not nothing, so it must not read $0.00
        return f"{sign}<${_SMALLEST_USD}"
    rounded = abs(amount).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{sign}${rounded:,}"
