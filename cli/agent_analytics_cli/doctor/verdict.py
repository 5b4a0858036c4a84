"""What a check says."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Status(enum.StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found."""

    status: Status
    detail: str
    """A sentence or two for a person."""
    next_step: str | None = None
    """What to type or to do; None when there is nothing to do."""


def ok(detail: str) -> Verdict:
    return Verdict(Status.OK, detail)


def warn(detail: str, next_step: str) -> Verdict:
    return Verdict(Status.WARN, detail, next_step)


def fail(detail: str, next_step: str) -> Verdict:
    return Verdict(Status.FAIL, detail, next_step)


def how_long(seconds: float) -> str:
    """`90 s`, `3 min`, `7 h`, `12 days`: whole ones of the largest unit that has two of them."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def in_units(size: int) -> str:
    """Bytes as a person reads them: `512 bytes`, `3.4 MB`."""
    for unit, bytes_of_it in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if size >= bytes_of_it:
            return f"{size / bytes_of_it:.1f} {unit}"
    return f"{size} bytes"
