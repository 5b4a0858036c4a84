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
_SIGNAL_OF = {code: signal for signal, code in _SIGNALS.items()}
_ENCODING_OF = {code: encoding for encoding, code in _ENCODINGS.items()}


class Incomplete(Exception):
    """The bytes end before the frame does: it is being written, or was torn."""


class Damaged(Exception):
    """The bytes are no valid frame."""


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


def encode(envelope: Envelope, records: int) -> bytes:
    """The frame of one request holding `records` records."""
    metadata = msgspec.json.encode(envelope.headers) if envelope.headers else b""
    rest = _HEADER.pack(
        MAGIC, 0, len(envelope.body), len(metadata), envelope.received_at_ns, records,
        _SIGNALS[envelope.signal], _ENCODINGS[envelope.encoding],
    )[_CRC_FROM:]  # fmt: skip
    crc = zlib.crc32(envelope.body, zlib.crc32(metadata, zlib.crc32(rest)))
    return b"".join((MAGIC, crc.to_bytes(4, "little"), rest, metadata, envelope.body))


def read_header(data: bytes | memoryview, offset: int = 0) -> Header:
    """The header at `offset`. Raises Incomplete, Damaged."""
    if len(data) - offset < HEADER_SIZE:
        raise Incomplete
    magic, crc, body, metadata, received_at_ns, records, signal, encoding = _HEADER.unpack_from(
        data, offset
    )
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
    """The frame at `offset`, its CRC checked. Raises Incomplete, Damaged."""
    header = read_header(data, offset)
    view = memoryview(data)[offset : offset + header.frame_length]
    if len(view) < header.frame_length:
        raise Incomplete
    if zlib.crc32(view[_CRC_FROM:]) != header.crc:
        raise Damaged
    body_from = HEADER_SIZE + header.metadata_length
    metadata = bytes(view[HEADER_SIZE:body_from])
    headers = msgspec.json.decode(metadata, type=dict[str, str]) if metadata else {}
    envelope = Envelope(
        header.signal, header.encoding, bytes(view[body_from:]), header.received_at_ns, headers
    )
    return envelope, header
