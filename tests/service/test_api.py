"""The API over real HTTP: what it takes, what it refuses, and what ends up in DuckDB."""

from __future__ import annotations

import json
import os
import socket
import stat
from contextlib import suppress
from typing import Any

import duckdb
import httpx
import pytest

from agent_analytics_cli.outbound.api_client import ApiClient
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.flush import flush
from tests.conftest import FIXTURES
from tests.service.conftest import RunningService, Start

COMMIT: dict[str, Any] = {
    "commit_hash": "C9335BCB18F9E474573517F60B31B73D99D2217D",
    "commit_message": "Add new.py",
    "author_name": "Test Dev",
    "author_email": "dev@example.com",
    "timestamp": 1795319094,
    "files_changed": 3,
    "lines_added": 7,
    "lines_deleted": 1,
    "repository": "https://github.com/acme/widgets",
    "branch": "main",
    "parent_hashes": ["62d820295dbc81c0a415bda3a19e89328a025e86"],
    "is_merge": False,
    "trailers": {"Co-Authored-By": ["Claude <noreply@anthropic.com>"]},
    "recorded_by": "hook",
}
SPECIFICATION = {
    name: COMMIT[name]
    for name in (
        "commit_hash", "commit_message", "author_name", "author_email", "timestamp",
        "files_changed", "lines_added", "lines_deleted",
    )
} | {"agent_assisted": True, "agent_session_id": "s", "agent_type": "claude_code"}  # fmt: skip
RECORD = {
    "agent": "claude_code", "session_id": "s", "kind": "prompt", "project_path": "/src",
    "timestamp": "2026-11-22T03:39:05.065Z", "payload": {"prompt_length": 16},
    "source_file": ".claude/projects/x/s.jsonl",
}  # fmt: skip


def client(running: RunningService, home: Home, **headers: str) -> httpx.Client:
    token = home.token.read_text().strip()
    return httpx.Client(
        base_url=running.state.api_url, headers={"Authorization": f"Bearer {token}", **headers}
    )


def rows(home: Home, sql: str) -> list[tuple[Any, ...]]:
    flush(home, load_settings(home).settings, 30)
    with duckdb.connect(str(home.database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def test_a_commit_is_accepted_once_and_lands_with_all_its_facts(start: Start, home: Home) -> None:
    running = start()
    with client(running, home, **{"x-developer-id": "jo"}) as api:
        first = api.post("/v1/commits", json=COMMIT)
        again = api.post("/v1/commits", json=[COMMIT, SPECIFICATION])
    assert first.json() == {"accepted": 1, "duplicate": 0, "rejected": 0, "problems": []}
    assert again.json() == {"accepted": 1, "duplicate": 1, "rejected": 0, "problems": []}
    found = rows(
        home,
        "SELECT id, commit_hash, epoch(commit_timestamp)::BIGINT, lines_added, agent_assisted, "
        "developer_id, parent_hashes, trailers, recorded_by FROM raw_git_commits ORDER BY id",
    )
    sha = COMMIT["commit_hash"].lower()
    trailers = json.dumps(COMMIT["trailers"], separators=(",", ":"))
    assert found == [
        (1, sha, 1795319094, 7, None, "jo", COMMIT["parent_hashes"], trailers, "hook"),
        (2, sha, 1795319094, 7, True, "jo", None, None, None),
    ]
    assert rows(home, "SELECT source, records FROM ingest_batches") != []


def test_what_was_accepted_before_a_restart_is_a_duplicate_after_it(
    start: Start, home: Home
) -> None:
    running = start()
    with client(running, home) as api:
        api.post("/v1/commits", json=COMMIT)
    running.stop()
    with client(start(), home) as api:
        assert api.post("/v1/commits", json=COMMIT).json()["duplicate"] == 1


def test_the_loader_counts_a_second_delivery_once_whatever_the_api_said(
    start: Start, home: Home
) -> None:
    record = RECORD | {"source_file": "elsewhere.jsonl", "repository": "/src"}
    pair = {"old_hash": "a" * 40, "new_hash": "b" * 40, "kind": "amend", "repository": "/src"}
    running = start()
    with client(running, home) as api:
        for told in ("accepted", "duplicate"):
            assert api.post("/v1/session-records", json=[RECORD]).json()[told] == 1
        api.post("/v1/session-records", json=record)
        api.post("/v1/rewrites", json=[pair])
    assert rows(home, "SELECT count(*) FROM raw_git_rewrites") == [(1,)]
    running.stop()
    for segment in home.spool.glob("*.segment"):  # as after the replay window
        segment.rename(segment.with_suffix(".gone"))
    with client(start(), home) as api:
        assert api.post("/v1/rewrites", json=[pair]).json()["accepted"] == 1
        assert rows(home, "SELECT old_hash[1], new_hash[1], kind FROM raw_git_rewrites") == [
            ("a", "b", "amend")
        ]
    assert rows(home, "SELECT agent, kind, payload, repository FROM raw_agent_session_records") == [
        ("claude_code", "prompt", '{"prompt_length":16}', None)
    ]


def test_a_bad_record_costs_no_neighbour_and_says_what_is_wrong(start: Start, home: Home) -> None:
    bad = [COMMIT | {"commit_hash": "not a hash"}, COMMIT | {"lines_added": -1}, "text", 7]
    with client(start(), home) as api:
        answer = api.post("/v1/commits", json=[*bad, COMMIT])
        alone = api.post("/v1/commits", json=bad[0])
    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 4)
    assert [p["index"] for p in answer.json()["problems"]] == [0, 1, 2, 3]
    assert answer.json()["problems"][1]["reason"].startswith("lines_added: ")
    assert "not a hash" not in answer.text
    assert alone.status_code == 422
    assert alone.headers["content-type"] == "application/problem+json"
    assert "commit_hash" in alone.json()["detail"]
    assert rows(home, "SELECT count(*) FROM raw_git_commits") == [(1,)]


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        ({"headers": {"Authorization": ""}}, 401),
        ({"headers": {"Authorization": "Bearer wrong"}}, 401),
        ({"headers": {"Host": "evil.example"}}, 403),
        ({"headers": {"Origin": "https://evil.example"}}, 403),
        ({"headers": {"Content-Type": "text/plain"}}, 415),
        ({"content": b"{"}, 400),
        ({"content": b'"\\ud800"'}, 400),
        ({"content": b" " * (16 * 1024 * 1024 + 1)}, 413),
    ],
)
def test_what_is_refused_is_refused_as_a_problem_document(
    running: RunningService, request_of: dict[str, Any], status: int
) -> None:
    headers = {"Content-Type": "application/json"} | request_of.get("headers", {})
    with client(running, running.home) as api:
        content = request_of.get("content", b"[]")
        answer = api.post("/v1/commits", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


def test_unknown_paths_and_methods_are_problem_documents_too(running: RunningService) -> None:
    with client(running, running.home) as api:
        for answer in (api.get("/v1/nothing"), api.get("/v1/commits")):
            assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_is_accepted_and_the_key_is_right_for_an_empty_list(
    running: RunningService,
) -> None:
    with client(running, running.home) as api:
        assert api.post("/v1/commits", json=[]).json()["accepted"] == 0


def test_a_full_spool_refuses_for_later_and_keeps_its_word(start: Start, home: Home) -> None:
    running = start(**{"spool.max_bytes": 1024 * 1024})
    big = [COMMIT | {"commit_message": "x" * 60_000, "timestamp": n} for n in range(30)]
    with client(running, home) as api:
        answer = api.post("/v1/commits", json=big)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        ready = api.get("/readyz")
        assert (ready.status_code, len(ready.json()["reasons"])) == (503, 1)
        assert api.post("/v1/commits", json=COMMIT).json()["accepted"] == 1
        assert api.get("/readyz").status_code == 200


def test_a_developers_name_in_any_alphabet_is_stored_as_written(start: Start, home: Home) -> None:
    running = start()
    settings = load_settings(home, {"developer_id": "Zoë 美"}).settings
    with ApiClient.connect(home, settings) as api:
        assert api.post("/v1/commits", [COMMIT])["accepted"] == 1
    body = (FIXTURES / "claude" / "a-simple" / "001-logs.pb").read_bytes()
    headers = {b"content-type": b"application/x-protobuf", b"x-developer-id": "Zoë 美".encode()}
    httpx.post(f"http://{running.state.http}/v1/logs", content=body, headers=headers)
    for table in ("raw_git_commits", "raw_otel_logs"):
        assert rows(home, f"SELECT DISTINCT developer_id FROM {table}") == [("Zoë 美",)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"timestamp": "1969-12-31T23:59:59Z"},
        {"timestamp": "2262-01-01T00:00:00Z"},
        {"timestamp": "2026-01-01T00:00:00"},
        {"payload": {"deep": [[[]]]}},
        {"payload": {"text": "x" * 70_000}},
    ],
)
def test_a_session_record_that_cannot_be_stored_costs_no_neighbour(
    start: Start, home: Home, wrong: dict[str, Any]
) -> None:
    with client(start(), home) as api:
        for told in ("accepted", "duplicate"):
            answer = api.post("/v1/session-records", json=[RECORD | wrong, RECORD])
            assert (answer.json()[told], answer.json()["rejected"]) == (1, 1)
    assert rows(home, "SELECT count(*), count(timestamp) FROM raw_agent_session_records") == [
        (1, 1)
    ]


def test_more_records_than_are_checked_at_once_are_refused_whole(running: RunningService) -> None:
    with client(running, running.home) as api:
        answer = api.post("/v1/commits", json=[0] * 20_001)
    assert (answer.status_code, "20,000" in answer.json()["detail"]) == (413, True)


def test_a_kept_connection_answers_without_waiting_for_the_clients_acknowledgement(
    running: RunningService,
) -> None:
    """Without TCP_NODELAY each answer but the first comes 40 ms late."""
    with httpx.Client(base_url=running.state.api_url) as kept:
        assert kept.get("/healthz").status_code == 200
        assert is_undelayed(running.state.api_port)


def is_undelayed(port: int) -> bool:
    """Whether the server's end of a connection in this process has TCP_NODELAY."""
    for name in os.listdir("/proc/self/fd"):
        try:
            found = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        with found:
            if found.family != socket.AF_INET or found.type != socket.SOCK_STREAM:
                continue
            with suppress(OSError):
                found.getpeername()
                if found.getsockname()[1] == port:
                    return bool(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    raise AssertionError("no connection found")


def test_the_token_is_the_owners_alone_and_stays(start: Start, home: Home) -> None:
    start().stop()
    token = home.token.read_text()
    assert stat.S_IMODE(home.token.stat().st_mode) == 0o600
    assert len(token) > 40
    start().stop()
    assert home.token.read_text() == token


def test_health_and_readiness_need_no_token(running: RunningService) -> None:
    url = running.state.api_url
    assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
    ready = httpx.get(f"{url}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "reasons": []})


def test_the_openapi_page_comes_without_any_other_server(running: RunningService) -> None:
    url = running.state.api_url
    described = httpx.get(f"{url}/openapi.json").json()
    assert {"/v1/commits", "/v1/rewrites", "/v1/session-records"} <= set(described["paths"])
    body = described["paths"]["/v1/commits"]["post"]["requestBody"]["content"]["application/json"]
    assert "commit_hash" in body["schema"]["oneOf"][0]["properties"]
    page = httpx.get(f"{url}/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for file in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert file in page
