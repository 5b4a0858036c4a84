"""What session records tell of limits goes to a table of its own, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.migrations import known_migrations, migrate
from tests.warehouse.test_replacing import Load, load, query

__all__ = ["load"]

READING: dict[str, Any] = {
    "agent": "codex", "session_id": "s-1", "kind": "rate_limit",
    "timestamp": "2026-11-22T10:00:00Z",
    "payload": {
        "window": "five_hour", "used_percentage": 12.5, "window_minutes": 300,
        "resets_at": 1795345200, "limit_id": "codex", "plan_type": "pro", "source": "session_file",
    },
}  # fmt: skip


def records(*given: dict[str, Any], developer: str | None = "dev_abc") -> Envelope:
    headers = {"x-developer-id": developer} if developer else {}
    body = json.dumps(given).encode()
    return Envelope(Signal.SESSION_RECORDS, Encoding.JSON, body, 1795348800 * 10**9, headers)


def told(**payload: Any) -> dict[str, Any]:
    return READING | {"payload": READING["payload"] | payload}


def test_a_reading_lands_typed_and_is_no_session_record(load: Load, home: Home) -> None:
    prompt = READING | {"kind": "prompt", "payload": {"prompt_length": 3}}
    assert load(records(READING, prompt)).rows == 2
    assert query(home.database, "SELECT kind FROM raw_agent_session_records") == [("prompt",)]
    (found,) = query(home.database, "SELECT * EXCLUDE (record_key) FROM raw_rate_limits")
    assert found == (
        "codex", "dev_abc", None, "five_hour", 12.5,
        datetime(2026, 11, 22, 11, tzinfo=UTC), datetime(2026, 11, 22, 10, tzinfo=UTC),
        "session_file", 1, "s-1", 300, "codex", "pro", None,
        datetime(2026, 11, 22, 12, tzinfo=UTC),
    )  # fmt: skip


def test_a_reading_is_stored_once_whatever_file_it_is_read_from(load: Load, home: Home) -> None:
    copied = READING | {"source_file": ".codex/copy.jsonl", "repository": "/nowhere"}
    assert load(records(READING, READING)).duplicates == 1
    assert load(records(copied, told(used_percentage=13))).duplicates == 1
    assert query(home.database, "SELECT used_percentage FROM raw_rate_limits ORDER BY 1") == [
        (12.5,), (13.0,),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "resets_at"),
    [
        ({"resets_at": "2026-11-22T11:00:00+01:00"}, datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ({"resets_at": 1795345200.5}, datetime(2026, 11, 22, 11, 0, 0, 500000, UTC)),
        ({"resets_at": 1e300}, None),
        ({"resets_at": "soon"}, None),
        ({"resets_at": True}, None),
    ],
)
def test_a_reset_is_seconds_or_iso_8601_and_else_unknown(
    load: Load, home: Home, payload: dict[str, Any], resets_at: datetime | None
) -> None:
    assert load(records(told(**payload))).rows == 1
    assert query(home.database, "SELECT resets_at FROM raw_rate_limits") == [(resets_at,)]


def test_values_that_mean_nothing_cost_only_themselves(load: Load, home: Home) -> None:
    load(records(told(used_percentage="12", window_minutes=-1, window=5, plan_type=False)))
    assert query(
        home.database,
        'SELECT used_percentage, window_minutes, "window", plan_type, limit_id '
        "FROM raw_rate_limits",
    ) == [(None, None, None, None, "codex")]


def test_readings_of_an_older_file_are_moved(tmp_path: Path) -> None:
    database = tmp_path / "old.duckdb"
    payloads = [
        {"window": "primary", "used_percent": 12.5, "window_minutes": 299, "resets_at": 1795345200,
         "limit_id": "codex", "plan_type": "pro"},
        {"window": "secondary", "used_percent": 4, "window_minutes": 10080,
         "resets_at": "2026-11-29T00:00:00Z"},
        {"window": "primary", "used_percent": "x", "resets_in_seconds": 17},
    ]  # fmt: skip
    with duckdb.connect(str(database)) as old:
        for version, _, sql in known_migrations():
            if version < 7:
                old.execute(sql)
        old.execute(
            "CREATE TABLE schema_migrations (version BIGINT, name VARCHAR, applied_at TIMESTAMPTZ)"
        )
        old.execute("INSERT INTO schema_migrations VALUES (6, 'vendor_usage', now())")
        for kind, payload in [*(("rate_limit", p) for p in payloads), ("prompt", {})]:
            old.execute(
                "INSERT INTO raw_agent_session_records (agent, session_id, record_key, timestamp, "
                "kind, payload, batch_id, created_at) "
                "VALUES ('codex', 's-1', uuid(), '2026-11-22 10:00:00+00', ?, ?, 3, now())",
                [kind, json.dumps(payload)],
            )
        migrate(old, database)
    assert query(database, "SELECT kind FROM raw_agent_session_records") == [("prompt",)]
    assert query(
        database,
        'SELECT "window", used_percentage, window_minutes, resets_in_seconds, batch_id, '
        "epoch(resets_at) FROM raw_rate_limits ORDER BY 1 NULLS LAST, 2",
    ) == [
        ("five_hour", 12.5, 299, None, 3, 1795345200.0),
        ("primary", None, None, 17.0, 3, None),
        ("seven_day", 4.0, 10080, None, 3, 1795910400.0),
    ]


def test_a_new_file_has_the_table_that_the_loader_writes(home: Home) -> None:
    with lease(home.database) as connection:
        columns = connection.execute("SELECT * FROM raw_rate_limits").description
    assert columns is not None
    assert len(columns) == 16
