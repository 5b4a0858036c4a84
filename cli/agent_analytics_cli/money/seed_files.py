"""The CSV files in `seeds/` of the home, as commands change them: whole, or not at all.

They are the user's: columns and rows that we do not know stay, in their order.
"""

from __future__ import annotations

import csv
import fcntl
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from agent_analytics_cli.changes import ChangeRefused, FileChange, apply, read_for_change
from agent_analytics_cli.private_files import open_private
from agent_analytics_collector.errors import HomeUnusable
from agent_analytics_collector.home import Home

SeedRow = dict[str, str]
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class SeedKind:
    """A file by its name, the columns of a new one, and those that tell its rows apart."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def path(self, home: Home) -> Path:
        return home.seeds / f"{self.name}.csv"


PLANS = SeedKind(
    "plans",
    ("plan", "agent", "display_name", "monthly_usd", "included_usd", "valid_from", "valid_to",
     "source"),
    ("plan", "valid_from"),
)  # fmt: skip
SUBSCRIPTIONS = SeedKind(
    "subscriptions",
    ("plan", "developer_id", "seats", "since", "until"),
    ("plan", "developer_id", "since"),
)
BUDGETS = SeedKind(
    "budgets",
    ("scope", "name", "monthly_usd", "measure", "since"),
    ("scope", "name", "measure", "since"),
)
INVOICES = SeedKind(
    "invoices",
    ("vendor", "month", "amount_usd", "agent", "reference"),
    ("vendor", "month", "agent", "reference"),
)


@dataclass(slots=True)
class SeedFile:
    """The rows of a file while it is changed.

    Cells are compared as dbt does: without blanks around them, and whatever their case.
    """

    kind: SeedKind
    heading: list[str]
    lines: list[list[str]] = field(default_factory=list)

    def rows(self) -> list[SeedRow]:
        """The rows in their order, each with all columns of its kind; what is missing is ""."""
        return [self._row(line) for line in self.lines if any(line)]

    def put(self, row: Mapping[str, str]) -> bool:
        """Add the row, or put its cells into the row of the same key; whether there was one."""
        key = {name: row.get(name, "") for name in self.kind.key}
        same = [line for line in self.lines if any(line) and self._has(line, key)]
        line = same[0] if same else []
        line += [""] * (len(self.heading) - len(line))
        for name, cell in row.items():
            line[self.heading.index(name)] = cell
        if not same:
            self.lines.append(line)
        for other in same[1:]:
            self.lines.remove(other)
        return bool(same)

    def remove(self, cells: Mapping[str, str]) -> list[SeedRow]:
        """Take out the rows that have these cells; they are given back."""
        gone = [line for line in self.lines if any(line) and self._has(line, cells)]
        self.lines = [line for line in self.lines if not any(line is other for other in gone)]
        return [self._row(line) for line in gone]

    def _row(self, line: list[str]) -> SeedRow:
        cells = dict(zip(self.heading, (cell.strip() for cell in line), strict=False))
        return {name: "" for name in self.kind.columns} | cells

    def _has(self, line: list[str], cells: Mapping[str, str]) -> bool:
        row = self._row(line)
        return all(row[name].lower() == cell.lower() for name, cell in cells.items())


def read_seed(home: Home, kind: SeedKind) -> list[SeedRow]:
    """The rows of the user's file; none where there is no file. Raises ChangeRefused.

    A link and a file that may not be written are read too: only `edit_seed` writes.
    """
    path = kind.path(home)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        content = None
    except OSError as error:
        raise ChangeRefused(path, f"it cannot be read: {error.strerror}") from error
    return _parsed(kind, path, content).rows()


@contextmanager
def edit_seed(home: Home, kind: SeedKind) -> Iterator[SeedFile]:
    """The file's content to change; it is written (0600) at the end unless something is raised.

    Only one command at a time. Raises ChangeRefused, HomeUnusable.
    """
    home.create()
    path = kind.path(home)
    with _lock(home) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = read_for_change(path)
        file = _parsed(kind, path, before)
        was = _written(file, before)
        yield file
        after = _written(file, before)
        if after != was:
            apply(FileChange(path, before, after, f"{kind.name} of agent-analytics", 0o600))


def _lock(home: Home) -> BinaryIO:
    path = home.run / "seeds.lock"
    try:
        return open(path, "ab", opener=open_private)
    except OSError as error:
        raise HomeUnusable(home.root, f"{path}: {error.strerror}") from error


def _parsed(kind: SeedKind, path: Path, content: bytes | None) -> SeedFile:
    try:
        text = (content or b"").decode().removeprefix(_BOM)
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ChangeRefused(path, f"it is no CSV in UTF-8: {error}") from error
    heading = [name.strip() for name in lines.pop(0)] if lines else []
    if heading and kind.columns[0] not in heading:
        problem = f"its first line names no column `{kind.columns[0]}`"
        raise ChangeRefused(path, f"{problem}. It begins with {','.join(kind.columns)}")
    if twice := sorted({name for name in heading if name and heading.count(name) > 1}):
        raise ChangeRefused(path, f"its first line names `{twice[0]}` twice")
    heading += [name for name in kind.columns if name not in heading]
    return SeedFile(kind, heading, lines)


def _written(file: SeedFile, before: bytes | None) -> bytes:
    """The file with the line ends and the byte order mark that it had."""
    before = before or b""
    text = io.StringIO()
    ending = "\r\n" if b"\r\n" in before else "\n"
    csv.writer(text, lineterminator=ending).writerows([file.heading, *file.lines])
    mark = _BOM if before.startswith(_BOM.encode()) else ""
    return (mark + text.getvalue()).encode()
