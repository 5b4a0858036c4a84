"""What is sent to a collector is told nowhere but in its data: fifty canaries say so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import httpx
import psutil
import pytest

from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.search import search
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.flush import flush
from tests.privacy.canaries import AT_NS, otlp_logs, otlp_metrics, otlp_spans
from tests.service.conftest import RunningService

KINDS = ("key", "email", "prompt", "secret", "name")
CANARIES = [f"{kind}canary{number}" for kind in KINDS for number in range(12)]
MANY = 50


class Sender:
    """Plants each canary once, and keeps what the collector answers."""

    def __init__(self, home: Home, service: RunningService) -> None:
        self._numbers = count()
        self.said: list[str] = []
        self.planted: list[str] = []
        self._otlp = httpx.Client(base_url=f"http://{service.state.http}")
        token = {"x-api-key": home.token.read_text().strip()}
        self.api = httpx.Client(base_url=service.state.api_url, headers=token)

    def close(self) -> None:
        self._otlp.close()
        self.api.close()

    def next(self) -> str:
        self.planted.append(CANARIES[next(self._numbers)])
        return self.planted[-1]

    def keep(self, answer: httpx.Response) -> httpx.Response:
        self.said.append(f"{answer.headers} {answer.text}")
        return answer

    def otlp(self, path: str, body: bytes, kind: str = "application/x-protobuf") -> int:
        headers = {"content-type": kind, "x-developer-id": f"{self.next()}@example.com"}
        return self.keep(self._otlp.post(path, content=body, headers=headers)).status_code

    def post(self, path: str, record: object) -> int:
        return self.keep(self.api.post(path, json=record)).status_code


@pytest.fixture
def sender(home: Home) -> Iterator[Sender]:
    service = RunningService(home)
    try:
        with closing(Sender(home, service)) as sender:
            yield sender
    finally:
        service.stop()


def plant_all(sender: Sender) -> None:
    """Good and bad requests of every kind, with canaries wherever a sender can put a text."""
    new = sender.next
    ok = [
        sender.otlp("/v1/logs", otlp_logs({"prompt": new(), "user.email": f"{new()}@x.org",
                                           "api_key": f"sk-ant-{new()}", "note": new()})),
        sender.otlp("/v1/metrics", otlp_metrics({"note": new(), "session.id": new()})),
        sender.otlp("/v1/traces", otlp_spans({"note": new(), "tool_output": new()})),
        sender.otlp("/v1/logs", otlp_logs({"note": new()}, at_ns=2**64 - 1)),
    ]  # fmt: skip
    assert set(ok) == {200}
    bad = [
        sender.otlp("/v1/logs", f"{{{new()}".encode(), "application/json"),
        sender.otlp("/v1/logs", new().encode() * 3),
        sender.otlp(f"/v1/{new()}", b""),
        sender.otlp("/v1/logs", new().encode(), "text/plain"),
        sender.post("/v1/commits", [{"commit_hash": new(), "timestamp": new()}]),
        sender.post("/v1/commits", {new(): new()}),
        sender.post("/v1/session-records", [{"agent": new(), "kind": new(), "payload": new()}]),
        sender.post("/v1/surveys", [{"survey_id": new(), "helped": new()}]),
        sender.post(f"/v1/{new()}", []),
        sender.keep(sender.api.get(f"/v1/views/{new()}/{new()}?since={new()}")).status_code,
    ]
    assert all(code >= 200 for code in bad)
    for header in ({"x-api-key": new()}, {"authorization": f"Bearer {new()}"}):
        denied = httpx.post(sender.api.base_url.join("/v1/commits"), json=[], headers=header)
        assert sender.keep(denied).status_code == 401
    commit = {
        "commit_hash": "a" * 40, "timestamp": AT_NS // 10**9, "commit_message": new(),
        "author_name": new(), "author_email": f"{new()}@x.org", "branch": new(),
        "repository": f"https://user:{new()}@example.com/{new()}",
    }  # fmt: skip
    assert sender.post("/v1/commits", [commit]) == 200
    record = {
        "agent": "codex", "session_id": new(), "kind": "tool_call", "project_path": f"/{new()}",
        "timestamp": "2026-01-01T00:00:00Z", "payload": {"note": new()},
    }  # fmt: skip
    assert sender.post("/v1/session-records", [record]) == 200
    while len(sender.planted) < MANY:
        assert sender.otlp("/v1/logs", otlp_logs({"note": new()})) == 200


def command_lines() -> str:
    """Arguments and environments of this process's children."""
    said = []
    for child in psutil.Process().children(recursive=True):
        try:
            said.append(json.dumps([child.cmdline(), child.environ()]))
        except psutil.Error:  # it is gone
            continue
    return " ".join(said)


def test_canaries_are_in_the_data_and_in_nothing_else(
    home: Home, sender: Sender, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings(home).settings
    plant_all(sender)
    arguments = command_lines()
    flush(home, settings, 60)
    arguments += command_lines()
    metrics = sender.api.get("/metrics")
    assert metrics.status_code == 200
    pages = [sender.api.get(path).text for path in ("/docs", "/openapi.json", "/healthz")]
    echoed = {text for text in CANARIES for said in sender.said if text in said}
    assert echoed == set()
    logged = capsys.readouterr().out
    assert "loaded" in logged or list(home.logs.glob("loader.log"))
    for told in (metrics.text, arguments, logged, *pages):
        assert not [text for text in CANARIES if text in told]
    found = search(home, settings, CANARIES)
    assert {one.text for one in found} >= set(sender.planted[:4])
    outside = {one.file for one in found if not one.file.startswith("data")}
    assert outside == set()
