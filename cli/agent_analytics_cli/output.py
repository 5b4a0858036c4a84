"""How commands print: one vocabulary for tables, JSON and CSV.

Results go to stdout, notes about them to stderr. Rows are dicts; a `Column` names a key and says
how its value reads. None is unknown: `—` in a table, null in JSON, an empty cell in CSV.
"""

from __future__ import annotations

import csv
import enum
import functools
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import rich_click as click

from agent_analytics_cli.tables import Column, Row, as_text, print_table

R = TypeVar("R")

_JSON = msgspec.json.Encoder(decimal_format="number")


class Format(enum.Enum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def format_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command `--json` and `--csv`; it gets them as one argument, `output_format`."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
    @functools.wraps(command)
    def with_format(*args: Any, as_json: bool, as_csv: bool, **kwargs: Any) -> R:
        if as_json and as_csv:
            raise click.UsageError("--json and --csv exclude each other.")
        output_format = Format.JSON if as_json else Format.CSV if as_csv else Format.TABLE
        return command(*args, output_format=output_format, **kwargs)

    return with_format


def note(message: str) -> None:
    """Something to know about the result, beside it: on stderr."""
    click.echo(message, err=True)


def print_listing(columns: Sequence[Column], rows: Sequence[Row], output_format: Format) -> None:
    """The rows in the format asked for; JSON is a list of objects with the columns' keys."""
    if output_format is Format.JSON:
        print_json([{column.key: row[column.key] for column in columns} for row in rows])
    elif output_format is Format.CSV:
        print_csv(columns, rows)
    else:
        print_table(columns, rows)


def print_json(value: Any) -> None:
    """Indented JSON. Decimals and integers of any size are exact numbers, dates ISO 8601."""
    click.echo(msgspec.json.format(_JSON.encode(_exact(value)), indent=2).decode())


def print_csv(columns: Sequence[Column], rows: Iterable[Row]) -> None:
    """A heading of keys, then the rows.

    A text that a spreadsheet would run as a formula gets a `'` in front: names in telemetry are
    chosen by whoever sends it.
    """
    print(_csv_line(column.key for column in columns))
    for row in rows:
        print(_csv_line(_csv_cell(row[column.key]) for column in columns))


def _csv_line(cells: Iterable[object]) -> str:
    # csv quotes a cell for a \r in it only while \r is part of the line's end (Python 3.11).
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n")


def _csv_cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, bool | list | tuple):
        return as_text(value)
    return value


def _exact(value: Any) -> Any:
    """The same with what msgspec would refuse or write with idle zeros made plain."""
    if isinstance(value, Mapping):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if isinstance(value, Decimal):
        return Decimal(f"{value.normalize():f}")
    if isinstance(value, int) and abs(value) >= 2**63:  # a sum of token counts is a HUGEINT
        return msgspec.Raw(str(value).encode())
    return value
