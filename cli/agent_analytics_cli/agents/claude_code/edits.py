"""The edits in Claude Code's session files, by what its tools say they did.

`toolUseResult` has the hunks of Edit, MultiEdit and Write (`structuredPatch`), or the content of
a file that Write created (2.1.197, 2.1.330). Nothing tells which lines of a notebook's file change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent_analytics_cli.agents.edit_lines import edit_payloads
from agent_analytics_cli.agents.kept_values import blocks, identifier, mapping
from agent_analytics_cli.agents.session_context import Payload
from agent_analytics_collector.edit_texts import FileEdit, from_diff, lines_of
from agent_analytics_collector.line_hashes import LineHasher

Line = dict[str, Any]


def edits_of(line: Line, hasher: LineHasher) -> Iterator[Payload]:
    """Payloads of the edit that a line of type `user` tells the result of."""
    result = line.get("toolUseResult")
    if not isinstance(result, dict) or not isinstance(result.get("filePath"), str):
        return
    edit = _edit(result["filePath"], result)
    content = blocks(mapping(line.get("message")).get("content"))
    results = [block for block in content if block.get("type") == "tool_result"]
    # Beside several results the details are nobody's.
    if edit and len(results) == 1 and results[0].get("is_error") is not True:
        yield from edit_payloads([edit], identifier(results[0].get("tool_use_id")), hasher)


def _edit(path: str, result: Line) -> FileEdit | None:
    patch, content = result.get("structuredPatch"), result.get("content")
    if patch and isinstance(patch, list):
        hunks = [mapping(hunk).get("lines") for hunk in patch]
        lines = [line for hunk in hunks if isinstance(hunk, list) for line in hunk]
        return from_diff(path, (line for line in lines if isinstance(line, str)))
    if result.get("type") == "create" and isinstance(content, str):
        return FileEdit(path, lines_of(content), [])
    return None
