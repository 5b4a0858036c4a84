"""Words that only a random generator writes, and that are no id."""

from __future__ import annotations

import math
import re
from collections import Counter

LEAST_BITS = 3.8
"""Entropy a character. 24 random characters of base 62 have 4.1 ± 0.15."""
MOST_LEGIBLE = 0.62
"""Share of the characters in three or more small letters, or capitals, in a row: 0.32 ± 0.17 in
random base 62, 0.8 in names that are put together of words."""

WORD = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
"""24 of base 62 are 142 bits, and few names that people give are as long."""
_HEX = re.compile(r"[0-9a-fA-F-]+")
_ID = re.compile(
    r"(?:agent|asst|batch|call|chatcmpl|cmpl|conv|event|fc|file|gen|item|msg|org|proj|prompt|req"
    r"|request|resp|response|rs|run|session|step|task|thread|toolu|trace|turn|user|ws)[_-]"
)
"""How the ids of agents and their vendors begin."""
_LEGIBLE = re.compile(r"[a-z]{3,}|[A-Z]{3,}")
MIXED = "[A-Za-z0-9+/_-]{11}(?:[A-Z][0-9]|[0-9][A-Z])|(?:[A-Z][0-9]|[0-9][A-Z])[A-Za-z0-9+/_-]{11}"
"""A capital beside a digit in what may be a word: of random words 98 % have it (RE2, too)."""
_MIXED = re.compile(MIXED)
_SMALL = re.compile("[a-z]")


def is_random(word: str) -> bool:
    """Whether a WORD is a secret by its look: no hash in hex, no UUID, no vendor's id, no name."""
    if _HEX.fullmatch(word) or _ID.match(word):
        return False
    if not (_MIXED.search(word) and _SMALL.search(word)):
        return False
    legible = sum(map(len, _LEGIBLE.findall(word)))
    return legible <= MOST_LEGIBLE * len(word) and _bits(word) >= LEAST_BITS


def _bits(word: str) -> float:
    size = len(word)
    return -sum(count / size * math.log2(count / size) for count in Counter(word).values())
