"""Which hash of an e-mail address is which developer: rows beside those of `developer_identities`.

So that who is named in the user's files and keys stays the same person when old rows have hashes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import suppress

from agent_analytics_collector.access.key_file import read_keys
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.email_addresses import is_email
from agent_analytics_collector.privacy.pseudonyms import pseudonyms

RECENT = "recent"
"""`origin` of the rows that come and go with the addresses in younger rows."""


def identity_rows(home: Home) -> set[tuple[str, str]]:
    """(kind, JSON) of `developer_identities` for addresses that the user's files and keys name.

    Both of an address and of its hash, so that either is spelled alike; none where addresses were
    never hashed. Raises KeysUnusable, HomeUnusable.
    """
    if not home.pepper.exists():
        return set()
    hashes = pseudonyms(home)
    return {
        identity_row({"identity": identity, "developer_id": developer})
        for email, developer in configured_emails(home).items()
        for identity in (email, hashes.of(email))
    }


def is_recent(row: str) -> bool:
    """Whether a row of `developer_identities` is one of those that come and go."""
    return bool(json.loads(row).get("origin") == RECENT)


def configured_emails(home: Home) -> dict[str, str]:
    """Addresses in the user's CSV files and keys, in lower case → the developer they are of."""
    found: dict[str, str] = {}
    for row in _seed_rows(home):
        for value in row.values():
            if is_email(value):
                found.setdefault(value.lower(), value)
    for key in read_keys(home):
        if key.developer_id and is_email(key.developer_id):
            found.setdefault(key.developer_id.lower(), key.developer_id)
    for row in _seed_rows(home, "developer_identities.csv"):
        identity, developer = row.get("identity", ""), row.get("developer_id", "")
        if is_email(identity) and developer:
            found[identity.lower()] = developer
    return found


def _seed_rows(home: Home, pattern: str = "*.csv") -> Iterator[dict[str, str]]:
    for path in sorted(home.seeds.glob(pattern)):
        with (
            suppress(OSError, UnicodeDecodeError, csv.Error),
            path.open(encoding="utf-8-sig", newline="") as file,
        ):
            for row in csv.DictReader(file):
                yield {name.strip(): text.strip() for name, text in row.items() if name and text}


def identity_row(content: dict[str, str]) -> tuple[str, str]:
    """A row of `raw_user_overrides`."""
    return "developer_identities", json.dumps(content, sort_keys=True)
