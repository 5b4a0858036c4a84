"""Names under which values are secrets, whatever they look like."""

from __future__ import annotations

import re
from functools import lru_cache

SECRET_NAMES = (
    "password", "passwd", "pwd", "mysql_pwd", "passphrase", "secret", "secret_key", "api_key",
    "apikey", "access_key", "private_key", "privatekey", "signing_key", "encryption_key",
    "credential", "credentials", "authorization", "bearer", "auth", "token", "cookie", "csrf",
    "session_key",
)  # fmt: skip
"""Sentry's default list (Relay and its SDKs, 2026-11) and what HTTP headers add to it.

A name counts when it ends so: `github.token`, `accessToken` and `X-Api-Key` do, `token_type` and
`input_tokens` do not.
"""
_MAY_COUNT = ("token", "auth", "cookie", "csrf", "session_key")
"""Names under which a number counts something, and is no PIN."""
_ID_NAMES = frozenset(
    ("id", "ids", "uuid", "hash", "hashes", "sha", "digest", "checksum", "fingerprint", "revision",
     "etag", "version", "path", "paths", "file", "files", "folder", "cwd", "name", "names",
     "branch", "model", "ref", "tool", "url", "command", "commands")
)  # fmt: skip
"""Last words of names under which a value that looks random says which one it is."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")


@lru_cache(maxsize=8192)
def is_secret(name: str) -> bool:
    """Whether a text, list or map under this name is a secret."""
    return _ends_with(_words(name), SECRET_NAMES)


@lru_cache(maxsize=8192)
def is_secret_number(name: str) -> bool:
    """Whether a number under this name is a secret too: a PIN, no count."""
    words = _words(name)
    return _ends_with(words, SECRET_NAMES) and not _ends_with(words, _MAY_COUNT)


@lru_cache(maxsize=8192)
def may_be_random(name: str) -> bool:
    """Whether a value that looks random under this name is an id or a path, and no secret."""
    return _words(name).rpartition("_")[2] in _ID_NAMES


def _words(name: str) -> str:
    return _SEPARATORS.sub("_", _CAMEL.sub("_", name)).strip("_").lower()


def _ends_with(words: str, names: tuple[str, ...]) -> bool:
    return words in names or words.endswith(tuple(f"_{name}" for name in names))
