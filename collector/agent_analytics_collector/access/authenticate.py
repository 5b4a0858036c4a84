"""Who sent a request: the keys that it carries, checked, and remembered while nothing changes."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NoReturn

import structlog

from agent_analytics_collector.access import tokens
from agent_analytics_collector.access.key_file import Key, digest, read_keys
from agent_analytics_collector.access.key_use import KeyUse
from agent_analytics_collector.access.principal import INSTALLATION, LOCAL, Principal
from agent_analytics_collector.errors import HomeUnusable, KeysUnusable, Unauthenticated
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import installation_id, secret_key

log = structlog.get_logger()

LOOK_AGAIN_S = 1.0
"""How often the file of keys is looked at; a revoked key is taken for at most so long."""
_WANTED = (
    "This collector takes requests with a key alone, as `x-api-key: KEY` or `Authorization: "
    "Bearer KEY`. Whoever runs it makes one with `agent-analytics keys create`."
)
_WANTED_TOKEN = (
    "This needs `Authorization: Bearer …` with the installation's token: the file `token` in the "
    "collector's home."
)
_UNKNOWN = (
    "This key is not one of this collector's, or it is damaged. Whoever runs it makes another with "
    "`agent-analytics keys create`."
)

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class Authenticator:
    """Tells who a request comes from. For one event loop."""

    def __init__(self, home: Home, installation_token: str) -> None:
        self._home = home
        self._installation_token = installation_token.encode()
        self._use = KeyUse(home)
        self._keys: dict[str, Key] = {}
        self._seen: dict[str, Principal] = {}
        """Whose token it is that has this digest, of tokens that were verified."""
        self._is_team = False
        self._file: tuple[int, ...] | None = ()
        """Tells one version of the file from others; None where there is none."""
        self._looked_at = float("-inf")
        self._trouble: KeysUnusable | None = None

    @property
    def is_team(self) -> bool:
        """Whether keys were made, so that OTLP wants one too. Raises KeysUnusable."""
        self._look_again()
        return self._is_team

    def principal(self, headers: Headers, *, otlp: bool) -> Principal:
        """Who sent a request with these headers, whose names are in lower case.

        Raises Unauthenticated, and KeysUnusable where nobody can be let in.
        """
        is_team = self.is_team
        if otlp and not is_team:
            return LOCAL
        token = _token(headers)
        if token is None:
            raise Unauthenticated(_WANTED if is_team else _WANTED_TOKEN)
        given = token.encode("utf-8", "surrogateescape")
        if hmac.compare_digest(given, self._installation_token):
            return INSTALLATION
        if not is_team:
            raise Unauthenticated(_WANTED_TOKEN)
        found = self._of_key(token)
        self._use.note(found.key_id, time.time())
        return found

    def save_use(self, *, at_once: bool = False) -> None:
        """Write when keys were used last, at most once a minute. Raises OSError."""
        self._use.save(at_once=at_once)

    def _of_key(self, token: str) -> Principal:
        token_digest = digest(token)
        found = self._seen.get(token_digest)
        if found is None:
            found = self._verified(token, token_digest).principal()
            self._seen[token_digest] = found
        key = self._keys[found.key_id]
        if not key.holds(time.time()):
            _refuse(key)
        return found

    def _verified(self, token: str, token_digest: str) -> Key:
        try:
            secret = secret_key(self._home, self._home.signing_key, make=False)
            issuer = installation_id(self._home, make=False)
        except HomeUnusable as error:
            raise KeysUnusable(self._home.signing_key, str(error)) from error
        try:
            key_id = tokens.verify(token, secret, issuer).jti
        except tokens.TokenExpired as error:
            raise Unauthenticated(
                "This key has expired. Whoever runs the collector makes another with "
                "`agent-analytics keys rotate` or `keys create`."
            ) from error
        except tokens.TokenNotYetValid as error:
            raise Unauthenticated(
                "This key is not valid yet: the collector's clock is behind the one it was made by."
            ) from error
        except tokens.TokenRefused as error:
            raise Unauthenticated(_UNKNOWN) from error
        key = self._keys.get(key_id)
        if key is None or not hmac.compare_digest(key.sha256, token_digest):
            raise Unauthenticated(_UNKNOWN)
        return key

    def _look_again(self) -> None:
        """Read the file of keys again once it changed. Raises KeysUnusable."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_AGAIN_S:
            self._looked_at = now
            self._read_keys()
        if self._trouble is not None:
            raise self._trouble

    def _read_keys(self) -> None:
        file: tuple[int, ...] | None = None
        try:
            found = self._home.keys.stat()
            file = (found.st_ino, found.st_mtime_ns, found.st_size)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self._set_trouble(KeysUnusable(self._home.keys, str(error)))
            return
        if file == self._file and self._trouble is None:
            return
        try:
            keys = read_keys(self._home)
        except KeysUnusable as error:
            self._set_trouble(error)
            return
        self._trouble, self._file = None, file
        self._keys = {key.key_id: key for key in keys}
        self._seen.clear()
        self._is_team = self._is_team or bool(keys)

    def _set_trouble(self, trouble: KeysUnusable) -> None:
        if str(trouble) != str(self._trouble):
            log.error("keys_unusable", problem=str(trouble))
        self._trouble = trouble


def _token(headers: Headers) -> str | None:
    """The key that a request carries. Raises Unauthenticated where it is not clear which one."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    api_keys: list[str] = []
    bearers: list[str] = []
    for name, value in pairs:
        if name == "x-api-key":
            api_keys.append(value.strip())
        elif name == "authorization":
            scheme, _, rest = value.strip().partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("Authorization must be `Bearer KEY`.")
            bearers.append(rest.strip())
    if len(api_keys) > 1 or len(bearers) > 1 or len({*api_keys, *bearers}) > 1:
        raise Unauthenticated("The request carries several keys. Send one.")
    return next(iter((*api_keys, *bearers)), None) or None


def _refuse(key: Key) -> NoReturn:
    if key.revoked_at is not None:
        raise Unauthenticated(
            f"Key {key.key_id} was revoked. Whoever runs the collector makes another with "
            "`agent-analytics keys create`."
        )
    ended = datetime.fromtimestamp(key.expires_at, UTC)
    raise Unauthenticated(
        f"Key {key.key_id} ended on {ended:%Y-%m-%d}. Whoever runs the collector makes another "
        f"with `agent-analytics keys rotate {key.key_id}`."
    )
