"""`keys.json`: the keys that were made, with digests in the place of the keys themselves."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable
from typing import TypeVar

import msgspec

from agent_analytics_collector.access.principal import Principal, Role, Scope
from agent_analytics_collector.errors import KeysUnusable
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import belong_to_owner

T = TypeVar("T")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key, without its secret. Times are seconds since 1970."""

    key_id: str
    developer_id: str | None
    """None: a gateway's, whose senders say by themselves who they are."""
    organisation: str | None
    scopes: tuple[Scope, ...]
    role: Role
    teams: tuple[str, ...] = ()
    created_at: int
    expires_at: int
    """Earlier than the token says once the key was rotated."""
    revoked_at: int | None = None
    replaced_by: str | None = None
    """The key that it was rotated to."""
    days: int
    """How long it was made for."""
    sha256: str
    """Of the whole token, as hex digits."""

    def holds(self, now: float) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def principal(self) -> Principal:
        """Who a request with this key comes from."""
        return Principal(
            self.key_id,
            self.developer_id,
            self.organisation,
            frozenset(self.scopes),
            self.role,
            self.teams,
            self.expires_at,
        )


class _File(msgspec.Struct, frozen=True):
    keys: tuple[Key, ...] = ()
    """In the order they were made in; they are never taken out."""
    version: int = 1


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def read_keys(home: Home) -> tuple[Key, ...]:
    """All keys ever made, oldest first; none where none were. Raises KeysUnusable.

    A file that is gone, where there is a secret that keys were signed with, is no open door.
    """
    try:
        return msgspec.json.decode(home.keys.read_bytes(), type=_File).keys
    except (FileNotFoundError, NotADirectoryError) as error:
        if home.signing_key.exists():
            raise KeysUnusable(home.keys, "it is gone, though keys were made") from error
        return ()
    except (OSError, msgspec.DecodeError) as error:
        raise KeysUnusable(home.keys, str(error)) from error


def has_keys(home: Home) -> bool:
    """Whether a key was ever made, so that this is a team's server. Raises KeysUnusable."""
    return bool(read_keys(home))


def begin_keys(home: Home) -> None:
    """Have a file before there is a secret that keys are signed with. Raises KeysUnusable."""
    change_keys(home, lambda keys: (keys, None))


def change_keys(home: Home, change: Callable[[tuple[Key, ...]], tuple[tuple[Key, ...], T]]) -> T:
    """Put what `change` makes of the keys in their place, one process at a time; its result.

    Raises KeysUnusable, and what `change` raises: nothing is changed then.
    """
    try:
        home.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(home.run / "keys.lock", os.O_RDWR | os.O_CREAT, 0o600)
        belong_to_owner(lock, home.root)
    except OSError as error:
        raise KeysUnusable(home.keys, str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        changed, result = change(read_keys(home))
        try:
            _replace(home, msgspec.json.format(msgspec.json.encode(_File(changed)), indent=1))
        except OSError as error:
            raise KeysUnusable(home.keys, str(error)) from error
        return result
    finally:
        os.close(lock)


def _replace(home: Home, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=home.root, prefix=".keys.json.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            belong_to_owner(file.fileno(), home.root)
            file.write(content + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, home.keys)
    except OSError:
        os.unlink(temporary)
        raise
    folder = os.open(home.root, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
