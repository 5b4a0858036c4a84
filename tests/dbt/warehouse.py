"""A DuckDB file that the real loader fills and the real dbt project, in this process, builds.

A process parses the project once, and dbt builds all of it and runs the data tests once. Later
builds are those that `agent-analytics transform` makes while the project is the same: of tables
alone, beside the views and seeds of the first build. The data tests are the SQL that dbt made of
them then: a test costs dbt 30 ms, and its SQL 1 ms.
"""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.resources.types import NodeType
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.line_hashes import LineHasher
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.transform import _WHAT_CHANGES
from agent_analytics_collector.warehouse.batch import RawBatch
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.load import Batch, store, stored_position

HASHER = LineHasher(b"tests" * 6)
DBT_PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
RECEIVED_AT = datetime(2026, 11, 22, 4, tzinfo=UTC)
"""After the recordings were made; a fixed moment, because prices depend on it."""


_parsed: list[Manifest] = []
"""Of one: the project; a run gets a copy, because it writes into it."""
_data_tests: dict[str, str] = {}
"""Name → SQL that tells whether it fails."""
_views_and_seeds: list[Path] = []
"""Of one: a file as the loader makes it, with what the first build left there but for tables."""


class BuildFailed(AssertionError):
    """dbt ended with errors; the text names them."""


class Warehouse:
    """A home of its own with a DuckDB file in it."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.create()
        self._has_views = bool(_views_and_seeds) and not self.home.database.exists()
        if self._has_views:
            shutil.copyfile(_views_and_seeds[0], self.home.database)

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A lease of the file; all raw tables are there."""
        with lease(self.home.database) as connection:
            yield connection

    def load(self, envelopes: Iterable[Envelope]) -> None:
        """Decode and store the requests as one batch, as the loader does."""
        raw = RawBatch(hasher=HASHER)
        count = 0
        for envelope in envelopes:
            raw.add(envelope)
            count += 1
        with self.open() as connection:
            start = stored_position(connection)
            end = Position(start.segment, start.offset + 1)
            batch = Batch(start, end, count, raw.tables(), None, raw.records, RECEIVED_AT)
            assert store(connection, batch) is not None

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Change the raw tables, as settings and other sources do."""
        with self.open() as connection:
            connection.execute(sql, list(parameters))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.open() as connection:
            return connection.execute(sql).fetchall()

    def dbt(self, *arguments: str, project: Path = DBT_PROJECT) -> dbtRunnerResult:
        """Run dbt in this process and let go of the file."""
        folders = ("--project-dir", str(project), "--profiles-dir", str(project), "--quiet")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AGENT_ANALYTICS_HOME", str(self.home.root))
            gc.disable()  # a tenth of a build went into looking through dbt's manifest for garbage
            try:
                manifest = _manifest(folders) if project == DBT_PROJECT else None
                return dbtRunner(manifest=manifest).invoke([*arguments, *folders])
            finally:
                DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
                gc.enable()
                gc.collect()

    def build(self, *arguments: str, project: Path = DBT_PROJECT) -> None:
        """`dbt build` without unit tests. Raises BuildFailed."""
        whole = project == DBT_PROJECT and set(arguments) <= {"--full-refresh"}
        tests_are_known = whole and bool(_data_tests)
        without = ["--exclude-resource-type", "unit_test"]
        if tests_are_known:
            without += ["--exclude-resource-type", "test"]
        if whole and self._has_views and not arguments:
            without += _WHAT_CHANGES
        result = self.dbt("build", *arguments, *without, project=project)
        self._has_views = whole and result.success
        if not result.success:
            raise BuildFailed(problems(result))
        if tests_are_known:
            self._test()
        elif whole:
            _data_tests.update(_tests_of(result))
        if whole and not _views_and_seeds:
            _views_and_seeds.append(self._without_tables())

    def _test(self) -> None:
        with self.open() as connection:
            failed = [
                name
                for name, sql in _data_tests.items()
                if connection.execute(sql).fetchone() != (False,)
            ]
        if failed:
            raise BuildFailed(f"These data tests failed: {', '.join(failed)}")

    def _without_tables(self) -> Path:
        """A copy of the file with dbt's views and seeds, and nothing else that is not in a new one.

        DuckDB makes no view of a table that is not there, but keeps one whose table goes.
        """
        new = Warehouse(self.home.root.with_name(f"{self.home.root.name}_without_tables"))
        shutil.copyfile(self.home.database, copy := new.home.root / "views_and_seeds.duckdb")
        with new.open() as connection:
            connection.execute(f"ATTACH '{copy}' AS copy")
            tables = connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() "
                "WHERE database_name = 'copy' AND schema_name <> 'seeds'"
            ).fetchall()
            for schema, table in tables:
                name = f'"{schema}"."{table}"'
                if schema == "main":
                    connection.execute(f"DELETE FROM copy.{name}")
                    connection.execute(f"INSERT INTO copy.{name} FROM {name}")
                else:
                    connection.execute(f"DROP TABLE copy.{name}")
            connection.execute("DETACH copy")
        return copy

    def marts(self, without: Iterable[str] = ()) -> dict[str, list[str]]:
        """Every row of every mart as text, in an order of its own."""
        with self.open() as connection:
            names = connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts'"
            ).fetchall()
            return {
                name: sorted(
                    map(str, connection.execute(f'SELECT * FROM marts."{name}"').fetchall())
                )
                for (name,) in names
                if name not in without
            }


def _manifest(folders: Sequence[str]) -> Manifest | None:
    """The parsed project, or None where it cannot be parsed, which the run itself will tell."""
    if not _parsed:
        parse = dbtRunner().invoke(["parse", *folders])
        if not isinstance(parse.result, Manifest):
            return None
        _parsed.append(parse.result)
    copy: Manifest = _parsed[0].deepcopy()  # type: ignore[no-untyped-call]
    return copy


def _tests_of(result: dbtRunnerResult) -> Iterator[tuple[str, str]]:
    """The data tests that a whole build ran, by name."""
    for run in getattr(result.result, "results", []):
        node = run.node
        if node.resource_type is NodeType.Test and node.config.severity.lower() == "error":
            sql = f"SELECT {node.config.fail_calc} {node.config.error_if} FROM"
            yield node.name, f"{sql} (\n{node.compiled_code}\n) AS dbt_internal_test"


def problems(result: dbtRunnerResult) -> str:
    """What dbt says went wrong."""
    if result.exception is not None:
        return str(result.exception)
    failed = [
        r for r in getattr(result.result, "results", []) if r.status not in ("pass", "success")
    ]
    return "\n".join(f"{r.node.name}: {r.message}" for r in failed if r.status != "skipped")


def recorded(scenario: Path) -> list[Envelope]:
    """The requests of a scenario, in the order in which they came."""
    return [
        Envelope(
            signal=Signal(request["signal"]),
            encoding=Encoding.JSON if request["file"].endswith(".json") else Encoding.PROTOBUF,
            body=(scenario / request["file"]).read_bytes(),
            received_at_ns=int(RECEIVED_AT.timestamp()) * 10**9,
            headers={k: v for k, v in request["headers"].items() if k == "x-developer-id"},
        )
        for request in json.loads((scenario / "requests.json").read_text())
    ]
