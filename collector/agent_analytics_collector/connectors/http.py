"""A vendor's HTTP API: patient where it asks for patience, clear where it refuses.

Only questions are asked, POST ones among them, so each may be asked again. Secrets travel in
headers alone; no error holds one, nor the query of a signed link.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from agent_analytics_collector.connectors.answer import (
    Answer,
    asked_wait_s,
    is_temporary,
    sentence,
)
from agent_analytics_collector.errors import AgentAnalyticsError

T = TypeVar("T")

TIMEOUT_S = 30.0
PAUSES_S = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Before each further try: together longer than the minute in which Cursor counts requests."""
LONGEST_WAIT_S = 120.0
"""A vendor that asks for more than this is asked another day."""
MOST_BYTES = 128 * 1024 * 1024
"""Of one answer, decompressed."""
_MOST_SENTENCE = 200
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class VendorError(AgentAnalyticsError):
    """A vendor's API gave no usable answer."""


class VendorUnreachable(VendorError):
    """The vendor does not answer, or asks to come again later."""

    def __init__(self, vendor: str, where: str, problem: str) -> None:
        self.vendor = vendor
        super().__init__(f"{vendor} gives no answer now ({where}): {problem}. Try again later.")


class VendorRefused(VendorError):
    """The vendor refused; asking again does not help."""

    def __init__(self, vendor: str, where: str, status: int, detail: str, advice: str) -> None:
        self.vendor, self.status, self.detail = vendor, status, detail
        said = f": “{detail}”" if detail else ""
        super().__init__(f"{vendor} refused {where} ({status}){said}. {advice}".rstrip())


class UnexpectedAnswer(VendorError):
    """The vendor's answer is not what it documents."""

    def __init__(self, vendor: str, where: str, problem: str) -> None:
        self.vendor = vendor
        super().__init__(
            f"{vendor} answered {where} with something else than it documents: {problem}. "
            "A newer agent-analytics may know it."
        )


@dataclass(frozen=True, slots=True)
class Vendor:
    """Whom we ask, as people call it, and what helps when it refuses."""

    title: str
    advice: Mapping[int, str]
    """The next step, by HTTP status."""


class VendorApi:
    """`with VendorApi(GITHUB, url, headers, token) as api: api.ask("GET", "/orgs/x/…", Type)`."""

    def __init__(
        self,
        vendor: Vendor,
        base_url: str,
        headers: Mapping[str, str],
        secret: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.vendor = vendor
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._sleep = sleep
        self._headers = {"Accept": "application/json", **headers}
        parts = urlsplit(base_url)
        self._is_local = parts.hostname in _LOOPBACK
        # A proxy of the environment has no business between us and the loopback interface.
        self._client = httpx.Client(
            headers={"User-Agent": "agent-analytics"}, timeout=TIMEOUT_S,
            trust_env=not self._is_local,
        )  # fmt: skip

    def __enter__(self) -> VendorApi:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> T | None:
        """The answer as `kind`; None when there is none (204).

        Raises VendorUnreachable, VendorRefused, UnexpectedAnswer.
        """
        headers = dict(self._headers)
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        request = self._client.build_request(
            method, self._base_url + path, params=params, headers=headers, content=content
        )
        answer = self._persist(request, path, self.vendor.advice)
        if answer.status == httpx.codes.NO_CONTENT:
            return None
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise self.unexpected(path, str(error)) from error

    def download(self, url: str) -> bytes:
        """What a link of the vendor's own leads to, asked for without credentials.

        Raises VendorUnreachable, VendorRefused, UnexpectedAnswer.
        """
        try:
            parts = urlsplit(url)
            request = self._client.build_request("GET", url)
        except (httpx.InvalidURL, ValueError) as error:
            raise self.unexpected("a download", "its link is no address") from error
        where = f"a download from {parts.hostname}"
        if parts.scheme != "https" and not (self._is_local and parts.hostname in _LOOPBACK):
            raise self.unexpected(where, "the link is not https")
        expired = dict.fromkeys((401, 403, 404, 410), "Its links expire soon: run it again.")
        return self._persist(request, where, expired).content

    def unexpected(self, where: str, problem: str) -> UnexpectedAnswer:
        """The error for an answer that is not what the vendor documents."""
        return UnexpectedAnswer(self.vendor.title, where, problem)

    def _persist(self, request: httpx.Request, where: str, advice: Mapping[int, str]) -> Answer:
        """A good answer, after as many tries as are worth it."""
        waited_s = 0.0
        for pause_s in (*PAUSES_S, None):
            try:
                answer = self._send(request, where)
            except httpx.RequestError as error:
                problem, wait_s = str(error) or type(error).__name__, None
            else:
                if 200 <= answer.status < 300:
                    return answer
                if not is_temporary(answer):
                    raise self._refusal(answer, where, advice)
                problem, wait_s = self._describe(answer), asked_wait_s(answer.headers)
            if pause_s is None:
                break
            wait_s = pause_s if wait_s is None else wait_s
            waited_s += wait_s
            if waited_s > LONGEST_WAIT_S:
                problem += f"; it asks to wait {wait_s:,.0f} seconds"
                break
            self._sleep(wait_s)
        raise VendorUnreachable(self.vendor.title, where, self._clean(problem))

    def _send(self, request: httpx.Request, where: str) -> Answer:
        with _streamed(self._client, request) as answer:
            parts: list[bytes] = []
            size = 0
            for part in answer.iter_bytes():
                size += len(part)
                if size > MOST_BYTES:
                    raise self.unexpected(where, f"it is larger than {MOST_BYTES:,} bytes")
                parts.append(part)
            return Answer(answer.status_code, answer.headers, b"".join(parts))

    def _refusal(self, answer: Answer, where: str, advice: Mapping[int, str]) -> VendorRefused:
        step = advice.get(answer.status, "")
        if 300 <= answer.status < 400:
            target = urlsplit(answer.headers.get("location", "")).path
            step = f"It points to {self._clean(target) or 'another place'}: was it renamed?"
        return VendorRefused(
            self.vendor.title, where, answer.status, self._clean(sentence(answer)), step
        )

    def _describe(self, answer: Answer) -> str:
        said = sentence(answer)
        return f"{answer.status} {said}".rstrip()

    def _clean(self, text: str) -> str:
        """On one line, short, and without our secret, which some APIs repeat."""
        text = text.replace(self._secret, "****") if self._secret else text
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= _MOST_SENTENCE else text[: _MOST_SENTENCE - 1] + "…"


@contextmanager
def _streamed(client: httpx.Client, request: httpx.Request) -> Iterator[httpx.Response]:
    answer = client.send(request, stream=True, follow_redirects=False)
    try:
        yield answer
    finally:
        answer.close()
