"""Keyed hashes of lines of code: the same line is known again, and no code is stored.

Lines are normalised as Anthropic's contribution metrics do it (code.claude.com/docs/en/analytics,
2026-11), so that figures compare: trimmed, inner spaces collapsed, quotes unified, lower-cased;
lines of at most 3 characters, of brackets alone or of over 1,000 characters do not count. The
hash is keyed, because short lines could be guessed from bare ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import secret_key

HASH_BYTES = 8
_LONGEST = 1000
_SHORTEST = 4
_ASCII_QUOTES = '"`'
_QUOTES = _ASCII_QUOTES + "\u201c\u201d\u201e\u2018\u2019"
_WORD = re.compile(r"\w")


def normalised(line: str) -> str | None:
    """The line as it is compared; None when it does not count as a line of work."""
    if len(line) > _LONGEST:
        return None
    text = " ".join(line.split()).lower()
    for quote in _ASCII_QUOTES if text.isascii() else _QUOTES:  # translate() takes ten times that
        text = text.replace(quote, "'")
    return text if len(text) >= _SHORTEST and _WORD.search(text) else None


class LineHasher:
    """Hashes lines under one key; under another key the same lines have other hashes."""

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=HASH_BYTES)

    def of(self, line: str) -> str | None:
        """16 hex digits; None of a line that does not count."""
        if (text := normalised(line)) is None:
            return None
        state = self._keyed.copy()
        state.update(text.encode("utf-8", "replace"))
        return state.hexdigest()

    def of_all(self, lines: Iterable[str]) -> list[str]:
        """Those of the lines that count, in order; repeated lines are repeated."""
        return [digest for line in lines if (digest := self.of(line)) is not None]


def home_hasher(home: Home, key_file: str | None = None) -> LineHasher:
    """Hashes under the key of this home. Raises HomeUnusable."""
    return LineHasher(line_key(home, key_file))


def line_key(home: Home, key_file: str | None = None) -> bytes:
    """The key of this home, made on first need, or an organisation's in `key_file`.

    A laptop, a server and CI see the same lines alike only with the same key. `key_file` is the
    setting `git.line_key_file`, relative to the home. Raises HomeUnusable.
    """
    if key_file:
        return secret_key(home, home.root / Path(key_file).expanduser(), make=False)
    return secret_key(home, home.line_key)
