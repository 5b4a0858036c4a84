"""A plain `dbt build` from another shell: where it finds the file, how it waits, what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.dbt.warehouse import DBT_PROJECT, Warehouse, problems

pytestmark = pytest.mark.slow

NewWarehouse = Callable[[], Warehouse]

HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held'); time.sleep({})"


def from_a_shell(warehouse: Warehouse, *arguments: str) -> subprocess.CompletedProcess[str]:
    """dbt as its own process, as cron starts it."""
    command = [
        sys.executable, "-m", "dbt.cli.main", *arguments,
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
    ]  # fmt: skip
    environment = os.environ | {"AGENT_ANALYTICS_HOME": str(warehouse.home.root)}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=120
    )


def entries(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_it_waits_for_a_held_file_warns_of_nothing_and_litters_nowhere(
    new_warehouse: NewWarehouse,
) -> None:
    warehouse = new_warehouse()
    with warehouse.open():
        pass
    before = entries(DBT_PROJECT)
    command = [sys.executable, "-uc", HOLD.format(4), str(warehouse.home.database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        began = time.monotonic()
        result = from_a_shell(warehouse, "build", "--exclude-resource-type", "unit_test")
        waited = time.monotonic() - began
    assert result.returncode == 0, result.stdout
    assert waited > 2
    assert "WARN" not in result.stdout.replace("WARN=0", "")
    assert entries(DBT_PROJECT) == before
    assert (warehouse.home.dbt_target / "manifest.json").exists()


def test_missing_raw_tables_are_named_with_the_next_step(new_warehouse: NewWarehouse) -> None:
    warehouse = new_warehouse()
    warehouse.home.database.unlink(missing_ok=True)
    duckdb.connect(str(warehouse.home.database)).close()
    result = warehouse.dbt("build")
    assert not result.success
    assert "Run `agent-analytics up --once` first" in problems(result)
    assert "raw_otel_logs" in problems(result)


def test_every_run_and_build_is_recorded_for_publishing(built: Warehouse) -> None:
    rows = built.rows(
        "SELECT status, models > 50, errors, finished_at > started_at, published_at FROM dbt_runs"
    )
    assert rows == [("success", True, 0, True, None)]


def test_a_failed_run_is_recorded_as_failed_and_a_test_run_not_at_all(
    new_warehouse: NewWarehouse,
) -> None:
    warehouse = new_warehouse()
    warehouse.execute("INSERT INTO raw_settings VALUES ('time_zone', 'Mars/Olympus', now())")
    warehouse.execute(
        "INSERT INTO raw_git_commits (id, commit_hash, commit_timestamp, created_at) "
        "VALUES (1, 'a', now(), now())"
    )
    assert not warehouse.dbt("run").success
    warehouse.dbt("test", "--select", "stg_settings")
    [(status, errors)] = warehouse.rows("SELECT status, errors > 0 FROM dbt_runs")
    assert (status, errors) == ("error", True)


def test_schemas_are_called_as_the_design_says(built: Warehouse) -> None:
    schemas = built.rows(
        "SELECT DISTINCT schema_name FROM duckdb_tables() "
        "UNION SELECT DISTINCT schema_name FROM duckdb_views() WHERE NOT internal"
    )
    assert {name for (name,) in schemas} == {
        "main", "seeds", "staging", "intermediate", "marts",
    }  # fmt: skip


@pytest.mark.parametrize("command", ["parse", "compile"])
def test_looking_is_not_a_run(command: str, built: Warehouse) -> None:
    before = built.rows("SELECT count(*) FROM dbt_runs")
    assert built.dbt(command).success
    assert built.rows("SELECT count(*) FROM dbt_runs") == before
