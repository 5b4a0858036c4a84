"""Claude Code's session files: what is read of them, and that no text of them is."""

from __future__ import annotations

import json
import os
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.agents.claude_code import (
    config_dir,
    find_session_files,
    read_records,
    read_session_file,
)
from agent_analytics_cli.agents.session_file import Record, Trouble

RECORDED = sorted(
    folder.name
    for folder in (Path(__file__).parents[1] / "fixtures" / "claude").iterdir()
    if (folder / "home").is_dir()
)
ABOUT = {
    "sessionId": "s-1",
    "timestamp": "2026-11-22T03:39:05.065Z",
    "cwd": "/nowhere/project",
    "gitBranch": "main",
    "version": "2.1.330",
    "isSidechain": False,
    "uuid": "u-1",
}
SHA = "88247cc69e4061af98a05d011ca3d0ed688f7300"
OTHER = "f" * 7 + "0" * 33


def answer(*content: Any, **changes: Any) -> dict[str, Any]:
    """An assistant line; its usage has no parts."""
    message = {"id": "msg_1", "model": "claude-opus-5-5", "content": list(content), "usage": {}}
    return ABOUT | {"type": "assistant", "requestId": "req_1", "message": message} | changes


def user(content: Any, **changes: Any) -> dict[str, Any]:
    return ABOUT | {"type": "user", "message": {"role": "user", "content": content}} | changes


def result(content: Any, told: Any = None, **changes: Any) -> dict[str, Any]:
    """A user line with the result of a tool; `told` is its toolUseResult."""
    block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content} | changes
    return user([block], toolUseResult=told)


def shell(stdout: str, **changes: Any) -> dict[str, Any]:
    return result(stdout, {"stdout": stdout, "stderr": ""} | changes)


class Folder:
    """A Claude Code folder that is filled by the test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.trouble = Trouble()

    def write(self, *lines: Any, name: str = "-p/s-1.jsonl") -> Path:
        """A session file; bytes are written as they are."""
        path = self.root / "projects" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            b"".join(
                line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
                for line in lines
            )
        )
        return path

    def read(self, *lines: Any) -> list[Record]:
        """The records of a file of these lines."""
        self.write(*lines)
        return list(read_records(self.root, self.trouble))

    def payloads(self, *lines: Any) -> dict[str, list[dict[str, Any]]]:
        """Payloads by kind, without what all have."""
        found: dict[str, list[dict[str, Any]]] = {}
        for record in self.read(*lines):
            payload = record["payload"]
            assert payload.pop("agent_version") == "2.1.330"
            assert payload.pop("is_sidechain") is False
            found.setdefault(record["kind"], []).append(payload)
        return found


@pytest.fixture
def claude(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "dev" / ".claude")


def raw_lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in folder.rglob("*.jsonl"):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("scenario", RECORDED)
def test_every_answer_of_the_recordings_is_a_request_with_its_tokens(
    fixtures: Path, scenario: str
) -> None:
    folder = fixtures / "claude" / scenario / "home" / ".claude"
    trouble = Trouble()
    requests = [
        record for record in read_records(folder, trouble) if record["kind"] == "request"
    ]  # fmt: skip
    answers = [line for line in raw_lines(folder) if line["type"] == "assistant"]
    assert answers
    assert sorted(
        (line["requestId"], line["uuid"], line["message"]["usage"]["input_tokens"],
         line["message"]["usage"]["cache_read_input_tokens"],
         line["message"]["usage"]["cache_creation"]["ephemeral_5m_input_tokens"],
         line["message"]["usage"]["output_tokens"], line["message"]["model"],
         line["sessionId"], line["timestamp"], line["cwd"], line["version"])
        for line in answers
    ) == sorted(
        (record["payload"]["request_id"], record["payload"]["message_uuid"],
         record["payload"]["input_tokens"], record["payload"]["cache_read_tokens"],
         record["payload"]["cache_creation_5m_tokens"], record["payload"]["output_tokens"],
         record["payload"]["model"], record["session_id"], record["timestamp"],
         record["project_path"], record["payload"]["agent_version"])
        for record in requests
    )  # fmt: skip
    assert trouble == Trouble()


@pytest.mark.parametrize("scenario", RECORDED)
def test_the_recorded_commit_is_told_with_its_full_sha(fixtures: Path, scenario: str) -> None:
    log = (fixtures / "claude" / scenario / "git_log.txt").read_text(encoding="utf-8")
    in_history = {line.split()[0] for line in log.splitlines() if "dev@example.com" in line}
    folder = fixtures / "claude" / scenario / "home" / ".claude"
    commits = [
        record["payload"] for record in read_records(folder) if record["kind"] == "commit"
    ]  # fmt: skip
    ran_git = any("git commit" in json.dumps(line) for line in raw_lines(folder))
    assert len(commits) == ran_git
    for commit in commits:
        assert commit["git_commit_id"] in in_history
        assert commit["git_commit_branch"] == "main"
        assert commit["commit_kind"] == "committed"


def test_a_record_says_where_it_comes_from_and_nothing_more_than_the_contract(
    fixtures: Path,
) -> None:
    folder = fixtures / "claude" / "c-commit" / "home" / ".claude"
    records = list(read_records(folder))
    (path,) = folder.rglob("*.jsonl")
    assert {tuple(record) for record in records} == {
        ("agent", "session_id", "kind", "timestamp", "project_path", "git_branch", "repository",
         "source_file", "payload")
    }  # fmt: skip
    assert {record["source_file"] for record in records} == {
        f".claude/{path.relative_to(folder).as_posix()}"
    }
    assert [record["kind"] for record in records if record["kind"] != "request"] == [
        "prompt", "tool_call", "tool_result", "tool_call", "tool_result", "commit",
    ]  # fmt: skip
    prompt, write, written, bash, ran, _ = (
        record["payload"] for record in records if record["kind"] != "request"
    )
    assert prompt == {
        "prompt_id": "60d3e93c-624d-4dbc-b4ca-438debbaed67",
        "message_uuid": "c3be2fb5-bc6c-4d63-ab92-12e88aa95d0c",
        "prompt_length": len("write and commit"),
        "prompt_source": "sdk",
        "agent_version": "2.1.330",
        "is_sidechain": False,
    }
    assert (write["tool_name"], write["file_path"], write["lines_added"]) == (
        "Write", "/home/dev/src/claude-c-commit/new.py", 3,
    )  # fmt: skip
    assert (written["decision"], written["decision_source"]) == ("accept", "config")
    assert (written["lines_added"], written["lines_removed"]) == (3, 0)
    assert (bash["tool_name"], bash["command"]) == ("Bash", "git add")
    assert (ran["is_error"], ran["tool_use_id"]) == (False, bash["tool_use_id"])


def test_a_subagents_file_belongs_to_the_session_that_started_it(fixtures: Path) -> None:
    folder = fixtures / "claude" / "l-subagent" / "home" / ".claude"
    records = list(read_records(folder))
    of_agent = [record for record in records if "/subagents/" in record["source_file"]]
    assert [record["kind"] for record in of_agent] == ["prompt", "request"]
    assert len({record["session_id"] for record in records}) == 1
    assert {record["payload"]["agent_id"] for record in of_agent} == {"ac591017d0b987cd3"}
    assert all(record["payload"]["is_sidechain"] for record in of_agent)


def test_files_are_read_in_the_order_of_their_paths(claude: Folder) -> None:
    names = ["-b/2.jsonl", "-a/9.jsonl", "-b/1.jsonl", "-b/1/subagents/agent-x.jsonl", "-a/0.txt"]
    for name in names:
        claude.write(user("hi", sessionId=name), name=name)
    assert [record["session_id"] for record in read_records(claude.root)] == [
        "-a/9.jsonl", "-b/1/subagents/agent-x.jsonl", "-b/1.jsonl", "-b/2.jsonl",
    ]  # fmt: skip


def test_no_text_of_a_session_reaches_a_record(claude: Folder) -> None:
    words = (f"CANARY{number:03d} secret words" for number in range(1000))
    planted: list[str] = []

    def canary(before: str = "") -> str:
        planted.append(next(words))
        return before + planted[-1]

    def tool(name: str, **given: Any) -> dict[str, Any]:
        return {"type": "tool_use", "id": "toolu_1", "name": name, "input": given}

    records = claude.read(
        user(canary(), promptSource=canary(), origin={"kind": canary()}, slug=canary()),
        user([{"type": "text", "text": canary()}, {"type": "image", "source": {"data": canary()}},
              {"type": "document", "title": canary(), "source": {"data": canary()}}]),
        user(canary(), isCompactSummary=True, isVisibleInTranscriptOnly=True),
        answer({"type": "thinking", "thinking": canary(), "signature": canary()},
               {"type": "redacted_thinking", "data": canary()},
               {"type": "text", "text": canary(), "citations": [{"cited_text": canary()}]},
               error=canary(), attributionAgent=canary()),
        answer(tool("Bash", command=canary("git commit -m '") + "'", description=canary()),
               tool("Bash", command=canary("cat > a.py <<'EOF'\n") + "\nEOF\n" + canary()),
               tool("Bash", command=canary('TOKEN="') + '" curl -H "' + canary() + '" host'),
               tool("Write", file_path="/p/a.py", content=canary()),
               tool("Edit", file_path="/p/a.py", old_string=canary(), new_string=canary()),
               tool("MultiEdit", edits=[{"old_string": canary(), "new_string": canary()}]),
               tool("NotebookEdit", notebook_path="/p/a.ipynb", new_source=canary()),
               tool("Grep", pattern=canary(), path="/p", glob=canary()),
               tool("Task", prompt=canary(), description=canary(), subagent_type="explore"),
               tool("WebFetch", url=canary("https://host/"), prompt=canary()),
               tool("mcp__server__say", message=canary(), path=["x", canary()]),
               tool(canary(), anything=canary()),
               {"type": "server_tool_use", "id": "srv_1", "name": "web_search",
                "input": {"query": canary()}},
               {"type": "web_search_tool_result", "content": [{"title": canary()}]}),
        shell(canary(f"[main {SHA[:7]}] ") + "\n" + canary() + f"\n{SHA}\n", stderr=canary(),
              gitOperation={"commit": {"sha": SHA[:7], "kind": canary(), "branch": canary()},
                            "pr": {"url": canary()}}),
        shell(f"[{canary()} {OTHER[:7]}] {canary()}\n"),
        result([{"type": "text", "text": canary()}, {"type": "image", "source": canary()}]),
        result(canary("Exit code 3\n"), canary("Error: Exit code 3\n"), is_error=True),
        result("ok", {"type": "create", "filePath": "/p/a", "content": canary(),
                      "originalFile": canary(), "structuredPatch": []}),
        result("ok", {"oldString": canary(), "newString": canary(), "originalFile": canary(),
                      "structuredPatch": [{"lines": [canary("-"), canary("+"), canary(" ")]}]}),
        result("ok", {"type": "text", "file": {"content": canary()}, "durationMs": canary()}),
        result("ok", {"prompt": canary(), "content": [{"type": "text", "text": canary()}]}),
        result("ok", {"questions": [canary()], "answers": {canary(): canary()}}),
        result("ok", [canary(), {"text": canary()}], is_error=canary()),
        user([{"type": "tool_result", "tool_use_id": canary(), "content": "no"}],
             permissionDecision={"decision": canary(), "source": canary(), "reason": canary()}),
        ABOUT | {"type": "attachment", "attachment": {"content": canary()}, "rendered": canary()},
        ABOUT | {"type": "system", "subtype": "local_command", "content": canary()},
        ABOUT | {"type": "system", "subtype": "api_error", "error": {"message": canary()}},
        ABOUT | {"type": "summary", "summary": canary(), "leafUuid": "u"},
        ABOUT | {"type": "custom-title", "customTitle": canary()},
        ABOUT | {"type": "ai-title", "aiTitle": canary()},
        ABOUT | {"type": "last-prompt", "lastPrompt": canary()},
        ABOUT | {"type": "queue-operation", "operation": "enqueue", "content": canary()},
        ABOUT | {"type": "file-history-snapshot", "snapshot": {"content": canary()}},
        ABOUT | {"type": "api-request-blob", "message": {"role": "user", "content": canary()}},
        ABOUT | {"type": "progress", "data": {"message": answer({"text": canary()})}},
        ABOUT | {"type": canary(), "message": {"content": canary()}},
        user("hi", sessionId=canary()),
        user("hi", timestamp=canary()),
        user("hi", gitBranch=canary(), version=canary(), agentId=canary(), uuid=canary(),
             promptId=canary(), isMeta=canary(), forkedFrom={"sessionId": canary()}),
        answer(requestId=canary(), requestedModel=canary(),
               message={"id": canary(), "model": canary(), "stop_reason": canary(),
                        "usage": {"input_tokens": canary(), "speed": canary(),
                                  "service_tier": canary(), "cache_creation": canary()}}),
    )  # fmt: skip
    assert len(planted) > 100
    kinds = {record["kind"] for record in records}
    assert kinds == {"prompt", "request", "tool_call", "tool_result", "commit"}
    said = json.dumps(records)
    assert [word for word in planted if word.split()[0] in said] == []
    assert "secret" not in said
    assert claude.trouble == Trouble()


def test_values_that_are_too_long_or_of_another_kind_are_left_out(claude: Folder) -> None:
    long = "x" * 2000
    payloads = claude.payloads(
        answer(
            {"type": "tool_use", "id": long, "name": 7, "input": {"file_path": "/" + long}},
            requestId=long,
            requestedModel=["claude"],
            message={
                "model": "m", "content": "text",
                "usage": {
                    "input_tokens": -1, "output_tokens": 2**64, "cache_read_input_tokens": True,
                    "cache_creation": None, "output_tokens_details": [],
                },
            },
        ),
        answer({"type": "tool_use", "id": long, "name": 7, "input": {"file_path": "/" + long}}),
    )  # fmt: skip
    assert payloads["request"][0] == {"message_uuid": "u-1", "model": "m"}
    assert payloads["tool_call"] == [
        {"request_id": "req_1", "message_id": "msg_1", "message_uuid": "u-1"}
    ]
    (record,) = claude.read(user("hi", cwd="/" + long, gitBranch=long))
    assert (record["project_path"], record["git_branch"]) == (None, None)


def test_lines_of_older_versions_are_read_as_far_as_they_go(claude: Folder) -> None:
    line = answer({"type": "text", "text": "hello"})
    del line["requestId"], line["isSidechain"], line["version"]
    line["message"]["usage"] = {"input_tokens": 3, "output_tokens": 5}
    (record,) = claude.read(line)
    assert record["payload"] == {
        "message_id": "msg_1", "message_uuid": "u-1", "model": "claude-opus-5-5",
        "input_tokens": 3, "output_tokens": 5,
    }  # fmt: skip
    without_usage = answer({"type": "tool_use", "id": "toolu_1", "name": "Read", "input": None})
    del without_usage["message"]["usage"]
    assert list(claude.payloads(without_usage)) == ["tool_call"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestamp", None), ("timestamp", 1795318745), ("timestamp", "2026-02-31T00:00:00Z"),
        ("timestamp", "2026-11-22T03:39:05"), ("timestamp", "yesterday"),
        ("sessionId", None), ("sessionId", ""), ("sessionId", 7), ("sessionId", "a b"),
    ],
)  # fmt: skip
def test_lines_without_time_or_session_are_passed_over(
    claude: Folder, name: str, value: object
) -> None:
    missing = user("hi")
    del missing[name]
    assert claude.read(missing, user("hi", **{name: value})) == []
    assert claude.trouble == Trouble()


def test_damaged_lines_are_counted_and_their_neighbours_read(claude: Folder) -> None:
    good = json.dumps(user("hi")).encode()
    records = claude.read(
        good, b"\n",
        b"{not json}\n", b"[1, 2]\n", b"17\n", b"\0\0\0\0\n", b"[" * 100_000 + b"\n",
        b"\n", b"  \n",
        good, b"\n",
        good[:-20],
    )  # fmt: skip
    assert len(records) == 2
    assert claude.trouble == Trouble(damaged_lines=6)


def test_a_line_longer_than_any_of_claude_codes_is_not_kept_in_memory(claude: Folder) -> None:
    good = json.dumps(user("hi")).encode() + b"\n"
    path = claude.write(b'{"type":"user","message":"', b"x" * 80_000_000, b'"}\n', good)
    (file,) = find_session_files(claude.root, claude.trouble)
    assert file.size == path.stat().st_size
    assert len(list(read_session_file(file, claude.trouble))) == 1
    assert claude.trouble == Trouble(damaged_lines=1)


def test_bytes_that_are_no_utf8_and_halves_of_characters_cost_no_record(claude: Folder) -> None:
    good = json.dumps(user("hi")).encode() + b"\n"
    records = claude.read(
        good.replace(b'"hi"', b'"caf\xe9"'),
        good.replace(b'"hi"', rb'"cut \ud83d"'),
        good.replace(b"/nowhere/project", b"/nowhere/caf\xe9"),
        good.replace(b"/nowhere/project", rb"/nowhere/\udc00"),
    )
    assert [record["payload"]["prompt_length"] for record in records] == [4, 5, 2, 2]
    assert [record["project_path"] for record in records[2:]] == ["/nowhere/caf�", "/nowhere/?"]
    assert claude.trouble == Trouble()


def test_reading_takes_no_more_memory_for_a_longer_file(claude: Folder) -> None:
    line = json.dumps(shell("x" * 20_000)).encode() + b"\n"
    claude.write(*[line] * 1000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_records(claude.root))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 1000
    assert peak < 2_000_000 < 1000 * len(line)


def test_what_cannot_be_opened_is_said_and_the_rest_is_read(claude: Folder) -> None:
    claude.write(user("hi"))
    folder = claude.root / "projects" / "-p"
    (folder / "a-loop.jsonl").symlink_to("a-loop.jsonl")
    (folder / "gone.jsonl").symlink_to("nowhere.jsonl")
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "a-folder.jsonl").mkdir()
    found = find_session_files(claude.root, claude.trouble)
    claude.trouble.unreadable.pop(folder / "a-loop.jsonl")
    assert claude.trouble.unreadable == {folder / "gone.jsonl": "No such file or directory"}
    assert [file.path.name for file in found] == ["s-1.jsonl"]

    found[0].path.unlink()  # between finding and reading
    assert list(read_session_file(found[0], claude.trouble)) == []
    assert claude.trouble.unreadable[found[0].path] == "No such file or directory"


def test_a_folder_without_sessions_has_no_records_and_no_trouble(tmp_path: Path) -> None:
    trouble = Trouble()
    assert list(read_records(tmp_path / ".claude", trouble)) == []
    (tmp_path / ".claude" / "projects").mkdir(parents=True)
    assert list(read_records(tmp_path / ".claude", trouble)) == []
    assert trouble == Trouble()


def test_the_folder_is_the_homes_or_what_claude_code_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config_dir() == Path.home() / ".claude"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude-work"))
    assert config_dir() == tmp_path / "claude-work"
    assert config_dir(tmp_path) == tmp_path / ".claude"
    other = Folder(config_dir())
    (record,) = other.read(user("hi"))
    assert record["source_file"] == "claude-work/projects/-p/s-1.jsonl"


def test_prompts_have_a_length_and_say_what_else_they_may_be(claude: Folder) -> None:
    payloads = claude.payloads(
        user("", promptId="p-1", promptSource="typed"),
        user([{"type": "text", "text": "ab"}, {"type": "image"}, {"type": "text", "text": "cd"}]),
        user("summary", isCompactSummary=True, isMeta=True),
        user("again", forkedFrom={"sessionId": "s-0", "messageUuid": "u-0"}),
        user([{"type": "tool_result", "tool_use_id": "t"}, {"type": "text", "text": "stop"}]),
        user([]),
    )
    assert payloads["prompt"] == [
        {"message_uuid": "u-1", "prompt_length": 0, "prompt_id": "p-1", "prompt_source": "typed"},
        {"message_uuid": "u-1", "prompt_length": len("ab\ncd")},
        {"message_uuid": "u-1", "prompt_length": 7, "is_meta": True, "is_compact_summary": True},
        {"message_uuid": "u-1", "prompt_length": 5, "forked_from": "s-0"},
    ]


def test_a_failed_answer_and_a_copied_one_say_so(claude: Folder) -> None:
    failed = answer({"type": "text", "text": "no"}, isApiErrorMessage=True)
    failed["message"] |= {"model": "<synthetic>", "stop_reason": "stop_sequence"}
    copied = answer({"type": "text", "text": "yes"}, forkedFrom={"sessionId": "s-0"})
    first, second = claude.payloads(failed, copied)["request"]
    assert (first["model"], first["is_api_error"]) == ("<synthetic>", True)
    assert second["forked_from"] == "s-0"


def test_results_tell_exit_code_decision_duration_and_changed_lines(claude: Folder) -> None:
    patch = [
        {"lines": [" a", "-b", "+c", "+d", "\\ No newline at end of file"]},
        {"lines": ["-e"]},
    ]
    update = result("ok", {"filePath": "/p/a", "structuredPatch": patch, "content": "x\n" * 9})
    decision = {"decision": "reject", "source": "user_temporary", "reasonCode": "x"}
    payloads = claude.payloads(
        result("Exit code 128\nfatal: no", "Error: Exit code 128\nfatal: no", is_error=True),
        result("Exit code 7", {"stdout": "Exit code 7"}, is_error=False),
        result("ok", {"durationMs": 1234.5, "numFiles": 3}, is_error=False),
        result("ok", {"totalDurationMs": 99, "content": [{"type": "text", "text": "x\ny\n"}]}),
        result("no", "Error: no", is_error=True) | {"permissionDecision": decision},
        update,
        result("ok", {"type": "create", "content": "a\nb", "structuredPatch": []}),
        result("ok", {"type": "create", "content": "", "structuredPatch": []}),
    )
    assert all(payload.pop("tool_use_id") == "toolu_1" for payload in payloads["tool_result"])
    assert payloads == {"tool_result": [
        {"is_error": True, "exit_code": 128},
        {"is_error": False},
        {"is_error": False, "duration_ms": 1234},
        {"duration_ms": 99},
        {"is_error": True, "decision": "reject", "decision_source": "user_temporary"},
        {"lines_added": 2, "lines_removed": 2},
        {"lines_added": 2, "lines_removed": 0},
        {"lines_added": 0, "lines_removed": 0},
    ]}  # fmt: skip


def test_details_of_a_line_with_several_results_are_nobodys(claude: Folder) -> None:
    blocks = [{"type": "tool_result", "tool_use_id": name, "content": "ok"} for name in "ab"]
    line = user(blocks, toolUseResult={"durationMs": 5}, permissionDecision={"decision": "accept"})
    assert claude.payloads(line)["tool_result"] == [{"tool_use_id": "a"}, {"tool_use_id": "b"}]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (shell(f"[main {SHA[:7]}] Add\n 1 file changed\n"), [(SHA[:7], "main", None)]),
        (shell(f"[main (root-commit) {SHA[:9]}] Add\n{SHA}\n"), [(SHA, "main", None)]),
        (shell(f"[detached HEAD {SHA[:7]}] Add\ncommit {SHA} (HEAD)\n"), [(SHA, None, None)]),
        (
            shell(f"[main {SHA[:7]}] Add\n[topic/x {OTHER[:10]}] Add\n{OTHER}\n{SHA}\n"),
            [(SHA, "main", None), (OTHER, "topic/x", None)],
        ),
        (
            shell("", gitOperation={"commit": {"sha": SHA[:8].upper(), "kind": "amended"}}),
            [(SHA[:8], None, "amended")],
        ),
        (
            shell(
                f"[main {OTHER[:7]}] One\n[main {SHA[:9]}] Two\n",
                gitOperation={"commit": {"sha": SHA[:7], "kind": "committed", "branch": "main"}},
            ),
            [(OTHER[:7], "main", None), (SHA[:9], "main", "committed")],
        ),
        (  # what followed the commit failed
            result(f"Exit code 1\n[main {SHA[:7]}] Add\n", "Error: Exit code 1", is_error=True),
            [(SHA[:7], "main", None)],
        ),
        (result(f"[main {SHA[:7]}] Add\n"), [(SHA[:7], "main", None)]),  # no toolUseResult
        (shell(f"[main {SHA[:7]}] Add\n{SHA}0\n{SHA[:7]}{'a' * 34}\n"), [(SHA[:7], "main", None)]),
        (shell(f"{SHA}\n{SHA[:7]} Add\n> [main {SHA[:7]}] Add\n[INFO cafe] x\n"), []),
        (result(f"[main {SHA[:7]}] Add\n", {"type": "text", "file": {"content": "x"}}), []),
        (shell("", gitOperation={"push": {"branch": "main"}, "commit": {"sha": "HEAD"}}), []),
    ],
)
def test_commits_are_those_that_a_shell_made(
    claude: Folder, line: dict[str, Any], expected: list[tuple[str, str | None, str | None]]
) -> None:
    commits = claude.payloads(line).get("commit", [])
    assert [
        (commit["git_commit_id"], commit.get("git_commit_branch"), commit.get("commit_kind"))
        for commit in commits
    ] == expected
    assert all(commit["tool_use_id"] == "toolu_1" for commit in commits)


def test_the_repository_is_the_one_at_the_sessions_folder(claude: Folder, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (tmp_path / "plain").mkdir()
    url = "git@github.com:acme/widgets.git"
    for command in (["init", "-q"], ["remote", "add", "origin", url]):
        subprocess.run(["git", *command], cwd=work, check=True)
    folders = [str(work), str(work / "src"), str(tmp_path / "plain"), str(tmp_path / "no"), "work"]
    records = claude.read(*(user("hi", cwd=folder) for folder in folders))
    widgets = "https://github.com/acme/widgets"
    assert [record["repository"] for record in records] == [widgets, widgets, None, None, None]
