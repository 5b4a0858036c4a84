"""Everything that is stored about a person, as files that any program reads."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec
import orjson

from agent_analytics_collector.access.key_file import read_keys
from agent_analytics_collector.errors import FolderInUse
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.rows import Table, is_about, tables
from agent_analytics_collector.privacy.subject import Subject, use_subject
from agent_analytics_collector.state import write_bytes
from agent_analytics_collector.warehouse.lease import lease_when_free

LEASE_TIMEOUT_S = 60.0
_QUOTED_FORMULA = r"""regexp_replace("{0}", '^([=+\-@\t\r])', '''\1') AS "{0}" """


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    folder: Path
    rows: dict[str, int]
    """By `schema.table`, and of what is no table `keys`, `seeds` and `access_log`."""


def export_subject(home: Home, subject: Subject, folder: Path) -> Exported:
    """Write a JSON and a CSV file of each table with rows about the person, and an `index.json`.

    Raises FolderInUse, FileLocked.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FolderInUse(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows: dict[str, int] = {}
    with lease_when_free(home.database, LEASE_TIMEOUT_S) as connection:
        use_subject(connection, subject)
        for table in tables(connection):
            if (about := is_about(table)) and (count := _write(connection, table, about, folder)):
                rows[f"{table.schema}.{table.name}"] = count
    for name, found in (
        ("keys", [msgspec.to_builtins(key) for key in read_keys(home)
                  if subject.is_named(key.developer_id)]),
        ("seeds", list(_seed_rows(home, subject))),
        ("access_log", list(_looks(home, subject))),
    ):  # fmt: skip
        if found:
            rows[name] = len(found)
            write_bytes(folder / f"{name}.json", orjson.dumps(found, option=orjson.OPT_INDENT_2))
    index = {"names": sorted(subject.names), "rows": rows}
    write_bytes(folder / "index.json", orjson.dumps(index, option=orjson.OPT_INDENT_2))
    return Exported(folder, rows)


def _write(connection: duckdb.DuckDBPyConnection, table: Table, about: str, folder: Path) -> int:
    """Rows written; no file where there are none."""
    counted = connection.execute(f"SELECT count(*) FROM {table.quoted} WHERE {about}").fetchone()
    if not counted or not counted[0]:
        return 0
    plain = ", ".join(f'"{column}"' for column in table.columns)
    for suffix, options, columns in (
        (".json", "FORMAT json, ARRAY true", plain),
        (".csv", "FORMAT csv, HEADER", _spreadsheet_columns(connection, table)),
    ):
        path = folder / f"{table.schema}.{table.name}{suffix}"
        quoted = str(path).replace("'", "''")
        connection.execute(
            f"COPY (SELECT {columns} FROM {table.quoted} WHERE {about}) TO '{quoted}' ({options})"
        )
        os.chmod(path, 0o600)
    return int(counted[0])


def _spreadsheet_columns(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """The columns; a text that a spreadsheet would run as a formula gets a `'` in front."""
    described = connection.execute(f"DESCRIBE {table.quoted}").fetchall()
    return ", ".join(
        _QUOTED_FORMULA.format(name) if kind == "VARCHAR" else f'"{name}"'
        for name, kind, *_ in described
    )


def _seed_rows(home: Home, subject: Subject) -> Iterator[dict[str, str]]:
    for path in sorted(home.seeds.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if any(map(subject.is_named, row.values())):
                    yield {"file": path.name, **row}


def _looks(home: Home, subject: Subject) -> Iterator[dict[str, object]]:
    """Who looked at the person's data, and what the person looked at."""
    for path in sorted(home.access_log.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                look = json.loads(line)
            except json.JSONDecodeError:  # cut off by a crash
                continue
            named = [look.get("developer_id"), *look.get("developers", ())]
            if any(map(subject.is_named, named)):
                yield look
