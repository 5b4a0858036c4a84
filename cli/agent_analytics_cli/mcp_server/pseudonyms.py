"""Names of projects as an agent sees them: what it is told may end up with its vendor."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

_DIGEST_BYTES = 5
_OF_PROJECTS = ("project", "project_id", "repository")
"""Keys of a row that name a project."""


class Pseudonyms:
    """`project-<10 hex>` for a project, the same each time; without a key, names stay as they are.

    The key is this home's, so nobody else can tell a name by trying.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = key

    def of(self, name: str | None) -> str | None:
        if self._key is None or name is None:
            return name
        digest = blake2b(name.encode(), digest_size=_DIGEST_BYTES, key=self._key, person=b"project")
        return f"project-{digest.hexdigest()}"

    def named(self, asked: str, projects: Iterable[str]) -> str | None:
        """The project that was asked for by pseudonym, or by name where names are told."""
        return next((name for name in projects if self.of(name) == asked), None)

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """The same row with its projects' names replaced."""
        return row | {key: self.of(row[key]) for key in _OF_PROJECTS if key in row}
