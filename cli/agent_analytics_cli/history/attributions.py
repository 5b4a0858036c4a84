"""What git-ai notes and Agent Trace records have in common: who wrote which lines of a commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

GIT_AI = "git_ai"
AGENT_TRACE = "agent_trace"
AI, HUMAN = "ai", "human"
CONTRIBUTORS = (AI, HUMAN, "mixed", "unknown")
PROVEN_TIERS = ("note", "tool_call", "lines")
"""Tiers of evidence that are told to others; weaker ones are guesses at a session."""

_RANGE = re.compile(r"([1-9][0-9]{0,8})(?:-([1-9][0-9]{0,8}))?")

Range = tuple[int, int]
"""First and last line, from 1, both included."""


class Unreadable(ValueError):
    """A note or a record is damaged, or of a format that is not known; says why."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote lines; `agent` and `model` by the names that whoever recorded it uses."""

    contributor: str
    """One of CONTRIBUTORS."""
    agent: str | None = None
    session_id: str | None = None
    model: str | None = None
    evidence_tier: str | None = None
    """One of PROVEN_TIERS where we exported it; None where whoever wrote it saw it happen."""


@dataclass(frozen=True, slots=True)
class Attributed:
    """Lines of a file, by their numbers in the commit's version of it."""

    path: str
    author: Author
    ranges: Sequence[Range]


@dataclass(slots=True)
class Attestation:
    """One note, or one record, of a commit. Where lines are told twice, the last one counts."""

    source: str
    note_id: str
    version: str
    commit_hash: str
    lines: list[Attributed] = field(default_factory=list)


def parse_ranges(text: str) -> list[Range]:
    """`1-4,9` as pairs. Raises Unreadable."""
    ranges = []
    for part in text.split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise Unreadable("line numbers that are none")
        ranges.append(sound_range(int(found[1]), int(found[2] or found[1])))
    return ranges


def sound_range(first: object, last: object) -> Range:
    """Raises Unreadable."""
    if not (type(first) is int and type(last) is int and 1 <= first <= last < 10**9):
        raise Unreadable("line numbers that are none")
    return first, last


def format_ranges(ranges: Iterable[Range]) -> str:
    """As `parse_ranges` reads it."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def joined(numbers: Iterable[int]) -> list[Range]:
    """Ascending line numbers as ranges."""
    ranges: list[Range] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = ranges[-1][0], number
        else:
            ranges.append((number, number))
    return ranges
