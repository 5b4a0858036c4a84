"""The edits that session files tell: the lines that a commit adds are known again, no code is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.agents import READERS, claude_code, codex, copilot_cli, gemini_cli
from agent_analytics_cli.agents.edit_lines import edit_payloads
from agent_analytics_cli.agents.session_file import Reading, Record, Trouble
from agent_analytics_collector.api.payloads import SessionRecord
from agent_analytics_collector.edit_texts import (
    FileEdit,
    from_arguments,
    from_patch,
    from_texts,
    from_unified_diff,
)
from agent_analytics_collector.line_hashes import LineHasher

from .agent_sessions import FIXTURES, Canaries, Sessions, recorded

HASHER = LineHasher(b"k" * 32)
NEW = ["a = 1", "b = 2", "print(a + b)"]
HELLO = ["    x = 'hello'", "    return x"]
TOLD = {
    "tool_use_id", "file_path", "part", "added_line_hashes", "removed_line_hashes", "lines_added",
    "lines_removed", "agent_version", "is_sidechain", "agent_id", "forked_from",
}  # fmt: skip
THREAD = "01a2015a-7fdf-7a92-bb2d-647dfd68c5a7"
AT = "2026-11-22T03:39:05.065Z"

Write = Callable[..., Sessions]


def edits_of(agent: str, home: Path) -> list[Record]:
    reader = READERS[agent]
    return [
        record
        for file in reader.find(reader.folder(home), Trouble())
        for record in reader.read(file, Trouble(), Reading(), HASHER)
        if record["kind"] == "edit"
    ]


def hashes(edits: Iterable[dict[str, Any]], name: str = "added_line_hashes") -> list[str]:
    """Those of payloads or of records."""
    return [word for edit in edits for word in edit.get("payload", edit)[name].split()]


def added_by(bundle: Path, folder: Path, commit: str) -> dict[str, list[str]]:
    """The lines that a commit adds, by file."""
    if not folder.exists():
        subprocess.run(["git", "clone", "-q", bundle, folder], check=True)
    said = subprocess.run(
        ["git", "show", "--format=", "-U0", commit],
        cwd=folder, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found: dict[str, list[str]] = {}
    for part in said.split("diff --git ")[1:]:
        path = part.split(" b/")[0].removeprefix("a/")
        found[path] = list(from_unified_diff(path, part).added)
    return found


@pytest.mark.parametrize("scenario", recorded("claude"))
def test_the_lines_of_a_recorded_commit_are_lines_that_its_session_wrote(
    scenario: str, tmp_path: Path
) -> None:
    folder = FIXTURES / "claude" / scenario
    records = [
        record
        for record in claude_code.read_records(folder / "home" / ".claude", None, HASHER)
        if record["kind"] in ("edit", "commit")
    ]
    edits = [record for record in records if record["kind"] == "edit"]
    for record in (record for record in records if record["kind"] == "commit"):
        sha = record["payload"]["git_commit_id"]
        of_session = [each for each in edits if each["session_id"] == record["session_id"]]
        added = added_by(folder / "repo.bundle", tmp_path / "repo", sha)
        assert "new.py" in added
        for path, lines in added.items():
            here = [each for each in of_session if each["payload"]["file_path"].endswith(path)]
            # What the recording itself put there, as a script named gh, is nobody's edit.
            assert here or path == "bin/gh"
            if here:
                assert set(HASHER.of_all(lines)) <= set(hashes(here))


@pytest.mark.parametrize(
    ("agent", "scenario", "lines"),
    [
        ("codex", "i-gpt55", NEW),
        ("gemini_cli", "b-tools-grpc", NEW + HELLO),
        ("gemini_cli", "c-http", NEW + HELLO),
        ("copilot_cli", "d-anthropic", NEW + HELLO),
        # These tools were none of the model's, so nothing was written.
        ("codex", "b-tools-grpc", []),
        ("copilot_cli", "b-tools-protobuf", []),
    ],
)
def test_the_recorded_edits_of_the_other_agents_are_told(
    agent: str, scenario: str, lines: list[str]
) -> None:
    found = edits_of(agent, FIXTURES / agent.removesuffix("_cli") / scenario / "home")
    assert hashes(found) == HASHER.of_all(lines)
    old = ["    return 'hi'"] if HELLO[0] in lines else []
    assert hashes(found, "removed_line_hashes") == HASHER.of_all(old)
    for edit in found:
        assert Path(edit["payload"]["file_path"]).parent.name.endswith(scenario)
        assert edit["payload"]["tool_use_id"]


@pytest.mark.parametrize(
    ("agent", "scenario"),
    [
        (agent, scenario)
        for agent in READERS
        for scenario in recorded(agent.split("_")[0])
    ],
)  # fmt: skip
def test_no_recorded_line_of_code_is_in_any_record(agent: str, scenario: str) -> None:
    home = FIXTURES / agent.split("_")[0] / scenario / "home"
    reader = READERS[agent]
    for file in reader.find(reader.folder(home), Trouble()):
        for record in reader.read(file, Trouble(), Reading(), HASHER):
            said = json.dumps(record)
            assert not [line for line in NEW + HELLO if line.strip() in said]
            if record["kind"] == "edit":
                assert record["payload"].keys() <= TOLD


@pytest.fixture
def sessions(tmp_path: Path) -> Write:
    """Session files of an agent, told by their lines."""
    names = {
        claude_code: ".claude/projects/-p/s.jsonl",
        codex: f".codex/sessions/2026/11/22/rollout-2026-11-22T03-42-00-{THREAD}.jsonl",
        gemini_cli: ".gemini/tmp/p/chats/session-1.jsonl",
        copilot_cli: ".copilot/session-state/s-1/events.jsonl",
    }

    def write(agent: Any, *lines: Any) -> Sessions:
        folder, _, name = names[agent].partition("/")
        found = Sessions(agent, tmp_path / folder, name)
        found.write(*lines)
        return found

    return write


def told(written: Sessions) -> list[dict[str, Any]]:
    """Payloads of the edits, with the file read in two parts."""
    found: list[Record] = []
    for file in written.agent.find_session_files(written.folder, written.trouble):
        content = file.path.read_bytes()
        reading = Reading()
        for end in (content.rindex(b"\n", 0, -1) + 1 if content.count(b"\n") > 1 else 0, None):
            file.path.write_bytes(content[:end])
            found += written.agent.read_session_file(file, written.trouble, reading, HASHER)
            reading = Reading(reading.offset, json.loads(json.dumps(reading.context)))
    return [record["payload"] for record in found if record["kind"] == "edit"]


def claude_result(result: Any, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = blocks or ({"type": "tool_result", "tool_use_id": "t-1", "content": "ok"},)
    return {
        "type": "user", "sessionId": "s-1", "timestamp": AT, "cwd": "/code",
        "message": {"role": "user", "content": [*content]}, "toolUseResult": result,
    } | more  # fmt: skip


def test_hunks_and_created_files_of_claude_code_are_told_and_failures_are_not(
    sessions: Write,
) -> None:
    hunks = [
        {"lines": [" kept here", "-was here", "+is here", "\\ No newline at end of file"]},
        {"lines": ["+one more"]},
    ]
    patched = {"filePath": "/code/a.py", "structuredPatch": hunks}
    created = {"filePath": "/code/b.py", "type": "create", "content": "first\nsecond\n"}
    error = {"type": "tool_result", "tool_use_id": "t-2", "is_error": True, "content": "no"}
    fine = {"type": "tool_result", "tool_use_id": "t-3", "content": "ok"}
    found = told(
        sessions(
            claude_code,
            claude_result(patched, forkedFrom={"sessionId": "s-0"}),
            claude_result(created | {"structuredPatch": []}),
            claude_result(patched, error),
            claude_result(patched, fine, fine),
            claude_result("Error: String to replace not found in file."),
            claude_result(created | {"filePath": None}),
        )
    )
    assert [(each["file_path"], each["lines_added"], each["lines_removed"]) for each in found] == [
        ("/code/a.py", 2, 1),
        ("/code/b.py", 2, 0),
    ]
    assert [each.get("forked_from") for each in found] == ["s-0", None]
    assert hashes(found) == HASHER.of_all(["is here", "one more", "first", "second"])
    assert hashes(found, "removed_line_hashes") == HASHER.of_all(["was here"])


PATCH = """*** Begin Patch
*** Add File: new.py
+first line
*** Update File: src/old.py
*** Move to: src/moved.py
@@ def old():
 context line
-removed line
+added line
*** Delete File: gone.py
*** End Patch
"""
APPLIED = "Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\n"


def rollout(*payloads: dict[str, Any]) -> list[dict[str, Any]]:
    meta = {"id": THREAD, "cwd": "/code", "cli_version": "0.99.0"}
    lines = [{"timestamp": AT, "type": "session_meta", "payload": meta}]
    for payload in payloads:
        kind = "event_msg" if payload["type"].endswith("_end") else "response_item"
        lines.append({"timestamp": AT, "type": kind, "payload": payload})
    return lines


def patch_call(**more: Any) -> dict[str, Any]:
    return {"type": "custom_tool_call", "call_id": "c-1", "name": "apply_patch"} | more


def output(text: Any) -> dict[str, Any]:
    return {"type": "custom_tool_call_output", "call_id": "c-1", "output": text}


SHELL = {"command": ["bash", "-lc", f"apply_patch <<'EOF'\n{PATCH}EOF"], "workdir": "/code"}


@pytest.mark.parametrize(
    "call",
    [
        patch_call(input=PATCH),
        patch_call(type="function_call", arguments=json.dumps({"input": PATCH})),
        patch_call(type="function_call", name="shell", arguments=json.dumps(SHELL)),
        patch_call(type="local_shell_call", action=SHELL),
    ],
)
@pytest.mark.parametrize(
    "said", [APPLIED, json.dumps({"output": APPLIED}), [{"type": "input_text", "text": APPLIED}]]
)
def test_a_patch_of_codex_counts_once_it_was_applied(
    sessions: Write, call: dict[str, Any], said: Any
) -> None:
    found = told(sessions(codex, *rollout(call, output(said))))
    assert [(each["file_path"], each["tool_use_id"]) for each in found] == [
        ("/code/new.py", "c-1"),
        ("/code/src/moved.py", "c-1"),
    ]
    assert hashes(found) == HASHER.of_all(["first line", "added line"])
    assert hashes(found, "removed_line_hashes") == HASHER.of_all(["removed line"])


def test_a_patch_that_an_event_tells_is_told_once_and_a_refused_one_never(
    sessions: Write,
) -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-was here\n+is here\n+and here\n"
    changes = {
        "/code/x.py": {"type": "update", "unified_diff": diff, "move_path": "/code/y.py"},
        "/code/z.py": {"type": "delete", "content": "gone now\n"},
    }
    event = {"type": "patch_apply_end", "call_id": "c-1", "changes": changes, "success": True}
    found = told(sessions(codex, *rollout(patch_call(input=PATCH), event, output(APPLIED))))
    assert [each["file_path"] for each in found] == ["/code/y.py", "/code/z.py"]
    assert hashes(found) == HASHER.of_all(["is here", "and here"])
    assert hashes(found, "removed_line_hashes") == HASHER.of_all(["was here", "gone now"])

    refused = event | {"success": False}
    for lines in (
        rollout(patch_call(input=PATCH), refused, output(APPLIED)),
        rollout(patch_call(input=PATCH), output("patch rejected by user")),
        rollout(output(APPLIED)),
    ):
        assert told(sessions(codex, *lines)) == []


def copilot(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": AT, "data": {"toolCallId": "c-1"} | data}


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"path": "src/a.py", "old_str": "kept\nwas here", "new_str": "kept\nis here"}, "src/a.py"),
        ({"command": "insert", "path": "/w/a.py", "insert_line": 1, "new_str": "is here"}, None),
        (PATCH.replace("added line", "is here"), "src/moved.py"),
    ],
)
def test_an_edit_of_copilot_cli_counts_once_it_succeeded(
    sessions: Write, arguments: Any, path: str | None
) -> None:
    start = copilot("session.start", sessionId="s-1", context={"cwd": "/code"})
    asked = copilot("tool.execution_start", toolName="edit", arguments=arguments)
    done = copilot("tool.execution_complete", success=True)
    found = told(sessions(copilot_cli, start, asked, done))
    assert found[-1]["file_path"] == (f"/code/{path}" if path else "/w/a.py")
    assert hashes(found)[-1:] == HASHER.of_all(["is here"])
    failed = copilot("tool.execution_complete", success=False)
    assert told(sessions(copilot_cli, start, asked, failed, done)) == []
    looked = copilot("tool.execution_start", toolName="view", arguments={"path": "a.py"})
    assert told(sessions(copilot_cli, start, looked, done)) == []


def test_an_edit_of_gemini_cli_is_told_by_the_best_that_is_there(sessions: Write) -> None:
    arguments = {"file_path": "/code/a.py", "old_string": "was here", "new_string": "is here"}
    diff = "Index: a.py\n===\n--- a.py\n+++ a.py\n@@ -1 +1 @@\n-was here\n+is here twice\n"
    shown = {"filePath": "/code/a.py", "fileDiff": diff}
    whole = {"originalContent": "top\nwas here\n", "newContent": "top\nis here\nis here\n"}

    def chat(name: str = "replace", status: str = "success", **display: Any) -> list[Any]:
        call = {
            "id": "c-1", "name": name, "status": status, "timestamp": AT, "args": arguments,
            "resultDisplay": display,
        }  # fmt: skip
        message = {"id": "m", "type": "gemini", "timestamp": AT, "toolCalls": [call]}
        return [{"sessionId": "s-1", "startTime": AT}, message]

    for display, lines in (
        ({}, ["is here"]),
        (shown, ["is here twice"]),
        (shown | whole, ["is here", "is here"]),
    ):
        found = told(sessions(gemini_cli, *chat(**display)))
        assert hashes(found) == HASHER.of_all(lines)
        assert hashes(found, "removed_line_hashes") == HASHER.of_all(["was here"])
    assert told(sessions(gemini_cli, *chat(status="error"))) == []
    assert told(sessions(gemini_cli, *chat(name="save_memory"))) == []


def test_no_planted_word_of_an_edit_is_found_again(sessions: Write) -> None:
    word = Canaries()
    patch = (
        f"*** Begin Patch\n*** Update File: a.py\n@@ {word()}\n {word()}\n-{word()}\n+{word()}\n"
    )
    hunks = [{"lines": [f"+{word()}", f"-{word()}", f" {word()}"]}]
    display = {"filePath": "/w/a", "originalContent": word(), "newContent": word()}
    call = {
        "id": "c-1", "name": "write_file", "status": "success", "timestamp": AT,
        "args": {"content": word()}, "resultDisplay": display | {"fileDiff": word()},
    }  # fmt: skip
    asked = {"path": "/w/a.py", "old_str": word(), "new_str": word(), "file_text": word()}
    for written in (
        sessions(codex, *rollout(patch_call(input=patch), output(APPLIED + word()))),
        sessions(
            claude_code,
            claude_result({"filePath": "/w/a", "structuredPatch": hunks, "oldString": word()}),
            claude_result({"filePath": "/w/b", "type": "create", "content": word()}),
        ),
        sessions(
            gemini_cli,
            {"sessionId": "s-1", "startTime": AT},
            {"id": "m", "type": "gemini", "timestamp": AT, "toolCalls": [call]},
        ),
        sessions(
            copilot_cli,
            copilot("tool.execution_start", toolName="edit", arguments=asked),
            copilot("tool.execution_complete", success=True, result={"content": word()}),
        ),
    ):
        records: list[Record] = []
        kept = []
        for file in written.agent.find_session_files(written.folder, written.trouble):
            reading = Reading()
            records += written.agent.read_session_file(file, written.trouble, reading, HASHER)
            kept.append({"payload": reading.context})
        assert hashes(each for each in records if each["kind"] == "edit")
        assert word.found_in(records) == word.found_in(kept) == []


def test_edits_that_wait_for_their_outcome_are_kept_without_a_word_of_code(
    sessions: Write,
) -> None:
    word = Canaries()
    patch = f"*** Begin Patch\n*** Add File: a.py\n+{word()}\n*** End Patch\n"
    written = sessions(codex, *rollout(patch_call(input=patch)))
    (file,) = codex.find_session_files(written.folder, written.trouble)
    reading = Reading()
    assert len(list(codex.read_session_file(file, Trouble(), reading, HASHER))) == 2
    assert "added_line_hashes" in json.dumps(reading.context)
    assert word.found_in([{"kept": reading.context}]) == []


def test_a_long_edit_comes_in_parts_that_the_api_takes() -> None:
    path = "/" + "\U0001f600" * 1000
    edit = FileEdit(path, [f"line {n}" for n in range(5000)], [f"was {n}" for n in range(4000)])
    parts = list(edit_payloads([edit], "t" * 128, HASHER))
    assert [part["part"] for part in parts] == [0, 1, 2, 3]
    assert hashes(parts) == HASHER.of_all(edit.added)
    assert hashes(parts, "removed_line_hashes") == HASHER.of_all(edit.removed)
    assert [part.get("lines_added") for part in parts] == [5000, None, None, None]
    for part in parts:
        assert len(json.dumps(part, ensure_ascii=False).encode()) < 60 * 1024
        about = {"agent": "a", "session_id": "s", "kind": "edit", "timestamp": AT}
        SessionRecord.model_validate(about | {"payload": part})

    endless = FileEdit("/a", ["line of code"] * 1_000_000, [])
    assert len(hashes(edit_payloads([endless], None, HASHER))) == 20_000


def test_lines_that_both_texts_have_are_no_part_of_an_edit() -> None:
    edit = from_texts("a", "one\ntwo\ntwo\nthree\n", "three\none\ntwo\nfour\ntwo\ntwo")
    assert (edit.added, edit.removed) == (["four", "two"], [])
    assert from_texts("a", "", "one\n\ntwo").added == ["one", "", "two"]
    several = from_arguments(
        {
            "file_path": "a.py",
            "edits": [
                {"old_string": "one", "new_string": "two"},
                {"old_string": "three", "new_string": "four"},
            ],
        }
    )
    assert several == [FileEdit("a.py", ["two", "four"], ["one", "three"])]
    assert from_arguments({"notebook_path": "a.ipynb", "new_source": "x = 1"}) == []
    assert from_arguments({"path": "a.py"}) == from_arguments("[1]") == from_arguments("{") == []


def test_a_patch_is_taken_apart_file_by_file() -> None:
    assert from_patch(PATCH) == [
        FileEdit("new.py", ["first line"], []),
        FileEdit("src/moved.py", ["added line"], ["removed line"]),
    ]
