"""Gemini CLI's chats: what is read of them, and that no text of them is."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.agents import gemini_cli
from agent_analytics_cli.agents.session_file import Trouble
from tests.cli.agent_sessions import (
    FIXTURES,
    SHA,
    Canaries,
    Sessions,
    lines_of,
    recorded,
    requests,
    sums,
    telemetry,
)

CHAT = "tmp/widgets/chats/session-2026-11-22T03-46-f6858acc.jsonl"
SESSION = "f6858acc-b15e-4207-8564-a61b781dceb0"
AT = "2026-11-22T03:46:31.266Z"
LATER = "2026-11-22T03:46:32.000Z"
SENT = {
    "input_token_count": "input_tokens",
    "cached_content_token_count": "cache_read_tokens",
    "output_token_count": "output_tokens",
    "thoughts_token_count": "reasoning_tokens",
    "tool_token_count": "tool_tokens",
    "total_token_count": "total_tokens",
}
TOKENS = {"input": 60, "output": 9, "cached": 40, "thoughts": 3, "tool": 1, "total": 73}
BEGIN = {"sessionId": SESSION, "projectHash": "a8", "startTime": AT, "kind": "main"}


def answer(*calls: Any, **changes: Any) -> dict[str, Any]:
    message = {"id": "m-1", "timestamp": AT, "type": "gemini", "content": "Run.",
               "tokens": TOKENS, "model": "gemini-3.8-flash"}  # fmt: skip
    return message | ({"toolCalls": list(calls)} if calls else {}) | changes


def user(content: Any, **changes: Any) -> dict[str, Any]:
    return {"id": "u-1", "timestamp": AT, "type": "user", "content": content} | changes


def call(name: str = "run_shell_command", output: str = "", **changes: Any) -> dict[str, Any]:
    response = {"functionResponse": {"id": "call-1", "response": {"output": output}}}
    return {"id": "call-1", "name": name, "args": {}, "status": "success", "timestamp": LATER,
            "result": [response]} | changes  # fmt: skip


@pytest.fixture
def chats(tmp_path: Path) -> Sessions:
    return Sessions(gemini_cli, tmp_path / "dev" / ".gemini", CHAT)


@pytest.mark.parametrize("scenario", recorded("gemini"))
def test_requests_of_a_recording_have_the_tokens_that_were_sent(scenario: str) -> None:
    """All but the router's, which the file leaves out."""
    sessions = Sessions(gemini_cli, FIXTURES / "gemini" / scenario / "home" / ".gemini", "")
    records = sessions.all()
    answered = [
        attributes
        for name, attributes in telemetry("gemini", scenario)
        if name == "gemini_cli.api_response"
    ]
    routed = [each for each in answered if each["role"] == "utility_router"]
    main = [each for each in answered if each["role"] == "main"]
    assert requests(records, SENT) == sums(iter(main), SENT)
    assert (len(routed), len(routed) + len(main)) == (1, len(answered))
    assert {record["session_id"] for record in records} == {each["session.id"] for each in main}
    assert {r["payload"]["model"] for r in records if r["kind"] == "request"} == {
        each["model"] for each in main
    }
    assert sessions.trouble == Trouble()


@pytest.mark.parametrize("scenario", ["b-tools-grpc", "c-http"])
def test_the_tool_calls_and_the_commit_of_a_recording_are_told(scenario: str) -> None:
    records = Sessions(gemini_cli, FIXTURES / "gemini" / scenario / "home" / ".gemini", "").all()
    calls, results = (
        [record["payload"] for record in records if record["kind"] == kind]
        for kind in ("tool_call", "tool_result")
    )
    assert [
        (each["tool_name"], each.get("command"), each.get("lines_added")) for each in calls
    ] == [
        ("run_shell_command", "echo", None), ("write_file", None, 3), ("replace", None, 2),
        ("run_shell_command", "git add", None),
    ]  # fmt: skip
    assert [each["tool_use_id"] for each in results] == [each["tool_use_id"] for each in calls]
    assert [(each.get("lines_added"), each.get("lines_removed")) for each in results] == [
        (None, None), (3, 0), (2, 1), (None, None),
    ]  # fmt: skip
    assert all(each["success"] and not each["is_error"] for each in results)
    (commit,) = (record["payload"] for record in records if record["kind"] == "commit")
    assert (commit["tool_use_id"], commit["git_commit_branch"]) == (
        calls[-1]["tool_use_id"], "main",
    )  # fmt: skip
    typed = [
        record["payload"]["prompt_length"]
        for record in records
        if record["kind"] == "prompt" and "prompt_source" not in record["payload"]
    ]
    assert typed == [len("do it all")]


def test_no_text_leaves_a_chat(chats: Sessions) -> None:
    canary = Canaries()
    records = chats.read(
        BEGIN | {"kind": canary(), "projectHash": canary(), "summary": canary(),
                 "directories": [f"/p/\n{canary()}"]},
        {"$set": {"summary": canary(), "messages": [user(canary()), answer(content=canary())]}},
        {"$set": {"memoryScratchpad": {"text": canary()}, "sessionId": canary()}},
        {"$rewindTo": canary()},
        user(canary(), id=canary()),
        user([{"text": canary()}, {"inlineData": {"data": canary()}}], displayContent=canary()),
        user([{"functionResponse": {"response": {"output": canary()}}}]),
        user({"text": canary()}),
        answer(content=canary(), thoughts=[{"subject": canary(), "description": canary()}],
               id=canary(), model=canary(), tokens={"input": canary()}),
        answer(
            call(args={"command": f"git commit -m '{canary()}'", "description": canary()},
                 output=f"Output: [main {SHA[:7]}] {canary()}\n{canary()}\nExit Code: 1",
                 resultDisplay=canary(), description=canary(), displayName=canary()),
            call("write_file", canary(), args={"file_path": f"/p/\n{canary()}",
                                               "content": canary()},
                 resultDisplay={"fileDiff": canary(), "newContent": canary(),
                                "diffStat": {"model_added_lines": canary()}}),
            call(canary(), id=canary(), status=canary(), agentId=canary()),
            call("web_fetch", args={"prompt": canary()}, status="error", result=canary(),
                 timestamp=canary()),
            call("task", result={"text": canary()}, resultDisplay=[[{"text": canary()}]]),
            canary(),
        ),
        {"id": "i-1", "timestamp": AT, "type": "info", "content": canary()},
        {"id": "e-1", "timestamp": AT, "type": "error", "content": canary()},
        {"id": "x-1", "timestamp": AT, "type": canary(), "content": canary()},
        user("hi", timestamp=canary()),
    )  # fmt: skip
    assert len(canary.planted) > 45
    kinds = {record["kind"] for record in records}
    assert kinds == {"session", "prompt", "request", "tool_call", "tool_result", "commit"}
    assert canary.found_in(records) == []
    assert chats.trouble == Trouble()


def test_a_message_that_is_written_again_makes_records_that_are_alike(chats: Sessions) -> None:
    grown = answer(call(args={"command": "ls"}))
    payloads = chats.payloads(
        BEGIN, answer(tokens=None), answer(), grown, grown, {"$set": {"messages": [grown]}}
    )
    assert payloads["request"] == [
        {"request_id": "m-1", "model": "gemini-3.8-flash", "input_tokens": 60,
         "cache_read_tokens": 40, "output_tokens": 9, "reasoning_tokens": 3, "tool_tokens": 1,
         "total_tokens": 73}
    ] * 4  # fmt: skip
    assert payloads["tool_call"] == [
        {"tool_use_id": "call-1", "request_id": "m-1", "tool_name": "run_shell_command",
         "command": "ls"}
    ] * 3  # fmt: skip
    assert payloads["tool_result"] == [
        {"tool_use_id": "call-1", "is_error": False, "success": True}
    ] * 3  # fmt: skip


def test_a_call_has_a_result_once_it_ended(chats: Sessions) -> None:
    payloads = chats.payloads(
        BEGIN,
        answer(call(status="executing"), call(status="cancelled"), call(status="error"),
               call(output="Output: no\nExit Code: 3\nProcess Group PGID: 7")),
    )  # fmt: skip
    assert len(payloads["tool_call"]) == 4
    assert payloads["tool_result"] == [
        {"tool_use_id": "call-1", "is_error": False, "success": False},
        {"tool_use_id": "call-1", "is_error": True, "success": False},
        {"tool_use_id": "call-1", "is_error": False, "success": True, "exit_code": 3},
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (call(output=f"Output: [main {SHA[:7]}] Add\n{SHA}"), [(SHA, "main")]),
        (call(resultDisplay=f"[main {SHA[:7]}] Add\n"), [(SHA[:7], "main")]),
        (call(output=f"Stdout: [detached HEAD {SHA[:7]}] Add\n"), [(SHA[:7], None)]),
        (call("read_file", output=f"[main {SHA[:7]}] Add\n"), []),
    ],
)
def test_commits_are_those_that_a_shell_made(
    chats: Sessions, told: dict[str, Any], expected: list[tuple[str, str | None]]
) -> None:
    records = chats.read(BEGIN, answer(told))
    assert [
        (each["payload"]["git_commit_id"], each["payload"].get("git_commit_branch"))
        for each in records
        if each["kind"] == "commit" and each["timestamp"] == LATER
    ] == expected


def test_prompts_are_what_a_person_typed_or_may_have(chats: Sessions) -> None:
    payloads = chats.payloads(
        BEGIN,
        {"$set": {"messages": [user("context of the session", id="d0")]}},
        user([{"text": "ab"}, {"text": "cd"}], id="u-1"),
        user([{"text": "@file and all of it"}], displayContent="@file", id="u-2"),
        user([{"functionResponse": {"id": "call-1"}}], id="u-3"),
        {"$set": {"messages": [user("ab", id="u-1")]}},
    )
    assert payloads["prompt"] == [
        {"prompt_id": "d0", "prompt_length": 22, "prompt_source": "history"},
        {"prompt_id": "u-1", "prompt_length": len("ab\ncd")},
        {"prompt_id": "u-2", "prompt_length": len("@file")},
        {"prompt_id": "u-1", "prompt_length": 2, "prompt_source": "history"},
    ]


def test_a_document_of_older_versions_says_what_its_lines_would(chats: Sessions) -> None:
    messages = [user("hi"), answer(call(args={"command": "ls"}))]
    in_lines = chats.read(BEGIN, *messages)
    document = json.dumps(BEGIN | {"messages": messages}, indent=2).encode()
    older = "tmp/widgets/chats/session-2025.json"
    records = [
        record
        for record in chats.read(document, name=older)
        if record["source_file"] == f".gemini/{older}"
    ]
    assert [record | {"source_file": ""} for record in records] == [
        record | {"source_file": ""} for record in in_lines
    ]
    assert len(records) == 5
    assert chats.trouble == Trouble()


def test_a_document_that_is_too_large_or_damaged_is_said(chats: Sessions) -> None:
    large = chats.write(b'{"a":"' + b"x" * 40_000_000, name="tmp/p/chats/session-1.json")
    chats.write(b'{"sessionId": "s-1", "mess', name="tmp/p/chats/session-2.json")
    chats.write(b"", name="tmp/p/chats/session-3.json")
    assert chats.all() == []
    assert set(chats.trouble.unreadable) == {large}
    assert chats.trouble.damaged_lines == 1


def test_a_sub_agents_chat_belongs_to_the_session_that_called_it(chats: Sessions) -> None:
    chats.write(
        BEGIN | {"sessionId": "investigator-7", "kind": "subagent"}, answer(),
        name=f"tmp/widgets/chats/{SESSION}/investigator-7.jsonl",
    )  # fmt: skip
    session, request = chats.all()
    assert session["session_id"] == request["session_id"] == SESSION
    assert session["payload"] == {
        "session_kind": "subagent", "parent_session_id": SESSION,
        "is_sidechain": True, "agent_id": "investigator-7",
    }  # fmt: skip
    assert (request["payload"]["is_sidechain"], request["payload"]["agent_id"]) == (
        True, "investigator-7",
    )  # fmt: skip


def test_a_resumed_chat_takes_the_session_that_it_is_told(chats: Sessions) -> None:
    records = chats.read(BEGIN, answer(), {"$set": {"sessionId": "s-2"}}, answer(id="m-2"))
    assert [record["session_id"] for record in records] == [SESSION, SESSION, "s-2"]


@pytest.mark.parametrize("told", ["marker", "registry", "digest", "nothing"])
def test_the_project_is_the_one_that_the_folder_belongs_to(
    chats: Sessions, tmp_path: Path, told: str
) -> None:
    project = "/nowhere/widgets"
    name = hashlib.sha256(project.encode()).hexdigest() if told == "digest" else "widgets"
    chats.write(BEGIN, answer(), name=f"tmp/{name}/chats/session-1.jsonl")
    if told == "marker":
        (chats.folder / "tmp" / name / ".project_root").write_text(f"{project}\n")
    registry = {"registry": {project: name}, "digest": {"/x": "y", project: "w"}}.get(told, {})
    (chats.folder / "projects.json").write_text(json.dumps({"projects": registry}))
    assert {record["project_path"] for record in chats.all()} == {
        None if told == "nothing" else project
    }


def test_damaged_registries_cost_no_record(chats: Sessions) -> None:
    chats.write(BEGIN, answer())
    (chats.folder / "projects.json").write_bytes(b"{not json")
    (chats.folder / "tmp" / "widgets" / ".project_root").mkdir()
    assert [record["project_path"] for record in chats.all()] == [None, None]


def test_damaged_lines_are_counted_and_their_neighbours_read(chats: Sessions) -> None:
    good = lines_of(answer())
    records = chats.read(
        BEGIN, b"{not json}\n", b"[]\n", good.replace(b"Run.", b"caf\xe9"), b"\n", good[:-20]
    )
    assert [record["kind"] for record in records] == ["session", "request"]
    assert chats.trouble == Trouble(damaged_lines=3)


def test_reading_takes_no_more_memory_for_a_longer_file(chats: Sessions) -> None:
    chats.write(BEGIN, lines_of(answer(call(output="x" * 20_000))) * 1000)
    (file,) = gemini_cli.find_session_files(chats.folder, chats.trouble)
    tracemalloc.start()
    try:
        count = sum(1 for _ in gemini_cli.read_session_file(file, chats.trouble))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 3001
    assert peak < 3_000_000 < file.size


def test_only_chats_are_read(chats: Sessions) -> None:
    path = chats.write(BEGIN)
    chats.write(b"[]", name="tmp/widgets/logs.json")
    chats.write(b"{}", name="tmp/widgets/checkpoint-x.json")
    chats.write(b"{}", name="settings.json")
    (path.parent / "gone.jsonl").symlink_to("nowhere")
    os.mkfifo(path.parent / "pipe.jsonl")
    found = gemini_cli.find_session_files(chats.folder, chats.trouble)
    assert [file.path for file in found] == [path]
    assert list(chats.trouble.unreadable) == [path.parent / "gone.jsonl"]


def test_the_folder_is_the_homes_or_what_gemini_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gemini_cli.gemini_folder() == Path.home() / ".gemini"
    monkeypatch.setenv("GEMINI_CLI_HOME", str(tmp_path / "work"))
    assert gemini_cli.gemini_folder() == tmp_path / "work" / ".gemini"
    assert gemini_cli.gemini_folder(tmp_path) == tmp_path / ".gemini"
    trouble = Trouble()
    assert gemini_cli.find_session_files(tmp_path / "none", trouble) == []
    assert trouble == Trouble()
