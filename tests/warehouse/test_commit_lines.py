"""Files of commits, lines that are alive, and who wrote them: each stored once, the newest last."""

from __future__ import annotations

import json
from collections.abc import Callable
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

SHA = "c9335bcb18f9e474573517f60b31b73d99d2217d"
A, B, C = "a" * 16, "b" * 16, "c" * 16
FILE: dict[str, Any] = {
    "path": "src/new name.py",
    "old_path": "src/old.py",
    "lines_added": 3,
    "lines_deleted": 1,
    "is_binary": False,
    "is_excluded": False,
    "effective_lines_added": 2,
    "added_line_hashes": [B, A],
    "removed_line_hashes": [C],
}
COMMIT: dict[str, Any] = {"commit_hash": SHA, "timestamp": 1795319094, "recorded_by": "hook"}


@pytest.fixture
def load(home: Home) -> Load:
    """Load requests together, as one batch."""

    def load_batch(*envelopes: Envelope) -> Stored:
        raw = RawBatch()
        for envelope in envelopes:
            raw.add(envelope)
        with lease(home.database) as connection:
            start = stored_position(connection)
            end = Position(start.segment, start.offset + 1)
            batch = Batch(
                start, end, len(envelopes), raw.tables(), raw.rejected_table(), raw.records, None
            )
            stored = store(connection, batch)
        assert stored is not None
        return stored

    return load_batch


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def sent(signal: Signal, *records: dict[str, Any], at: int = 10, by: str = "jo") -> Envelope:
    headers = {"x-developer-id": by}
    return Envelope(signal, Encoding.JSON, json.dumps(records).encode(), at * 10**9, headers)


def test_a_commit_becomes_a_row_and_one_for_each_file(home: Home, load: Load) -> None:
    binary = {"path": "logo.png", "is_binary": True, "is_excluded": False}
    told = sent(Signal.COMMITS, COMMIT | {"files": [FILE, binary]})
    assert load(told) == Stored(3, 0, 0)
    assert query(
        home.database,
        "SELECT commit_hash, path, old_path, lines_added, lines_deleted, is_binary, is_excluded, "
        "effective_lines_added, added_line_hashes, removed_line_hashes, "
        "epoch(commit_timestamp)::BIGINT, epoch(created_at)::BIGINT "
        "FROM raw_git_commit_files ORDER BY path DESC",
    ) == [
        (SHA, FILE["path"], FILE["old_path"], 3, 1, False, False, 2, [B, A], [C], 1795319094, 10),
        (SHA, "logo.png", None, None, None, True, False, None, None, None, 1795319094, 10),
    ]
    assert query(home.database, "SELECT records, duplicates FROM ingest_batches") == [(1, 0)]


def test_a_commit_told_again_is_stored_once_and_its_files_once(home: Home, load: Load) -> None:
    plain = sent(Signal.COMMITS, COMMIT)
    whole = sent(Signal.COMMITS, COMMIT | {"files": [FILE]})
    assert load(plain) == Stored(1, 0, 0)
    assert load(whole) == Stored(1, 1, 0)
    assert load(whole, sent(Signal.COMMITS, COMMIT | {"files": [FILE]}, by="al")) == Stored(1, 3, 0)
    assert query(home.database, "SELECT developer_id FROM raw_git_commits ORDER BY id") == [
        ("jo",), ("al",),
    ]  # fmt: skip
    assert query(home.database, "SELECT count(*) FROM raw_git_commit_files") == [(1,)]


def test_a_commit_whose_files_are_damaged_costs_only_itself(home: Home, load: Load) -> None:
    damaged = COMMIT | {"commit_hash": "d" * 40, "files": [FILE, {"old_path": "nameless"}]}
    stored = load(sent(Signal.COMMITS, damaged, COMMIT | {"files": [FILE]}))
    assert stored == Stored(2, 0, 1)
    assert query(home.database, "SELECT commit_hash FROM raw_git_commit_files") == [(SHA,)]


def survival(at: int, **changes: object) -> Envelope:
    record = {"commit_hash": SHA, "age_days": 14, "measured_at": 1796528694} | changes
    return sent(Signal.LINE_SURVIVAL, record, at=at)


def test_the_newest_measurement_of_a_commit_at_an_age_is_the_only_one(
    home: Home, load: Load
) -> None:
    load(survival(10, lines_alive=9, lines_at_start=9), survival(10, age_days=30, lines_alive=8))
    load(survival(20, lines_alive=7, alive_line_hashes=[A, B], in_default_branch=True))
    load(survival(15, lines_alive=1))
    assert query(
        home.database,
        "SELECT age_days, lines_alive, lines_at_start, alive_line_hashes, in_default_branch, "
        "epoch(measured_at)::BIGINT FROM raw_git_line_survival ORDER BY age_days",
    ) == [
        (14, 7, None, [A, B], True, 1796528694),
        (30, 8, None, None, None, 1796528694),
    ]


def test_a_note_that_two_developers_fetched_is_stored_once(home: Home, load: Load) -> None:
    line = {
        "commit_hash": SHA, "source": "git_ai", "note_id": "e" * 40, "contributor": "ai",
        "note_version": "authorship/3.0.0", "agent": "claude", "agent_session_id": "s",
        "model": "claude-opus-4-5", "path": "a.py", "ranges": "1-3,9", "lines": 4,
    }  # fmt: skip
    load(sent(Signal.ATTRIBUTIONS, line | {"repository": "https://github.com/acme/widgets"}))
    load(sent(Signal.ATTRIBUTIONS, line | {"repository": "/home/al/widgets"}, by="al"))
    load(sent(Signal.ATTRIBUTIONS, line | {"note_id": "f" * 40, "ranges": "1-4", "lines": 4}))
    columns = ", ".join(line)
    assert query(home.database, f"SELECT {columns} FROM raw_git_attributions ORDER BY note_id") == [
        tuple(line.values()),
        tuple((line | {"note_id": "f" * 40, "ranges": "1-4"}).values()),
    ]
