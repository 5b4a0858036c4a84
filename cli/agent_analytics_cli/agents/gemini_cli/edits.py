"""The edits in a Gemini CLI chat: of the files that `write_file` and `replace` changed.

`resultDisplay` has the file before and after, and a diff of both that leaves out changes of white
space alone (0.61.0). Where neither is there, the tool's arguments tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent_analytics_cli.agents.edit_lines import edit_payloads
from agent_analytics_cli.agents.json_lines import Line
from agent_analytics_cli.agents.kept_values import identifier, mapping
from agent_analytics_cli.agents.session_context import Payload
from agent_analytics_collector.edit_texts import (
    FileEdit,
    from_arguments,
    from_texts,
    from_unified_diff,
)
from agent_analytics_collector.line_hashes import LineHasher

_TOOLS = ("write_file", "replace", "edit")


def edits_of(
    message: Line, hasher: LineHasher, folder: str | None
) -> Iterator[tuple[object, Payload]]:
    """(time, payload) of the edits that a message's calls made; `folder` is the project's."""
    calls = message.get("toolCalls")
    for call in map(mapping, calls if isinstance(calls, list) else ()):
        if call.get("name") in _TOOLS and call.get("status") == "success":
            for payload in edit_payloads(_edits(call), identifier(call.get("id")), hasher, folder):
                yield call.get("timestamp"), payload


def _edits(call: Line) -> list[FileEdit]:
    shown, arguments = mapping(call.get("resultDisplay")), mapping(call.get("args"))
    path = shown.get("filePath") or arguments.get("file_path")
    before, after = shown.get("originalContent"), shown.get("newContent")
    diff = shown.get("fileDiff")
    if isinstance(path, str):
        if isinstance(after, str) and isinstance(before, str | None):
            return [from_texts(path, before or "", after)]
        if isinstance(diff, str) and "\n@@" in diff:
            return [from_unified_diff(path, diff)]
    return from_arguments(arguments)
