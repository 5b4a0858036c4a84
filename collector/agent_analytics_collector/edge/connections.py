"""How many connections are open at once, and who goes when there are too many.

A connection waits for its client until a request is there whole. Nobody is turned away for others
who wait: the one that waits longest goes, of the address that has most.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

import structlog

log = structlog.get_logger()

SHARE = 4
"""One address may have a quarter of all connections, unless everybody comes through a proxy."""
_OTHER_FILES = 256
"""Descriptors for the spool, children, logs and gRPC's own connections."""


@dataclass(eq=False, slots=True)
class Connection:
    """One open connection, from its first packet on."""

    address: str
    cut: Callable[[], None] = field(repr=False)
    """Ends it at once."""
    is_in: bool = False


class Connections:
    """The open connections of one port."""

    def __init__(self, most: int, *, share: bool) -> None:
        self.most = most
        self._most_of_one = max(most // SHARE, 1) if share else most
        self._open: dict[str, int] = {}
        """Connections by address."""
        self._waiting: dict[str, dict[Connection, None]] = {}
        """Those that wait for their client, longest first, by address."""
        self.total = 0
        self.cut: Counter[str] = Counter()
        """Connections that were ended before their time, by reason."""

    def enter(self, connection: Connection) -> bool:
        """Count a new connection, which waits; False when there is no room and nobody to cut."""
        address = connection.address
        if self._open.get(address, 0) >= self._most_of_one:
            if not self._cut_longest_waiting(address):
                return self._refuse()
        elif self.total >= self.most:
            crowded = max(self._waiting, key=self._open.__getitem__, default=None)
            if crowded is None or not self._cut_longest_waiting(crowded):
                return self._refuse()
        self._open[address] = self._open.get(address, 0) + 1
        self.total += 1
        connection.is_in = True
        self.wait(connection)
        return True

    def wait(self, connection: Connection) -> None:
        """It waits for its client from now on."""
        if connection.is_in:
            self._waiting.setdefault(connection.address, {})[connection] = None

    def work(self, connection: Connection) -> None:
        """Its request is there whole: it is ours to answer, and nobody cuts it."""
        waiting = self._waiting.get(connection.address)
        if waiting is not None and waiting.pop(connection, self) is None and not waiting:
            del self._waiting[connection.address]

    def leave(self, connection: Connection) -> None:
        """It is closed; nothing happens when it was never let in, or left before."""
        if not connection.is_in:
            return
        self.work(connection)
        connection.is_in = False
        left = self._open.get(connection.address, 0) - 1
        if left > 0:
            self._open[connection.address] = left
        else:
            self._open.pop(connection.address, None)
        self.total -= 1

    def too_slow(self, connection: Connection) -> None:
        """Its client took too long."""
        self._end(connection, "too_slow")

    def _cut_longest_waiting(self, address: str) -> bool:
        waiting = self._waiting.get(address)
        if not waiting:
            return False
        self._end(next(iter(waiting)), "crowded")
        return True

    def _end(self, connection: Connection, reason: str) -> None:
        self.cut[reason] += 1
        self.leave(connection)  # now: its end is told later, and others come in the meantime
        connection.cut()

    def _refuse(self) -> bool:
        self.cut["full"] += 1
        return False


def sender_of(address: str) -> str:
    """The address; of IPv6 its /64, since whoever has one of those has all of them."""
    try:
        whole = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if whole.ipv4_mapped is not None:
        return str(whole.ipv4_mapped)
    return str(IPv6Network((int(whole) >> 64 << 64, 64)))


def room_for(connections: int, ports: int) -> int:
    """How many connections each port can really have; raises the limit of open files as it may.

    Most systems give a process 1,024 files, and more for the asking.
    """
    wanted = connections * ports + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        except (OSError, ValueError) as error:  # macOS has a limit of its own
            log.warning("open_files_not_raised", limit=soft, problem=str(error))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    log.warning("fewer_connections", open_files=soft, wanted=connections)
    return max((soft - _OTHER_FILES) // ports, 1)
