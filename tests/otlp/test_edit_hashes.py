"""Edits in the arguments of tools become keyed hashes of their lines, and nothing else of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_analytics_collector.line_hashes import LineHasher
from agent_analytics_collector.otlp.values import encode
from agent_analytics_collector.text_policy import TextPolicy

from ..conftest import FIXTURES
from .recordings import decoded, envelope, log, logs, recorded, rows

HASHER = LineHasher(b"k" * 32)
NEW = ["a = 1", "b = 2", "print(a + b)"]
HELLO = ["    x = 'hello'", "    return x"]


def kept(attributes: dict[str, object]) -> dict[str, Any]:
    (row,) = rows(decoded(envelope(logs(log(attributes))), hasher=HASHER))
    found: dict[str, Any] = json.loads(row["attributes"])
    return {name.removeprefix("agent_analytics."): value for name, value in found.items()}


def test_the_texts_of_an_edit_are_kept_as_hashes_of_the_lines_it_changed() -> None:
    edit = {"file_path": "/w/a.py", "old_string": "top\nwas here", "new_string": "top\nis here"}
    found = kept({"tool_input": json.dumps(edit)})
    assert found["edited_files"] == "/w/a.py"
    assert found["added_line_hashes"] == HASHER.of("is here")
    assert found["removed_line_hashes"] == HASHER.of("was here")
    assert "here" not in json.dumps(found)


def test_a_patch_has_a_line_of_hashes_for_each_file() -> None:
    patch = (
        "*** Begin Patch\n*** Add File: a.py\n+first line\n+second line\n"
        "*** Update File: b.py\n-third line\n*** End Patch\n"
    )
    shell = json.dumps({"command": ["bash", "-lc", f"apply_patch <<'EOF'\n{patch}EOF"]})
    for text in (patch, shell):
        found = kept({"arguments": text})
        assert found["edited_files"] == "a.py\nb.py"
        hashes = HASHER.of_all(["first line", "second line"])
        assert found["added_line_hashes"] == " ".join(hashes) + "\n"
        assert found["removed_line_hashes"] == f"\n{HASHER.of('third line')}"


@pytest.mark.parametrize("text", ['{"file_path":"/w/a.py"}', '{"command":"ls"}', "ls", "[1]", ""])
def test_what_edits_nothing_has_no_hashes(text: str) -> None:
    assert not kept({"tool_input": text}).keys() & {"edited_files", "added_line_hashes"}


def test_the_recorded_edits_are_told_and_no_line_of_them_is() -> None:
    told: dict[str, set[str]] = {}
    for one in recorded(FIXTURES):
        for row in rows(decoded(one, hasher=HASHER)):
            assert not [line for line in NEW + HELLO if line.strip() in row["attributes"]]
            found = json.loads(row["attributes"])
            if hashes := found.get("agent_analytics.added_line_hashes"):
                agent = row["event_name"].rpartition(".")[0]
                told.setdefault(agent or "claude_code", set()).update(hashes.split())
    assert told == {
        "claude_code": set(HASHER.of_all(NEW + HELLO)),
        "codex": set(HASHER.of_all(NEW)),
        "gemini_cli": set(HASHER.of_all(NEW + HELLO)),
    }


def test_long_lists_of_hashes_stay_and_other_long_values_under_their_name_go() -> None:
    policy = TextPolicy(include_text=False)
    hashes = " ".join(HASHER.of_all(f"line {number}" for number in range(100)))
    for value, stays in ((hashes, True), (hashes + " x", False), ("word " * 200, False)):
        payload: dict[str, Any] = {"added_line_hashes": value, "unknown": hashes}
        left = json.loads(policy.attributes(payload, encode(payload)))
        assert left == ({"added_line_hashes": hashes} if stays else {})
