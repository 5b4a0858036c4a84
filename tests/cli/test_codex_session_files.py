"""Codex's rollouts: what is read of them, and that no text of them is."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from agent_analytics_cli.agents import codex
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

THREAD = "01a20158-c6ab-75a1-a68c-18267a0155f6"
PARENT = "01a20158-0000-75a1-a68c-18267a0155f6"
ROLLOUT = f"sessions/2026/11/22/rollout-2026-11-22T03-42-04-{THREAD}.jsonl"
SENT = {
    "input_token_count": "input_tokens",
    "cached_token_count": "cache_read_tokens",
    "cache_write_token_count": "cache_write_tokens",
    "output_token_count": "output_tokens",
    "reasoning_token_count": "reasoning_tokens",
    "tool_token_count": "total_tokens",  # telemetry.md 2.4
}
USAGE = {
    "input_tokens": 50, "cached_input_tokens": 40, "cache_write_input_tokens": 1,
    "output_tokens": 12, "reasoning_output_tokens": 6, "total_tokens": 62,
}  # fmt: skip


def line(kind: str, payload: Any, **more: Any) -> dict[str, Any]:
    return {"timestamp": "2026-11-22T03:42:05.009Z", "type": kind, "payload": payload} | more


def event(type_: str, **payload: Any) -> dict[str, Any]:
    return line("event_msg", {"type": type_} | payload)


def item(kind: str, **payload: Any) -> dict[str, Any]:
    return line("response_item", {"type": kind} | payload)


def meta(thread_id: str = THREAD, **more: Any) -> dict[str, Any]:
    return line("session_meta", {"id": thread_id, "cwd": "/nowhere/project"} | more)


def turn(**payload: Any) -> dict[str, Any]:
    return line("turn_context", payload)


def usage(**more: Any) -> dict[str, Any]:
    return line("token_usage_record", {"response_id": "resp_1", "usage": USAGE} | more)


def shell_output(text: str, header: str = "Process exited with code 0\n") -> dict[str, Any]:
    output = f"Chunk ID: fc7fb4\nWall time: 1.2340 seconds\n{header}Output:\n{text}"
    return item("function_call_output", call_id="call_1", output=output)


@pytest.fixture
def rollouts(tmp_path: Path) -> Sessions:
    return Sessions(codex, tmp_path / "dev" / ".codex", ROLLOUT)


@pytest.mark.parametrize("scenario", recorded("codex"))
def test_requests_of_a_recording_have_the_tokens_that_were_sent(scenario: str) -> None:
    sessions = Sessions(codex, FIXTURES / "codex" / scenario / "home" / ".codex", "")
    records = sessions.all()
    completed = [
        attributes
        for name, attributes in telemetry("codex", scenario)
        if name == "codex.sse_event" and "input_token_count" in attributes
    ]
    assert requests(records, SENT) == sums(iter(completed), SENT)
    assert completed
    assert {record["session_id"] for record in records} == {
        attributes["conversation.id"] for attributes in completed
    }
    assert {r["payload"]["model"] for r in records if r["kind"] == "request"} == {
        attributes["model"] for attributes in completed
    }
    assert sessions.trouble == Trouble()


@pytest.mark.parametrize("scenario", recorded("codex"))
def test_cumulative_counts_of_a_recording_end_at_the_sum_of_its_requests(scenario: str) -> None:
    records = Sessions(codex, FIXTURES / "codex" / scenario / "home" / ".codex", "").all()
    counts = [record["payload"] for record in records if record["kind"] == "token_count"]
    found = requests(records, SENT)
    assert len(counts) == found["requests"]
    assert counts[-1]["total_total_tokens"] == found["total_tokens"]
    assert counts[-1]["total_cached_input_tokens"] == found["cache_read_tokens"]
    assert sum(count["last_total_tokens"] for count in counts) == found["total_tokens"]
    ordinals = [count["ordinal"] for count in counts]
    assert ordinals == sorted(set(ordinals))


def test_the_tool_calls_and_the_commit_of_a_recording_are_told() -> None:
    records = Sessions(codex, FIXTURES / "codex" / "i-gpt55" / "home" / ".codex", "").all()
    by_kind = {
        kind: [record["payload"] for record in records if record["kind"] == kind]
        for kind in ("session", "prompt", "tool_call", "tool_result", "commit")
    }
    (session,), (prompt,), (commit,) = (by_kind[kind] for kind in ("session", "prompt", "commit"))
    assert (session["originator"], session["source"]) == ("codex_exec", "exec")
    assert session["git_commit_hash"] == "963ad06ab1226492226db0017848adfb6fd851cd"
    assert (prompt["prompt_length"], prompt["agent_version"]) == (9, "0.169.0")
    assert [
        (call["tool_name"], call.get("command"), call.get("lines_added"))
        for call in by_kind["tool_call"]
    ] == [
        ("exec_command", "echo", None),
        ("apply_patch", None, 3),
        ("exec_command", "git add", None),
    ]
    assert "2e07d09ae1884592c02bd222bfce5c1cddd93f0b".startswith(commit["git_commit_id"])
    assert commit["git_commit_branch"] == "main"
    calls = {call["tool_use_id"] for call in by_kind["tool_call"]}
    assert {result["tool_use_id"] for result in by_kind["tool_result"]} == calls
    assert commit["tool_use_id"] in calls
    assert {record["git_branch"] for record in records} == {"main"}
    assert {record["project_path"] for record in records} == {"/home/dev/src/codex-i-gpt55"}


def test_no_text_leaves_a_rollout(rollouts: Sessions) -> None:
    canary = Canaries()
    arguments = json.dumps({
        "command": f"git commit -m '{canary()}'", "workdir": canary(), "cmd": canary(),
        "file_path": f"/p/\n{canary()}", "old_string": canary(), "justification": canary(),
    })  # fmt: skip
    patch = f"*** Begin Patch\n*** Add File: new.py\n+{canary()}\n-{canary()}\n*** End Patch\n"
    records = rollouts.read(
        meta(base_instructions={"text": canary()}, instructions=canary(), originator=canary(),
             cli_version=canary(), thread_source=canary(), source={canary(): {"x": canary()}},
             git={"branch": canary(), "commit_hash": canary(),
                  "repository_url": f"https://me:{canary()}@github.com/acme/widgets.git"}),
        meta(source={"subagent": {"thread_spawn": {"agent_role": canary(),
                                                   "agent_nickname": canary()}}}),
        turn(cwd=f"/p/\n{canary()}", model=canary(), effort=canary(), summary=canary(),
             developer_instructions=canary()),
        usage(response_id=canary(), turn_id=canary(), service_tier=canary(),
              usage={"input_tokens": canary()}),
        event("token_count", info={"total_token_usage": {"input_tokens": canary()},
                                   "model": canary()},
              rate_limits={"limit_id": canary(), "plan_type": canary(),
                           "primary": {"used_percent": canary(), "resets_at": canary()}}),
        event("user_message", message=canary(), images=[canary()], kind=canary()),
        event("item_completed", turn_id=canary(), item={
            "type": "UserMessage", "id": canary(),
            "content": [{"type": "text", "text": canary()}]}),
        event("item_completed", item={"type": "AgentMessage", "content": [{"text": canary()}]}),
        event("item_completed", item={
            "type": "CommandExecution", "id": canary(), "command": [canary()], "cwd": canary(),
            "aggregated_output": f"[main {SHA[:7]}] {canary()}\n{canary()}", "exit_code": canary(),
            "status": canary(), "duration": {"secs": canary()}}),
        event("exec_command_end", call_id="call_1", exit_code=1, status=canary(),
              stdout=f"[{canary()} {SHA[:7]}] {canary()}", stderr=canary(), command=[canary()]),
        event("patch_apply_end", call_id="call_1", success=canary(), changes={
            f"/p/\n{canary()}": {"type": "add", "content": canary()},
            "b.py": {"type": "update", "unified_diff": f"@@\n+{canary()}\n-{canary()}"}}),
        event("mcp_tool_call_end", call_id="call_1", result={"Err": canary()},
              invocation={"arguments": {"query": canary()}}),
        event("agent_message", message=canary()),
        event("agent_reasoning", text=canary()),
        event("error", message=canary()),
        event("task_complete", last_agent_message=canary()),
        event(canary(), message=canary()),
        item("message", role="user", content=[{"type": "input_text", "text": canary()}]),
        item("reasoning", summary=[{"text": canary()}], encrypted_content=canary()),
        item("function_call", name="shell", call_id="call_1", arguments=arguments),
        item("function_call", name=canary(), call_id=canary(), arguments=canary(),
             namespace=canary()),
        item("function_call", name="shell", call_id="call_1",
             arguments=json.dumps({"command": ["bash", "-lc", f"apply_patch <<E\n{patch}E"]})),
        item("custom_tool_call", name="apply_patch", call_id="call_1", input=patch),
        item("custom_tool_call", name="exec", call_id="call_1", input=f"await x('{canary()}')"),
        item("local_shell_call", call_id="call_1", action={"command": [canary(), canary()]}),
        item("web_search_call", id="ws_1", action={"query": canary()}),
        item("function_call_output", call_id="call_1", output=canary()),
        item("function_call_output", call_id="call_1", output=[{"type": "x", "text": canary()}]),
        item("function_call_output", call_id="call_1",
             output=json.dumps({"output": canary(), "metadata": {"exit_code": canary()}})),
        shell_output(f"[main {SHA[:7]}] {canary()}\n{canary()}"),
        line("compacted", {"message": canary(), "replacement_history": [{"text": canary()}]}),
        line("world_state", {"state": {"body": canary()}}),
        line(canary(), {"text": canary()}),
        line("token_usage_record", canary()),
        usage() | {"timestamp": canary()},
    )  # fmt: skip
    assert len(canary.planted) > 80
    assert {record["kind"] for record in records} == {
        "session", "request", "token_count", "rate_limit", "prompt", "tool_call", "tool_result",
        "commit",
    }  # fmt: skip
    assert canary.found_in(records) == []
    assert rollouts.trouble == Trouble()


def test_a_request_takes_turn_model_and_folder_from_the_lines_before_it(rollouts: Sessions) -> None:
    records = rollouts.read(
        meta(cli_version="0.169.0", git={"branch": "main"}),
        event("task_started", turn_id="t-1"),
        turn(turn_id="t-1", model="gpt-5.1-codex", cwd="/nowhere/other", effort="high"),
        usage(),
        event("thread_settings_applied", thread_settings={"model": "gpt-5.5", "cwd": "/nowhere/x"}),
        usage(turn_id="t-2", thread_id=PARENT),
    )
    first, second = (record for record in records if record["kind"] == "request")
    assert first["payload"] == {
        "request_id": "resp_1", "turn_id": "t-1", "model": "gpt-5.1-codex", "effort": "high",
        "input_tokens": 50, "cache_read_tokens": 40, "cache_write_tokens": 1, "output_tokens": 12,
        "reasoning_tokens": 6, "total_tokens": 62, "agent_version": "0.169.0",
    }  # fmt: skip
    assert (first["project_path"], first["git_branch"]) == ("/nowhere/other", "main")
    assert second["payload"]["model"] == "gpt-5.5"
    assert "effort" not in second["payload"]
    assert (second["payload"]["turn_id"], second["payload"]["thread_id"]) == ("t-2", PARENT)
    assert second["project_path"] == "/nowhere/x"
    assert first["source_file"] == f".codex/{ROLLOUT}"


def test_older_versions_without_records_of_usage_have_counts(rollouts: Sessions) -> None:
    """The shape of 0.46: no ordinals, no cache writes."""
    told = {"input_tokens": 10, "cached_input_tokens": 4, "output_tokens": 2,
            "reasoning_output_tokens": 1, "total_tokens": 12}  # fmt: skip
    payloads = rollouts.payloads(
        meta(source="cli"),
        turn(model="gpt-5-codex", effort="medium"),
        event("token_count", info=None, rate_limits=None),
        event("token_count", info={"total_token_usage": told, "last_token_usage": told}),
    )
    assert payloads["token_count"] == [
        {"model": "gpt-5-codex", "effort": "medium"}
        | {
            f"{prefix}_{name}": value
            for prefix in ("total", "last")
            for name, value in told.items()
        }
    ]
    assert "request" not in payloads


def test_limits_are_told_for_each_window_that_is_known(rollouts: Sessions) -> None:
    """As 0.169 tells them, then as 0.46 did."""
    window = {"used_percent": 12.5, "window_minutes": 300, "resets_at": 1795318925}
    limits = {"limit_id": "codex", "plan_type": "pro", "primary": window, "secondary": None}
    payloads = rollouts.payloads(
        event("token_count", info=None, rate_limits=limits),
        event("token_count", info=None, rate_limits={"primary": None, "secondary": None}),
        event("token_count", info=None, rate_limits={
            "primary": {"used_percent": 0, "resets_in_seconds": 17},
            "secondary": {"used_percent": 100.0, "window_minutes": 10079,
                          "resets_at": "2026-11-29T00:00:00Z"}}),
    )  # fmt: skip
    assert payloads == {"rate_limit": [
        {"limit_id": "codex", "plan_type": "pro", "window": "five_hour", "used_percentage": 12.5,
         "window_minutes": 300, "resets_at": 1795318925, "source": "session_file"},
        {"window": "primary", "used_percentage": 0, "resets_in_seconds": 17,
         "source": "session_file"},
        {"window": "seven_day", "used_percentage": 100.0, "window_minutes": 10079,
         "resets_at": "2026-11-29T00:00:00Z", "source": "session_file"},
    ]}  # fmt: skip


def test_a_forks_copied_lines_are_its_own_and_say_where_they_come_from(rollouts: Sessions) -> None:
    records = rollouts.read(
        meta(forked_from_id=PARENT, git={"branch": "topic"}),
        meta(PARENT, cwd="/nowhere/parent", git={"branch": "main"}, cli_version="0.1.0"),
        usage(thread_id=PARENT),
        usage(thread_id=THREAD, response_id="resp_2"),
    )
    assert {record["session_id"] for record in records} == {THREAD}
    assert [record["kind"] for record in records] == ["session", "request", "request"]
    assert [record["payload"]["forked_from"] for record in records] == [PARENT] * 3
    assert [r["payload"]["thread_id"] for r in records[1:]] == [PARENT, THREAD]
    assert (records[1]["project_path"], records[1]["git_branch"]) == ("/nowhere/project", "topic")


def test_a_fork_that_does_not_say_so_is_known_by_the_copied_beginning(rollouts: Sessions) -> None:
    _, request = rollouts.read(meta(), meta(PARENT), usage())
    assert (request["session_id"], request["payload"]["forked_from"]) == (THREAD, PARENT)


def test_a_sub_agents_thread_says_whose_it_is(rollouts: Sessions) -> None:
    spawn = {"parent_thread_id": PARENT, "depth": 1, "agent_role": "explorer"}
    session, request = rollouts.read(
        meta(session_id=PARENT, source={"subagent": {"thread_spawn": spawn}}), usage()
    )
    assert session["payload"] == {
        "source": "subagent", "root_session_id": PARENT, "parent_session_id": PARENT,
        "agent_role": "explorer", "is_sidechain": True, "agent_id": THREAD, "forked_from": PARENT,
    }  # fmt: skip
    assert (request["payload"]["is_sidechain"], request["payload"]["agent_id"]) == (True, THREAD)
    assert request["payload"]["forked_from"] == PARENT
    (review, *_) = rollouts.read(meta(source={"subagent": "review"}))
    assert (review["payload"]["source"], review["payload"]["is_sidechain"]) == ("subagent", True)


def test_the_address_of_the_repository_has_no_credentials(rollouts: Sessions) -> None:
    (record,) = rollouts.read(meta(git={"repository_url": "https://me:pw@github.com/acme/w.git"}))
    assert record["repository"] == record["payload"]["repository_url"]
    assert record["repository"] == "https://github.com/acme/w"
    (record,) = rollouts.read(meta(git={"repository_url": "/srv/git/w.git"}))
    assert record["repository"] is None
    assert "repository_url" not in record["payload"]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (shell_output("x\n"), {"exit_code": 0, "duration_ms": 1234}),
        (shell_output("x\n", "Process running with session ID 7\n"), {"duration_ms": 1234}),
        (
            item("function_call_output", call_id="call_1",
                 output="Exit code: 2\nWall time: 3 seconds\nTotal output lines: 9\nOutput:\nno"),
            {"exit_code": 2, "duration_ms": 3000},
        ),
        (
            item("function_call_output", call_id="call_1", output=json.dumps(
                {"output": "x", "metadata": {"exit_code": -1, "duration_seconds": 0.25}},
                separators=(",", ":"))),
            {"exit_code": -1, "duration_ms": 250},
        ),
        (
            item("function_call_output", call_id="call_1",
                 output={"content": "x", "success": True}),
            {"success": True},
        ),
        (  # of an MCP tool
            item("function_call_output", call_id="call_1",
                 output="Wall time: 0.5000 seconds\nOutput:\nProcess exited with code 3\n"),
            {"duration_ms": 500},
        ),
        (item("custom_tool_call_output", call_id="call_1", output="Exit code: 5\n"), {}),
        (
            event("item_completed", item={"type": "CommandExecution", "id": "call_1",
                  "exit_code": 128, "status": "failed", "duration": {"secs": 1, "nanos": 5000000}}),
            {"exit_code": 128, "success": False, "duration_ms": 1005},
        ),
        (
            event("exec_command_end", call_id="call_1", exit_code=0,
                  duration={"secs": 0, "nanos": 0}),
            {"exit_code": 0, "duration_ms": 0},
        ),
        (
            event("patch_apply_end", call_id="call_1", success=True, changes={
                "a.py": {"type": "update", "unified_diff": "--- a\n+++ b\n@@ -1 +1,2 @@\n-x\n"
                                                           "--- sql\n+y\n+z\n w\n"},
                "b.py": {"type": "add", "content": "1\n2\n"},
                "c.py": {"type": "delete", "content": "3\n"}}),
            {"success": True, "file_path": "a.py", "lines_added": 4, "lines_removed": 3},
        ),
        (
            event("item_completed", item={"type": "FileChange", "id": "call_1",
                  "status": "declined", "changes": [
                      {"path": "a.py", "kind": {"type": "update"}, "diff": "@@\n-x\n+y\n"}]}),
            {"success": False, "file_path": "a.py", "lines_added": 1, "lines_removed": 1},
        ),
        (
            event("mcp_tool_call_end", call_id="call_1", duration={"secs": 2, "nanos": 0},
                  result={"Ok": {"content": [], "isError": False}}),
            {"is_error": False, "duration_ms": 2000},
        ),
        (event("mcp_tool_call_end", call_id="call_1", result={"Err": "no"}), {"is_error": True}),
    ],
)  # fmt: skip
def test_results_tell_what_the_version_writes(
    rollouts: Sessions, output: dict[str, Any], expected: dict[str, Any]
) -> None:
    payloads = rollouts.payloads(output)
    assert payloads == {"tool_result": [{"tool_use_id": "call_1"} | expected]}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"cmd": "cd x && git -C y commit -m z"}, {"command": "cd"}),
        ({"command": ["bash", "-lc", "git commit -am x"]}, {"command": "git commit"}),
        (
            {"command": ["apply_patch", "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n+z\n"
                                        "*** End Patch"]},
            {"command": "apply_patch", "file_path": "a.py", "lines_added": 2, "lines_removed": 1},
        ),
        ({"path": "/p/x.png"}, {"file_path": "/p/x.png"}),
        ([1, 2], {}),
        (7, {}),
    ],
)  # fmt: skip
def test_calls_tell_command_file_and_lines(
    rollouts: Sessions, arguments: object, expected: dict[str, Any]
) -> None:
    call = item("function_call", name="shell", call_id="call_1", arguments=json.dumps(arguments))
    payloads = rollouts.payloads(call)
    assert payloads == {"tool_call": [{"tool_use_id": "call_1", "tool_name": "shell"} | expected]}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (shell_output(f"[main {SHA[:7]}] Add\n{SHA}\n"), [(SHA, "main")]),
        (shell_output(f"[detached HEAD {SHA[:7]}] Add\n"), [(SHA[:7], None)]),
        (  # what followed the commit failed
            shell_output(f"[main {SHA[:7]}] Add\n", "Process exited with code 1\n"),
            [(SHA[:7], "main")],
        ),
        (
            event("exec_command_end", call_id="call_1", exit_code=0,
                  aggregated_output=f"[main {SHA[:7]}] Add\n"),
            [(SHA[:7], "main")],
        ),
        (item("function_call_output", call_id="call_1", output=f"[main {SHA[:7]}] Add\n"), []),
        (
            item("function_call_output", call_id="call_1",
                 output=f"Wall time: 0.1 seconds\nOutput:\n[main {SHA[:7]}] Add\n"),
            [],
        ),
    ],
)  # fmt: skip
def test_commits_are_those_that_a_shell_made(
    rollouts: Sessions, output: dict[str, Any], expected: list[tuple[str, str | None]]
) -> None:
    commits = rollouts.payloads(output).get("commit", [])
    assert [
        (commit["git_commit_id"], commit.get("git_commit_branch")) for commit in commits
    ] == expected


def test_prompts_of_either_version_have_a_length(rollouts: Sessions) -> None:
    content = [{"type": "text", "text": "ab"}, {"type": "image"}, {"type": "text", "text": "cd"}]
    payloads = rollouts.payloads(
        turn(turn_id="t-1"),
        event("user_message", message="hello", kind="plain"),
        event("item_completed", turn_id="t-2",
              item={"type": "UserMessage", "id": "u-1", "content": content}),
    )  # fmt: skip
    assert payloads["prompt"] == [
        {"prompt_id": "t-1", "prompt_length": 5, "prompt_source": "plain"},
        {"prompt_id": "t-2", "message_uuid": "u-1", "prompt_length": len("ab\ncd")},
    ]


def test_archived_and_packed_rollouts_are_read_alike(rollouts: Sessions) -> None:
    plain = lines_of(meta(), usage())
    packed = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(plain)
    rollouts.write(plain)
    rollouts.write(plain, name=f"archived_sessions/rollout-x-{THREAD}.jsonl")
    rollouts.write(gzip.compress(plain), name=f"sessions/2025/rollout-x-{THREAD}.jsonl.gz")
    rollouts.write(
        packed.getvalue().to_pybytes(), name=f"sessions/2025/rollout-x-{THREAD}.jsonl.zst"
    )
    rollouts.write(b"{}", name="history.jsonl")
    records = rollouts.all()
    without_file = [record | {"source_file": ""} for record in records]
    assert len(records) == 8
    assert without_file[:2] * 4 == without_file
    assert rollouts.trouble == Trouble()


@pytest.mark.parametrize(("ending", "begins"), [("gz", b"\x1f\x8b"), ("zst", b"\x28\xb5\x2f\xfd")])
def test_a_packed_file_that_is_damaged_is_said(
    rollouts: Sessions, ending: str, begins: bytes
) -> None:
    packed = pyarrow.BufferOutputStream()
    plain = lines_of(meta(), *[usage(response_id=f"r{n}") for n in range(20_000)])
    with pyarrow.CompressedOutputStream(packed, "zstd" if ending == "zst" else "gzip") as stream:
        stream.write(plain)
    content = packed.getvalue().to_pybytes()
    assert content.startswith(begins)
    cut = rollouts.write(content[: len(content) // 2], name=f"sessions/a.jsonl.{ending}")
    wrong = rollouts.write(b"nothing of the kind", name=f"sessions/b.jsonl.{ending}")
    assert len(rollouts.all()) < 20_000
    assert set(rollouts.trouble.unreadable) == {cut, wrong}
    assert all(rollouts.trouble.unreadable.values())


def test_damaged_lines_are_counted_and_their_neighbours_read(rollouts: Sessions) -> None:
    good = json.dumps(usage()).encode()
    records = rollouts.read(
        good, b"\n", b"{not json}\n", b"[1]\n", b"\0\0\0\n", b"[" * 100_000 + b"\n", b"  \n",
        good.replace(b"resp_1", b"resp\xe9"), b"\n",
        line("response_item", {"type": "function_call", "arguments": "{" * 1000}),
        good[:-20],
    )  # fmt: skip
    assert [record["kind"] for record in records] == ["request", "request", "tool_call"]
    assert rollouts.trouble == Trouble(damaged_lines=5)


def test_an_overlong_line_is_not_kept_in_memory(rollouts: Sessions) -> None:
    rollouts.write(b'{"type":"compacted","payload":"', b"x" * 200_000_000, b'"}\n', usage())
    tracemalloc.start()
    try:
        assert len(rollouts.all()) == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rollouts.trouble == Trouble(damaged_lines=1)
    assert peak < 120_000_000


def test_reading_takes_no_more_memory_for_a_longer_file(rollouts: Sessions) -> None:
    each = lines_of(shell_output("x" * 20_000))
    rollouts.write(each * 1000)
    (file,) = codex.find_session_files(rollouts.folder, rollouts.trouble)
    tracemalloc.start()
    try:
        count = sum(1 for _ in codex.read_session_file(file, rollouts.trouble))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 1000
    assert peak < 3_000_000 < file.size


def test_deeply_nested_arguments_cost_no_neighbour(rollouts: Sessions) -> None:
    nested = '{"a":' * 400 + "1" + "}" * 400
    call = item("function_call", name="mcp", call_id="call_1", arguments=nested)
    assert [record["kind"] for record in rollouts.read(call, usage())] == ["tool_call", "request"]


def test_what_cannot_be_opened_is_said(rollouts: Sessions) -> None:
    path = rollouts.write(usage())
    (path.parent / "gone.jsonl").symlink_to("nowhere")
    os.mkfifo(path.parent / "pipe.jsonl")
    (found,) = codex.find_session_files(rollouts.folder, rollouts.trouble)
    path.unlink()
    assert list(codex.read_session_file(found, rollouts.trouble)) == []
    assert rollouts.trouble.unreadable == {
        path.parent / "gone.jsonl": "No such file or directory",
        path: "No such file or directory",
    }


def test_the_folder_is_the_homes_or_what_codex_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert codex.codex_dir() == Path.home() / ".codex"
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex-work"))
    assert codex.codex_dir() == tmp_path / "codex-work"
    assert codex.codex_dir(tmp_path) == tmp_path / ".codex"
    trouble = Trouble()
    assert codex.find_session_files(tmp_path / "none", trouble) == []
    assert trouble == Trouble()
