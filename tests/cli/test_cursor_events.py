"""What Cursor's hooks tell becomes records of facts, and nothing else of it is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.agents.cursor import NotAnEvent, records_of
from agent_analytics_cli.agents.session_file import Record
from tests.cli.agent_sessions import SHA, Canaries
from tests.cli.cursor_events import SESSION, event, told, tool

AT = datetime(2026, 11, 22, 10, 0, 0, 250_000, UTC)
ABOUT = {"agent_version": "3.15.19", "model": "claude-4.5-sonnet"}
GENERATION = "490b90b7-a2ce-4c2c-bb76-cb77b125df2f"


def records(payload: dict[str, Any], machine: str | None = None) -> list[Record]:
    return records_of(told(payload), AT, machine)


def payloads(payload: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By kind, without what every payload has."""
    return {
        record["kind"]: {
            name: value
            for name, value in record["payload"].items()
            if name not in (*ABOUT, "prompt_id")
        }
        for record in records(payload)
    }


def test_a_record_says_whose_session_where_when_and_by_what(root: Path) -> None:
    (record,) = records(event("beforeSubmitPrompt", str(root), prompt="héllo"), "laptop")
    assert record == {
        "agent": "cursor",
        "session_id": SESSION,
        "kind": "prompt",
        "timestamp": "2026-11-22T10:00:00.250+00:00",
        "project_path": str(root),
        "git_branch": "main",
        "repository": str(root),
        "source_file": ".cursor/hooks.json",
        "payload": ABOUT
        | {"prompt_id": GENERATION, "prompt_length": 5, "machine": "laptop"},
    }  # fmt: skip
    (elsewhere,) = records(event("beforeSubmitPrompt", "/nowhere", prompt=""))
    assert (elsewhere["git_branch"], elsewhere["repository"]) == (None, None)


def test_a_shell_call_tells_its_program_exit_code_and_commits() -> None:
    output = f"[main {SHA[:7]}] words\n 1 file changed\n{SHA}\n"
    for words in ({"output": output, "exitCode": 0}, {"stdout": output, "exitCode": 0}):
        call = tool("Shell", "t1", {"command": "git commit -m 'words'"}, words, duration=543.6)
        assert payloads(call) == {
            "tool_call": {"tool_use_id": "t1", "tool_name": "Shell", "command": "git commit"},
            "tool_result": {
                "tool_use_id": "t1", "success": True, "exit_code": 0, "duration_ms": 544,
            },
            "commit": {"tool_use_id": "t1", "git_commit_id": SHA, "git_commit_branch": "main"},
        }  # fmt: skip


def test_only_a_shell_makes_commits() -> None:
    output = {"output": f"[main {SHA[:7]}] words\n", "exitCode": 0}
    assert "commit" not in payloads(tool("Read", "t1", {"file_path": "/a"}, output))


def test_a_call_that_failed_says_how() -> None:
    failed = event(
        "postToolUseFailure", tool_name="Shell", tool_use_id="t2", tool_input={"command": "ls"},
        error_message="no such file", failure_type="timeout", duration=30000, is_interrupt=False,
    )  # fmt: skip
    assert payloads(failed)["tool_result"] == {
        "tool_use_id": "t2", "success": False, "failure_type": "timeout", "duration_ms": 30000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("edits", "added", "removed"),
    [
        ([("", "a\nb\n")], 2, 0),
        ([("a\nb\nc\n", "a\nB\nc\n")], 1, 1),
        ([("a\nb", "a\nb\nc")], 1, 0),
        ([("a\na\na\n", "a\na\n")], 0, 1),
        ([("x", ""), ("", "y\nz")], 2, 1),
        ([("same\n", "same\n")], 0, 0),
        ([], 0, 0),
    ],
)
def test_an_edit_counts_the_lines_that_changed(
    edits: list[tuple[str, str]], added: int, removed: int
) -> None:
    pairs = [{"old_string": old, "new_string": new} for old, new in edits]
    assert payloads(event("afterFileEdit", file_path="/home/dev/app/a.py", edits=pairs)) == {
        "file_edit": {
            "file_path": "/home/dev/app/a.py", "lines_added": added, "lines_removed": removed,
        }
    }  # fmt: skip


def test_sessions_begin_stop_and_end() -> None:
    start = event(
        "sessionStart", None, session_id=SESSION, composer_mode="agent", is_background_agent=False
    )
    assert payloads(start) == {
        "session": {"event": "start", "session_kind": "agent", "is_background": False}
    }
    assert payloads(event("stop", status="completed", loop_count=0)) == {
        "session": {"event": "stop", "status": "completed", "loop_count": 0}
    }
    end = event("sessionEnd", session_id=SESSION, reason="user_close", duration_ms=45000)
    del end["conversation_id"]
    assert payloads(end) == {
        "session": {"event": "end", "reason": "user_close", "duration_ms": 45000}
    }


def test_of_several_workspaces_the_one_around_the_file_counts() -> None:
    roots = ["/src/app", "/src/app-tools", "/src/app/vendored"]
    for place, expected in (
        ({"file_path": "/src/app-tools/x"}, "/src/app-tools"),
        ({"file_path": "/src/app/vendored/x"}, "/src/app/vendored"),
        ({"file_path": "/etc/x"}, "/src/app"),
    ):
        (record,) = records(event("afterFileEdit", workspace_roots=roots, edits=[], **place))
        assert record["project_path"] == expected
    (record, _) = records(tool("Shell", "t", {}, workspace_roots=[], cwd="/src/other"))
    assert record["project_path"] == "/src/other"
    (record,) = records(event("stop", None))
    assert record["project_path"] is None


def test_no_text_of_any_event_is_kept() -> None:
    """And no address of a person's: who works here is `developer_id`."""
    say = Canaries()
    events = [
        event("beforeSubmitPrompt", prompt=say(), attachments=[{"file_path": "/a", "x": say()}]),
        tool("Shell", "a", {"command": f"cat <<X\n{say()}\nX"}, {"output": say(), "exitCode": 1}),
        tool("Write", "b", {"file_path": "/home/dev/app/a", "content": say()}, {"x": say()}),
        tool("MCP:docs:search", "c", json.dumps({"query": say()}), {"content": say()}),
        tool(say(), say(), say(), say()),
        event("postToolUseFailure", tool_name="Read", tool_use_id="d",
              tool_input={"file_path": say()}, error_message=say(), failure_type=say()),
        event("afterFileEdit", file_path="/a", edits=[{"old_string": say(), "new_string": say()}]),
        event("stop", status=say(), more=say()),
        event("sessionEnd", reason=say(), error_message=say(), final_status=say()),
        event("afterAgentResponse", text=say()),
        event("afterAgentThought", text=say()),
    ]  # fmt: skip
    found = [record for payload in events for record in records(payload)]
    paths = [record["payload"].pop("file_path", None) for record in found]
    assert say.found_in(found) == []
    assert sum(path is not None and "secret" in path for path in paths) == 1  # a path may have any
    assert "jo@acme.example" not in json.dumps(found)


def test_events_of_no_use_and_of_no_session_tell_nothing() -> None:
    assert records(event("beforeShellExecution", command="ls")) == []
    assert records(event("stop", conversation_id=None)) == []
    assert records(event("stop", conversation_id="not an id")) == []


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff\xfe", b'{"conversation_id":"x"}', b"1"])
def test_what_is_no_event_is_said(text: bytes) -> None:
    with pytest.raises(NotAnEvent, match="agents enable cursor"):
        records_of(text, AT)


@pytest.mark.parametrize(
    "broken",
    [
        {"workspace_roots": "x"}, {"workspace_roots": [1, None, ""]}, {"tool_input": None},
        {"tool_input": "{"}, {"tool_output": None}, {"tool_output": "["}, {"tool_output": "[1]"},
        {"tool_name": 3}, {"duration": "long"}, {"duration": -1}, {"cwd": 7}, {"model": {}},
        {"tool_output": '{"exitCode": "0", "output": 5}'},
    ],
)  # fmt: skip
def test_a_field_that_is_not_as_documented_costs_itself_alone(broken: dict[str, Any]) -> None:
    call = tool("Shell", "t", {"command": "ls"}, {"output": "", "exitCode": 0}) | broken
    assert [record["kind"] for record in records(call)] == ["tool_call", "tool_result"]
    edit = event("afterFileEdit", file_path=1, edits=[None, {"old_string": 2}, "x"])
    assert payloads(edit) == {"file_edit": {"lines_added": 0, "lines_removed": 0}}
