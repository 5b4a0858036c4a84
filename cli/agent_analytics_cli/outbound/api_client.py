"""The REST API as our own commands use it: this home's collector, or `backend_url`."""

from __future__ import annotations

from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any

import httpx
import msgspec

from agent_analytics_collector.addresses import is_loopback
from agent_analytics_collector.errors import AgentAnalyticsError, BadSetting, NotRunning
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import read_service


class ApiUnreachable(AgentAnalyticsError):
    """The API did not answer, or asked to come again later."""

    def __init__(self, url: str, problem: str, retry_after_s: float | None = None) -> None:
        self.url, self.retry_after_s = url, retry_after_s
        super().__init__(f"{url} does not take it now: {problem}. Try again later.")


class ApiRefused(AgentAnalyticsError):
    """The API refused the request; sending it again does not help."""

    def __init__(self, url: str, status: int, detail: str) -> None:
        self.url, self.status, self.detail = url, status, detail
        super().__init__(f"{url} refused it ({status}): {detail}")


class ApiClient:
    """`with ApiClient.connect(home, settings) as api: api.post("/v1/commits", [...])`."""

    def __init__(
        self,
        base_url: str,
        secret: str | None,
        developer_id: str | None,
        timeout_s: float,
        verify: SSLContext | bool = True,
    ) -> None:
        headers = {b"Content-Type": b"application/json", b"Accept": b"application/json"}
        if secret:
            headers[b"Authorization"] = b"Bearer " + secret.encode()
        if developer_id:
            headers[b"x-developer-id"] = developer_id.encode()
        # A proxy of the environment has no business between us and the loopback interface.
        self._client = httpx.Client(
            base_url=base_url, headers=headers, timeout=timeout_s,
            trust_env=not is_loopback(base_url), verify=verify,
        )  # fmt: skip
        self.base_url = base_url
        self.verify = verify
        """How the API's certificate is checked, as httpx takes it."""

    @classmethod
    def connect(cls, home: Home, settings: Settings, timeout_s: float = 5.0) -> ApiClient:
        """The API of `backend_url`, else of this home.

        Raises NotRunning, BadSetting, TlsUnusable.
        """
        verify: SSLContext | bool = True
        if settings.backend_url:
            base_url, secret = settings.backend_url, settings.api_key
        else:
            service = read_service(home)
            if service is None:
                raise NotRunning(home.root)
            base_url, secret = service.api_url, read_token(home)
            if service.certificate is not None:
                from agent_analytics_collector.edge.trust import trust

                verify = trust(Path(service.certificate))
        try:
            return cls(base_url.rstrip("/"), secret, settings.developer_id, timeout_s, verify)
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise BadSetting("backend_url", "config.yaml", str(error)) from error

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """The answer to a JSON body. Raises ApiUnreachable, ApiRefused."""
        return self._ask("POST", path, msgspec.json.encode(body))

    def get(self, path: str) -> dict[str, Any]:
        """Raises ApiUnreachable, ApiRefused."""
        return self._ask("GET", path, None)

    def _ask(self, method: str, path: str, content: bytes | None) -> dict[str, Any]:
        url = self.base_url + path
        try:
            answer = self._client.request(method, path, content=content)
        except httpx.HTTPError as error:
            raise ApiUnreachable(url, str(error) or type(error).__name__) from error
        if answer.is_success:
            try:
                return msgspec.json.decode(answer.content, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise ApiRefused(url, answer.status_code, "the answer is not ours") from error
        detail = _detail(answer)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise ApiUnreachable(url, detail, _seconds(answer.headers.get("retry-after")))
        raise ApiRefused(url, answer.status_code, detail)


def read_token(home: Home) -> str | None:
    """The secret of this home's own API; None before a collector has run."""
    try:
        return home.token.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _detail(answer: httpx.Response) -> str:
    """What a problem document says, else the status line."""
    try:
        return str(msgspec.json.decode(answer.content, type=dict[str, Any])["detail"])
    except (msgspec.DecodeError, KeyError):
        return f"{answer.status_code} {answer.reason_phrase}"


def _seconds(retry_after: str | None) -> float | None:
    try:
        return float(retry_after) if retry_after else None
    except ValueError:
        return None
