"""Values of OTLP as Python and JSON: attributes, nested values, times, ids."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Attributes: TypeAlias = dict[str, Json]

MAX_DEPTH = 30
"""Arrays and maps nested deeper are null: upb stops at 100 messages, a map takes three each."""

MOST_MICROSECONDS = (2**63 - 1) // 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def attributes(pairs: Iterable[KeyValue], depth: int = 0) -> Attributes:
    """Attributes by name; of a name sent twice the last counts."""
    # Strings and integers other than "" and 0 are by far the commonest values. Asking WhichOneof
    # of each makes it 1.4 times as long; a memo of whole pairs gains nothing, for times and ids
    # differ in every record.
    return {
        pair.key: (value := pair.value).string_value or value.int_value or any_value(value, depth)
        for pair in pairs
    }


def any_value(value: AnyValue, depth: int = 0) -> Json:
    """One value: bytes as base64 text, what is empty or nested too deeply as None."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "int_value":
        return value.int_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "double_value":
        return value.double_value
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if depth < MAX_DEPTH:
        if kind == "array_value":
            return [any_value(one, depth + 1) for one in value.array_value.values]
        if kind == "kvlist_value":
            return attributes(value.kvlist_value.values, depth + 1)
    return None


def encode(value: Json) -> bytes:
    """JSON with sorted keys, so that equal values have equal bytes; NaN and infinities as null."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def hex_id(raw: bytes) -> str | None:
    """A trace or span id as lower-case hex; None when empty or all zero."""
    return raw.hex() if any(raw) else None


def iso_time(time_unix_nano: int) -> str | None:
    """A time as ISO 8601 in UTC, to the microsecond; None for 0."""
    if not time_unix_nano:
        return None
    return (_EPOCH + timedelta(microseconds=time_unix_nano // 1000)).isoformat()


def microseconds(iso: Json) -> int | None:
    """Microseconds since 1970 of an ISO 8601 text (UTC unless it says so).

    None if it is none, or lies outside the times that OTLP can say (1970 to 2262).
    """
    if not isinstance(iso, str):
        return None
    try:
        moment = datetime.fromisoformat(iso)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None
    return since if 0 <= since <= MOST_MICROSECONDS else None
