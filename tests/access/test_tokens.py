"""Attacks on keys: none of them is let in, and what is told never quotes what was sent."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from agent_analytics_collector.access import tokens
from agent_analytics_collector.access.authenticate import Authenticator
from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Scope
from agent_analytics_collector.errors import Unauthenticated
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import secret_key
from agent_analytics_collector.settings import Settings

TOKEN = "installation-token"


@pytest.fixture
def key(home: Home) -> str:
    token, _ = create_key(home, Settings(), developer_id="ada", scopes=[Scope.INGEST])
    return token


@pytest.fixture
def authenticator(home: Home, key: str) -> Authenticator:
    """It has taken the good key once, so that what it remembers is attacked too."""
    made = Authenticator(home, TOKEN)
    assert made.principal({"x-api-key": key}, otlp=False).developer_id == "ada"
    return made


def is_accepted(authenticator: Authenticator, token: str) -> bool:
    """Whether it is let in under either header, on either port."""
    accepted = []
    for headers in ({"x-api-key": token}, {"authorization": f"Bearer {token}"}):
        for otlp in (False, True):
            with suppress(Unauthenticated):
                accepted.append(authenticator.principal(headers, otlp=otlp))
    return bool(accepted)


def encoded(part: Any) -> str:
    content = part if isinstance(part, bytes) else orjson.dumps(part)
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def claims_of(token: str) -> dict[str, Any]:
    return decoded(token.split(".")[1])


def with_header(token: str, secret: bytes, **members: Any) -> str:
    """The token with another header, and signed again with our own secret."""
    header, payload, _ = token.split(".")
    signed = f"{encoded(decoded(header) | members)}.{payload}"
    return f"{signed}.{encoded(jwt.get_algorithm_by_name('HS256').sign(signed.encode(), secret))}"


def test_of_a_thousand_tokens_with_one_bit_changed_none_is_accepted(
    authenticator: Authenticator, key: str
) -> None:
    chosen = random.Random(20261122)
    changed: set[str] = set()
    while len(changed) < 1000:
        content = bytearray(key.encode())
        content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
        changed.add(content.decode("latin-1"))
    assert [token for token in changed if is_accepted(authenticator, token)] == []


def test_every_single_bit_of_the_decoded_parts_counts(
    authenticator: Authenticator, key: str
) -> None:
    """The last character of a part has bits that base64 readers throw away."""
    header, payload, signature = key.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for index, part in enumerate((header, payload, signature)):
        for letter in alphabet:
            parts = [header, payload, signature]
            parts[index] = part[:-1] + letter
            if (token := ".".join(parts)) != key:
                assert not is_accepted(authenticator, token)


def test_no_other_algorithm_is_taken(authenticator: Authenticator, key: str, home: Home) -> None:
    secret = secret_key(home, home.signing_key)
    _, payload, signature = key.split(".")
    for name in ("none", "None", "NONE", "nOnE", "", "hs256", None, ["HS256"], 256):
        for end in ("", signature):
            header = encoded({"alg": name, "typ": "JWT", "kid": tokens._key_id(secret)})
            assert not is_accepted(authenticator, f"{header}.{payload}.{end}")
    for name in ("HS384", "HS512"):
        other = jwt.encode(claims_of(key), secret.ljust(64, b"\0"), name)
        assert not is_accepted(authenticator, other)
        assert not is_accepted(authenticator, with_header(key, secret, alg=name))


def test_a_public_key_is_no_secret_and_a_private_one_signs_nothing(
    authenticator: Authenticator, key: str, home: Home
) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert not is_accepted(authenticator, with_header(key, pem))
    assert not is_accepted(authenticator, with_header(key, pem, alg="RS256"))
    kid = tokens._key_id(secret_key(home, home.signing_key))
    by_rsa = jwt.encode(claims_of(key), private, "RS256", headers={"kid": kid})
    assert not is_accepted(authenticator, by_rsa)
    own_key = {"kty": "oct", "k": encoded(b"attacker")}
    assert not is_accepted(authenticator, with_header(key, b"attacker" * 8, jwk=own_key))


@pytest.mark.parametrize(
    "members",
    [
        {"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"typ": "jwt"}, {"typ": None},
        {"kid": ""}, {"kid": None}, {"kid": "../../../../dev/null"},
        {"kid": "x' UNION SELECT 'secret' --"}, {"kid": "0" * 16}, {"kid": ["0"]},
        {"jku": "https://attacker.example/keys"}, {"x5u": "https://attacker.example/cert"},
        {"zip": "DEF"}, {"cty": "JWT"},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_other_than_ours_is_refused_even_where_our_secret_signed_it(
    authenticator: Authenticator, key: str, home: Home, members: dict[str, Any]
) -> None:
    token = with_header(key, secret_key(home, home.signing_key), **members)
    assert token != key
    assert not is_accepted(authenticator, token)
    with pytest.raises(tokens.TokenRefused, match="another header"):
        tokens.verify(token, secret_key(home, home.signing_key), claims_of(key)["iss"])


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("aud", "another"), ("aud", ["agent-analytics"]), ("aud", ["agent-analytics", "another"]),
        ("aud", None), ("iss", "another"), ("iss", ""), ("iss", None), ("sub", 7), ("jti", 7),
        ("exp", "never"), ("exp", None), ("exp", 1), ("nbf", 2**40), ("nbf", None),
        ("iat", 2**40), ("iat", "now"), ("scope", None), ("role", None), ("org", None),
        ("exp", float("1e300")), ("iat", True),
    ],
    ids=str,
)  # fmt: skip
def test_claims_that_do_not_hold_are_refused_even_where_our_secret_signed_them(
    key: str, home: Home, claim: str, value: Any
) -> None:
    secret = secret_key(home, home.signing_key)
    claims = claims_of(key) | {claim: value}
    if value is None:
        del claims[claim]
    token = jwt.encode(claims, secret, "HS256", headers={"kid": tokens._key_id(secret)})
    with pytest.raises(tokens.TokenRefused):
        tokens.verify(token, secret, claims_of(key)["iss"])


def test_a_token_that_our_secret_signed_but_nobody_was_given_is_refused(
    authenticator: Authenticator, key: str, home: Home
) -> None:
    """The file of keys decides, so a leaked secret alone opens nothing."""
    secret = secret_key(home, home.signing_key)
    for change in ({"jti": "key_000000000000"}, {"sub": "grace"}, {"scope": "ingest read admin"}):
        forged = jwt.encode(
            claims_of(key) | change, secret, "HS256", headers={"kid": tokens._key_id(secret)}
        )
        tokens.verify(forged, secret, claims_of(key)["iss"])  # in itself it is sound
        assert not is_accepted(authenticator, forged)


def pieces(key: str) -> Iterator[str]:
    for end in range(len(key)):
        yield key[:end]
    header, payload, signature = key.split(".")
    yield from (
        key[1:],
        key + ".",
        "." + key,
        key + key,
        f"{key}.{signature}",
        key + "=",
        key + "A",
    )
    yield from (f"{header}..{signature}", f"{payload}.{header}.{signature}", key.replace(".", ". "))
    yield from (
        key.upper(),
        key + "\0",
        key + "\u00e9",
        "\udce9",
        "." * 2000,
        "..",
        ".",
        "null",
        "{}",
    )
    yield from (key.replace("-", "+").replace("_", "/") + "==", f"{header}=.{payload}.{signature}")
    yield key + "A" * tokens.LONGEST_TOKEN
    yield f"{encoded([])}.{payload}.{signature}"
    yield f"{encoded(b'[' * 900)}.{payload}.{signature}"


def test_truncated_joined_and_rewritten_tokens_are_refused(
    authenticator: Authenticator, key: str
) -> None:
    assert [piece for piece in pieces(key) if is_accepted(authenticator, piece)] == []


def test_a_key_holds_from_its_making_to_its_end_and_no_second_longer(home: Home, key: str) -> None:
    made_at = datetime.fromtimestamp(claims_of(key)["nbf"], UTC)
    authenticator = Authenticator(home, TOKEN)
    year = timedelta(days=365)
    for moment, holds in (
        (made_at - timedelta(seconds=2), False),
        (made_at, True),
        (made_at + year - timedelta(seconds=1), True),
        (made_at + year, False),
        (made_at + 2 * year, False),
    ):
        with time_machine.travel(moment, tick=False):
            assert is_accepted(Authenticator(home, TOKEN), key) is holds
            # One that remembers the token does not trust it for longer.
            if moment >= made_at:
                assert is_accepted(authenticator, key) is holds


def test_another_installation_s_key_is_refused(authenticator: Authenticator, home: Home) -> None:
    other = Home(home.root.parent / "other")
    other.create()
    token, _ = create_key(other, Settings(), developer_id="ada", scopes=[Scope.INGEST])
    assert not is_accepted(authenticator, token)
    assert is_accepted(Authenticator(other, TOKEN), token)


def test_what_is_said_of_a_refused_key_never_quotes_it(
    authenticator: Authenticator, key: str
) -> None:
    for token in (key[:-1], f"{key}A", "sk-ant-api03-hunter2hunter2"):
        with pytest.raises(Unauthenticated) as refused:
            authenticator.principal({"x-api-key": token}, otlp=True)
        assert token[:20] not in str(refused.value)


def test_several_keys_in_a_request_are_refused_however_they_are_sent(
    authenticator: Authenticator, key: str
) -> None:
    bearer = f"Bearer {key}"
    for headers in (
        [("x-api-key", key), ("x-api-key", key)],
        [("authorization", bearer), ("authorization", bearer)],
        [("x-api-key", key), ("authorization", f"Bearer {TOKEN}")],
        [("x-api-key", "other"), ("authorization", bearer)],
        [("x-api-key", ""), ("authorization", bearer)],
        [("x-api-key", f"{key}, {key}")],
        [("authorization", f"{bearer}, {bearer}")],
        [("authorization", f"Basic {key}")],
        [("authorization", key)],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", f"Basic {key}"), ("x-api-key", key)],
        [("x-api-key", "")],
        [("x-api-key", bearer)],
        [],
    ):
        for otlp in (False, True):
            with pytest.raises(Unauthenticated):
                authenticator.principal(headers, otlp=otlp)
    same = [("x-api-key", key), ("authorization", f"bearer  {key}")]
    assert authenticator.principal(same, otlp=True).developer_id == "ada"


def test_when_a_token_of_somebody_else_ends_is_read_without_trusting_it(key: str) -> None:
    assert tokens.unverified_expiry(key) == claims_of(key)["exp"]
    payloads: tuple[Any, ...] = ({"exp": "soon"}, {"exp": None}, {}, [], b"", b"{")
    for nothing in (
        "", "sk-ant-123", "a.b.c", "..", "\udce9.\udce9.\udce9",
        *(f"x.{encoded(payload)}.y" for payload in payloads),
    ):  # fmt: skip
        assert tokens.unverified_expiry(nothing) is None
