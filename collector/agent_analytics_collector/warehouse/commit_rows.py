"""What the API was told of commits → rows of the `raw_git_…` tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from agent_analytics_collector.envelope import DEVELOPER_HEADER, Envelope, record_digest
from agent_analytics_collector.text_policy import TextPolicy
from agent_analytics_collector.warehouse.record_keys import own_key

if TYPE_CHECKING:  # Arrow, which a fresh answer does without
    from agent_analytics_collector.warehouse.columns import Row

_MICRO = 1_000_000

Record = dict[str, Any]


def commit(record: Record, envelope: Envelope, policy: TextPolicy) -> Row:
    """Told again with its files, it is the same commit."""
    get = record.get
    authored_at = get("authored_at")
    trailers = get("trailers")
    own = {name: value for name, value in record.items() if name != "files"}
    return (
        get("commit_hash"),
        policy.commit_message(get("commit_message")),
        get("author_name"),
        get("author_email"),
        record["timestamp"] * _MICRO,
        get("files_changed"),
        get("lines_added"),
        get("lines_deleted"),
        get("agent_assisted"),
        get("agent_session_id"),
        get("agent_type"),
        envelope.headers.get(DEVELOPER_HEADER),
        get("project_id"),
        envelope.received_at_ns // 1000,
        None if authored_at is None else authored_at * _MICRO,
        get("repository"),
        get("branch"),
        get("parent_hashes"),
        get("is_merge"),
        get("patch_id"),
        None if trailers is None else orjson.dumps(trailers),
        get("recorded_by"),
        _key(envelope, own),
    )


def files(record: Record, envelope: Envelope) -> Iterator[Row]:
    """One row for each file of a commit; the same whoever tells of it."""
    commit_hash = record["commit_hash"]
    for file in record.get("files") or ():
        get = file.get
        yield (
            record.get("repository"),
            commit_hash,
            file["path"],
            get("old_path"),
            get("lines_added"),
            get("lines_deleted"),
            get("is_binary"),
            get("is_excluded"),
            get("added_line_hashes"),
            get("effective_lines_added"),
            get("removed_line_hashes"),
            record["timestamp"] * _MICRO,
            record_digest(commit_hash, file),
            envelope.received_at_ns // 1000,
        )


def rewrite(record: Record, envelope: Envelope, _: TextPolicy) -> Row:
    return (
        record.get("repository"),
        record["old_hash"],
        record["new_hash"],
        record.get("kind"),
        envelope.received_at_ns // 1000,
        _key(envelope, record),
    )


def line_survival(record: Record, envelope: Envelope, _: TextPolicy) -> Row:
    get = record.get
    return (
        get("repository"),
        record["commit_hash"],
        record["age_days"],
        get("lines_alive"),
        get("lines_at_start"),
        record["measured_at"] * _MICRO,
        get("alive_line_hashes"),
        get("in_default_branch"),
        envelope.received_at_ns // 1000,
    )


def attribution(record: Record, envelope: Envelope, _: TextPolicy) -> Row:
    """Notes are fetched by everybody: whoever tells of a line of one, it is the same line."""
    get = record.get
    return (
        get("repository"),
        record["commit_hash"],
        record["source"],
        get("note_id"),
        get("note_version"),
        get("evidence_tier"),
        get("contributor"),
        get("agent"),
        get("agent_session_id"),
        get("model"),
        get("path"),
        get("ranges"),
        get("lines"),
        envelope.headers.get(DEVELOPER_HEADER),
        own_key(record),
        envelope.received_at_ns // 1000,
    )


def _key(envelope: Envelope, record: Record) -> bytes:
    return record_digest(envelope.headers.get(DEVELOPER_HEADER), record)
