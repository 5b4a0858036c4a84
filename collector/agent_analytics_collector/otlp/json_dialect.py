"""OTLP's own JSON → OTLP message.

It is not proto3 JSON, and `json_format.Parse` gets it wrong: trace and span ids are hex, enums
are integers and never names. 64-bit integers come as a string or a number: of the agents,
Claude Code 2.1.330 and Gemini 0.61.0 send numbers, Copilot 1.0.102 strings, Codex 0.169.0 both.
"""

from __future__ import annotations

import binascii
import functools
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from agent_analytics_collector.errors import Undecodable
from agent_analytics_collector.otlp.values import MAX_DEPTH

M = TypeVar("M", bound=Message)
_Reader: TypeAlias = Callable[[Any, int], Any]


def parse(kind: type[M], body: bytes) -> tuple[M, int]:
    """The message and how many of its strings were repaired. Raises Undecodable."""
    document, repaired = load(body)
    try:
        return kind(**_read_message(cast(Descriptor, kind.DESCRIPTOR), document, 0)), repaired
    except (TypeError, ValueError, OverflowError, DecodeError) as error:
        name = kind.DESCRIPTOR.name
        raise Undecodable(f"The body is no OTLP/JSON {name}: {error}") from error


def load(body: bytes) -> tuple[dict[str, Any], int]:
    """The JSON object and how many of its strings were repaired. Raises Undecodable."""
    repaired = 0
    try:
        document = orjson.loads(body)
    except ValueError:
        # orjson refuses lone surrogates and bad UTF-8; the json module passes both on as
        # surrogates, which are then mended string by string.
        try:
            document, repaired = _mend(json.loads(body.decode("utf-8", "surrogateescape")))
        except (ValueError, RecursionError) as error:
            raise Undecodable(f"The body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise Undecodable("The body is JSON, but no object.")
    return document, repaired


def _mend(value: Any) -> tuple[Any, int]:
    """The value with U+FFFD for what is no Unicode, and the number of strings changed."""
    if isinstance(value, str):
        mended = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return mended, int(mended != value)
    if isinstance(value, list):
        pairs = [_mend(one) for one in value]
        return [one for one, _ in pairs], sum(count for _, count in pairs)
    if isinstance(value, dict):
        total = 0
        found = {}
        for key, inner in value.items():
            (new_key, in_key), (new_inner, in_inner) = _mend(key), _mend(inner)
            found[new_key] = new_inner
            total += in_key + in_inner
        return found, total
    return value, 0


class _Field(NamedTuple):
    name: str
    nests: bool
    """Whether it takes an AnyValue one level deeper."""
    read: _Reader


@functools.cache
def _fields(descriptor: Descriptor) -> dict[str, _Field]:
    """Fields by their name in JSON."""
    fields = {}
    for field in descriptor.fields:
        read = _reader(field)
        if field.is_repeated:
            read = functools.partial(_read_list, read)
        nests = descriptor.name == "AnyValue" and field.message_type is not None
        fields[field.json_name] = _Field(field.name, nests, read)
    return fields


def _reader(field: FieldDescriptor) -> _Reader:
    if field.message_type is not None:
        return functools.partial(_read_message, field.message_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _read_id if field.name.endswith(("trace_id", "span_id")) else _read_base64
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _read_enum
    return _READERS[field.cpp_type]


def _read_message(descriptor: Descriptor, value: Any, depth: int) -> dict[str, Any]:
    """Arguments of the message's constructor; unknown fields and nulls are left out."""
    if not isinstance(value, dict):
        if value is None:
            return {}
        raise TypeError(f"{descriptor.name} must be an object")
    fields = _fields(descriptor)
    arguments = {}
    for name, inner in value.items():
        field = fields.get(name)
        if field is None or inner is None:
            continue
        if field.nests:
            if depth == MAX_DEPTH:
                continue
            arguments[field.name] = field.read(inner, depth + 1)
        else:
            arguments[field.name] = field.read(inner, depth)
    return arguments


def _read_list(read: _Reader, value: Any, depth: int) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a repeated field must be an array")
    return [read(one, depth) for one in value]


def _read_string(value: Any, _: int) -> str:
    if type(value) is not str:
        raise TypeError("a text field must be a string")
    return value


def _read_bool(value: Any, _: int) -> bool:
    if type(value) is not bool:
        raise TypeError("a boolean field must be true or false")
    return value


def _read_integer(value: Any, _: int) -> int:
    if type(value) is int:
        return value
    if type(value) is str or (type(value) is float and value.is_integer()):
        with suppress(ValueError):  # its message would carry the text
            return int(value)
    raise TypeError("an integer field must be an integer, or a string that holds one")


def _read_unsigned(value: Any, depth: int) -> int:
    """A count or a time; what cannot be one becomes the largest, which `check` rejects."""
    number = _read_integer(value, depth)
    return number if 0 <= number < 2**64 else 2**64 - 1


def _read_double(value: Any, _: int) -> float:
    if type(value) in (float, int, str):
        with suppress(ValueError):
            return float(value)
    raise TypeError('a number field must be a number, "NaN", "Infinity" or "-Infinity"')


def _read_enum(value: Any, _: int) -> int:
    if type(value) is not int:
        raise TypeError("an enum field must be an integer")
    return value


def _read_id(value: Any, _: int) -> bytes:
    with suppress(ValueError):  # an id that is none is worth less than its record
        return bytes.fromhex(_read_string(value, 0))
    return b""


def _read_base64(value: Any, _: int) -> bytes:
    text = _read_string(value, 0).translate({ord("-"): "+", ord("_"): "/"})
    return binascii.a2b_base64(text + "=" * (-len(text) % 4))


_READERS: dict[int, _Reader] = {
    FieldDescriptor.CPPTYPE_STRING: _read_string,
    FieldDescriptor.CPPTYPE_BOOL: _read_bool,
    FieldDescriptor.CPPTYPE_INT32: _read_integer,
    FieldDescriptor.CPPTYPE_INT64: _read_integer,
    FieldDescriptor.CPPTYPE_UINT32: _read_integer,
    FieldDescriptor.CPPTYPE_UINT64: _read_unsigned,
    FieldDescriptor.CPPTYPE_DOUBLE: _read_double,
    FieldDescriptor.CPPTYPE_FLOAT: _read_double,
}
