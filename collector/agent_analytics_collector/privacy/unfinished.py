"""Erasures that have begun and not ended, so that one cut off by a kill goes on.

What was found of a person stands nowhere else once the DuckDB file is written anew: not which
names they have, nor which sessions in the spool and the logs are theirs.
"""

from __future__ import annotations

import msgspec

from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.subject import Subject
from agent_analytics_collector.state import write_bytes


def unfinished(home: Home, name: str) -> Subject | None:
    """The person of that name whose erasure was begun; None when there is none."""
    return next((one for one in _read(home) if one.is_named(name)), None)


def begin(home: Home, subject: Subject) -> None:
    """Keep, durably, who is being erased. Raises HomeUnusable."""
    _write(home, [*_others(home, subject), subject])


def end(home: Home, subject: Subject) -> None:
    """Forget who was erased."""
    _write(home, _others(home, subject))


def _read(home: Home) -> list[Subject]:
    try:
        return msgspec.json.decode(home.erasing.read_bytes(), type=list[Subject])
    except FileNotFoundError:
        return []


def _others(home: Home, subject: Subject) -> list[Subject]:
    return [one for one in _read(home) if one.names.isdisjoint(subject.names)]


def _write(home: Home, subjects: list[Subject]) -> None:
    if subjects:
        write_bytes(home.erasing, msgspec.json.encode(subjects), durable=True)
    else:
        home.erasing.unlink(missing_ok=True)
