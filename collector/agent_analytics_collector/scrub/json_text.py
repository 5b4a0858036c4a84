"""JSON without secrets: by what its values look like, and by the names they stand under."""

from __future__ import annotations

from typing import Any

import orjson

from agent_analytics_collector.scrub.names import is_secret, is_secret_number, may_be_random
from agent_analytics_collector.scrub.text import FILTERED, scrubbed


def scrubbed_json(encoded: str) -> str:
    """The JSON with its secrets filtered; the same text where there are none."""
    value = orjson.loads(encoded)
    clean = _without_secrets(value, random=True)
    return encoded if clean == value else orjson.dumps(clean).decode()


def _without_secrets(value: Any, *, random: bool) -> Any:
    if isinstance(value, str):
        return scrubbed(value, random=random)
    if isinstance(value, list):
        return [_without_secrets(one, random=random) for one in value]
    if isinstance(value, dict):
        return {scrubbed(name): _under(name, one, random) for name, one in value.items()}
    return value


def _under(name: str, value: Any, random: bool) -> Any:
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return value
    if isinstance(value, int | float):
        return FILTERED if is_secret_number(name) else value
    if is_secret(name):
        return FILTERED
    return _without_secrets(value, random=random and not may_be_random(name))
