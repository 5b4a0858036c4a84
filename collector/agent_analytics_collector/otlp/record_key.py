"""Which record is the same one: a key that survives retries, re-batching and a Collector."""

from __future__ import annotations

from hashlib import blake2b

import orjson

from agent_analytics_collector.otlp.values import Attributes, Json, encode

PATH_PREFIXES = ("agent_analytics.", "host.", "k8s.", "cloud.", "container.")
"""Resource attributes that the way to us adds: they are no part of what the record is."""


def origin_digest(
    resource: Attributes, scope_name: str, scope_version: str, scope: Attributes
) -> bytes:
    """What resource and scope bring to the keys of their records; 16 bytes."""
    own = {name: value for name, value in resource.items() if not name.startswith(PATH_PREFIXES)}
    return blake2b(encode([own, scope_name, scope_version, scope]), digest_size=16).digest()


def record_key(origin: bytes, attributes: bytes, facts: tuple[Json, ...]) -> bytes:
    """128 bits over the record as sent (before the text policy).

    `attributes` is JSON with sorted keys, so it holds no line break; `facts` are the name, the
    times as sent (no fallbacks, which depend on the way), the value and the ids.
    """
    return blake2b(b"%b%b\n%b" % (origin, attributes, orjson.dumps(facts)), digest_size=16).digest()
