"""Metabase's REST API, with a session. The password travels in request bodies alone."""

from __future__ import annotations

from types import TracebackType
from typing import Any, TypeVar

import httpx
import msgspec

from agent_analytics_collector.addresses import is_loopback
from agent_analytics_collector.errors import AgentAnalyticsError, BadSetting

T = TypeVar("T")

TIMEOUT_S = 60.0
"""Metabase opens a database before it says that it has added it."""
_MOST_DETAIL = 300
_ADVICE = {
    401: "The session has ended: run it again.",
    403: "The user must be an administrator of Metabase.",
}


class MetabaseError(AgentAnalyticsError):
    """Metabase did not do what was asked."""


class MetabaseUnreachable(MetabaseError):
    """Metabase does not answer, or not yet."""

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        super().__init__(
            f"No Metabase answers at {url}: {problem}. It takes a minute or two to start; "
            "then run it again, or give its address with --url."
        )


class MetabaseRefused(MetabaseError):
    """Metabase refused a request; asking again does not help."""

    def __init__(self, url: str, where: str, status: int, detail: str) -> None:
        self.url, self.status, self.detail = url, status, detail
        advice = _ADVICE.get(status, "")
        super().__init__(f"{url} refused {where} ({status}): {detail}. {advice}".rstrip())


class NotMetabase(MetabaseError):
    """What answers is no Metabase, or one whose API is another."""

    def __init__(self, url: str, where: str, problem: str) -> None:
        self.url = url
        super().__init__(
            f"{url} answered {where} with something else than Metabase documents: {problem}. "
            "Is that Metabase's address?"
        )


class MetabaseClient:
    """`with MetabaseClient(url) as client: client.get("/api/collection", list[Collection])`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # A proxy of the environment has no business between us and the loopback interface.
        try:
            self._client = httpx.Client(
                base_url=self.url, timeout=TIMEOUT_S, trust_env=not is_loopback(self.url)
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise BadSetting("--url", self.url, str(error)) from error

    def __enter__(self) -> MetabaseClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def use_session(self, session_id: str) -> None:
        """Ask as the user of that session from now on."""
        self._client.headers["X-Metabase-Session"] = session_id

    def get(self, path: str, kind: type[T], **params: str | list[str]) -> T:
        """Raises MetabaseUnreachable, MetabaseRefused, NotMetabase."""
        return self._ask("GET", path, kind, params=params)

    def post(self, path: str, body: dict[str, Any], kind: type[T]) -> T:
        """Raises MetabaseUnreachable, MetabaseRefused, NotMetabase."""
        return self._ask("POST", path, kind, body=body)

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Raises MetabaseUnreachable, MetabaseRefused."""
        self._send("PUT", path, body=body)

    def delete(self, path: str) -> None:
        """Raises MetabaseUnreachable, MetabaseRefused."""
        self._send("DELETE", path)

    def _ask(self, method: str, path: str, kind: type[T], **content: Any) -> T:
        answer = self._send(method, path, **content)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise NotMetabase(self.url, f"{method} {path}", str(error)) from error

    def _send(
        self, method: str, path: str, *, params: Any = None, body: Any = None
    ) -> httpx.Response:
        headers = {} if body is None else {"Content-Type": "application/json"}
        content = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._client.request(
                method, path, params=params, content=content, headers=headers
            )
        except httpx.HTTPError as error:
            raise MetabaseUnreachable(self.url, str(error) or type(error).__name__) from error
        except httpx.InvalidURL as error:
            raise BadSetting("--url", self.url, str(error)) from error
        if answer.is_success:
            return answer
        if answer.status_code in (502, 503, 504):
            raise MetabaseUnreachable(self.url, f"{answer.status_code} {answer.reason_phrase}")
        if answer.is_redirect:
            target = answer.headers.get("location", "another address")
            raise NotMetabase(self.url, f"{method} {path}", f"it points to {target}")
        raise MetabaseRefused(self.url, f"{method} {path}", answer.status_code, _detail(answer))


def _detail(answer: httpx.Response) -> str:
    """What Metabase says: a sentence, `message`, or the `errors` of the request's fields."""
    try:
        said = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        said = answer.text
    if isinstance(said, dict):
        errors = said.get("errors")
        fields = errors if isinstance(errors, dict) else {}
        said = "; ".join(
            [str(said[key]) for key in ("message", "error") if isinstance(said.get(key), str)]
            + [f"{name}: {problem}" for name, problem in fields.items()]
        )
    text = " ".join(str(said).split()).rstrip(".") or answer.reason_phrase
    return text if len(text) <= _MOST_DETAIL else text[:_MOST_DETAIL] + "…"
