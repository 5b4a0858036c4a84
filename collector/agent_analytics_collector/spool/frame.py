"""One spooled request on disk: a fixed header, the kept headers as JSON, the body.

Header (little endian): magic, CRC-32 of all that follows it, body length, metadata length,
received_at in ns, records, signal, encoding, two bytes unused.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import msgspec

from agent_analytics_collector.envelope import Encoding, Envelope, Signal

MAGIC = b"AAS1"
_HEADER = struct.Struct("<4sIIIQIBBxx")
HEADER_SIZE = _HEADER.size
_CRC_FROM = 8
MAX_METADATA = 64 * 1024
MAX_BODY = 1 << 30

_SIGNALS = {
    Signal.LOGS: 1,
    Signal.METRICS: 2,
    Signal.TRACES: 3,
    Signal.COMMITS: 4,
    Signal.REWRITES: 5,
    Signal.SESSION_RECORDS: 6,
    Signal.COPILOT_METRICS: 7,
    Signal.VENDOR_USAGE: 8,
    Signal.LINE_SURVIVAL: 9,
    Signal.ATTRIBUTIONS: 10,
    Signal.SURVEYS: 11,
}
_ENCODINGS = {Encoding.PROTOBUF: 1, Encoding.JSON: 2}
_ERASED = 255
"""In the place of a signal: the content was deleted, and zeros stand there."""
_SIGNAL_OF = {code: signal for signal, code in _SIGNALS.items()}
_ENCODING_OF = {code: encoding for encoding, code in _ENCODINGS.items()}


class Incomplete(Exception):
    """The bytes end before the frame does: it is being written, or was torn."""


class Damaged(Exception):
    """The bytes are no valid frame."""


class Erased(Exception):
    """A whole frame whose content was deleted: it is stepped over."""

    def __init__(self, frame_length: int) -> None:
        self.frame_length = frame_length
        super().__init__(frame_length)


@dataclass(frozen=True, slots=True)
class Header:
    """What can be said of a frame without reading its body."""

    crc: int
    body_length: int
    metadata_length: int
    received_at_ns: int
    records: int
    signal: Signal
    encoding: Encoding

    @property
    def frame_length(self) -> int:
        return HEADER_SIZE + self.metadata_length + self.body_length


def encode(envelope: Envelope, records: int, *, length: int = 0) -> bytes:
    """The frame of one request holding `records` records.

    A shorter frame becomes `length` bytes long, if blanks behind the headers can make it so.
    """
    metadata = msgspec.json.encode(envelope.headers) if envelope.headers else b""
    missing = length - HEADER_SIZE - len(metadata) - len(envelope.body)
    if missing > 0:
        metadata = (metadata or b"{}").ljust(len(metadata) + missing)
    return _frame(
        envelope.received_at_ns, records, _SIGNALS[envelope.signal],
        _ENCODINGS[envelope.encoding], metadata, envelope.body,
    )  # fmt: skip


def encode_erased(length: int) -> bytes:
    """A frame of that length, at least HEADER_SIZE, that says nothing."""
    return _frame(0, 0, _ERASED, _ENCODINGS[Encoding.JSON], b"", bytes(length - HEADER_SIZE))


def _frame(
    received_at_ns: int, records: int, signal: int, encoding: int, metadata: bytes, body: bytes
) -> bytes:
    rest = _HEADER.pack(
        MAGIC, 0, len(body), len(metadata), received_at_ns, records, signal, encoding
    )[_CRC_FROM:]
    crc = zlib.crc32(body, zlib.crc32(metadata, zlib.crc32(rest)))
    return b"".join((MAGIC, crc.to_bytes(4, "little"), rest, metadata, body))


def read_header(data: bytes | memoryview, offset: int = 0) -> Header:
    """The header at `offset`. Raises Incomplete, Damaged, Erased."""
    if len(data) - offset < HEADER_SIZE:
        raise Incomplete
    magic, crc, body, metadata, received_at_ns, records, signal, encoding = _HEADER.unpack_from(
        data, offset
    )
    if magic == MAGIC and signal == _ERASED and not metadata and body <= MAX_BODY:
        raise Erased(HEADER_SIZE + body)
    if (
        magic != MAGIC
        or signal not in _SIGNAL_OF
        or encoding not in _ENCODING_OF
        or metadata > MAX_METADATA
        or body > MAX_BODY
    ):
        raise Damaged
    return Header(
        crc, body, metadata, received_at_ns, records, _SIGNAL_OF[signal], _ENCODING_OF[encoding]
    )


def decode(data: bytes | memoryview, offset: int = 0) -> tuple[Envelope, Header]:
    """The frame at `offset`, its CRC checked. Raises Incomplete, Damaged, Erased."""
    try:
        header = read_header(data, offset)
    except Erased as erased:
        _checked(data, offset, erased.frame_length)
        raise
    view = _checked(data, offset, header.frame_length)
    body_from = HEADER_SIZE + header.metadata_length
    metadata = bytes(view[HEADER_SIZE:body_from])
    headers = msgspec.json.decode(metadata, type=dict[str, str]) if metadata else {}
    envelope = Envelope(
        header.signal, header.encoding, bytes(view[body_from:]), header.received_at_ns, headers
    )
    return envelope, header


def _checked(data: bytes | memoryview, offset: int, length: int) -> memoryview:
    """The bytes of a frame. Raises Incomplete, Damaged."""
    view = memoryview(data)[offset : offset + length]
    if len(view) < length:
        raise Incomplete
    if zlib.crc32(view[_CRC_FROM:]) != int.from_bytes(view[4:_CRC_FROM], "little"):
        raise Damaged
    return view
