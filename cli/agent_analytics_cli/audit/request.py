"""From a request's number to its parts: its price, the rows of staging and what was received."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agent_analytics_cli.audit.source import Numbers, Row

_CLASSES = {
    "input_tokens": "input",
    "cache_read_tokens": "cache_read",
    "cache_write_5m_tokens": "cache_write_5m",
    "cache_write_1h_tokens": "cache_write_1h",
    "output_tokens": "output",
}
_MILLION = Decimal(1_000_000)

# No attribute, body or payload: those may hold what a user typed.
_RAW = {
    "raw_otel_logs": "id, record_key, batch_id, event_name as kind, service_name, session_id, "
    "null as source_file, timestamp as occurred_at, created_at as received_at",
    "raw_otel_spans": "id, record_key, batch_id, name as kind, service_name, session_id, "
    "null as source_file, timestamp as occurred_at, created_at as received_at",
    "raw_agent_session_records": "null as id, record_key, batch_id, kind, null as service_name, "
    "session_id, source_file, timestamp as occurred_at, created_at as received_at",
}
_ARCHIVED = """
select
    'raw_fact_archive' as raw_table, cast(fact ->> 'id' as bigint) as id, record_key,
    cast(fact ->> 'batch_id' as bigint) as batch_id, coalesce(fact ->> 'kind', kind) as kind,
    null as service_name, session_id, null as source_file, occurred_at, created_at as received_at
from raw_fact_archive
where
    kind in (select unnest($models))
    and ((fact ->> 'id') in (select unnest($ids)) or record_key in (select unnest($keys)))
order by received_at, record_key
"""
"""Facts whose raw rows retention has taken."""


@dataclass(frozen=True, slots=True)
class RequestAudit:
    """A request and what it is made of. Of the published marts only `request` is known."""

    request: Row
    """Its row of `fct_agent_requests`."""
    reported_cost_usd: Decimal | None
    price: Row | None
    """The price row that its computed cost comes from; None without one."""
    parts: list[Row]
    """class, tokens, usd_per_million, usd: tokens times price; the sum is the computed cost."""
    staging: list[Row]
    """staging_model, raw_table, raw_id or record_key, occurred_at."""
    raw: list[Row]
    """What was received, or the facts that are left of it: table, id, record_key, batch_id,
    source_file, when; never its text."""
    batches: list[Row]
    """The batches in which that came."""


def read_request(numbers: Numbers, key: str) -> RequestAudit:
    """All that is known of the request with this `request_key`."""
    named = {"key": key}
    [request] = numbers.rows("select * from fct_agent_requests where request_key = $key", named)
    if not numbers.is_live:
        return RequestAudit(request, None, None, [], [], [], [])
    [reported] = numbers.rows(
        "select reported_cost_usd from int_agent_requests where request_key = $key", named
    )
    prices = numbers.rows("select * from int_request_price_rows where request_key = $key", named)
    price = prices[0] if prices else None
    staging = numbers.rows(
        "select staging_model, raw_table, raw_id, record_key, occurred_at "
        "from int_request_evidence where request_key = $key order by occurred_at, staging_model",
        named,
    )
    raw = [
        row
        for table, columns in _RAW.items()
        for row in _raw_rows(numbers, table, columns, staging)
    ]
    raw += _archived_rows(numbers, staging)
    return RequestAudit(
        request,
        reported["reported_cost_usd"],
        price,
        _parts(request, price) if price else [],
        staging,
        raw,
        _batches(numbers, raw),
    )


def _parts(request: Row, price: Row) -> list[Row]:
    parts = []
    for column, name in _CLASSES.items():
        tokens, per_million = request[column], price[name]
        if tokens:
            usd = None if per_million is None else tokens * per_million / _MILLION
            parts.append(
                {"class": name, "tokens": tokens, "usd_per_million": per_million, "usd": usd}
            )
    return parts


def _raw_rows(numbers: Numbers, table: str, columns: str, staging: list[Row]) -> list[Row]:
    rows = [row for row in staging if row["raw_table"] == table]
    if not rows:
        return []
    column = "record_key" if table == "raw_agent_session_records" else "raw_id"
    name = "record_key" if column == "record_key" else "id"
    return numbers.rows(
        f"select '{table}' as raw_table, {columns} from {table} "
        f"where list_contains($keys, {name}) order by received_at, record_key",
        {"keys": [row[column] for row in rows]},
    )


def _archived_rows(numbers: Numbers, staging: list[Row]) -> list[Row]:
    return numbers.rows(
        _ARCHIVED,
        {
            "models": sorted({row["staging_model"] for row in staging}),
            "ids": [str(row["raw_id"]) for row in staging if row["raw_id"] is not None],
            "keys": [row["record_key"] for row in staging if row["record_key"] is not None],
        },
    )


def _batches(numbers: Numbers, raw: list[Row]) -> list[Row]:
    ids = sorted({row["batch_id"] for row in raw})
    if not ids:
        return []
    return numbers.rows(
        "select batch_id, source, received_at, loaded_at, records, duplicates, rejected "
        "from ingest_batches where list_contains($ids, batch_id) order by batch_id",
        {"ids": ids},
    )
