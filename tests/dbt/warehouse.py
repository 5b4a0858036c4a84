"""A DuckDB file that the real loader fills and the real dbt project, in this process, builds.

A process parses the project once, and dbt runs the data tests in its first build. Later builds run
the SQL that dbt made of them then: a test costs dbt 30 ms, and its SQL 1 ms.
"""

from __future__ import annotations

import gc
import json
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


class BuildFailed(AssertionError):
    """dbt ended with errors; the text names them."""


class Warehouse:
    """A home of its own with a DuckDB file in it."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.create()

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
        without = ["unit_test"]
        if whole and _data_tests:
            without.append("test")
        result = self.dbt(
            "build", *arguments, *(f"--exclude-resource-type={kind}" for kind in without),
            project=project,
        )  # fmt: skip
        if not result.success:
            raise BuildFailed(problems(result))
        if "test" in without:
            self._test()
        elif whole:
            _data_tests.update(_tests_of(result))

    def _test(self) -> None:
        with self.open() as connection:
            failed = [
                name
                for name, sql in _data_tests.items()
                if connection.execute(sql).fetchone() != (False,)
            ]
        if failed:
            raise BuildFailed(f"These data tests failed: {', '.join(failed)}")

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
