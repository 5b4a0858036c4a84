"""The published marts as files, read again by what they are for."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home

from .published import publish


@pytest.fixture(autouse=True)
def published(home: Home) -> None:
    publish(
        home,
        [
            {
                "request_key": "a",
                "requested_date": "2026-03-10",
                "project_id": "=cmd|' /C calc'!A0",
            },
            {"request_key": "b", "requested_date": "2026-03-11", "model": 'say "hi",\nwell'},
        ],
        agents=[{"agent": "claude_code", "display_name": "Claude Code"}],
    )


def export(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["export", *arguments])


def as_rows(relation: str) -> list[dict[str, Any]]:
    cursor = duckdb.sql(f"set timezone = 'UTC'; from {relation} order by all")
    return [dict(zip(cursor.columns, row, strict=True)) for row in cursor.fetchall()]


def test_parquet_holds_the_marts_rows_and_types_exactly(home: Home, tmp_path: Path) -> None:
    result = export("--output", str(tmp_path / "out"), "--json")
    assert result.exit_code == 0, result.output
    files = {each["mart"]: each for each in json.loads(result.stdout)["files"]}
    assert files["fct_agent_requests"]["rows"] == 2
    marts = home.current_marts.resolve()
    for mart, file in files.items():
        duckdb.sql(f"attach if not exists '{marts}' as published (read_only)")
        assert as_rows(f"'{file['file']}'") == as_rows(f"published.main.{mart}")
    duckdb.sql("detach published")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{mart}.parquet" for mart in files
    )


def test_csv_runs_no_formula_and_survives_quotes_and_line_breaks(tmp_path: Path) -> None:
    export("--format", "csv", "--mart", "fct_agent_requests", "--output", str(tmp_path))
    with (tmp_path / "fct_agent_requests.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["project_id"] == "'=cmd|' /C calc'!A0"
    assert second["model"] == 'say "hi",\nwell'
    assert first["requested_at"] == "2026-03-10 12:00:00+00"
    assert Decimal(first["cost_usd"]) == Decimal("0.012345678")


def test_json_is_a_list_of_objects_with_null_for_unknown(tmp_path: Path) -> None:
    export("--format", "json", "--mart", "fct_agent_requests", "--output", str(tmp_path))
    rows = json.loads((tmp_path / "fct_agent_requests.json").read_text())
    assert [row["request_key"] for row in rows] == ["a", "b"]
    assert rows[0]["reasoning_tokens"] is None


def test_days_restrict_marts_that_have_them_and_leave_the_others_whole(tmp_path: Path) -> None:
    result = export("--since", "2026-03-11", "--output", str(tmp_path), "--json")
    rows = {each["mart"]: each["rows"] for each in json.loads(result.stdout)["files"]}
    assert rows["fct_agent_requests"] == 1
    assert rows["dim_agents"] == 1


def test_an_export_replaces_the_one_before_and_leaves_nothing_half_written(
    home: Home, tmp_path: Path
) -> None:
    export("--output", str(tmp_path))
    publish(home, [], run="run-2")
    export("--output", str(tmp_path))
    assert as_rows(f"'{tmp_path}/fct_agent_requests.parquet'") == []
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_only_the_owner_can_read_what_is_exported(tmp_path: Path) -> None:
    for file_format in ("parquet", "csv", "json"):
        export("--format", file_format, "--output", str(tmp_path / "new"))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}


def test_one_mart_goes_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    cli.main(
        ["export", "--mart", "dim_agents", "--format", "csv", "--output", "-"],
        standalone_mode=False,
    )
    heading, row = capfd.readouterr().out.splitlines()
    assert heading.startswith("agent,display_name")
    assert row.startswith("claude_code,Claude Code")


def test_a_reader_that_has_seen_enough_is_no_failure_to_report(home: Home) -> None:
    publish(home, [{"request_key": f"{n:0200}"} for n in range(5000)], run="run-2")
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        ended = subprocess.run(
            [
                sys.executable, "-m", "agent_analytics_cli.main", "export",
                "--mart", "fct_agent_requests", "--format", "csv", "--output", "-",
            ],
            stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--mart", "fct_nothing"), "no published mart 'fct_nothing'"),
        (("--output", "-"), "goes with one --mart"),
        (("--mart", "dim_agents", "--output", "-"), "as CSV or JSON"),
        (("--since", "someday"), "'someday' is no day"),
        (("--output", "/proc/nowhere"), "/proc/nowhere cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], problem: str) -> None:
    result = export(*arguments)
    assert result.exit_code != 0
    assert problem in result.output + str(result.exception)


def test_without_published_marts_it_says_how_to_get_them(home: Home) -> None:
    (home.published / "current").unlink()
    result = export()
    assert result.exit_code == 1
    assert "agent-analytics up" in result.stderr
