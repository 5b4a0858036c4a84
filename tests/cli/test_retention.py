"""`agent-analytics retention`, and what other commands do without the raw rows that it took."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.fresh import rows
from agent_analytics_cli.main import cli
from agent_analytics_collector.home import Home
from agent_analytics_collector.warehouse import retention
from agent_analytics_collector.warehouse.lease import lease

TABLES = [
    "raw_agent_session_records", "raw_otel_logs", "raw_otel_metrics", "raw_otel_spans",
    "raw_fact_archive",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_PAUSE_S", 0)


def put_rejected(home: Home, *days_ago: int) -> None:
    with lease(home.database) as connection:
        for days in days_ago:
            connection.execute(
                "INSERT INTO raw_rejected VALUES (1, 'logs', 'why', NULL, ?)",
                [datetime.now(UTC) - timedelta(days=days)],
            )


def rejected(home: Home) -> int:
    with duckdb.connect(str(home.database), read_only=True) as connection:
        return len(connection.execute("FROM raw_rejected").fetchall())


def test_nothing_goes_where_nothing_is_set(home: Home) -> None:
    put_rejected(home, 5000)
    done = CliRunner().invoke(cli, ["retention"])
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert "Everything is kept for ever. `retention.raw_days: 90` in" in done.stderr
    assert rejected(home) == 1


def test_a_dry_run_says_what_would_go_and_when_and_changes_nothing(home: Home) -> None:
    put_rejected(home, 100, 92, 10)
    home.config_file.write_text("time_zone: UTC\nretention:\n  raw_days: 90\n")
    done = CliRunner().invoke(cli, ["retention", "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    tables = {row["table"]: row for row in json.loads(done.stdout)}
    assert tables["raw_otel_logs"]["facts_stay"]
    today = datetime.now(UTC).date()
    assert tables["raw_rejected"] == {
        "table": "raw_rejected", "kept_days": 90, "facts_stay": False,
        "oldest_on": str(today - timedelta(days=100)), "rows": 3, "rows_due": 2, "rows_gone": 0,
        "next_on": str(today - timedelta(days=10) + timedelta(days=91)),
    }  # fmt: skip
    assert rejected(home) == 3


def test_what_is_too_old_goes_and_is_counted(home: Home) -> None:
    put_rejected(home, 100, 10)
    home.config_file.write_text("time_zone: UTC\nretention:\n  raw_days: 90\n")
    done = CliRunner().invoke(cli, ["retention"])
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["raw_rejected"]
    assert rejected(home) == 1


def test_rows_that_dbt_has_not_read_stay_and_are_told(home: Home) -> None:
    with lease(home.database) as connection:
        connection.execute(
            "INSERT INTO raw_otel_logs (id, timestamp, created_at, record_key, batch_id) "
            "VALUES (1, '2020-01-01', '2020-01-01', uuid(), 1)"
        )
    home.config_file.write_text("retention:\n  raw_days: 90\n")
    done = CliRunner().invoke(cli, ["retention"])
    assert "1 rows are old enough and stay until" in done.stderr
    assert "run `agent-analytics transform`" in done.stderr


def test_a_fresh_answer_takes_what_is_archived_of_its_sessions(home: Home) -> None:
    """Of a fork with the session that it was copied from, of a trace with its nameless spans."""
    facts = [
        (1, "stg_codex__session_records", "fork", {"kind": "prompt", "forked_from": "original"}),
        (2, "stg_codex__session_records", "original", {"kind": "prompt"}),
        (2, "stg_agent_edits", "original", {"part": "1"}),
        (3, "stg_codex__session_records", "another", {"kind": "prompt"}),
        (4, "stg_copilot_cli__spans", "fork", {"trace_id": "t"}),
        (5, "stg_copilot_cli__spans", None, {"trace_id": "t"}),
        (6, "stg_copilot_cli__spans", None, {"trace_id": "of another"}),
        (7, "stg_claude_code__events", None, {"request_id": "of some session"}),
    ]
    with lease(home.database) as connection:
        connection.executemany(
            "INSERT INTO raw_fact_archive BY NAME SELECT $1 AS record_key, $2 AS kind, "
            "$3 AS session_id, $4 AS fact, now() AS archived_at",
            [
                [UUID(int=key), kind, session, json.dumps(fact)]
                for key, kind, session, fact in facts
            ],
        )
    memory = rows.open_memory(home.database)
    try:
        rows.take_others(memory, TABLES)
        memory.execute("ATTACH ':memory:' AS published")
        memory.execute(
            "CREATE TABLE published.fct_agent_requests (session_id VARCHAR, request_key VARCHAR)"
        )
        for key in (2, 9):  # a record that is known, told again, and a new one
            memory.execute(
                "INSERT INTO raw_agent_session_records BY NAME SELECT 'codex' AS agent, "
                "'fork' AS session_id, ? AS record_key, 'prompt' AS kind, now() AS created_at",
                [UUID(int=key)],
            )
        assert rows.touch(memory, TABLES, ()) == 1
        rows.take_touched(memory, TABLES)
        taken = memory.execute("SELECT record_key FROM raw_fact_archive ORDER BY 1").fetchall()
        new = memory.execute("SELECT record_key FROM raw_agent_session_records").fetchall()
    finally:
        memory.close()
    assert [key.int for (key,) in taken] == [1, 2, 2, 4, 5, 7]
    assert [key.int for (key,) in new] == [9]
