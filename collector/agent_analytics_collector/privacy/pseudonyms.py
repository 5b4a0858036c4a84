"""Keyed hashes in the place of what names a person: stable here, meaningless elsewhere."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import secret_key
from agent_analytics_collector.settings import Settings

PREFIX = "hmac:"
_DIGITS = 32
_REVERTED = re.compile(r"^This reverts commit [0-9a-f]{7,64}\b", re.MULTILINE)


class Pseudonyms:
    """Hashes under one secret; without it they cannot be guessed from a list of names."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, name: str) -> str:
        """`hmac:` and 32 hex digits, whatever the case of the letters."""
        digest = hmac.digest(self._key, name.strip().lower().encode("utf-8", "replace"), sha256)
        return PREFIX + digest.hex()[:_DIGITS]

    def of_message(self, message: str) -> str:
        """A commit's message: its hash, and git's own lines that name a reverted commit."""
        return "\n\n".join([self.of(message), *_REVERTED.findall(message)])


def pseudonyms(home: Home) -> Pseudonyms:
    """Under the secret of this home (`pepper.key`), made on first need. Raises HomeUnusable."""
    return Pseudonyms(secret_key(home, home.pepper))


def message_pseudonyms(home: Home, settings: Settings) -> Pseudonyms | None:
    """For commits' messages; None where they are stored as they are. Raises HomeUnusable."""
    return pseudonyms(home) if settings.privacy.hash_commit_messages else None
