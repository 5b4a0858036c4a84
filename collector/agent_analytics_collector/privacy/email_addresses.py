"""E-mail addresses: which texts are one, and whose."""

from __future__ import annotations

import re
from collections.abc import Iterable

EMAIL = r"[A-Za-z0-9][A-Za-z0-9._%+\[\]-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}"
"""RE2 and Python."""
_EMAIL = re.compile(EMAIL)
_PROGRAMS = frozenset(
    ("copilot@github.com", "cursoragent@cursor.com", "aider@aider.chat",
     "175728472+copilot@users.noreply.github.com", "198982749+copilot@users.noreply.github.com")
)  # fmt: skip
"""Addresses by which commits of agents are known (`agent_commit_markers.csv`)."""


_SERVERS = ("noreply", "no-reply", "git", "filtered]")
"""`[Filtered]` is what scrubbing leaves of who logs in to a server."""
_FILE = re.compile(
    r"@.*\.(?:cfg|conf|cjs|css|csv|docx?|eot|exe|gif|gz|html?|ico|ini|ipynb|jar|java"
    r"|jpe?g|js|json|jsonl|jsx|less|lock|log|map|mjs|patch|pdf|php|png|py[cx]|sass|scss|sql|svelte"
    r"|svg|tar|tgz|toml|tsx?|ttf|txt|vue|wasm|webp|whl|woff|xml|ya?ml)$",
    re.IGNORECASE,
)
"""What follows the @ in names of files, as in `logo@2x.png` and `left-pad@1.3.0.tgz`: such as no
domain ends in."""


_IN_URL = re.compile(r"://[^/\s]*$")
_BEFORE_PATH = re.compile(r":[\w~/]")


def is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None and not is_file(text)


def is_file(text: str) -> bool:
    """Whether what is written like an address is the name of a file."""
    return _FILE.search(text) is not None


def is_of_a_program(email: str) -> bool:
    """Whether an address names an agent, a bot or a server, and no person."""
    local, _, _ = email.lower().partition("@")
    return email.lower() in _PROGRAMS or local in _SERVERS or "[bot]" in local


def is_login(found: re.Match[str]) -> bool:
    """Whether what was found is whom a URL logs in as, as in `https://ada@host/repository`."""
    before = found.string[max(0, found.start() - 80) : found.start()]
    return bool(_IN_URL.search(before) or _BEFORE_PATH.match(found.string, found.end()))


def emails_in(texts: Iterable[str]) -> set[str]:
    """The addresses of persons in texts, in lower case."""
    found = {email.lower() for text in texts for email in _EMAIL.findall(text)}
    return {email for email in found if not (is_of_a_program(email) or is_file(email))}
