"""Making, listing, revoking and rotating keys."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable

import msgspec

from agent_analytics_collector.access.key_file import (
    Key,
    begin_keys,
    change_keys,
    digest,
    has_keys,
    read_keys,
)
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.access.tokens import Claims, sign
from agent_analytics_collector.errors import BadKey, NoSuchKey
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import installation_id, secret_key
from agent_analytics_collector.settings import Settings

__all__ = ["Key", "create_key", "has_keys", "list_keys", "revoke_key", "rotate_key"]

DAY_S = 86_400
MOST_DAYS = 3_650
MOST_OVERLAP_DAYS = 90
_LONGEST_NAME = 256


def create_key(
    home: Home,
    settings: Settings,
    *,
    developer_id: str | None,
    organisation: str | None = None,
    scopes: Iterable[Scope],
    role: Role = Role.DEVELOPER,
    teams: Iterable[str] = (),
    days: int = 365,
) -> tuple[str, Key]:
    """A new token, which nobody can show again, and what is kept of it.

    Without a developer it is a gateway's key: its senders say who they are. Without an
    organisation it has the one of the settings or of the other keys. Raises BadKey, KeysUnusable,
    HomeUnusable.
    """
    now = int(time.time())
    wanted = Key(
        key_id="",
        developer_id=developer_id,
        organisation=organisation,
        scopes=tuple(sorted(set(scopes))),
        role=role,
        teams=tuple(dict.fromkeys(teams)),
        created_at=now,
        expires_at=now + days * DAY_S,
        days=days,
        sha256="",
    )
    _check(wanted)

    if not home.signing_key.exists():
        begin_keys(home)

    def add(keys: tuple[Key, ...]) -> tuple[tuple[Key, ...], tuple[str, Key]]:
        whose = _organisation(organisation, settings, keys)
        token, key = _made(home, msgspec.structs.replace(wanted, organisation=whose))
        return (*keys, key), (token, key)

    return change_keys(home, add)


def list_keys(home: Home) -> list[Key]:
    """All keys ever made, oldest first. Raises KeysUnusable."""
    return list(read_keys(home))


def revoke_key(home: Home, key_id: str) -> Key:
    """The key, which from now on nobody takes. Raises NoSuchKey, KeysUnusable."""

    def revoke(keys: tuple[Key, ...]) -> tuple[tuple[Key, ...], Key]:
        found = _find(keys, key_id)
        revoked = msgspec.structs.replace(found, revoked_at=int(time.time()))
        return _with(keys, revoked), revoked

    return change_keys(home, revoke)


def rotate_key(home: Home, key_id: str, overlap_days: int = 7) -> tuple[str, Key]:
    """A new token for the same purpose and as many days; the old one holds for the overlap.

    Raises NoSuchKey, BadKey, KeysUnusable, HomeUnusable.
    """
    if not 0 <= overlap_days <= MOST_OVERLAP_DAYS:
        raise BadKey(f"The overlap is from 0 to {MOST_OVERLAP_DAYS} days.")
    now = int(time.time())

    def rotate(keys: tuple[Key, ...]) -> tuple[tuple[Key, ...], tuple[str, Key]]:
        old = _find(keys, key_id)
        token, new = _made(
            home,
            msgspec.structs.replace(
                old, created_at=now, expires_at=now + old.days * DAY_S, replaced_by=None
            ),
        )
        ending = msgspec.structs.replace(
            old,
            expires_at=min(old.expires_at, now + overlap_days * DAY_S),
            replaced_by=new.key_id,
        )
        return (*_with(keys, ending), new), (token, new)

    return change_keys(home, rotate)


def _made(home: Home, wanted: Key) -> tuple[str, Key]:
    """A token for a key of these properties, and the key with an id of its own."""
    key_id = f"key_{secrets.token_hex(6)}"
    claims = Claims(
        iss=installation_id(home),
        sub=wanted.developer_id or "",
        org=wanted.organisation or "",
        scope=" ".join(wanted.scopes),
        role=wanted.role,
        jti=key_id,
        iat=wanted.created_at,
        nbf=wanted.created_at,
        exp=wanted.expires_at,
    )
    token = sign(claims, secret_key(home, home.signing_key))
    return token, msgspec.structs.replace(wanted, key_id=key_id, sha256=digest(token))


def _find(keys: tuple[Key, ...], key_id: str) -> Key:
    for key in keys:
        if key.key_id == key_id:
            if key.revoked_at is not None:
                raise NoSuchKey(f"Key {key_id} was revoked before.")
            return key
    raise NoSuchKey(f"There is no key {key_id!r}. `agent-analytics keys list` shows all.")


def _with(keys: tuple[Key, ...], changed: Key) -> tuple[Key, ...]:
    return tuple(changed if key.key_id == changed.key_id else key for key in keys)


def _check(wanted: Key) -> None:
    """Raises BadKey where the properties do not go together."""
    if not 1 <= wanted.days <= MOST_DAYS:
        raise BadKey(f"A key lives from 1 to {MOST_DAYS:,} days.")
    for what, name in (
        ("developer", wanted.developer_id),
        ("organisation", wanted.organisation),
        *(("team", team) for team in wanted.teams),
    ):
        if name is not None and not (
            name.strip() == name and 0 < len(name) <= _LONGEST_NAME and name.isprintable()
        ):
            raise BadKey(
                f"The {what} must be a name of 1 to {_LONGEST_NAME} printable characters, without "
                "spaces around it."
            )
    if not wanted.scopes:
        raise BadKey("A key needs a scope: ingest, read or admin.")
    if wanted.developer_id is None and (wanted.scopes, wanted.role) != (
        (Scope.INGEST,), Role.DEVELOPER
    ):  # fmt: skip
        raise BadKey("A gateway's key only sends; a key that reads or administers needs a person.")
    if Scope.ADMIN in wanted.scopes and wanted.role is not Role.ADMIN:
        raise BadKey("The scope admin needs the role admin.")
    if (wanted.role is Role.LEAD) != bool(wanted.teams):
        raise BadKey("A lead needs at least one team, and a team belongs to a lead's key alone.")


def _organisation(given: str | None, settings: Settings, keys: tuple[Key, ...]) -> str | None:
    """One server is one organisation's: what it stores is not kept apart by organisation."""
    known = settings.organisation or next((k.organisation for k in keys if k.organisation), None)
    if known is not None and given not in (None, known):
        raise BadKey(
            f"This server is {known}'s, and all its keys are. Another organisation needs a "
            "home of its own (AGENT_ANALYTICS_HOME)."
        )
    return given or known
