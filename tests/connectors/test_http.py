"""Asking a vendor: patience, refusals, and what never leaves."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent_analytics_collector.connectors import http
from agent_analytics_collector.connectors.http import (
    PAUSES_S,
    UnexpectedAnswer,
    Vendor,
    VendorApi,
    VendorRefused,
    VendorUnreachable,
)
from agent_analytics_collector.connectors.token_file import TokenUnusable, read_token_file

from .vendor_server import Question, Reply, replies, vendor_server

SECRET = "ghp_secret"
ACME = Vendor("Acme", {401: "Make a new token.", 403: "Ask an owner."})


class Greeting(msgspec.Struct):
    hello: str


def api(url: str, sleep: Callable[[float], None] | None = None) -> VendorApi:
    def no_sleep(_: float) -> None:
        raise AssertionError("it waits")

    headers = {"Authorization": f"Bearer {SECRET}"}
    return VendorApi(ACME, url, headers, SECRET, sleep=sleep or no_sleep)


def trouble(*given: Reply) -> str:
    """The sentence that a person reads after these answers."""
    with (
        vendor_server(replies(*given)) as server,
        api(server.url) as asked,
        pytest.raises(VendorRefused) as raised,
    ):
        asked.ask("GET", "/greeting", Greeting)
    return str(raised.value)


def test_a_question_carries_the_secret_in_its_headers_alone() -> None:
    with vendor_server(replies(Reply(200, {"hello": "you"}))) as server, api(server.url) as asked:
        found = asked.ask("POST", "/greeting", Greeting, params={"day": "x"}, body={"page": 1})
    assert found == Greeting("you")
    (question,) = server.asked
    assert question.headers["authorization"] == f"Bearer {SECRET}"
    assert (question.query, question.body) == ({"day": "x"}, {"page": 1})
    assert question.headers["user-agent"] == "agent-analytics"


def test_no_content_is_no_answer() -> None:
    with vendor_server(replies(Reply(204))) as server, api(server.url) as asked:
        assert asked.ask("GET", "/greeting", Greeting) is None


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (
            Reply(401, {"message": "Bad credentials", "documentation_url": "https://x"}),
            "Acme refused /greeting (401): “Bad credentials”. Make a new token.",
        ),
        (
            Reply(403, {"type": "error", "error": {"type": "x", "message": "not\nyours"}}),
            "Acme refused /greeting (403): “not yours”. Ask an owner.",
        ),
        (Reply(404, {"error": "Not found"}), "Acme refused /greeting (404): “Not found”."),
        (
            Reply(400, b"no\x07 such day", {"Content-Type": "text/plain"}),
            "Acme refused /greeting (400): “no such day”.",
        ),
        (
            Reply(404, b"<html>a page</html>", {"Content-Type": "text/html"}),
            "Acme refused /greeting (404).",
        ),
        (
            Reply(301, {"message": "Moved"}, {"Location": "https://x/orgs/new?secret=1"}),
            "Acme refused /greeting (301): “Moved”. It points to /orgs/new: was it renamed?",
        ),
    ],
)
def test_a_refusal_says_what_the_vendor_said_and_what_to_do(reply: Reply, sentence: str) -> None:
    assert trouble(reply) == sentence


def test_a_vendors_sentence_is_bounded_and_never_repeats_the_secret() -> None:
    said = trouble(Reply(401, {"message": f"token {SECRET} " + "is wrong " * 1000}))
    assert SECRET not in said
    assert "token **** is wrong" in said
    assert len(said) < 300


def test_what_may_pass_is_asked_again_after_growing_pauses() -> None:
    slept: list[float] = []
    overloaded = Reply(529, {"error": {"message": "Overloaded"}})
    answers = replies(Reply(500), overloaded, Reply(429), Reply(200, {"hello": "you"}))
    with vendor_server(answers) as server, api(server.url, slept.append) as asked:
        assert asked.ask("POST", "/greeting", Greeting, body={"page": 7}) == Greeting("you")
    assert slept == [2, 4, 8]
    assert [question.body for question in server.asked] == [{"page": 7}] * 4


def test_a_vendor_that_never_recovers_is_given_up_with_its_last_words() -> None:
    slept: list[float] = []
    down = Reply(503, {"message": "Down for maintenance"})
    with (
        vendor_server(replies(down)) as server,
        api(server.url, slept.append) as asked,
        pytest.raises(VendorUnreachable) as raised,
    ):
        asked.ask("GET", "/greeting", Greeting)
    assert str(raised.value) == (
        "Acme gives no answer now (/greeting): 503 Down for maintenance. Try again later."
    )
    assert slept == [*PAUSES_S]
    assert sum(slept) > 60
    assert len(server.asked) == len(PAUSES_S) + 1


def in_seconds(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        (lambda: {"Retry-After": "7"}, 7, 7),
        (lambda: {"Retry-After": in_seconds(20)}, 15, 20),
        (lambda: {"Retry-After": in_seconds(-20)}, 0, 0),
        (lambda: {"Retry-After": "soon"}, 2, 2),
        (lambda: {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, 1, 1),
    ],
)
@pytest.mark.parametrize("status", [403, 429])
def test_a_rate_limit_is_waited_for_as_long_as_the_vendor_asks(
    status: int, headers: Callable[[], dict[str, str]], least: float, most: float
) -> None:
    slept: list[float] = []
    limit = Reply(status, {"message": "You have exceeded a secondary rate limit"}, headers())
    answers = replies(limit, Reply(200, {"hello": "you"}))
    with vendor_server(answers) as server, api(server.url, slept.append) as asked:
        asked.ask("GET", "/greeting", Greeting)
    assert len(slept) == 1
    assert least <= slept[0] <= most


def test_a_vendor_that_asks_for_an_hour_is_left_in_peace() -> None:
    hour = {"Retry-After": "3600"}
    with (
        vendor_server(replies(Reply(429, {"message": "Slow down"}, hour))) as server,
        api(server.url) as asked,
        pytest.raises(VendorUnreachable, match=r"429 Slow down; it asks to wait 3,600 seconds"),
    ):
        asked.ask("GET", "/greeting", Greeting)
    assert len(server.asked) == 1


def test_nobody_at_the_address_is_trouble_that_may_pass() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    slept: list[float] = []
    with (
        api(f"http://127.0.0.1:{port}", slept.append) as asked,
        pytest.raises(VendorUnreachable, match="refused"),
    ):
        asked.ask("GET", "/greeting", Greeting)
    assert slept == [*PAUSES_S]


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"hello": 7}', b'{"hello": "y', b"[]"])
def test_an_answer_of_another_shape_is_named_without_its_content(content: bytes) -> None:
    with (
        vendor_server(replies(Reply(200, content))) as server,
        api(server.url) as asked,
        pytest.raises(UnexpectedAnswer, match="Acme answered /greeting with something else") as it,
    ):
        asked.ask("GET", "/greeting", Greeting)
    assert "html" not in str(it.value)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 1000)
    with (
        vendor_server(replies(Reply(200, b" " * 1001))) as server,
        api(server.url) as asked,
        pytest.raises(UnexpectedAnswer, match="larger than 1,000 bytes"),
    ):
        asked.ask("GET", "/greeting", Greeting)


def test_a_download_is_asked_for_without_credentials() -> None:
    with vendor_server(replies(Reply(200, b"{}\n"))) as server, api(server.url) as asked:
        assert asked.download(f"{server.url}/file?sig=signature") == b"{}\n"
    (question,) = server.asked
    assert "authorization" not in question.headers
    assert question.query == {"sig": "signature"}


def test_an_expired_link_is_named_without_its_signature() -> None:
    denied = Reply(403, b"<Error><Code>AuthenticationFailed</Code></Error>")
    with (
        vendor_server(replies(denied)) as server,
        api(server.url) as asked,
        pytest.raises(VendorRefused) as raised,
    ):
        asked.download(f"{server.url}/file?sig=signature")
    assert str(raised.value) == (
        "Acme refused a download from 127.0.0.1 (403). Its links expire soon: run it again."
    )


@pytest.mark.parametrize(
    "link", ["http://example.com/x", "file:///etc/passwd", "ftp://x/y", "http://[", "//x"]
)
def test_a_link_that_is_not_https_is_not_followed(link: str) -> None:
    with api("https://127.0.0.1:1") as asked, pytest.raises(UnexpectedAnswer):
        asked.download(link)


def test_nothing_of_a_question_is_logged(caplog: pytest.LogCaptureFixture, home: Any) -> None:
    from agent_analytics_collector.logs import configure_logging

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(home, "cli")
    try:
        with vendor_server(replies(Reply(200, b"{}"))) as server, api(server.url) as asked:
            asked.download(f"{server.url}/file?sig=signature")
        written = (home.logs / "cli.log").read_text()
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
    assert "signature" not in written
    assert SECRET not in written


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (b"", 0o600, "it is empty"),
        (b" \n", 0o600, "it is empty"),
        (b"one\ntwo", 0o600, "the token alone"),
        (b"sch\xf6n", 0o600, "the token alone"),
        (b"token", 0o640, "others may use it (mode 0640). Run `chmod 600 "),
        (b"token", 0o604, "others may use it"),
    ],
)
def test_a_token_file_that_is_no_secret_is_not_used(
    tmp_path: Path, content: bytes, mode: int, problem: str
) -> None:
    path = tmp_path / "github.token"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(TokenUnusable) as raised:
        read_token_file(path)
    assert problem in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_token_file_gives_its_one_line(tmp_path: Path) -> None:
    path = tmp_path / "github.token"
    path.write_text(f"  {SECRET}\n")
    path.chmod(0o600)
    assert read_token_file(path) == SECRET
    with pytest.raises(TokenUnusable, match="No such file"):
        read_token_file(tmp_path / "none")
    with pytest.raises(TokenUnusable, match="directory"):
        read_token_file(tmp_path)


def test_the_servers_own_failure_fails_the_test() -> None:
    def fails(_: Question) -> Reply:
        raise KeyError("the test is wrong")

    with (
        pytest.raises(KeyError),
        vendor_server(fails) as server,
        api(server.url) as asked,
        pytest.raises(VendorRefused),
    ):
        asked.ask("GET", "/greeting", Greeting)
