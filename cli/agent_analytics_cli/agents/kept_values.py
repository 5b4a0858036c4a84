"""The only values that leave a session file: ids, names, paths, counts and flags.

Each function returns the value when it looks like what it should be, else None. An id has no
white space and a bounded length, so that no sentence or code passes for one.
"""

from __future__ import annotations

import re
from datetime import datetime
from math import isfinite
from typing import Any

_is_identifier = re.compile(r"[\x21-\x7e]{1,128}").fullmatch  # asked ten times a record
_BRANCH = re.compile(r"[^\s\x00-\x1f\x7f]{1,256}")
_PATH = re.compile(r"[^\x00-\x1f\x7f]{1,1024}")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_LARGEST = 2**63 - 1


def identifier(value: object) -> str | None:
    """An id or a name of model, tool, version, decision."""
    return value if isinstance(value, str) and _is_identifier(value) else None


def branch(value: object) -> str | None:
    return _matching(_BRANCH, value)


def path(value: object) -> str | None:
    return _matching(_PATH, value)


def commit_id(value: object) -> str | None:
    """A short or full SHA, in lower case."""
    found = _matching(_COMMIT, value)
    return found.lower() if found else None


def timestamp(value: object) -> str | None:
    """A moment in ISO 8601 with its zone, as it was written."""
    found = _matching(_TIMESTAMP, value)
    try:
        return found if found and datetime.fromisoformat(found) else None
    except ValueError:  # the 31st of February
        return None


def count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def milliseconds(value: object) -> int | None:
    """Whole milliseconds; some tools measure fractions."""
    return count(round(value) if isinstance(value, float) and isfinite(value) else value)


def number(value: object) -> int | float | None:
    """A count or a fraction: a percentage, a cost, seconds since 1970."""
    if isinstance(value, float):
        return value if isfinite(value) and value >= 0 else None
    return count(value)


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def mapping(value: object) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def blocks(content: object) -> list[dict[str, Any]]:
    """The blocks of a message's content; text alone is one block of text."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return (
        [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    )


def text_of(content: object) -> str:
    """The text of a message's content, for counting and for finding facts in it."""
    texts = (block.get("text") for block in blocks(content) if block.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def without_nulls(payload: dict[str, Any]) -> dict[str, Any]:
    """What is known of a payload."""
    return {name: value for name, value in payload.items() if value is not None}


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
