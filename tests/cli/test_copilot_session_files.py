"""Copilot CLI's sessions: what is read of them, and that no text of them is."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.agents import copilot_cli
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

SESSION = "5b6dccad-65a9-4fe0-bf7e-40032f136649"
EVENTS = f"session-state/{SESSION}/events.jsonl"
SENT = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_write.input_tokens": "cache_write_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
}
USAGE: dict[str, Any] = {
    "model": "gpt-5.4", "inputTokens": 150, "outputTokens": 42, "cacheReadTokens": 100,
    "cacheWriteTokens": 7, "reasoningTokens": 10, "cost": 0.33, "duration": 92.4,
    "timeToFirstTokenMs": 32.6, "initiator": "user", "apiCallId": "chatcmpl-1",
}  # fmt: skip


def event(type_: str, agent_id: str | None = None, **data: Any) -> dict[str, Any]:
    return {"type": type_, "data": data, "id": "e-1", "timestamp": "2026-11-22T03:48:16.936Z",
            "parentId": None} | ({"agentId": agent_id} if agent_id else {})  # fmt: skip


def start(**context: Any) -> dict[str, Any]:
    return event("session.start", sessionId=SESSION, copilotVersion="1.0.102",
                 context={"cwd": "/nowhere/project", "branch": "main"} | context)  # fmt: skip


def usage(**changes: Any) -> dict[str, Any]:
    return event("session.usage_record", usage=USAGE | changes)


def complete(content: str, **more: Any) -> dict[str, Any]:
    return event(
        "tool.execution_complete", toolCallId="call_1", result={"content": content}, **more
    )


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(copilot_cli, tmp_path / "dev" / ".copilot", EVENTS)


def payloads(sessions: Sessions, *lines: Any) -> dict[str, list[dict[str, Any]]]:
    """Payloads by kind, without what those of the main agent have."""
    found = sessions.payloads(*lines)
    assert all(each.pop("is_sidechain") is False for kind in found.values() for each in kind)
    return found


@pytest.mark.parametrize("scenario", recorded("copilot"))
def test_requests_of_a_recording_have_the_tokens_that_were_sent(scenario: str) -> None:
    recording = Sessions(copilot_cli, FIXTURES / "copilot" / scenario / "home" / ".copilot", "")
    records = recording.all()
    spans = [
        attributes
        for name, attributes in telemetry("copilot", scenario)
        if name.startswith("chat ")
    ]
    assert requests(records, SENT) == sums(iter(spans), SENT)
    assert spans
    assert {
        record["payload"]["request_id"] for record in records if record["kind"] == "request"
    } == {attributes["gen_ai.response.id"] for attributes in spans}
    assert {record["session_id"] for record in records} == {
        attributes["gen_ai.conversation.id"] for attributes in spans
    }
    assert recording.trouble == Trouble()


@pytest.mark.parametrize("scenario", recorded("copilot"))
def test_the_sums_at_the_end_of_a_recording_are_those_of_its_requests(scenario: str) -> None:
    recording = Sessions(copilot_cli, FIXTURES / "copilot" / scenario / "home" / ".copilot", "")
    records = recording.all()
    (ended,) = (
        record["payload"]
        for record in records
        if record["payload"].get("event") == "session.shutdown"
    )
    found = requests(records, SENT)
    assert {name: ended.get(f"total_{name}", 0) for name in found} == found


def test_the_tool_calls_and_the_commit_of_a_recording_are_told() -> None:
    home = FIXTURES / "copilot" / "d-anthropic" / "home" / ".copilot"
    records = Sessions(copilot_cli, home, "").all()
    calls, results = (
        [record["payload"] for record in records if record["kind"] == kind]
        for kind in ("tool_call", "tool_result")
    )
    asked, started = calls[::2], calls[1::2]
    assert [
        (each["tool_name"], each.get("command"), each.get("lines_added")) for each in asked
    ] == [
        ("bash", "echo", None), ("create", None, 3), ("edit", None, 2), ("bash", "git add", None),
    ]  # fmt: skip
    assert [each | {"request_id": ""} for each in asked] == [
        each | {"request_id": ""} for each in started
    ]
    assert {each["request_id"] for each in asked} < {
        record["payload"]["request_id"] for record in records if record["kind"] == "request"
    }
    assert [(each.get("exit_code"), each.get("lines_added")) for each in results] == [
        (0, None), (None, 3), (None, 2), (0, None),
    ]  # fmt: skip
    (commit,) = (record["payload"] for record in records if record["kind"] == "commit")
    assert (commit["git_commit_id"], commit["git_commit_branch"]) == ("50c0e9b", "main")
    assert commit["tool_use_id"] == asked[-1]["tool_use_id"]
    assert {record["repository"] for record in records} == {"https://github.com/acme/widgets"}
    (prompt,) = (record["payload"] for record in records if record["kind"] == "prompt")
    assert (prompt["prompt_length"], prompt["agent_version"]) == (len("do it all"), "1.0.102")


def test_no_text_leaves_a_session(sessions: Sessions) -> None:
    canary = Canaries()
    arguments = {"command": f"git commit -m '{canary()}'", "path": f"/p/\n{canary()}",
                 "old_str": canary(), "file_text": canary(), "description": canary()}  # fmt: skip
    records = sessions.read(
        event("session.start", sessionId=SESSION, copilotVersion=canary(), producer=canary(),
              selectedModel=canary(), reasoningEffort=canary(),
              context={"cwd": f"/p/\n{canary()}", "branch": canary(), "headCommit": canary(),
                       "repository": canary(), "repositoryHost": canary()}),
        start(repository=canary(), repositoryHost="github.com"),
        event("session.resume", sessionId=canary(), context={"cwd": "/p", "branch": canary()}),
        event("session.context_changed", cwd="/p", branch=canary()),
        event("user.message", content=canary(), transformedContent=canary(), source=canary(),
              interactionId=canary(), messageId=canary(), turnId=canary(),
              attachments=[{"text": canary()}]),
        event("system.message", content=canary()),
        usage(model=canary(), initiator=canary(), interactionType=canary(), apiCallId=canary(),
              providerCallId=canary(), finishReason=canary(), inputTokens=canary(), cost=canary(),
              accounting={"sourceSessionId": canary(), "usageId": canary()}),
        event("assistant.usage", **USAGE | {"errorMessage": canary()}),
        event("assistant.message", content=canary(), reasoningText=canary(), apiCallId=canary(),
              toolRequests=[
                  {"toolCallId": "call_1", "name": "bash", "arguments": arguments,
                   "intentionSummary": canary(), "toolTitle": canary()},
                  {"toolCallId": canary(), "name": canary(), "arguments": canary()}, canary()]),
        event("tool.execution_start", toolCallId="call_1", toolName="bash", arguments=arguments,
              mcpServerName=canary(), shellToolInfo={"possiblePaths": [canary()]}),
        event("tool.execution_start", toolCallId="call_1", toolName="apply_patch",
              arguments=f"*** Begin Patch\n*** Add File: a.py\n+{canary()}\n*** End Patch"),
        complete(f"[main {SHA[:7]}] {canary()}\n{canary()}", shellExecution={"exitCode": 0},
                 toolTelemetry={"properties": {"command": canary()},
                                "restrictedProperties": {"filePaths": canary()},
                                "metrics": {"linesAdded": canary()}}),
        complete(f"{canary()}\n<{canary()} exited with exit code 1>"),
        event("tool.execution_complete", toolCallId=canary(), success=canary(),
              error={"message": canary(), "code": canary()},
              result={"detailedContent": canary(), "contents": [{"text": canary()}]}),
        event("session.shutdown", shutdownType=canary(), errorReason=canary(),
              codeChanges={"filesModified": [canary()]},
              modelMetrics={canary(): {"requests": {"count": canary()}}, "m": canary()}),
        event("session.compaction_complete", summaryContent=canary(), customInstructions=canary()),
        event("session.error", message=canary(), stack=canary()),
        event("subagent.started", agentDescription=canary(), agentDisplayName=canary()),
        event("skill.invoked", content=canary()),
        event(canary(), content=canary()),
        usage() | {"agentId": canary(), "id": canary()},
        usage() | {"timestamp": canary()},
        usage() | {"data": canary()},
    )  # fmt: skip
    assert len(canary.planted) > 75
    assert {record["kind"] for record in records} == {
        "session", "prompt", "request", "tool_call", "tool_result", "commit"
    }  # fmt: skip
    assert canary.found_in(records) == []
    assert sessions.trouble == Trouble()


def test_a_request_tells_tokens_times_and_cost_as_they_are(sessions: Sessions) -> None:
    accounting = {"sourceSessionId": "s-0", "sequence": 3, "usageId": "usage-3"}
    found = payloads(
        sessions,
        usage(accounting=accounting, isByok=False, copilotUsage={"totalNanoAiu": 12.5}),
        usage(apiCallId=None, accounting=accounting),
        usage(apiCallId=None),
        event("assistant.usage", **USAGE),
    )
    first, second, third, last = found["request"]
    tokens = {
        "model": "gpt-5.4", "input_tokens": 150, "cache_read_tokens": 100, "cache_write_tokens": 7,
        "output_tokens": 42, "reasoning_tokens": 10, "duration_ms": 92, "ttft_ms": 33,
        "reported_cost": 0.33, "initiator": "user",
    }  # fmt: skip
    assert first == tokens | {
        "request_id": "chatcmpl-1", "source_session_id": "s-0", "sequence": 3, "is_byok": False,
        "reported_nano_aiu": 12.5,
    }  # fmt: skip
    assert (second["request_id"], third["request_id"]) == ("usage-3", "e-1")
    assert last == tokens | {"request_id": "chatcmpl-1"}


def test_records_take_the_folder_that_the_session_is_at(sessions: Sessions) -> None:
    records = sessions.read(
        usage(),
        start(repository="acme/widgets", repositoryHost="github.com"),
        usage(),
        event("session.context_changed", cwd="/nowhere/other"),
        usage(),
        event("session.resume", context={"cwd": "/nowhere/third", "branch": "topic"}),
        usage(),
        event("session.resume"),
        usage(),
    )
    assert {record["session_id"] for record in records} == {SESSION}
    assert [
        (record["project_path"], record["git_branch"], record["repository"])
        for record in records
        if record["kind"] == "request"
    ] == [
        (None, None, None),
        ("/nowhere/project", "main", "https://github.com/acme/widgets"),
        ("/nowhere/other", None, None),
        ("/nowhere/third", "topic", None),
        ("/nowhere/third", "topic", None),
    ]


def test_what_a_sub_agent_did_says_so(sessions: Sessions) -> None:
    records = sessions.read(
        usage() | {"agentId": "explore-1"},
        event("tool.execution_start", toolCallId="c", toolName="bash", parentToolCallId="call_0"),
        usage(),
    )
    told = [record["payload"] for record in records]
    assert [each["is_sidechain"] for each in told] == [True, True, False]
    assert (told[0]["agent_id"], told[1]["parent_tool_use_id"]) == ("explore-1", "call_0")
    assert {"agent_id", "parent_tool_use_id"}.isdisjoint(told[2])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (complete("x", success=True, shellExecution={"exitCode": 3}),
         {"success": True, "exit_code": 3}),
        (complete("x\n<exited with exit code 127>", success=True),
         {"success": True, "exit_code": 127}),
        (complete("x\n<command with shellId: 2 exited with exit code -1>\n"), {"exit_code": -1}),
        (complete("<exited with exit code 1>\nand more"), {}),
        (complete("x", toolTelemetry={"metrics": {"linesAdded": 3.0, "linesRemoved": 0}}),
         {"lines_added": 3, "lines_removed": 0}),
        (event("tool.execution_complete", toolCallId="call_1", success=False,
               error={"message": "no", "code": "rejected"}), {"success": False}),
    ],
)  # fmt: skip
def test_results_tell_what_the_version_writes(
    sessions: Sessions, told: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert payloads(sessions, told) == {"tool_result": [{"tool_use_id": "call_1"} | expected]}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (complete(f"[main {SHA[:7]}] Add\n{SHA}", shellExecution={"exitCode": 0}), [(SHA, "main")]),
        (complete(f"[main {SHA[:7]}] Add\n<exited with exit code 0>"), [(SHA[:7], "main")]),
        (complete(f"[detached HEAD {SHA[:7]}] Add\n", shellExecution={}), [(SHA[:7], None)]),
        (complete(f"[main {SHA[:7]}] Add\n"), []),
    ],
)
def test_commits_are_those_that_a_shell_made(
    sessions: Sessions, told: dict[str, Any], expected: list[tuple[str, str | None]]
) -> None:
    commits = payloads(sessions, told).get("commit", [])
    assert [(each["git_commit_id"], each.get("git_commit_branch")) for each in commits] == expected


def test_every_model_of_a_session_has_its_sums_at_the_end(sessions: Sessions) -> None:
    metrics = {
        "requests": {"count": 5, "cost": 1.5}, "totalNanoAiu": 7,
        "usage": {"inputTokens": 9, "outputTokens": 8, "cacheReadTokens": 7, "cacheWriteTokens": 6},
    }  # fmt: skip
    shutdown = event("session.shutdown", shutdownType="routine",
                     modelMetrics={"gpt-5.4": metrics, "gpt-5-mini": None})  # fmt: skip
    first, second = payloads(sessions, shutdown)["session"]
    assert first == {
        "event": "session.shutdown", "shutdown_type": "routine", "model": "gpt-5.4",
        "total_requests": 5, "total_input_tokens": 9, "total_output_tokens": 8,
        "total_cache_read_tokens": 7, "total_cache_write_tokens": 6, "reported_cost": 1.5,
        "reported_nano_aiu": 7,
    }  # fmt: skip
    assert second["model"] == "gpt-5-mini"
    assert not any(name.startswith("total_") for name in second)


def test_prompts_say_where_they_come_from(sessions: Sessions) -> None:
    found = payloads(
        sessions,
        event("user.message", content="hello", interactionId="i-1", messageId="m-1", turnId="0"),
        event("user.message", content="", source="skill-pdf", isAutopilotContinuation=True),
    )
    assert found["prompt"] == [
        {"prompt_id": "i-1", "message_uuid": "m-1", "turn_id": "0", "prompt_length": 5},
        {"message_uuid": "e-1", "prompt_length": 0, "prompt_source": "skill-pdf",
         "is_autopilot_continuation": True},
    ]  # fmt: skip


def test_damaged_lines_are_counted_and_their_neighbours_read(sessions: Sessions) -> None:
    good = lines_of(usage())
    records = sessions.read(
        start(), b"{not json}\n", b"null\n", good.replace(b'"user"', b'"us\xe9r"'), b"\n",
        b"[" * 100_000 + b"\n", good[:-20],
    )  # fmt: skip
    assert [record["kind"] for record in records] == ["session", "request"]
    assert sessions.trouble == Trouble(damaged_lines=4)


def test_reading_takes_no_more_memory_for_a_longer_file(sessions: Sessions) -> None:
    sessions.write(lines_of(complete("x" * 20_000, shellExecution={"exitCode": 0})) * 1000)
    (file,) = copilot_cli.find_session_files(sessions.folder, sessions.trouble)
    tracemalloc.start()
    try:
        count = sum(1 for _ in copilot_cli.read_session_file(file, sessions.trouble))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 1000
    assert peak < 3_000_000 < file.size


def test_only_sessions_are_read(sessions: Sessions) -> None:
    path = sessions.write(usage())
    older = sessions.write(usage(), name="session-state/s-0.jsonl")
    sessions.write(usage(), name=f"session-state/{SESSION}/files/events.jsonl")
    sessions.write(usage(), name=f"session-state/{SESSION}/other.jsonl")
    sessions.write(usage(), name="logs/events.jsonl")
    os.mkfifo(path.parent.parent / "pipe.jsonl")
    found = copilot_cli.find_session_files(sessions.folder, sessions.trouble)
    assert [file.path for file in found] == [path, older]
    assert [record["session_id"] for record in sessions.all()] == [SESSION, "s-0"]

    path.unlink()
    assert list(copilot_cli.read_session_file(found[0], sessions.trouble)) == []
    assert sessions.trouble.unreadable == {path: "No such file or directory"}


def test_the_folder_is_the_homes_or_what_copilot_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert copilot_cli.copilot_folder() == Path.home() / ".copilot"
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path / "work"))
    assert copilot_cli.copilot_folder() == tmp_path / "work"
    assert copilot_cli.copilot_folder(tmp_path) == tmp_path / ".copilot"
    trouble = Trouble()
    assert copilot_cli.find_session_files(tmp_path / "none", trouble) == []
    assert trouble == Trouble()
