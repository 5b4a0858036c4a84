"""What a log may say: no secret, no e-mail address, nothing that came behind a `?` of a URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agent_analytics_collector.scrub.names import is_secret
from agent_analytics_collector.scrub.text import FILTERED, scrubbed

_USERINFO = re.compile(r"(?<=://)[^/\s@\"']+(?=@)")
# A URL ends where the next begins, so that a text of many is still read once.
_QUERY = re.compile(r"(?<=://)((?:(?!://)[^\s?\"'<>])+\?)[^\s\"'<>]+")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_LONGEST = 20_000
"""Characters of one value: a log is no place for a payload, by accident or not."""


def redacted(value: Any, name: str = "") -> Any:
    """A value as a log may show it; `name` is what it stands under."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_secret(name):
        return FILTERED
    if isinstance(value, Mapping):
        return {redacted_text(str(key)): redacted(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one, name) for one in value]
    return redacted_text(value if isinstance(value, str) else str(value))


def redacted_text(text: str) -> str:
    """A text, a traceback too, as a log may show it."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} … ({len(text):,} characters)"
    text = _QUERY.sub(rf"\1{FILTERED}", _USERINFO.sub(FILTERED, text))
    return _EMAIL.sub(FILTERED, scrubbed(text))
