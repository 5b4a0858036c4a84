"""What a vendor's answer says beside its content: whether to ask again, when, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import msgspec


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read whole."""

    status: int
    headers: httpx.Headers
    content: bytes


def is_temporary(answer: Answer) -> bool:
    """Whether asking again later may help; GitHub says 403 for some of its rate limits."""
    if answer.status == httpx.codes.FORBIDDEN:
        headers = answer.headers
        return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return answer.status in (408, 429) or answer.status >= 500


def asked_wait_s(headers: httpx.Headers) -> float | None:
    """Seconds that the vendor asks to wait (Retry-After, GitHub's reset); None if it does not."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked)
    now = datetime.now(UTC)
    if asked:
        try:
            seconds: float = (parsedate_to_datetime(asked) - now).total_seconds()
            return max(0.0, seconds)
        except (ValueError, TypeError):  # no date, or one without a zone
            return None
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset) - now.timestamp()) + 1
    return None


def sentence(answer: Answer) -> str:
    """The vendor's own words: `message`, `error.message` or `error` of a JSON answer, or text."""
    try:
        found = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        kind = answer.headers.get("content-type", "")
        return answer.content.decode(errors="replace") if kind.startswith("text/plain") else ""
    said = found if isinstance(found, dict) else {}
    error = said.get("error")
    inner = error.get("message") if isinstance(error, dict) else error
    words = (word for word in (said.get("message"), inner) if isinstance(word, str))
    return next(words, "")
