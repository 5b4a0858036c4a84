"""Every field of OTLP has a column, or is named as dropped."""

from __future__ import annotations

from importlib.resources import files

import duckdb
import pytest
from google.protobuf.descriptor import Descriptor

from agent_analytics_collector.otlp.fields import FIELDS, Columns, Dropped, Nested
from agent_analytics_collector.otlp.messages import REQUESTS
from agent_analytics_collector.warehouse.columns import REJECTED, TABLES


@pytest.fixture(scope="module")
def schema() -> dict[str, list[str]]:
    connection = duckdb.connect()
    folder = files("agent_analytics_collector.warehouse") / "schema"
    for name in ("0001_otel_signals.sql", "0004_bookkeeping.sql"):
        connection.execute((folder / name).read_text())
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() ORDER BY table_oid, column_index"
    ).fetchall():
        columns.setdefault(table, []).append(column)
    return columns


def wire_fields() -> dict[str, bool]:
    """Whether it holds messages, by `Message.field` of all that three requests can hold."""
    found: dict[str, bool] = {}

    def walk(descriptor: Descriptor) -> None:
        message = descriptor.full_name.partition(".v1.")[2]
        for field in descriptor.fields:
            name = f"{message}.{field.name}"
            if name not in found:
                found[name] = field.message_type is not None
                if field.message_type is not None:
                    walk(field.message_type)

    for request in REQUESTS.values():
        walk(request.DESCRIPTOR)
    return found


def test_every_field_of_otlp_has_a_place_and_every_place_a_field() -> None:
    assert set(FIELDS) == set(wire_fields())


def test_only_fields_that_hold_messages_are_nested() -> None:
    for name, holds_messages in wire_fields().items():
        if isinstance(FIELDS[name], Nested):
            assert holds_messages, name


def test_every_column_named_is_in_the_schema(schema: dict[str, list[str]]) -> None:
    known = {f"{table}.{column}" for table, columns in schema.items() for column in columns}
    for name, place in FIELDS.items():
        if isinstance(place, Columns):
            assert place.names, name
            assert set(place.names) <= known, name
        elif isinstance(place, Dropped):
            assert place.reason, name


def test_every_column_of_the_raw_tables_is_filled(schema: dict[str, list[str]]) -> None:
    own = {"id", "batch_id"}
    otlp = {table: columns for table, columns in TABLES.items() if table.startswith("raw_otel_")}
    for table, columns in otlp.items():
        assert columns.names == [name for name in schema[table] if name not in own]
    assert REJECTED.names == [name for name in schema["raw_rejected"] if name not in own]
    filled = {n for place in FIELDS.values() if isinstance(place, Columns) for n in place.names}
    for table, columns in otlp.items():
        missing = {f"{table}.{name}" for name in columns.names} - filled
        assert missing == {f"{table}.created_at"}
