"""No text is stored unless the user wants it; what it meant is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.otlp.messages import parse
from agent_analytics_collector.scrub.text import without_home
from agent_analytics_collector.text_extracts import from_command, from_tool_output
from agent_analytics_collector.text_policy import TEXT_ATTRIBUTES

from .recordings import (
    TIME,
    array,
    attribute,
    decoded,
    envelope,
    log,
    logs,
    mapping,
    recorded,
    rows,
    text,
    texts,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"

ALSO_ELSEWHERE = {"none", "yolo", "/usr/bin/node", "[]"}
"""Codes that are stored under other names too, or, as `error` on Codex's metrics, are a code."""


def test_no_text_of_any_recording_survives() -> None:
    sent = {text for one in recorded(FIXTURES) for text in texts_of(one)} - ALSO_ELSEWHERE
    assert len(sent) > 40
    batch = decoded(*recorded(FIXTURES))
    stored = {
        value
        for table in batch.tables().values()
        for row in table.to_pylist()
        for cell in row.values()
        for value in strings(cell)
    }
    assert sent & stored == set()
    whole = "\n".join(map(texts, batch.tables().values()))
    for sentence in sent:
        if " " in sentence:
            assert sentence not in whole
            assert json.dumps(sentence)[1:-1] not in whole


def texts_of(one: Any) -> Iterator[str]:
    """Every text under a name of the table, and every body that is a sentence."""
    message = parse(one.signal, one.encoding, one.body).message

    def walk(node: Any) -> Iterator[str]:
        for field, value in node.ListFields():
            if field.message_type is None:
                continue
            for inner in value if field.is_repeated else [value]:
                if isinstance(inner, KeyValue) and inner.key in TEXT_ATTRIBUTES:
                    yield from leaves(inner.value)
                elif field.name == "body" and " " in inner.string_value:
                    yield inner.string_value
                else:
                    yield from walk(inner)

    yield from walk(message)


def leaves(value: AnyValue) -> Iterator[str]:
    if value.string_value:
        yield value.string_value
    for one in value.array_value.values:
        yield from leaves(one)


def strings(cell: object) -> Iterator[str]:
    """The cell and, if it is JSON, every string in it."""
    if not isinstance(cell, str):
        return
    yield cell
    if cell[:2] in ('{"', "[{", "[["):
        nested = [json.loads(cell)]
        while nested:
            value = nested.pop()
            if isinstance(value, dict):
                nested += value.values()
            elif isinstance(value, list):
                nested += value
            elif isinstance(value, str):
                yield value


def test_with_text_everything_is_stored_as_sent_but_for_home_folders() -> None:
    batch = decoded(*recorded(FIXTURES), include_text=True)
    whole = {
        value
        for table in batch.tables().values()
        for row in table.to_pylist()
        for cell in row.values()
        for value in strings(cell)
    }
    sent = {text for one in recorded(FIXTURES) for text in texts_of(one)}
    assert set(map(without_home, sent)) <= whole
    assert "agent_analytics." not in "".join(whole)


def kept(attributes: dict[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        rows(decoded(envelope(logs(log(attributes)))))[0]["attributes"]
    )
    return {name.removeprefix("agent_analytics."): value for name, value in found.items()}


def test_a_commit_of_claude_code_keeps_its_sha_and_branch() -> None:
    parameters = {
        "bash_command": "git",
        "full_command": "git add -A && git commit -m 'Add new.py' && git rev-parse HEAD",
        "description": "Commit",
        "git_commit_id": "75c71d109942374a060c57846485729b60a2f9b8",
        "git_branch": "main",
    }
    text = json.dumps(parameters)
    assert kept({"tool_name": "Bash", "tool_parameters": text}) == {
        "tool_name": "Bash",
        "tool_parameters.length": len(text),
        "command": "git add",
        "commands": ["git add", "git commit", "git rev-parse"],
        "git_commit_id": "75c71d109942374a060c57846485729b60a2f9b8",
        "git_branch": "main",
    }


def test_an_edit_keeps_its_file_and_line_counts() -> None:
    text = (
        '{"file_path":"/src/a b.py","old_string":"x\\n","new_string":"y\\nz","replace_all":false}'
    )
    assert kept({"tool_input": text}) == {
        "tool_input.length": len(text),
        "file_path": "/src/a b.py",
        "lines_removed": 1,
        "lines_added": 2,
    }
    many = json.dumps({"path": "p", "edits": [{"old_str": "a", "new_str": "b\nc"}] * 2})
    assert kept({"gen_ai.tool.call.arguments": many})["lines_added"] == 4


def test_a_patch_of_codex_keeps_its_files_and_line_counts() -> None:
    patch = (
        "*** Begin Patch\n*** Add File: a.py\n+x\n+y\n*** Update File: b.py\n-z\n*** End Patch\n"
    )
    assert kept({"arguments": patch}) == {
        "arguments.length": len(patch),
        "file_path": "a.py",
        "file_paths": ["a.py", "b.py"],
        "lines_added": 2,
        "lines_removed": 1,
    }


def test_the_counts_of_gemini_win_over_those_of_its_arguments() -> None:
    arguments = '{"file_path": "a", "old_string": "1\\n2\\n3", "new_string": "1\\n2\\n4"}'
    counts = '{"model_added_lines": 1, "model_removed_lines": 1, "user_added_lines": 0}'
    for attributes in (
        {"function_args": arguments, "metadata": counts},
        {"metadata": counts, "function_args": arguments},
    ):
        found = kept(dict(attributes))
        assert (found["lines_added"], found["lines_removed"]) == (1, 1)
        assert found["user_lines_added"] == 0


@pytest.mark.parametrize(
    ("output", "facts"),
    [
        (
            "Wall time: 0.0 seconds\nProcess exited with code 0\nOutput:\n[main 2e07d09] Add it\n",
            {"exit_code": 0, "git_branch": "main", "git_commit_id": "2e07d09"},
        ),
        ("[main (root-commit) 2e07d09] x", {"git_branch": "main", "git_commit_id": "2e07d09"}),
        ("[detached HEAD 2e07d09] x", {"git_commit_id": "2e07d09"}),
        ("[a 1111111] x\n[b 2222222] y", {"git_branch": "b", "git_commit_id": "2222222"}),
        ("Exit code: -9\n", {"exit_code": -9}),
        ("the Process exited with code 3", {}),
        ("hi", {}),
    ],
)
def test_output_keeps_exit_code_and_commit(output: str, facts: dict[str, object]) -> None:
    assert from_tool_output(output) == facts


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("git commit -qam 'a; rm b'", ["git commit"]),
        ("git -C /x -c user.name=me commit -m x", ["git commit"]),
        ("git -v", ["git"]),
        ("TOKEN=abc npm run build | tee /tmp/log", ["npm run", "tee"]),
        ("/usr/bin/python3 secret.py", ["python3"]),
        ("cat <<EOF > f\nmy secret words\nEOF\n", ["cat"]),
        ("git commit -m \"$(cat <<'EOF'\nMy words\nEOF\n)\"", ["git commit"]),
        ("echo 'no end", ["echo"]),
        ("(cd /x && make) 2>&1 > out", ["cd", "make"]),
        ("2>/dev/null ls # a note", ["ls"]),
        ('"my own tool" x', []),
        ("'päss wörd'", []),
        ("kubectl -n payroll get pods", ["kubectl"]),
        ("ls\nls", ["ls"]),
        ("", []),
    ],
)
def test_of_a_command_only_programs_and_sub_commands_are_kept(
    line: str, commands: list[str]
) -> None:
    assert from_command(line).get("commands", []) == commands


def test_a_command_given_as_words_is_read_like_a_line() -> None:
    assert from_command(["bash", "-lc", "git push origin me"])["command"] == "git push"
    assert from_command(["git", "commit", "-m", "words"])["command"] == "git commit"
    assert from_command([1, {}]) == {}


@pytest.mark.parametrize("name", ["tool_input", "arguments", "function_args", "metadata", "output"])
@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"command": 3, "path": {}}', "\0" * 9])
def test_text_of_another_shape_leaves_its_length_alone(name: str, text: str) -> None:
    assert kept({name: text}) == {f"{name}.length": len(text)}


def test_what_the_agent_redacted_has_no_length() -> None:
    assert kept({"prompt": "<REDACTED>", "prompt_length": "9"}) == {"prompt_length": "9"}


def test_errors_are_kept_when_they_are_codes() -> None:
    assert kept({"error": "ECONNRESET"}) == {"error": "ECONNRESET"}
    assert kept({"error": "No such file: notes"}) == {"error.length": 19}


@pytest.mark.parametrize(
    "body", ["two words", "x" * 129, "日本語だけ", "a\nb", '{"prompt":"x"}', "tab\there"]
)
def test_a_body_is_kept_only_when_it_is_an_identifier(body: str) -> None:
    message = logs(log(body=text(body)), log(body=text("claude_code.x")))
    assert [row["body"] for row in rows(decoded(envelope(message)))] == [None, "claude_code.x"]


def test_a_body_that_is_nested_is_kept_as_json_when_text_is() -> None:
    body = array(AnyValue(int_value=1))
    request = envelope(logs(log(body=body)))
    assert rows(decoded(request))[0]["body"] is None
    assert rows(decoded(request, include_text=True))[0]["body"] == "[1]"


def test_long_values_under_unknown_names_are_dropped_and_counted() -> None:
    long = text("x" * 513)
    nested = array(AnyValue(int_value=1), long)
    mapped = mapping("a", nested)
    told = mapping("prompt", text("hi"))
    record = log({"a": long, "b": nested, "c": mapped, "d": told, "e": "x" * 512})
    batch = decoded(envelope(logs(record, resource={"f": "y" * 600})))
    (row,) = rows(batch)
    assert json.loads(row["attributes"]) == {"e": "x" * 512}
    assert json.loads(row["resource_attributes"]) == {}
    assert batch.dropped_attributes == 5


def test_the_text_of_span_events_and_links_is_dropped() -> None:
    message = ExportTraceServiceRequest()
    span = (
        message.resource_spans.add()
        .scope_spans.add()
        .spans.add(name="n" * 513, start_time_unix_nano=TIME)
    )
    told = attribute("exception.message", "the words said")
    span.events.add(name="exception").attributes.append(told)
    span.links.add().attributes.append(told)
    request = envelope(message)
    (row,) = rows(decoded(request), Signal.TRACES)
    assert "words" not in str(row)
    assert row["name"] is None
    (row,) = rows(decoded(request, include_text=True), Signal.TRACES)
    assert "words" in row["events"]
    assert "words" in row["links"]
    assert row["name"] == "n" * 513
