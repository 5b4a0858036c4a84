"""Requests that were sent on carry the ids of the installations that did; none takes its own."""

from __future__ import annotations

from collections.abc import Mapping

from agent_analytics_collector.envelope import FORWARDED_HEADER
from agent_analytics_collector.errors import Looped

MOST_HOPS = 8


def refuse_loop(installation: str, headers: Mapping[str, str]) -> None:
    """Raises Looped when the request was here before, or was sent on by too many."""
    passed = _passed(headers)
    if installation in passed or len(passed) > MOST_HOPS:
        raise Looped(len(passed))


def sent_on_by(installation: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The kept headers of a request as it leaves this installation."""
    return {**headers, FORWARDED_HEADER: ",".join([*_passed(headers), installation])}


def _passed(headers: Mapping[str, str]) -> list[str]:
    return [one for part in headers.get(FORWARDED_HEADER, "").split(",") if (one := part.strip())]
