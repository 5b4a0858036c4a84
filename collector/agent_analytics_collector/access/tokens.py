"""Keys as JWTs: one algorithm, one header, required claims, and no second way to write one.

PyJWT takes a token whose base64 has bits set that mean nothing, or a header with members it does
not know; a key is taken here only as it was written.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec
import orjson

ALGORITHM = "HS256"
AUDIENCE = "agent-analytics"
LONGEST_TOKEN = 4096
_REQUIRED = ["iss", "aud", "sub", "org", "scope", "role", "jti", "iat", "nbf", "exp"]


class Claims(msgspec.Struct, frozen=True):
    """What a key says of itself."""

    iss: str
    """The id of the installation that made it."""
    sub: str
    """The developer; empty for a gateway's key."""
    org: str
    """Empty where the installation has no name."""
    scope: str
    """Separated by spaces."""
    role: str
    jti: str
    iat: int
    nbf: int
    exp: int
    aud: str = AUDIENCE


class TokenRefused(Exception):
    """The token is not one that this secret signed, or does not say what it must."""


class TokenExpired(TokenRefused):
    """It was good once."""


class TokenNotYetValid(TokenRefused):
    """It will be good, or the clock was set back."""


def sign(claims: Claims, secret: bytes) -> str:
    """The token."""
    import jwt  # takes 80 ms, and a collector without keys never needs it

    return jwt.encode(
        msgspec.to_builtins(claims), secret, ALGORITHM, headers={"kid": _key_id(secret)}
    )


def verify(token: str, secret: bytes, issuer: str) -> Claims:
    """What a token says that was signed with `secret` by `issuer` and holds now.

    Raises TokenRefused, TokenExpired, TokenNotYetValid.
    """
    import jwt

    _check_form(token, secret)
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=issuer,
            options={"require": _REQUIRED, "strict_aud": True},
        )
        return msgspec.convert(claims, Claims)
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired from error
    except jwt.ImmatureSignatureError as error:
        raise TokenNotYetValid from error
    except (jwt.PyJWTError, msgspec.ValidationError) as error:
        raise TokenRefused(str(error)) from error


def unverified_expiry(token: str) -> int | None:
    """When a token says that it ends, seconds since 1970; None when it is no JWT or says nothing.

    For whoever holds a key of another installation and cannot check it.
    """
    try:
        return int(_unverified(token)["exp"])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def unverified_developer(token: str) -> str | None:
    """Whose key a token says that it is; None when it is no JWT or nobody's own."""
    developer = _unverified(token).get("sub")
    return developer if isinstance(developer, str) and developer else None


def _unverified(token: str) -> dict[str, Any]:
    try:
        _, payload, _ = token.split(".")
        claims = orjson.loads(_decoded(payload))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _check_form(token: str, secret: bytes) -> None:
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("longer than any key")
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused("not three parts")
    try:
        header, *_ = (_decoded(part) for part in parts)
        said = orjson.loads(header)
    except ValueError as error:
        raise TokenRefused("not base64url of JSON") from error
    if said != {"alg": ALGORITHM, "typ": "JWT", "kid": _key_id(secret)}:
        raise TokenRefused("another header than ours")


def _decoded(part: str) -> bytes:
    """Raises ValueError, also where the same bytes are written in another way."""
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError from error
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise ValueError("not canonical")
    return decoded


def _key_id(secret: bytes) -> str:
    """Tells secrets apart without telling anything of them."""
    return hashlib.sha256(b"agent-analytics kid" + secret).hexdigest()[:16]
