"""What dbt made of raw rows, kept as JSON in `raw_fact_archive` when the rows go.

A full refresh of a staging model reads it from there (`with_archive` in `dbt_project/macros`), so
the models stand as if the rows were still there. No text is in it, because none is in staging.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from agent_analytics_collector.errors import FactsDiffer


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw table whose rows go."""

    key: tuple[str, ...]
    """What tells a row, in it and in the models."""
    models: tuple[str, ...]
    """The staging models that read it."""


RAW = {
    "raw_otel_logs": Raw(
        ("id",),
        (
            "stg_claude_code__events",
            "stg_codex__events",
            "stg_gemini_cli__events",
            "stg_agent_event_edits",
        ),
    ),
    "raw_otel_metrics": Raw(
        ("id",), ("stg_claude_code__metric_points", "stg_gemini_cli__metric_points")
    ),
    "raw_otel_spans": Raw(("id",), ("stg_copilot_cli__spans",)),
    "raw_agent_session_records": Raw(
        ("record_key", "batch_id"),
        (
            "stg_claude_code__session_records",
            "stg_codex__session_records",
            "stg_gemini_cli__session_records",
            "stg_copilot_cli__session_records",
            "stg_cursor__session_records",
            "stg_agent_edits",
        ),
    ),
}
"""The raw tables whose rows go before the facts in them do."""

OLD = "(raw.timestamp < $until OR raw.created_at < $until)"
"""Of a row of these tables. A record ages by its own time; one that a wrong clock dated years ahead
ages by its arrival."""
SEEN = "raw.batch_id <= $seen"
"""That dbt has read the row."""
_HALVES = ("left", "right")
"""Of the 32 hexadecimal digits of a digest."""


def last_batch_read(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The last batch that every model has read which reads these tables; None when there is none.

    A batch that came while dbt ran counts as unread.
    """
    made = connection.execute(
        "SELECT count(*) FROM duckdb_tables() "
        "WHERE schema_name = 'staging' AND list_contains($models, table_name)",
        {"models": [model for raw in RAW.values() for model in raw.models]},
    ).fetchone()
    if made != (sum(len(raw.models) for raw in RAW.values()),):
        return None  # dbt never ran, or somebody dropped what it made
    row = connection.execute(
        """
        SELECT max(batch_id) FROM ingest_batches WHERE loaded_at < (
            SELECT max(started_at) FROM dbt_runs WHERE status = 'success' AND has_read_raw
        )
        """
    ).fetchone()
    return row[0] if row else None


def archive(
    connection: duckdb.DuckDBPyConnection, table: str, until: datetime, seen: int, now: datetime
) -> dict[str, int]:
    """Archive what the models made of the rows of `table` that are older than `until`.

    Facts by model. To be called in the transaction that deletes the rows. Raises FactsDiffer when
    what was archived would not be read as what it was.
    """
    archived = {}
    for model in RAW[table].models:
        types = _columns(connection, model)
        same = " AND ".join(
            f'staged."{name}" = raw."{name}"' for name in RAW[table].key
        )  # fmt: skip
        connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE going AS
            SELECT
                raw.record_key AS raw_key,
                raw.timestamp AS raw_at,
                raw.created_at AS raw_arrived_at,
                {_fact(types)} AS raw_fact,
                staged.*
            FROM staging.{model} AS staged
            INNER JOIN {table} AS raw ON {same}
            WHERE {OLD} AND {SEEN}
            """,
            {"until": until, "seen": seen},
        )
        _check(connection, model, types)
        row = connection.execute(
            """
            INSERT INTO raw_fact_archive BY NAME
            SELECT
                $model AS kind, raw_key AS record_key, raw_at AS occurred_at, raw_fact AS fact,
                $now AS archived_at, session_id, raw_arrived_at AS created_at
            FROM going ORDER BY raw_at
            """,
            {"model": model, "now": now},
        ).fetchone()
        archived[model] = int(row[0]) if row else 0
    connection.execute("DROP TABLE going")
    return archived


def _columns(connection: duckdb.DuckDBPyConnection, model: str) -> dict[str, str]:
    return dict(
        connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = 'staging' AND table_name = $model ORDER BY column_index",
            {"model": model},
        ).fetchall()
    )


def _fact(types: dict[str, str]) -> str:
    """SQL of a row of staging as JSON: DuckDB's text of each value, which is exact; no nulls."""
    values = ", ".join(f"'{name}': {_as_text(name, kind)}" for name, kind in types.items())
    return f"json_merge_patch('{{}}', to_json({{{values}}}))"


def _as_text(name: str, kind: str) -> str:
    if kind == "UHUGEINT":  # as a decimal number it would take DuckDB 1.5 0.7 ms
        return f"lpad(hex(staged.\"{name}\"), 32, '0')"
    return f'CAST(staged."{name}" AS VARCHAR)'


def _as_value(name: str, kind: str) -> str:
    text = f'parsed."{name}"'
    if kind == "UHUGEINT":
        high, low = (f"TRY_CAST('0x' || {side}({text}, 16) AS UBIGINT)" for side in _HALVES)
        return f"(CAST({high} AS UHUGEINT) << 64) + {low}"
    return f"TRY_CAST({text} AS {kind})"


def _check(connection: duckdb.DuckDBPyConnection, model: str, types: dict[str, str]) -> None:
    """Read the facts as dbt will, and see that they are what they are made of."""
    shape = ", ".join(f'"{name}":"VARCHAR"' for name in types)
    differs = " OR ".join(
        f'{_as_value(name, kind)} IS DISTINCT FROM "{name}"' for name, kind in types.items()
    )
    row = connection.execute(
        f"SELECT count(*) FROM (SELECT *, json_transform(raw_fact, '{{{shape}}}') AS parsed "
        f"FROM going) WHERE {differs}"
    ).fetchone()
    if row != (0,):
        raise FactsDiffer(model, row[0] if row else 0)
