"""Text is kept only of developers who opted in, and never with a secret in it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.pseudonyms import message_pseudonyms
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.batch import RawBatch
from tests.privacy.canaries import ADA, BOB, otlp, otlp_logs

PROMPT = "please use AKIAIOSFODNN7EXAMPLE in /home/ada/app"


def attributes_of(batch: RawBatch) -> list[dict[str, Any]]:
    table = batch.tables()["raw_otel_logs"]
    return [orjson.loads(one) for one in table["attributes"].to_pylist()]


@pytest.mark.parametrize(
    ("include_text", "opted_in", "kept_of"),
    [
        (False, None, set()),
        (False, {ADA}, set()),
        (True, None, {ADA, BOB, None}),
        (True, {ADA}, {ADA}),
        (True, set(), set()),
    ],
)
def test_text_needs_the_organisation_and_the_developer(
    include_text: bool, opted_in: set[str] | None, kept_of: set[str | None]
) -> None:
    batch = RawBatch(include_text=include_text, text_developers=opted_in)
    senders = (ADA, BOB, None)
    for sender in senders:
        batch.add(otlp(Signal.LOGS, otlp_logs({"prompt": "hello you", "n": str(sender)}), sender))
    kept = {
        sender
        for sender, attributes in zip(senders, attributes_of(batch), strict=True)
        if attributes.get("prompt") == "hello you"
    }
    assert kept == kept_of


def test_the_sender_counts_and_not_who_the_record_says_it_is_from() -> None:
    batch = RawBatch(include_text=True, text_developers={ADA})
    claimed = otlp_logs({"prompt": "x", "developer.id": ADA}, resource={"developer.id": ADA})
    batch.add(otlp(Signal.LOGS, claimed, BOB))
    assert "prompt" not in attributes_of(batch)[0]


def test_kept_text_has_no_secrets_and_no_home_folders() -> None:
    batch = RawBatch(include_text=True)
    batch.add(otlp(Signal.LOGS, otlp_logs({"prompt": PROMPT, "db.password": "open sesame"})))
    assert attributes_of(batch) == [
        {"prompt": "please use [Filtered] in ~/app", "db.password": "[Filtered]"}
    ]


def test_secrets_go_from_all_that_the_api_takes() -> None:
    secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    commit = {
        "commit_hash": "a" * 40, "commit_message": f"Use {secret}", "author_name": "Ada",
        "timestamp": 1, "trailers": {"Token": [secret]}, "branch": f"try/{secret}",
        "files": [{"path": f"/home/ada/{secret}"}],
    }  # fmt: skip
    record = {
        "agent": "codex", "session_id": "s", "kind": "tool_call", "project_path": "/home/ada/app",
        "timestamp": "2026-01-01T00:00:00Z",
        "payload": {"file_path": "/home/ada/app/x", "t": secret},
    }  # fmt: skip
    batch = RawBatch()
    for signal, sent in ((Signal.COMMITS, commit), (Signal.SESSION_RECORDS, record)):
        batch.add(Envelope(signal, Encoding.JSON, orjson.dumps([sent]), 1))
    tables = batch.tables()
    stored = str([table.to_pylist() for table in tables.values()])
    assert secret not in stored
    assert "/home/ada" not in stored
    assert tables["raw_agent_session_records"]["project_path"].to_pylist() == ["~/app"]


def test_a_rejected_record_keeps_no_secret_either() -> None:
    batch = RawBatch()
    name = "sk-ant-api03-abcdefgh12345678"
    batch.add(otlp(Signal.LOGS, otlp_logs({name: "x"}, at_ns=2**64 - 1)))
    rejected = batch.rejected_table()
    assert rejected is not None
    assert name not in str(rejected.to_pylist())


def test_a_commit_message_can_be_stored_hashed_and_still_says_what_it_reverts(home: Home) -> None:
    settings = load_settings(home, {"privacy.hash_commit_messages": True}).settings
    said = f'Revert "Fix login"\n\nThis reverts commit {"b" * 40}.\n\nIt broke the shop.'
    batch = RawBatch(pseudonyms=message_pseudonyms(home, settings))
    for message in (said, said, "Fix login"):
        sent = [{"commit_hash": "a" * 40, "commit_message": message, "timestamp": 1}]
        batch.add(Envelope(Signal.COMMITS, Encoding.JSON, orjson.dumps(sent), 1))
    first, again, other = batch.tables()["raw_git_commits"]["commit_message"].to_pylist()
    assert first == again
    assert first.endswith(f"\n\nThis reverts commit {'b' * 40}")
    assert "shop" not in first
    assert other.startswith("hmac:")
    assert first[:20] != other[:20]
    assert message_pseudonyms(home, load_settings(home).settings) is None
