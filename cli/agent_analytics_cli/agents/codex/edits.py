"""The edits in a Codex rollout: of a patch that was applied.

`item_completed` of a FileChange (0.169.0, `patch_apply_end` before it) has what changed in each
file. Rollouts without such events have the patch alone, as the input of `apply_patch` or in a
shell's command, and the tool's word that it was applied.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from agent_analytics_cli.agents.edit_lines import WaitingEdits, edit_payloads
from agent_analytics_cli.agents.json_lines import Line
from agent_analytics_cli.agents.kept_values import flag, identifier, mapping
from agent_analytics_cli.agents.session_context import Payload
from agent_analytics_collector.edit_texts import (
    BEGIN_PATCH,
    FileEdit,
    from_patch,
    from_unified_diff,
    lines_of,
    patch_in,
)
from agent_analytics_collector.line_hashes import LineHasher

_APPLIED = "Success. Updated the following files:"
_CALLS = {"function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action"}
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_FAILED = ("failed", "declined")


class Edits(WaitingEdits):
    """The edits of one rollout."""

    def of_line(self, kind: str, payload: Line, folder: str | None) -> Iterator[Payload]:
        """Payloads of the edits that a line tells to be done; `folder` is where the turn works."""
        if self._hasher is None:
            return
        if kind == "response_item":
            told = str(payload.get("type"))
            if told in _CALLS:
                self._ask(payload, payload.get(_CALLS[told]), folder, self._hasher)
            elif told in _OUTPUTS:
                edits = self._waiting.settle(identifier(payload.get("call_id")))
                if edits and _is_applied(payload.get("output")):
                    yield from edits
        elif kind == "event_msg":
            yield from self._of_event(payload, folder, self._hasher)

    def _ask(self, item: Line, told: object, folder: str | None, hasher: LineHasher) -> None:
        arguments = _arguments(told)
        patch = patch_in(arguments) if arguments else None
        if patch:
            place = arguments.get("workdir")
            call_id = identifier(item.get("call_id")) or identifier(item.get("id"))
            edits = from_patch(patch)
            where = place if isinstance(place, str) and place.startswith("/") else folder
            self._waiting.ask(call_id, edit_payloads(edits, call_id, hasher, where))

    def _of_event(self, event: Line, folder: str | None, hasher: LineHasher) -> Iterator[Payload]:
        kind, item = event.get("type"), mapping(event.get("item"))
        if kind == "item_completed" and item.get("type") == "FileChange":
            told, call_id = item, identifier(item.get("id"))
        elif kind == "patch_apply_end":
            told, call_id = event, identifier(event.get("call_id"))
        else:
            return
        asked = self._waiting.settle(call_id)
        if flag(told.get("success")) is False or told.get("status") in _FAILED:
            return
        edits = _changes(told.get("changes"))
        yield from edit_payloads(edits, call_id, hasher, folder) if edits else asked


def _arguments(told: object) -> Line:
    """The arguments of a call that may hold a patch; empty ones of any other."""
    if isinstance(told, dict):
        return told
    if not isinstance(told, str) or BEGIN_PATCH not in told:
        return {}
    if not told.startswith("{"):
        return {"input": told}
    try:
        return mapping(orjson.loads(told))
    except orjson.JSONDecodeError:
        return {}


def _is_applied(output: object) -> bool:
    """Whether the tool says so, in any of the shapes that an output has."""
    if isinstance(output, dict):
        return _is_applied(output.get("content"))
    if isinstance(output, list):
        return any(_is_applied(mapping(part).get("text")) for part in output)
    return isinstance(output, str) and _APPLIED in output


def _changes(told: object) -> list[FileEdit]:
    """The edits of `changes`, in either shape that is in use."""
    if isinstance(told, dict):
        each = [(name, mapping(change)) for name, change in told.items()]
    else:
        listed = told if isinstance(told, list) else []
        each = [(mapping(change).get("path"), mapping(change)) for change in listed]
    found = []
    for path, change in each:
        named = mapping(change.get("kind"))
        kind = change.get("type") or named.get("type") or change.get("kind")
        moved = change.get("move_path") or named.get("move_path")
        path = moved if isinstance(moved, str) else path
        text = change.get("unified_diff") or change.get("diff") or change.get("content")
        if not isinstance(path, str) or not isinstance(text, str):
            continue
        if kind == "update":
            found.append(from_unified_diff(path, text))
        elif kind == "add":
            found.append(FileEdit(path, lines_of(text), []))
        elif kind == "delete":
            found.append(FileEdit(path, [], lines_of(text)))
    return found
