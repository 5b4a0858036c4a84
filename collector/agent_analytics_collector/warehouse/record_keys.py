"""What makes two records of the API the same one."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

_OF_THE_WAY = frozenset({"source_file", "repository"})


def own_key(record: dict[str, Any]) -> bytes:
    """The same line of a copied file, or seen from another machine, is the same record."""
    own = {name: value for name, value in record.items() if name not in _OF_THE_WAY}
    payload = record.get("payload", {})
    if "machine" in payload:
        own["payload"] = {name: value for name, value in payload.items() if name != "machine"}
    return blake2b(orjson.dumps(own, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
