"""Published marts as files: Parquet for warehouses and notebooks, CSV for spreadsheets, JSON.

All of one export comes from one published run. A file appears under its name when it is whole, for
its owner alone, as the marts are: they name people.
"""

from __future__ import annotations

import enum
import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from agent_analytics_collector.errors import AgentAnalyticsError

_DAY_COLUMNS = (
    "usage_date",
    "requested_date",
    "called_date",
    "started_date",
    "committed_date",
    "booked_date",
    "month",
)
"""By which of its columns a mart is restricted to days: the first of these that it has."""


class FileFormat(enum.Enum):
    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


# DuckDB would else write a file of its own, with the mode that the umask leaves.
_OPTIONS = {
    FileFormat.PARQUET: "FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false",
    FileFormat.CSV: "FORMAT csv, HEADER true, USE_TMP_FILE false",
    FileFormat.JSON: "FORMAT json, ARRAY true, USE_TMP_FILE false",
}
_FORMULA = r"^[=+\-@\t\r]"
"""What a spreadsheet would run; names in telemetry are chosen by whoever sends it."""


class NoSuchMart(AgentAnalyticsError):
    """A mart was asked for that the published run does not have."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        super().__init__(
            f"There is no published mart {name!r}. There are {', '.join(known) or 'none'}."
        )


class ExportFailed(AgentAnalyticsError):
    """A file could not be written."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be written: {problem}. Choose another folder with --output."
        )


@dataclass(frozen=True, slots=True)
class Mart:
    """A published table."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """(column, DuckDB type), in order."""

    @property
    def day_column(self) -> str | None:
        """None where its rows are of no day: dimensions, prices."""
        names = {name for name, kind in self.columns if kind == "DATE"}
        return next((name for name in _DAY_COLUMNS if name in names), None)


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written."""

    mart: Mart
    path: Path
    rows: int


def read_marts(marts: duckdb.DuckDBPyConnection, names: Sequence[str] = ()) -> list[Mart]:
    """The published marts of those names, or all; raw tables only by name. Raises NoSuchMart."""
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in marts.execute(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = 'main' order by table_name, ordinal_position"
    ).fetchall():
        columns.setdefault(table, []).append((column, kind))
    for name in names:
        if name not in columns:
            raise NoSuchMart(name, sorted(columns))
    wanted = names or [name for name in columns if not name.startswith("raw_")]
    return [Mart(name, tuple(columns[name])) for name in dict.fromkeys(wanted)]


def export_marts(
    marts: duckdb.DuckDBPyConnection,
    wanted: Sequence[Mart],
    file_format: FileFormat,
    folder: Path,
    since: date | None = None,
    until: date | None = None,
) -> Iterator[Exported]:
    """Write `<folder>/<mart>.<format>` for each; yields what was written, one by one.

    `since` and `until`, both included, restrict marts that have a day, by the day of the
    configured time zone. Raises ExportFailed.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ExportFailed(folder, error.strerror or str(error)) from error
    for mart in wanted:
        path = folder / f"{mart.name}.{file_format.value}"
        partial = folder / f".{path.name}.{os.getpid()}"
        try:
            partial.touch(mode=0o600)
            rows = copy_mart(marts, mart, file_format, partial, since, until)
            partial.replace(path)
        except OSError as error:
            raise ExportFailed(path, error.strerror or str(error)) from error
        finally:
            partial.unlink(missing_ok=True)
        yield Exported(mart, path, rows)


def copy_mart(
    marts: duckdb.DuckDBPyConnection,
    mart: Mart,
    file_format: FileFormat,
    target: Path,
    since: date | None = None,
    until: date | None = None,
) -> int:
    """Write one mart's rows to `target`, which may be `/dev/stdout`; how many they were.

    Times are in UTC. Raises ExportFailed, and BrokenPipeError where the reader of a pipe has left.
    """
    marts.execute("SET TimeZone = 'UTC'")
    selected = ", ".join(_exported(name, kind, file_format) for name, kind in mart.columns)
    days, bounds = _restriction(mart, since, until)
    query = f'select {selected} from main."{mart.name}"{days} order by all'
    path = str(target).replace("'", "''")
    try:
        copied = marts.execute(f"copy ({query}) to '{path}' ({_OPTIONS[file_format]})", bounds)
    except duckdb.IOException as error:
        if os.strerror(errno.EPIPE) in str(error):  # `| head` has seen enough
            raise BrokenPipeError(errno.EPIPE, str(error)) from error
        raise ExportFailed(target, str(error).splitlines()[0]) from error
    counted = copied.fetchone()
    return int(counted[0]) if counted else 0


def _exported(column: str, kind: str, file_format: FileFormat) -> str:
    quoted = f'"{column}"'
    if file_format is not FileFormat.CSV or kind != "VARCHAR":
        return quoted
    return (
        f"case when regexp_matches({quoted}, '{_FORMULA}') then '''' || {quoted} "
        f"else {quoted} end as {quoted}"
    )


def _restriction(mart: Mart, since: date | None, until: date | None) -> tuple[str, dict[str, Any]]:
    """A month counts where any of its days does."""
    column = mart.day_column
    if column is None:
        return "", {}
    first = since.replace(day=1) if since and column == "month" else since
    bounds = {name: day for name, day in (("since", first), ("until", until)) if day}
    conditions = [f'"{column}" {">=" if name == "since" else "<="} ${name}' for name in bounds]
    return (" where " + " and ".join(conditions) if conditions else ""), bounds
