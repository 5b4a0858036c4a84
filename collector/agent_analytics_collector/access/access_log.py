"""The log of who looked at whose data: a line of JSON for each look, in a file a month.

It is only ever appended to, and a look is on disk before its answer goes out.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec

from agent_analytics_collector.access.principal import Principal, Role
from agent_analytics_collector.errors import AccessNotLogged
from agent_analytics_collector.home import Home


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looked at data that is not their own."""

    at: str
    """UTC, ISO 8601."""
    key_id: str
    role: Role
    developer_id: str | None
    """Who looked; None is the installation's token."""
    route: str
    """`/v1/views/{view}/{question}`"""
    question: str | None = None
    """`cost_tracking/spend_by_day`"""
    developers: tuple[str, ...] = ()
    """Whose data was asked for. With no developers and no teams it was everybody's."""
    teams: tuple[str, ...] = ()
    rows: int = 0
    """How many were answered."""

    def is_about(self, identities: Collection[str], teams: Collection[str]) -> bool:
        """Whether it tells of somebody who has these identities and is in these teams."""
        if self.developers:  # of the teams, where it names any too, these alone
            return not set(identities).isdisjoint(self.developers)
        return not self.teams or not set(teams).isdisjoint(self.teams)

    def told_to(self, identities: Collection[str], teams: Collection[str]) -> Look | None:
        """What somebody may know of it: not whom else it was about; None where they are not."""
        if not self.is_about(identities, teams):
            return None
        return msgspec.structs.replace(
            self,
            developers=tuple(name for name in self.developers if name in identities),
            teams=tuple(team for team in self.teams if team in teams),
        )


class Place(NamedTuple):
    """Where a look stands: as the log only grows, for ever the same."""

    month: str
    """`2026-11`"""
    line: int


def look_of(principal: Principal, route: str, **about: object) -> Look:
    """A look by that principal, now."""
    whole = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "key_id": principal.key_id,
        "role": principal.role,
        "developer_id": principal.developer_id,
        "route": route,
        **about,
    }
    return msgspec.convert(whole, Look)


def append_look(home: Home, look: Look) -> None:
    """Write the look down, durably. Raises AccessNotLogged."""
    line = msgspec.json.encode(look) + b"\n"
    file = home.access_log / f"{look.at[:7]}.jsonl"
    try:
        home.access_log.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A line that a crash cut off must not take the next one with it.
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError("the line was written in part")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise AccessNotLogged(file, error.strerror or str(error)) from error


def read_looks(
    home: Home, since: date | None = None, before: Place | None = None
) -> Iterator[tuple[Place, Look]]:
    """The looks since a UTC day, newest first; with `before` only those that stand before it.

    Lines that a crash cut off are left out. Raises AccessNotLogged where a file cannot be read.
    """
    for file in sorted(home.access_log.glob("????-??.jsonl"), reverse=True):
        month = file.stem
        if (since and month < f"{since:%Y-%m}") or (before and month > before.month):
            continue
        try:
            lines = file.read_bytes().split(b"\n")
        except OSError as error:
            raise AccessNotLogged(file, error.strerror or str(error)) from error
        end = before.line if before and month == before.month else len(lines)
        for number in range(min(end, len(lines)) - 1, -1, -1):
            look = _decoded(lines[number])
            if look is not None and not (since and look.at[:10] < since.isoformat()):
                yield Place(month, number), look


def _decoded(line: bytes) -> Look | None:
    try:
        return msgspec.json.decode(line, type=Look)
    except msgspec.DecodeError:
        return None
