"""Records that came over the API → rows of the raw tables.

The API has checked them and wrote each without its empty fields, so equal records are equal JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson

from agent_analytics_collector.envelope import (
    DEVELOPER_HEADER,
    Envelope,
    Signal,
    record_digest,
)
from agent_analytics_collector.otlp.values import microseconds
from agent_analytics_collector.text_policy import TextPolicy
from agent_analytics_collector.warehouse.columns import Row

_MICRO = 1_000_000

Record = dict[str, Any]


RAW_TABLES = {
    Signal.COMMITS: "raw_git_commits",
    Signal.REWRITES: "raw_git_rewrites",
    Signal.SESSION_RECORDS: "raw_agent_session_records",
    Signal.COPILOT_METRICS: "raw_copilot_metrics",
    Signal.VENDOR_USAGE: "raw_vendor_usage",
}


def row(record: Record, envelope: Envelope, policy: TextPolicy) -> Row:
    """The row of one record of a request, in the columns of `columns.TABLES`.

    Raises what it may where the record is not as our API writes it.
    """
    return _ROWS[envelope.signal](record, envelope, policy)


def _commit(record: Record, envelope: Envelope, _: TextPolicy) -> Row:
    get = record.get
    authored_at = get("authored_at")
    trailers = get("trailers")
    return (
        get("commit_hash"),
        get("commit_message"),
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
        _key(envelope, record),
    )


def _rewrite(record: Record, envelope: Envelope, _: TextPolicy) -> Row:
    return (
        record.get("repository"),
        record["old_hash"],
        record["new_hash"],
        record.get("kind"),
        envelope.received_at_ns // 1000,
        _key(envelope, record),
    )


def _session_record(record: Record, envelope: Envelope, policy: TextPolicy) -> Row:
    payload = record.get("payload", {})
    # The same line of a copied file, or seen from another machine, is the same record.
    own = {name: value for name, value in record.items() if name not in _OF_THE_WAY}
    return (
        record["agent"],
        record["session_id"],
        blake2b(orjson.dumps(own, option=orjson.OPT_SORT_KEYS), digest_size=16).digest(),
        microseconds(record["timestamp"]),
        record["kind"],
        record.get("project_path"),
        record.get("git_branch"),
        policy.attributes(payload, orjson.dumps(payload)),
        envelope.headers.get(DEVELOPER_HEADER),
        record.get("source_file"),
        envelope.received_at_ns // 1000,
        record.get("repository"),
    )


def _copilot_metrics(record: Record, envelope: Envelope, policy: TextPolicy) -> Row:
    get = record.get
    payload = record.get("payload", {})
    organisation, languages = get("organisation"), get("language_breakdown")
    whole = f"org:{organisation}" if organisation else envelope.headers.get(DEVELOPER_HEADER)
    return (
        date.fromisoformat(record["day"]),
        get("developer_id") or whole,
        get("total_suggestions"),
        get("total_acceptances"),
        get("total_lines_suggested"),
        get("total_lines_accepted"),
        get("total_active_users"),
        None if languages is None else orjson.dumps(languages),
        envelope.received_at_ns // 1000,
        organisation,
        get("ai_credits_used"),
        policy.attributes(payload, orjson.dumps(payload)),
    )


def _vendor_usage(record: Record, envelope: Envelope, policy: TextPolicy) -> Row:
    get = record.get
    payload = record.get("payload", {})
    cost = get("cost_usd")
    return (
        record["vendor"],
        date.fromisoformat(record["day"]),
        get("actor"),
        get("model"),
        get("input_tokens"),
        get("cache_read_tokens"),
        get("cache_write_tokens"),
        get("cache_write_5m_tokens"),
        get("cache_write_1h_tokens"),
        get("output_tokens"),
        get("reasoning_tokens"),
        None if cost is None else Decimal(cost),
        policy.attributes(payload, orjson.dumps(payload)),
        envelope.received_at_ns // 1000,
    )


_OF_THE_WAY = frozenset({"source_file", "repository"})


def _key(envelope: Envelope, record: Record) -> bytes:
    return record_digest(envelope.headers.get(DEVELOPER_HEADER), record)


_ROWS: dict[Signal, Callable[[Record, Envelope, TextPolicy], Row]] = {
    Signal.COMMITS: _commit,
    Signal.REWRITES: _rewrite,
    Signal.SESSION_RECORDS: _session_record,
    Signal.COPILOT_METRICS: _copilot_metrics,
    Signal.VENDOR_USAGE: _vendor_usage,
}
