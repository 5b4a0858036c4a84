"""Pages of an answer: a cursor goes on in the same published run, wherever newer ones are."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from agent_analytics_collector.errors import AskedWrongly

_BAD = "This cursor is none of this collector's. Ask again without one."


class Cursor(NamedTuple):
    """Where the next page begins."""

    asked: str
    """Digest of what was asked: a cursor goes on in nothing else."""
    run: str
    """The published run, or the month of a log."""
    offset: int


def digest_of(asked: Mapping[str, object]) -> str:
    """What a cursor knows a question by."""
    whole = msgspec.json.encode(sorted((key, value) for key, value in asked.items()))
    return blake2b(whole, digest_size=12).hexdigest()


def encoded(cursor: Cursor) -> str:
    """The cursor as a client sends it back."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def decoded(text: str | None, asked: str) -> Cursor | None:
    """The cursor that a client sent; None where it sent none. Raises AskedWrongly."""
    if not text:
        return None
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        found = msgspec.json.decode(content, type=Cursor)
    except (binascii.Error, ValueError) as error:  # msgspec's errors are ValueErrors
        raise AskedWrongly(_BAD) from error
    if found.asked != asked or not 0 <= found.offset < 2**31:
        raise AskedWrongly(_BAD)
    return found
