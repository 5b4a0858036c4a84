"""Agent Trace records: their example, JSON Lines, what is left out, and our own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agent_analytics_cli.history.agent_trace import read_records, record_of
from agent_analytics_cli.history.attributions import Attributed, Author

REVISION = "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0"
# The example of the specification (cursor/agent-trace README, 6.2), with an override.
EXAMPLE: dict[str, Any] = {
    "version": "0.1.0",
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "timestamp": "2026-01-23T14:30:00Z",
    "vcs": {"type": "git", "revision": REVISION},
    "tool": {"name": "cursor", "version": "2.4.0"},
    "files": [
        {
            "path": "src/utils/parser.ts",
            "conversations": [
                {
                    "url": "https://api.cursor.com/v1/conversations/12345",
                    "contributor": {"type": "ai", "model_id": "anthropic/claude-opus-4-5"},
                    "ranges": [
                        {"start_line": 42, "end_line": 67, "content_hash": "murmur3:9f2e8a1b"},
                        {"start_line": 70, "end_line": 70, "contributor": {"type": "human"}},
                        {"start_line": 80, "end_line": 81},
                    ],
                    "related": [
                        {"type": "session", "url": "https://api.cursor.com/v1/sessions/67890"}
                    ],
                }
            ],
        },
    ],
    "metadata": {"confidence": 0.95, "dev.cursor": {"workspace_id": "ws-abc123"}},
}
MINIMAL: dict[str, Any] = {
    "version": "0.1.0", "id": "1", "timestamp": "2026-01-25T10:00:00Z",
    "vcs": {"type": "git", "revision": REVISION.upper()},
    "files": [{"path": "src/app.ts", "conversations": [
        {"contributor": {"type": "ai"}, "ranges": [{"start_line": 1, "end_line": 50}]}
    ]}],
}  # fmt: skip


def one(record: dict[str, Any]) -> list[Attributed]:
    [found] = read_records(json.dumps(record).encode()).records
    assert (found.source, found.commit_hash) == ("agent_trace", REVISION)
    return found.lines


def test_the_specifications_example_is_read_with_its_session_and_an_override() -> None:
    ai = Author("ai", "cursor", "67890", "anthropic/claude-opus-4-5")
    assert one(EXAMPLE) == [
        Attributed("src/utils/parser.ts", ai, [(42, 67), (80, 81)]),
        Attributed("src/utils/parser.ts", Author("human", "cursor", "67890"), [(70, 70)]),
    ]
    assert one(MINIMAL) == [Attributed("src/app.ts", Author("ai"), [(1, 50)])]


@pytest.mark.parametrize(
    ("conversation", "metadata", "session_id"),
    [
        ({"url": "file:///home/jo/.claude/projects/x/1c0c-e6.jsonl"}, {}, "1c0c-e6"),
        ({"url": "https://example.com/c/9/"}, {"session_id": "other"}, "9"),
        ({}, {"session_id": "s", "conversation_id": "c"}, "s"),
        ({"url": "https://["}, {"conversation_id": "c"}, "c"),
        ({"related": [{"type": "prompt", "url": "https://example.com/p/1"}]}, {}, None),
    ],
)
def test_a_session_is_named_by_a_url_or_by_metadata(
    conversation: dict[str, Any], metadata: dict[str, str], session_id: str | None
) -> None:
    conversations = [MINIMAL["files"][0]["conversations"][0] | conversation]
    files = [{"path": "a", "conversations": conversations}]
    [found] = one(MINIMAL | {"files": files, "metadata": metadata})
    assert found.author.session_id == session_id


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([EXAMPLE, MINIMAL]),
        json.dumps(EXAMPLE) + "\n\n" + json.dumps(MINIMAL) + "\n",
        json.dumps([EXAMPLE, MINIMAL], indent=2),
    ],
)
def test_arrays_and_json_lines_are_read_alike(content: str) -> None:
    read = read_records(content.encode())
    assert [record.note_id for record in read.records] == [EXAMPLE["id"], "1"]
    assert read.left_out == []


def test_what_is_no_record_of_a_commit_costs_no_other() -> None:
    lines: list[Any] = [
        MINIMAL,
        MINIMAL | {"version": "1.0"},  # of the reference script: names the commit before
        MINIMAL | {"vcs": {"type": "jj", "revision": "kkmpptxz"}},
        {name: value for name, value in MINIMAL.items() if name != "vcs"},
        MINIMAL | {"vcs": {"type": "git", "revision": REVISION[:12]}},
        MINIMAL | {"files": [{"path": "a", "conversations": [
            {"ranges": [{"start_line": 9, "end_line": 1}]}]}]},
        ["no record"],
    ]  # fmt: skip
    content = "\n".join([*map(json.dumps, lines), '{"version": "0.1.0", "cut'])
    read = read_records(content.encode())
    assert len(read.records) == 1
    assert [number for number, _ in read.left_out] == [2, 3, 4, 5, 6, 7, 8]
    assert read_records(b"").records == []


def test_our_own_record_is_read_as_it_was_meant() -> None:
    author = Author("ai", "claude_code", "1c0c/e6:77", "claude-opus-4-5", "tool_call")
    lines = [Attributed("a b.py", author, [(1, 3), (7, 7)]), Attributed("c.py", author, [(2, 2)])]
    record = record_of(REVISION, author, lines, datetime(2026, 3, 1, tzinfo=UTC))
    assert record["timestamp"] == "2026-03-01T00:00:00+00:00"
    assert record == record_of(REVISION, author, lines, datetime(2026, 3, 1, tzinfo=UTC))
    told = Author("ai", "claude-code", "1c0c/e6:77", "anthropic/claude-opus-4-5", "tool_call")
    assert one(record) == [
        Attributed("a b.py", told, [(1, 3), (7, 7)]), Attributed("c.py", told, [(2, 2)]),
    ]  # fmt: skip
