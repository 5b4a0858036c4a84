"""Where commits are on their way: in the outbox, or durable at the collector."""

from __future__ import annotations

import json
from typing import Any

import orjson

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.spool.reader import read_signal


def arrived(home: Home) -> list[dict[str, Any]]:
    """The commits that the collector has made durable, in order."""
    return [
        body
        for envelope in read_signal(home.spool, Signal.COMMITS)
        for body in orjson.loads(envelope.body)
    ]


def waiting(home: Home) -> list[dict[str, Any]]:
    """Bodies in the outbox, in order."""
    path = home.outbox / "commits.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [json.loads(line)["body"] for line in lines]
