"""Parse the protobuf that upb refuses: strings that are no UTF-8, values nested too deeply.

upb refuses the whole request for one of them (protobuf 6.33), and one bad record must not cost
its neighbours.
"""

from __future__ import annotations

import functools
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from agent_analytics_collector.errors import Undecodable
from agent_analytics_collector.otlp.values import MAX_DEPTH

M = TypeVar("M", bound=Message)

_ANY_VALUE: Descriptor = AnyValue.DESCRIPTOR
_NESTING = ("array_value", "kvlist_value")


def parse(kind: type[M], body: bytes) -> tuple[M, int]:
    """The message and how many of its strings were repaired.

    A bad byte becomes U+FFFD; a value nested deeper than MAX_DEPTH becomes empty. Raises
    Undecodable when the bytes are no such message all the same.
    """
    strict = cast(Descriptor, kind.DESCRIPTOR)
    try:
        lenient = _lenient(strict).FromString(body)
        repaired = _repair(lenient, strict, 0)
        return kind.FromString(lenient.SerializeToString()), repaired
    except DecodeError as error:
        raise Undecodable(f"The body is no protobuf {strict.name}.") from error


@functools.cache
def _lenient(descriptor: Descriptor) -> type[Message]:
    found: Descriptor = _pool().FindMessageTypeByName(descriptor.full_name)
    return GetMessageClass(found)


@functools.cache
def _pool() -> Any:  # a DescriptorPool, most of whose methods have no types
    """OTLP with `bytes` for every string and for what an AnyValue nests.

    What is nested stays bytes, so that its depth is ours to bound and not upb's.
    """
    pool: Any = DescriptorPool()
    for file in _files():
        proto = FileDescriptorProto.FromString(file.serialized_pb)
        del proto.service[:]
        for message in proto.message_type:
            _loosen(message)
        pool.AddSerializedFile(proto.SerializeToString())
    return pool


def _files() -> list[FileDescriptor]:
    """The files of the three requests, each after those it needs."""
    ordered: dict[str, FileDescriptor] = {}

    def visit(file: FileDescriptor) -> None:
        for needed in file.dependencies:
            visit(needed)
        ordered.setdefault(file.name, file)

    for service in (logs_service_pb2, metrics_service_pb2, trace_service_pb2):
        visit(service.DESCRIPTOR)
    return list(ordered.values())


def _loosen(message: DescriptorProto) -> None:
    for field in message.field:
        nests = message.name == _ANY_VALUE.name and field.name in _NESTING
        if nests or field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    for nested in message.nested_type:
        _loosen(nested)


def _repair(lenient: Message, strict: Descriptor, depth: int) -> int:
    """Mend the message in place; returns the number of strings changed."""
    repaired = 0
    for field, value in lenient.ListFields():
        name = field.name
        meant = strict.fields_by_name[name]
        inner = meant.message_type
        if meant.type == FieldDescriptor.TYPE_STRING:
            if meant.is_repeated:
                mended = [_utf8(one) for one in value]
                repaired += sum(a != b for a, b in zip(value, mended, strict=True))
                value[:] = mended
            elif (text := _utf8(value)) != value:
                repaired += 1
                setattr(lenient, name, text)
        elif inner is None:
            continue
        elif field.message_type is None:
            if depth == MAX_DEPTH:
                lenient.ClearField(name)
            else:
                nested = _lenient(inner).FromString(value)
                repaired += _repair(nested, inner, depth + 1)
                setattr(lenient, name, nested.SerializeToString())
        elif meant.is_repeated:
            repaired += sum(_repair(one, inner, depth) for one in value)
        else:
            repaired += _repair(value, inner, depth)
    return repaired


def _utf8(raw: bytes) -> bytes:
    return raw.decode("utf-8", "replace").encode()
