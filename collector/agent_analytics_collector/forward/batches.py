"""Entries of the spool put together into requests: what one destination gets next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from agent_analytics_collector.envelope import OTLP_SIGNALS, Encoding, Envelope, Signal
from agent_analytics_collector.spool.reader import Entry
from agent_analytics_collector.spool.segments import Position

BATCH_BYTES = 1024 * 1024
"""From which on nothing is added to a batch; with commits of 100 bytes each that stays below the
20,000 records that the API takes at once."""
WAVE_BYTES = 8 * 1024 * 1024
WAVE_ENTRIES = 5_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests of one signal, encoding and headers, which may travel as one."""

    signal: Signal
    encoding: Encoding
    headers: Mapping[str, str]
    bodies: tuple[bytes, ...]

    def body(self) -> bytes:
        """As it is sent. Of one request the bytes as received."""
        if len(self.bodies) == 1:
            return self.bodies[0]
        if self.signal in OTLP_SIGNALS:
            # Protobuf messages that follow each other are their union.
            return b"".join(self.bodies)
        return b"[" + b",".join(body[1:-1] for body in self.bodies) + b"]"

    def halves(self) -> tuple[Batch, Batch]:
        """Two that are smaller; only of more than one request."""
        middle = len(self.bodies) // 2
        first, second = self.bodies[:middle], self.bodies[middle:]
        return (
            Batch(self.signal, self.encoding, self.headers, first),
            Batch(self.signal, self.encoding, self.headers, second),
        )


@dataclass(slots=True)
class Wave:
    """Batches that are sent side by side; when all are settled, so is everything before `after`."""

    after: Position
    batches: list[Batch] = field(default_factory=list)


def next_wave(
    entries: Iterator[Entry],
    takes: Callable[[Signal, Mapping[str, str]], bool],
    *,
    most_bytes: int = WAVE_BYTES,
) -> Wave | None:
    """What comes next of the entries; None when there is no more."""
    gathered: list[_Growing] = []
    open_ones: dict[tuple[object, ...], _Growing] = {}
    after: Position | None = None
    size = 0
    for count, entry in enumerate(entries, start=1):
        after = entry.after
        envelope = entry.envelope
        if envelope is not None and takes(envelope.signal, envelope.headers):
            size += len(envelope.body)
            about = (envelope.signal, envelope.encoding, *sorted(envelope.headers.items()))
            growing = open_ones.get(about)
            if growing is None or not growing.has_room(envelope):
                growing = open_ones[about] = _Growing(envelope)
                gathered.append(growing)
            growing.add(envelope)
        if size >= most_bytes or count >= WAVE_ENTRIES:
            break
    return None if after is None else Wave(after, [each.batch() for each in gathered])


class _Growing:
    """A batch that is being put together."""

    def __init__(self, first: Envelope) -> None:
        self._first = first
        self._bodies: list[bytes] = []
        self._bytes = 0

    def has_room(self, envelope: Envelope) -> bool:
        return _can_be_joined(envelope) and self._bytes + len(envelope.body) <= BATCH_BYTES

    def add(self, envelope: Envelope) -> None:
        self._bodies.append(envelope.body)
        self._bytes += len(envelope.body)

    def batch(self) -> Batch:
        first = self._first
        return Batch(first.signal, first.encoding, first.headers, tuple(self._bodies))


def _can_be_joined(envelope: Envelope) -> bool:
    if envelope.signal in OTLP_SIGNALS:
        return envelope.encoding is Encoding.PROTOBUF
    return len(envelope.body) > 2 and envelope.body[:1] == b"[" and envelope.body[-1:] == b"]"
