"""Columns of the raw tables, as Arrow.

Apart from the rest of decoding, because the acknowledging process must not load Arrow.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")

LOGS = pa.schema(
    {
        "timestamp": TIMESTAMP,
        "developer_id": pa.string(),
        "severity": pa.string(),
        "body": pa.string(),
        "attributes": pa.string(),
        "created_at": TIMESTAMP,
        "observed_timestamp": TIMESTAMP,
        "event_name": pa.string(),
        "resource_attributes": pa.string(),
        "service_name": pa.string(),
        "scope_name": pa.string(),
        "scope_version": pa.string(),
        "session_id": pa.string(),
        "trace_id": pa.string(),
        "span_id": pa.string(),
        "record_key": pa.uuid(),
    }
)

METRICS = pa.schema(
    {
        "timestamp": TIMESTAMP,
        "developer_id": pa.string(),
        "metric_name": pa.string(),
        "metric_value": pa.float64(),
        "attributes": pa.string(),
        "created_at": TIMESTAMP,
        "start_timestamp": TIMESTAMP,
        "metric_type": pa.string(),
        "temporality": pa.string(),
        "is_monotonic": pa.bool_(),
        "unit": pa.string(),
        "histogram": pa.string(),
        "resource_attributes": pa.string(),
        "service_name": pa.string(),
        "scope_name": pa.string(),
        "scope_version": pa.string(),
        "session_id": pa.string(),
        "record_key": pa.uuid(),
    }
)

SPANS = pa.schema(
    {
        "timestamp": TIMESTAMP,
        "end_timestamp": TIMESTAMP,
        "developer_id": pa.string(),
        "name": pa.string(),
        "kind": pa.string(),
        "status": pa.string(),
        "trace_id": pa.string(),
        "span_id": pa.string(),
        "parent_span_id": pa.string(),
        "attributes": pa.string(),
        "events": pa.string(),
        "links": pa.string(),
        "resource_attributes": pa.string(),
        "service_name": pa.string(),
        "scope_name": pa.string(),
        "scope_version": pa.string(),
        "session_id": pa.string(),
        "record_key": pa.uuid(),
        "created_at": TIMESTAMP,
    }
)

COMMITS = pa.schema(
    {
        "commit_hash": pa.string(),
        "commit_message": pa.string(),
        "author_name": pa.string(),
        "author_email": pa.string(),
        "commit_timestamp": TIMESTAMP,
        "files_changed": pa.int32(),
        "lines_added": pa.int32(),
        "lines_deleted": pa.int32(),
        "agent_assisted": pa.bool_(),
        "agent_session_id": pa.string(),
        "agent_type": pa.string(),
        "developer_id": pa.string(),
        "project_id": pa.string(),
        "created_at": TIMESTAMP,
        "authored_at": TIMESTAMP,
        "repository": pa.string(),
        "branch": pa.string(),
        "parent_hashes": pa.list_(pa.string()),
        "is_merge": pa.bool_(),
        "patch_id": pa.string(),
        "trailers": pa.string(),
        "recorded_by": pa.string(),
        "record_key": pa.uuid(),
    }
)

COMMIT_FILES = pa.schema(
    {
        "repository": pa.string(),
        "commit_hash": pa.string(),
        "path": pa.string(),
        "old_path": pa.string(),
        "lines_added": pa.int32(),
        "lines_deleted": pa.int32(),
        "is_binary": pa.bool_(),
        "is_excluded": pa.bool_(),
        "added_line_hashes": pa.list_(pa.string()),
        "effective_lines_added": pa.int32(),
        "removed_line_hashes": pa.list_(pa.string()),
        "commit_timestamp": TIMESTAMP,
        "record_key": pa.uuid(),
        "created_at": TIMESTAMP,
    }
)

REWRITES = pa.schema(
    {
        "repository": pa.string(),
        "old_hash": pa.string(),
        "new_hash": pa.string(),
        "kind": pa.string(),
        "created_at": TIMESTAMP,
        "record_key": pa.uuid(),
    }
)

LINE_SURVIVAL = pa.schema(
    {
        "repository": pa.string(),
        "commit_hash": pa.string(),
        "age_days": pa.int32(),
        "lines_alive": pa.int32(),
        "lines_at_start": pa.int32(),
        "measured_at": TIMESTAMP,
        "alive_line_hashes": pa.list_(pa.string()),
        "in_default_branch": pa.bool_(),
        "created_at": TIMESTAMP,
    }
)

ATTRIBUTIONS = pa.schema(
    {
        "repository": pa.string(),
        "commit_hash": pa.string(),
        "source": pa.string(),
        "note_id": pa.string(),
        "note_version": pa.string(),
        "evidence_tier": pa.string(),
        "contributor": pa.string(),
        "agent": pa.string(),
        "agent_session_id": pa.string(),
        "model": pa.string(),
        "path": pa.string(),
        "ranges": pa.string(),
        "lines": pa.int32(),
        "developer_id": pa.string(),
        "record_key": pa.uuid(),
        "created_at": TIMESTAMP,
    }
)

SESSION_RECORDS = pa.schema(
    {
        "agent": pa.string(),
        "session_id": pa.string(),
        "record_key": pa.uuid(),
        "timestamp": TIMESTAMP,
        "kind": pa.string(),
        "project_path": pa.string(),
        "git_branch": pa.string(),
        "payload": pa.string(),
        "developer_id": pa.string(),
        "source_file": pa.string(),
        "created_at": TIMESTAMP,
        "repository": pa.string(),
    }
)

RATE_LIMITS = pa.schema(
    {
        "agent": pa.string(),
        "developer_id": pa.string(),
        "account": pa.string(),
        "window": pa.string(),
        "used_percentage": pa.float64(),
        "resets_at": TIMESTAMP,
        "observed_at": TIMESTAMP,
        "source": pa.string(),
        "record_key": pa.uuid(),
        "session_id": pa.string(),
        "window_minutes": pa.int64(),
        "limit_id": pa.string(),
        "plan_type": pa.string(),
        "resets_in_seconds": pa.float64(),
        "created_at": TIMESTAMP,
    }
)

COPILOT_METRICS = pa.schema(
    {
        "date": pa.date32(),
        "developer_id": pa.string(),
        "total_suggestions": pa.int32(),
        "total_acceptances": pa.int32(),
        "total_lines_suggested": pa.int32(),
        "total_lines_accepted": pa.int32(),
        "total_active_users": pa.int32(),
        "language_breakdown": pa.string(),
        "created_at": TIMESTAMP,
        "organisation": pa.string(),
        "ai_credits_used": pa.float64(),
        "payload": pa.string(),
    }
)

VENDOR_USAGE = pa.schema(
    {
        "vendor": pa.string(),
        "usage_date": pa.date32(),
        "actor": pa.string(),
        "model": pa.string(),
        "input_tokens": pa.int64(),
        "cache_read_tokens": pa.int64(),
        "cache_write_tokens": pa.int64(),
        "cache_write_5m_tokens": pa.int64(),
        "cache_write_1h_tokens": pa.int64(),
        "output_tokens": pa.int64(),
        "reasoning_tokens": pa.int64(),
        "cost_usd": pa.decimal128(18, 9),
        "payload": pa.string(),
        "created_at": TIMESTAMP,
    }
)

SURVEYS = pa.schema(
    {
        "survey_id": pa.string(),
        "developer_id": pa.string(),
        "period_start": pa.date32(),
        "period_end": pa.date32(),
        "hours_saved_low": pa.float64(),
        "hours_saved_high": pa.float64(),
        "helped": pa.int32(),
        "answered_at": TIMESTAMP,
        "record_key": pa.uuid(),
        "created_at": TIMESTAMP,
    }
)

REJECTED = pa.schema(
    {
        "signal": pa.string(),
        "reason": pa.string(),
        "record": pa.string(),
        "created_at": TIMESTAMP,
    }
)

TABLES = {
    "raw_otel_logs": LOGS,
    "raw_otel_metrics": METRICS,
    "raw_otel_spans": SPANS,
    "raw_git_commits": COMMITS,
    "raw_git_commit_files": COMMIT_FILES,
    "raw_git_rewrites": REWRITES,
    "raw_git_line_survival": LINE_SURVIVAL,
    "raw_git_attributions": ATTRIBUTIONS,
    "raw_agent_session_records": SESSION_RECORDS,
    "raw_rate_limits": RATE_LIMITS,
    "raw_copilot_metrics": COPILOT_METRICS,
    "raw_vendor_usage": VENDOR_USAGE,
    "raw_surveys": SURVEYS,
}
"""Columns of each raw table but `id` and `batch_id`, in the order of its rows."""

Row: TypeAlias = tuple[object, ...]


def to_table(columns: pa.Schema, rows: list[Row]) -> pa.Table:
    """Rows as an Arrow table; there must be at least one. Times are microseconds since 1970."""
    arrays = [
        _array(values, field.type)
        for field, values in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=columns)


def _array(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    if isinstance(kind, pa.UuidType):
        # DuckDB reads Arrow's uuid as UUID, and plain bytes as BLOB.
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    return pa.array(values, kind)
