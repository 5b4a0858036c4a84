"""What a vendor says of a day replaces what it said before, whatever way it comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.warehouse.batch import RawBatch
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.load import Batch, Stored, store, stored_position

Load = Callable[..., Stored]


@pytest.fixture
def load(home: Home) -> Load:
    """Load requests together, as one batch."""

    def load_batch(*envelopes: Envelope) -> Stored:
        raw = RawBatch()
        for envelope in envelopes:
            raw.add(envelope)
        assert raw.rejected == 0
        with lease(home.database) as connection:
            start = stored_position(connection)
            end = Position(start.segment, start.offset + 1)
            batch = Batch(start, end, len(envelopes), raw.tables(), None, raw.records, None)
            stored = store(connection, batch)
        assert stored is not None
        return stored

    return load_batch


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def copilot(at: int, *records: dict[str, Any], developer: str | None = None) -> Envelope:
    headers = {"x-developer-id": developer} if developer else {}
    body = json.dumps([{"day": "2026-05-07"} | record for record in records]).encode()
    return Envelope(Signal.COPILOT_METRICS, Encoding.JSON, body, at * 10**9, headers)


def usage(at: int, *records: dict[str, Any]) -> Envelope:
    own = {"vendor": "cursor", "day": "2026-05-07", "actor": "jo", "model": "gpt-5"}
    body = json.dumps([own | record for record in records]).encode()
    return Envelope(Signal.VENDOR_USAGE, Encoding.JSON, body, at * 10**9)


SUGGESTIONS = "SELECT developer_id, total_suggestions FROM raw_copilot_metrics ORDER BY ALL"


def test_the_newest_delivery_of_a_day_is_the_only_row_of_it(home: Home, load: Load) -> None:
    first = copilot(
        10,
        {"developer_id": "jo", "total_suggestions": 1},
        {"developer_id": "al", "total_suggestions": 5},
        {"developer_id": "jo", "day": "2026-05-08", "total_suggestions": 7},
    )
    assert load(first) == Stored(3, 0, 0)
    load(copilot(20, {"developer_id": "jo", "total_suggestions": 2}))
    rows = "SELECT id, date::VARCHAR, developer_id, total_suggestions, epoch(created_at)::INT "
    assert query(home.database, f"{rows} FROM raw_copilot_metrics ORDER BY id") == [
        (2, "2026-05-07", "al", 5, 10),
        (3, "2026-05-08", "jo", 7, 10),
        (4, "2026-05-07", "jo", 2, 20),
    ]


def test_the_same_delivery_again_changes_nothing(home: Home, load: Load) -> None:
    request = copilot(10, {"developer_id": "jo", "total_suggestions": 1})
    load(request)
    load(request)
    load(request, request)
    assert query(home.database, SUGGESTIONS) == [("jo", 1)]
    assert query(home.database, "SELECT duplicates FROM ingest_batches ORDER BY batch_id") == [
        (0,), (0,), (1,),
    ]  # fmt: skip


def test_an_older_delivery_that_comes_late_replaces_nothing(home: Home, load: Load) -> None:
    load(copilot(20, {"developer_id": "jo", "total_suggestions": 2}))
    late = copilot(
        10,
        {"developer_id": "jo", "total_suggestions": 1},
        {"developer_id": "al", "total_suggestions": 5},
    )
    assert load(late) == Stored(1, 1, 0)
    assert query(home.database, SUGGESTIONS) == [("al", 5), ("jo", 2)]


def test_of_several_in_one_batch_the_last_counts(home: Home, load: Load) -> None:
    newer = copilot(
        20,
        {"developer_id": "jo", "total_suggestions": 2},
        {"developer_id": "jo", "total_suggestions": 3},
    )
    load(newer, copilot(10, {"developer_id": "jo", "total_suggestions": 1}))
    assert query(home.database, SUGGESTIONS) == [("jo", 3)]


def test_a_row_is_whoever_the_record_says_else_the_organisation_else_the_sender(
    home: Home, load: Load
) -> None:
    load(
        copilot(
            10,
            {"developer_id": "octocat", "organisation": "acme", "total_suggestions": 1},
            {"organisation": "acme", "total_suggestions": 2},
            {"total_suggestions": 3},
            developer="dev_abc",
        ),
        copilot(10, {"total_suggestions": 4}),
        copilot(20, {"total_suggestions": 5}),
    )
    assert query(home.database, SUGGESTIONS) == [
        ("dev_abc", 3), ("octocat", 1), ("org:acme", 2), (None, 5),
    ]  # fmt: skip


def test_usage_is_replaced_by_vendor_day_actor_and_model(home: Home, load: Load) -> None:
    load(
        usage(
            10,
            {"input_tokens": 2**40, "cost_usd": "0.1", "cache_write_tokens": 3},
            {"model": None, "payload": {"agentRequests": 12}},
            {"actor": None, "input_tokens": 3},
            {"vendor": "claude_code", "input_tokens": 4},
        )
    )
    stored = load(usage(20, {"input_tokens": 9, "cost_usd": "0.2936232"}, {"model": None}))
    assert stored == Stored(2, 0, 0)
    rows = "SELECT vendor, actor, model, input_tokens, cache_write_tokens, cost_usd, payload "
    assert query(home.database, f"{rows} FROM raw_vendor_usage ORDER BY ALL") == [
        ("claude_code", "jo", "gpt-5", 4, None, None, "{}"),
        ("cursor", "jo", "gpt-5", 9, None, Decimal("0.293623200"), "{}"),
        ("cursor", "jo", None, None, None, None, "{}"),
        ("cursor", None, "gpt-5", 3, None, None, "{}"),
    ]


def test_both_rows_and_position_are_gone_when_the_batch_fails(home: Home, load: Load) -> None:
    load(copilot(10, {"developer_id": "jo", "total_suggestions": 1}))
    position = query(home.database, "SELECT * FROM loader_position")
    raw = RawBatch()
    raw.add(copilot(20, {"developer_id": "jo", "total_suggestions": 2}))
    tables = raw.tables() | {"raw_vendor_usage": raw.tables()["raw_copilot_metrics"]}
    with lease(home.database) as connection:
        start = stored_position(connection)
        batch = Batch(start, Position(9, 9), 1, tables, None, 1, None)
        with pytest.raises(duckdb.Error):
            store(connection, batch)
    assert query(home.database, SUGGESTIONS) == [("jo", 1)]
    assert query(home.database, "SELECT * FROM loader_position") == position


def test_text_in_a_payload_is_not_stored(home: Home, load: Load) -> None:
    secret = "the user said this"
    load(usage(10, {"payload": {"prompt": secret, "notes": secret * 100, "events": 2}}))
    ((payload,),) = query(home.database, "SELECT payload FROM raw_vendor_usage")
    assert secret not in payload
    assert json.loads(payload)["events"] == 2
