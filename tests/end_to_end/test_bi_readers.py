"""BI tools keep `bi.duckdb` open for ever: every refresh is seen, two runs never mix."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import pytest

from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import read_loader
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.publish import Published, publish_new_runs

from .conftest import StartUp, cli, status, wait_for
from .test_dbt_beside_loading import LiveTraffic

pytestmark = pytest.mark.slow

PUBLISHES = 50
LOADED_EVERY = 10
"""Publishes. Back to back they may keep the file from a loader that tries every two seconds."""
NODE_READER = Path(__file__).with_name("node_reader")

JOIN = (
    "SELECT least(min(f.run), min(d.run)), greatest(max(f.run), max(d.run)), "
    "count(*), max(d.rows) FROM fct_made AS f JOIN dim_made AS d ON f.n = d.n"
)
PYTHON_READER = """
import json, sys, threading, duckdb

connection = duckdb.connect(sys.argv[1], read_only=True)
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
joins, newest, mixed = 0, 0, 0
while not done.is_set():
    low, high, rows, expected = connection.execute(sys.argv[2]).fetchone()
    joins += 1
    if low != high or rows != expected:
        print(json.dumps({"mixed": [low, high, rows, expected]}), flush=True)
        mixed += 1
    if high < newest:
        print(json.dumps({"went back": [newest, high]}), flush=True)
    if high > newest:
        newest = high
        print(json.dumps({"run": high}), flush=True)
print(json.dumps({"joins": joins, "mixed": mixed}), flush=True)
"""


class Reader:
    """A process with `bi.duckdb` open, joining two views without a pause."""

    def __init__(self, home: Home, program: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [*program, str(home.bi_database), JOIN],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.said: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(json.loads(line))

    def has_seen(self, run: int) -> bool:
        assert self._process.poll() is None, "the reader ended by itself"
        return {"run": run} in self.said

    def finish(self) -> str:
        """Let it end; what it wrote to stderr."""
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        self._process.stdin.close()
        errors = self._process.stderr.read()
        self._process.wait(60)
        self._thread.join(60)
        self._process.stdout and self._process.stdout.close()
        self._process.stderr.close()
        return errors


@contextmanager
def reading(
    home: Home, program: tuple[str, ...] = (sys.executable, "-c", PYTHON_READER)
) -> Iterator[Reader]:
    reader = Reader(home, program)
    try:
        yield reader
    finally:
        errors = reader.finish()
    assert errors == ""


def rows_of(run: int) -> int:
    """Between 1 and 60,000, up and down from run to run."""
    return 1 + (run * 7919) % 60_000


def publish_run(home: Home, run: int, extra: str = "") -> Published | None:
    """What a dbt run leaves behind, published as the loader does it."""
    rows = rows_of(run)
    with lease_when_free(home.database, 60) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        for name in ("fct_made", "dim_made"):
            connection.execute(
                f"CREATE OR REPLACE TABLE marts.{name} AS SELECT {run} AS run, {rows} AS rows, "
                f"n, repeat('x', {run % 5}) AS filling{extra} FROM range({rows}) AS made(n)"
            )
        connection.execute(
            "INSERT INTO dbt_runs (run_id, started_at, finished_at, status, models, errors) "
            "VALUES (?, now(), now(), 'success', 2, 0)",
            [str(run)],
        )
        return publish_new_runs(connection, home, Settings())


def stored_logs(home: Home) -> int:
    return read_loader(home).records.get("logs", 0)


def loaded_more(home: Home, stored: int) -> bool:
    return stored_logs(home) > stored


def unavailable(reason: str) -> NoReturn:
    """Skip here; fail in CI, which has to have Node."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def node_reader(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The program that reads with DuckDB's client for Node, installed from npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        unavailable("there is no node or no npm here")
    folder = tmp_path_factory.mktemp("node_reader")
    for name in ("package.json", "reader.mjs"):
        shutil.copy(NODE_READER / name, folder)
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if installed.returncode:
        unavailable(f"npm could not install DuckDB's client: {installed.stderr[-2000:]}")
    return node, str(folder / "reader.mjs")


def test_two_readers_see_each_of_fifty_publishes_whole(home: Home) -> None:
    publish_run(home, 1)
    replaced_at = status()["published"]["bi_replaced_at"]
    with reading(home) as first, reading(home) as second:
        for run in range(1, PUBLISHES + 1):
            if run > 1:
                published = publish_run(home, run)
                assert published is not None
                assert not published.reconnect
            for reader in (first, second):
                wait_for(f"run {run} at a reader", partial(reader.has_seen, run))
    for reader in (first, second):
        *runs, result = reader.said
        assert runs == [{"run": run} for run in range(1, PUBLISHES + 1)]
        assert result["mixed"] == 0
        assert result["joins"] > 2 * PUBLISHES
        print(f"{PUBLISHES} publishes, {result['joins']:,} joins")
    assert status()["published"]["bi_replaced_at"] == replaced_at
    kept = [path for path in home.published.iterdir() if path.name[0].isdigit()]
    assert len(kept) == 3


def test_nodes_client_sees_each_of_fifty_publishes_whole_under_load(
    home: Home, up: StartUp, node_reader: tuple[str, ...]
) -> None:
    """A client that shares nothing with Python's, beside telemetry that is loaded all the time."""
    collector = up()
    with LiveTraffic(collector) as live:
        publish_run(home, 1)
        before = stored = stored_logs(home)
        with reading(home, node_reader) as node:
            for run in range(1, PUBLISHES + 1):
                if run > 1:
                    assert publish_run(home, run) is not None
                wait_for(f"run {run} at the reader", partial(node.has_seen, run))
                if run % LOADED_EVERY == 0:
                    wait_for("loading", partial(loaded_more, home, stored))
                    stored = stored_logs(home)
    *runs, result = node.said
    assert runs == [{"run": run} for run in range(1, PUBLISHES + 1)]
    assert result["mixed"] == 0
    assert result["joins"] > 2 * PUBLISHES
    print(
        f"{PUBLISHES} publishes, {result['joins']:,} joins of Node, {stored - before:,} of "
        f"{len(live.acknowledged):,} records loaded meanwhile"
    )


def test_readers_go_on_while_publishes_overtake_their_queries(home: Home) -> None:
    """No waiting for the readers: a query may still read a run of which nothing is left."""
    publish_run(home, 1)
    with reading(home) as reader:
        wait_for("the first run at the reader", lambda: reader.has_seen(1))
        for run in range(2, PUBLISHES + 1):
            publish_run(home, run)
        wait_for("the last run at the reader", lambda: reader.has_seen(PUBLISHES))
    *runs, result = reader.said
    assert all(list(said) == ["run"] for said in runs)
    assert result["mixed"] == 0
    print(f"{PUBLISHES} publishes without a pause, {result['joins']:,} joins, {len(runs)} seen")


def test_marts_with_other_columns_replace_the_file_of_views_and_status_says_so(
    home: Home,
) -> None:
    publish_run(home, 1)
    before = status()["published"]
    published = publish_run(home, 2, extra=", 'new' AS added")
    assert published is not None
    assert published.reconnect
    after = status()["published"]
    assert after["run"] > before["run"]
    assert after["bi_replaced_at"] > before["bi_replaced_at"]
    said = cli("status").stdout
    assert after["bi_replaced_at"] in said
    assert "should reconnect" in said
    with duckdb.connect(str(home.bi_database), read_only=True) as connection:
        row = connection.execute("SELECT count(*), min(run), max(added) FROM fct_made").fetchone()
        tables = connection.execute("SELECT * FROM duckdb_tables()").fetchall()
    assert row == (rows_of(2), 2, "new")
    assert tables == []  # views and nothing else
    publish_run(home, 3, extra=", 'new' AS added")
    assert status()["published"]["bi_replaced_at"] == after["bi_replaced_at"]
