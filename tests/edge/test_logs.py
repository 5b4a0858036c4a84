"""Logs say what happened and never a secret, also where one is in an exception's text."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest
import structlog

from agent_analytics_collector.access.keys import create_key
from agent_analytics_collector.access.principal import Scope
from agent_analytics_collector.home import Home
from agent_analytics_collector.logs import configure_logging
from agent_analytics_collector.redaction import redacted, redacted_text
from agent_analytics_collector.settings import Settings

SECRETS = {
    "bearer": "Bearer c2VjcmV0LWNhbmFyeS0wMDE",
    "anthropic": "sk-ant-api03-canary002",
    "github": "ghp_canary0030123456789",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl",
    "mail": "canary005@example.com",
    "userinfo": "https://canary006@git.example.com/x",
    "password": "https://ann:canary007@git.example.com/x",
    "query": "https://example.com/callback?code=canary008&state=1",
    "assigned": "password=canary009x1",
    "home": "/home/canary010/project",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_is_taken_out_and_the_rest_is_left(secret: str) -> None:
    text = redacted_text(f"delivery failed for {secret} after 3 tries")
    assert text.startswith("delivery failed for ")
    assert text.endswith(" after 3 tries")
    assert "canary" not in text
    assert "c2" not in text, "no part of a token either"
    assert redacted_text(text) == text


def test_what_stands_under_a_secrets_name_is_taken_out_at_any_depth() -> None:
    event = {
        "event": "sent", "input_tokens": 12, "token_type": "input", "path": None,
        "headers": [{"X-Api-Key": "canary", "accept": "json"}], "authorization": {"a": "canary"},
        "segment": 17321, "requests": 3.5, "key_id": "key_0123456789ab",
    }  # fmt: skip
    clean = redacted(event)
    assert "canary" not in json.dumps(clean)
    assert {name: value for name, value in clean.items() if value != event[name]}.keys() == {
        "headers", "authorization",
    }  # fmt: skip
    assert clean["headers"][0]["accept"] == "json"


def test_each_url_in_a_text_loses_its_query_and_a_text_of_nothing_else_takes_no_time() -> None:
    text = "via http://proxy/http://host/path?canary=1 and https://host/x?canary"
    assert "canary" not in redacted_text(text)
    began = time.monotonic()
    for _ in range(40):
        redacted_text("://" * 6_600)
    assert time.monotonic() - began < 10


def lines(home: Home) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home.logs / "cli.log").read_text().splitlines()]


@pytest.fixture
def logged(home: Home) -> Home:
    """A home whose `cli.log` this process writes; what pytest and others logged with comes back."""
    yield_to = logging.getLogger()
    before, level = yield_to.handlers[:], yield_to.level
    hook, configuration = sys.excepthook, structlog.get_config()
    configure_logging(home, "cli")
    try:
        log = structlog.get_logger().bind()
        log.warning("with_values", url=SECRETS["query"], who=SECRETS["mail"], api_key="canary")
        try:
            raise ValueError(f"cannot use {SECRETS['jwt']} of {SECRETS['mail']}")
        except ValueError:
            log.exception("with_exception")
            logging.getLogger("some.library").error("said %s", SECRETS["bearer"], exc_info=True)
    finally:
        for handler in yield_to.handlers:
            handler.close()
        yield_to.handlers[:], yield_to.level = before, level
        sys.excepthook = hook
        structlog.configure(**configuration)
    return home


def test_events_exceptions_and_libraries_are_json_lines_without_secrets(logged: Home) -> None:
    text = (logged.logs / "cli.log").read_text()
    assert not [name for name, secret in SECRETS.items() if secret in text]
    assert "canary" not in text
    values, exception, library = lines(logged)
    assert (values["event"], values["level"]) == ("with_values", "warning")
    assert "ValueError: cannot use [Filtered] of [Filtered]" in exception["exception"]
    assert library["event"] == "said Bearer [Filtered]"
    assert "ValueError" in library["exception"]
    assert all(line["timestamp"].endswith("Z") for line in lines(logged))


def test_the_traceback_of_a_bug_that_ends_a_child_is_redacted_too(home: Home) -> None:
    script = (
        "from agent_analytics_collector.home import Home\n"
        "from agent_analytics_collector.logs import configure_logging\n"
        "configure_logging(Home.from_environment(), 'loader')\n"
        "import json\n"
        "json.loads(json.dumps({'a': 1}))['canary' + '@example.com']"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "KeyError: '[Filtered]'" in done.stderr


@pytest.mark.slow
def test_a_collectors_log_has_no_key_and_no_url_of_its_clients(home: Home) -> None:
    """From the outside: `up` as a process, refused requests with secrets in every place."""
    token, _ = create_key(home, Settings(), developer_id="ada@example.com", scopes=[Scope.INGEST])
    command = [
        sys.executable, "-m", "agent_analytics_cli.main", "up", "--no-import", "--no-demo",
        "--grpc-port", "0", "--http-port", "0", "--api-port", "0",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as up:
        assert up.stdout is not None
        ready = dict(part.split("=", 1) for part in up.stdout.readline().split()[1:])
        api, otlp = ready["api"], f"http://{ready['http']}"
        headers = {"x-api-key": token, "content-type": "application/json"}
        for url in (f"{api}/v1/commits?token=canary", f"{otlp}/v1/logs?key=canary"):
            httpx.post(url, content=b"canary", headers=headers)
            httpx.post(url, content=b"canary", headers={"authorization": "Bearer canary.canary"})
        httpx.get(f"{api}/v1/canary", headers=headers)
        for no_http in (
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", int(api.rpartition(":")[2]))) as client:
                client.sendall(no_http)
                assert client.recv(1024).startswith(b"HTTP/1.1 4")
        said = httpx.get(f"{api}/metrics", headers={"x-api-key": home.token.read_text().strip()})
        up.terminate()
    logs = "".join(path.read_text(errors="replace") for path in home.logs.iterdir())
    assert '"ready"' in logs
    assert "Invalid HTTP" not in logs, "whoever reaches the port could fill the log"
    assert "WebSocket" not in logs
    for text in (logs, said.text):
        assert "canary" not in text
        assert token not in text
        assert home.token.read_text().strip() not in text
        assert "ada@example.com" not in text
