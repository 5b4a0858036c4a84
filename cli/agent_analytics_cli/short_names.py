"""Long names as tables show them; JSON and CSV keep the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import urlsplit

_LETTERS = 8


def short_project(identity: str | None) -> str | None:
    """`owner/name` of `https://host/owner/name`; the last folder of a path; else the whole."""
    if identity is None:
        return None
    if "://" in identity:
        return urlsplit(identity).path.strip("/") or identity
    return PurePosixPath(identity).name or identity


def letters_to_show(ids: Iterable[str]) -> int:
    """How many letters tell these ids apart, 8 at least.

    Those that begin with a time (Codex's, UUID version 7) share their first letters for a minute.
    """
    ordered = sorted(set(ids))
    return max([_LETTERS, *(_shared(*pair) + 1 for pair in pairwise(ordered))])


def short_session(sessions: Sequence[str], letters: int = _LETTERS) -> str | None:
    """The beginning of the first id, and how many more there are."""
    return _and_more(sessions[0][:letters], sessions) if sessions else None


def short_models(models: Sequence[str]) -> str | None:
    """The first model, and how many more there are."""
    return _and_more(models[0], models) if models else None


def _and_more(first: str, every: Sequence[str]) -> str:
    return f"{first} +{len(every) - 1}" if len(every) > 1 else first


def _shared(one: str, other: str) -> int:
    """How many letters both begin with."""
    letters = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in letters if a != b), min(len(one), len(other)))
