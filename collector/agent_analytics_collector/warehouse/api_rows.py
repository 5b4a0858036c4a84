"""Records that came over the API → rows of the raw tables.

The API has checked them and wrote each without its empty fields, so equal records are equal JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from agent_analytics_collector.envelope import (
    DEVELOPER_HEADER,
    Envelope,
    Signal,
    record_digest,
)
from agent_analytics_collector.otlp.values import microseconds
from agent_analytics_collector.text_policy import TextPolicy
from agent_analytics_collector.warehouse import commit_rows
from agent_analytics_collector.warehouse.record_keys import own_key

if TYPE_CHECKING:  # Arrow, which a fresh answer does without
    from agent_analytics_collector.warehouse.columns import Row

_MICRO = 1_000_000
_LAST_SECOND = 9_214_646_400
"""2262-01-01, as far as the API takes times."""
_LARGEST_NUMBER = 2**53

Record = dict[str, Any]


RAW_TABLES = {
    Signal.COMMITS: "raw_git_commits",
    Signal.REWRITES: "raw_git_rewrites",
    Signal.SESSION_RECORDS: "raw_agent_session_records",
    Signal.COPILOT_METRICS: "raw_copilot_metrics",
    Signal.VENDOR_USAGE: "raw_vendor_usage",
    Signal.LINE_SURVIVAL: "raw_git_line_survival",
    Signal.ATTRIBUTIONS: "raw_git_attributions",
    Signal.SURVEYS: "raw_surveys",
}
"""Where the records of a signal go, but for what session records tell of limits."""
COMMIT_FILES = "raw_git_commit_files"
"""Where the files of a commit go, which are no records of their own."""
RATE_LIMITS = "raw_rate_limits"
_RATE_LIMIT = "rate_limit"


def rows(record: Record, envelope: Envelope, policy: TextPolicy) -> Iterator[tuple[str, Row]]:
    """Tables and rows of one record of a request, in the columns of `columns.TABLES`.

    Raises what it may where the record is not as our API writes it.
    """
    if envelope.signal is Signal.SESSION_RECORDS and record["kind"] == _RATE_LIMIT:
        yield RATE_LIMITS, _rate_limit(record, envelope)
        return
    yield RAW_TABLES[envelope.signal], _ROWS[envelope.signal](record, envelope, policy)
    if envelope.signal is Signal.COMMITS:
        for file in commit_rows.files(record, envelope):
            yield COMMIT_FILES, file


def _session_record(record: Record, envelope: Envelope, policy: TextPolicy) -> Row:
    payload = record.get("payload", {})
    return (
        record["agent"],
        record["session_id"],
        own_key(record),
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


def _rate_limit(record: Record, envelope: Envelope) -> Row:
    """What cannot be meant (no number, a time beyond DuckDB's) is unknown."""
    get = record.get("payload", {}).get
    minutes = _number(get("window_minutes"))
    return (
        record["agent"],
        envelope.headers.get(DEVELOPER_HEADER),
        _text(get("account")),
        _text(get("window")),
        _number(get("used_percentage")),
        _moment(get("resets_at")),
        microseconds(record["timestamp"]),
        _text(get("source")),
        own_key(record),
        record["session_id"],
        None if minutes is None else round(minutes),
        _text(get("limit_id")),
        _text(get("plan_type")),
        _number(get("resets_in_seconds")),
        envelope.received_at_ns // 1000,
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


def _survey(record: Record, envelope: Envelope, _: TextPolicy) -> Row:
    developer_id = envelope.headers.get(DEVELOPER_HEADER)
    return (
        record["survey_id"],
        developer_id,
        date.fromisoformat(record["period_start"]),
        date.fromisoformat(record["period_end"]),
        record["hours_saved_low"],
        record["hours_saved_high"],
        record.get("helped"),
        microseconds(record["answered_at"]),
        record_digest(developer_id, record),
        envelope.received_at_ns // 1000,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    """A number that columns can hold, as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value if 0 <= value <= _LARGEST_NUMBER else None


def _moment(value: object) -> int | None:
    """Seconds since 1970 or ISO 8601, as microseconds since 1970."""
    seconds = _number(value)
    if seconds is not None:
        return int(seconds * _MICRO) if seconds < _LAST_SECOND else None
    return microseconds(value) if isinstance(value, str) else None


_ROWS: dict[Signal, Callable[[Record, Envelope, TextPolicy], Row]] = {
    Signal.COMMITS: commit_rows.commit,
    Signal.REWRITES: commit_rows.rewrite,
    Signal.SESSION_RECORDS: _session_record,
    Signal.COPILOT_METRICS: _copilot_metrics,
    Signal.VENDOR_USAGE: _vendor_usage,
    Signal.LINE_SURVIVAL: commit_rows.line_survival,
    Signal.ATTRIBUTIONS: commit_rows.attribution,
    Signal.SURVEYS: _survey,
}
