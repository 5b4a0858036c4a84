"""What one call of Cursor's hooks says, as session records without text.

The session is the conversation, the prompt its generation. Cursor tells no time: it is that of the
call. `tool_output` is JSON of its own: {"output", "exitCode"} as captured (cursor-agent
2026.10.01), {"stdout", "exitCode"} as documented. An edit is told twice: by `postToolUse` with the
call's id, by `afterFileEdit` with what was changed; dbt joins the two.
"""

from __future__ import annotations

import itertools
import os.path
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from agent_analytics_cli.agents.commits import commits_of
from agent_analytics_cli.agents.edit_lines import edit_payloads
from agent_analytics_cli.agents.kept_values import (
    blocks,
    branch,
    count,
    flag,
    identifier,
    mapping,
    milliseconds,
    path,
)
from agent_analytics_cli.agents.session_context import Context, Payload
from agent_analytics_cli.agents.session_file import Record
from agent_analytics_cli.agents.tool_facts import tool_facts
from agent_analytics_cli.git.repository import GitFailed, run_git
from agent_analytics_collector.edit_texts import from_arguments
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.line_hashes import LineHasher

SHELL = "Shell"
_SOURCE = ".cursor/hooks.json"
_PATHS = ("file_path", "path", "target_file", "target_notebook")

Event = dict[str, Any]
Records = Iterator[tuple[str, Payload]]


class NotAnEvent(AgentAnalyticsError):
    """What came on standard input is nothing that a hook of Cursor's gets."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"Standard input holds no event of Cursor's hooks: {problem}. "
            "Cursor's own hook calls this; `agent-analytics agents enable cursor` sets it up."
        )


def records_of(
    told: bytes, at: datetime, machine: str | None = None, hasher: LineHasher | None = None
) -> list[Record]:
    """The records of one payload; none of an event that tells nothing of use.

    Which lines an edit changed is told under `hasher` alone. Raises NotAnEvent.
    """
    try:
        # cursor-agent 2026.09 puts a byte order mark before each payload.
        event = orjson.loads(told.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise NotAnEvent(str(error)) from error
    if not isinstance(event, dict) or not isinstance(event.get("hook_event_name"), str):
        raise NotAnEvent("there is no hook_event_name")
    context = _context(event)
    context.about["machine"] = machine
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds")
    found = (context.record(kind, moment, payload) for kind, payload in _told(event, hasher))
    return [record for record in found if record]


def _context(event: Event) -> Context:
    session_id = identifier(event.get("conversation_id")) or identifier(event.get("session_id"))
    folder = _folder(event)
    return Context(
        "cursor",
        _SOURCE,
        session_id,
        project_path=folder,
        git_branch=_branch_at(folder),
        about={
            "agent_version": identifier(event.get("cursor_version")),
            "model": identifier(event.get("model")),
            "prompt_id": identifier(event.get("generation_id")),
        },
    )


def _folder(event: Event) -> str | None:
    """The workspace that this is about: of several the one that holds the file or the folder."""
    told = event.get("workspace_roots")
    roots = [root for root in map(path, told) if root] if isinstance(told, list) else []
    place = _file_of(event) or path(event.get("cwd"))
    holding = [root for root in roots if place and _lies_in(place, root)]
    return max(holding, key=len, default=None) or next(iter(roots), path(event.get("cwd")))


def _lies_in(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip("/") + "/")


def _branch_at(folder: str | None) -> str | None:
    """The branch checked out there; None of a detached HEAD."""
    if folder is None or not os.path.isabs(folder) or not os.path.isdir(folder):
        return None
    try:
        said = run_git("symbolic-ref", "--quiet", "--short", "HEAD", cwd=Path(folder))
    except GitFailed:
        return None
    return branch(said.decode(errors="replace").strip())


def _told(event: Event, hasher: LineHasher | None) -> Records:
    name = event["hook_event_name"]
    if name == "beforeSubmitPrompt":
        yield "prompt", {"prompt_length": len(str(event.get("prompt") or ""))}
    elif name in ("postToolUse", "postToolUseFailure"):
        yield from _of_tool(event, has_failed=name == "postToolUseFailure")
    elif name == "afterFileEdit":
        yield "file_edit", {"file_path": path(event.get("file_path"))} | _changed_lines(event)
        if hasher:
            for edit in edit_payloads(from_arguments(event), None, hasher, _folder(event)):
                yield "edit", edit
    elif name in ("sessionStart", "sessionEnd", "stop"):
        yield (
            "session",
            _of_session(event, {"sessionStart": "start", "sessionEnd": "end"}.get(name)),
        )


def _of_session(event: Event, kind: str | None) -> Payload:
    return {
        "event": kind or "stop",
        "session_kind": identifier(event.get("composer_mode")),
        "status": identifier(event.get("status")) or identifier(event.get("final_status")),
        "reason": identifier(event.get("reason")),
        "duration_ms": milliseconds(event.get("duration_ms")),
        "loop_count": count(event.get("loop_count")),
        "is_background": flag(event.get("is_background_agent")),
    }


def _of_tool(event: Event, *, has_failed: bool) -> Records:
    ids: Payload = {"tool_use_id": identifier(event.get("tool_use_id"))}
    name = identifier(event.get("tool_name"))
    facts = tool_facts(event.get("tool_input"))
    yield "tool_call", ids | {"tool_name": name} | facts | {"file_path": _file_of(event)}
    output, exit_code = _output(event.get("tool_output"))
    yield (
        "tool_result",
        ids
        | {
            "success": not has_failed,
            "failure_type": identifier(event.get("failure_type")),
            "exit_code": exit_code,
            "duration_ms": milliseconds(event.get("duration")),
        },
    )
    if name == SHELL:
        for commit in commits_of(output, None):
            yield "commit", ids | commit


def _file_of(event: Event) -> str | None:
    arguments = mapping(event.get("tool_input"))
    told = (event.get("file_path"), *(arguments.get(name) for name in _PATHS))
    return next(filter(None, map(path, told)), None)


def _output(told: object) -> tuple[str, int | None]:
    """What a tool printed, and the code that it ended with."""
    if isinstance(told, str):
        with suppress(orjson.JSONDecodeError):
            found = mapping(orjson.loads(told))
            text = found.get("output") or found.get("stdout")
            code = found.get("exitCode")
            return text if isinstance(text, str) else "", code if type(code) is int else None
    return "", None


def _changed_lines(event: Event) -> Payload:
    """Lines that the edits took out and put in; what both texts begin and end with stayed."""
    added = removed = 0
    for edit in blocks(event.get("edits")):
        old, new = (_lines(edit.get(name)) for name in ("old_string", "new_string"))
        kept = _same(zip(old, new, strict=False))
        rest = min(len(old), len(new)) - kept
        kept += min(_same(zip(reversed(old), reversed(new), strict=False)), rest)
        added, removed = added + len(new) - kept, removed + len(old) - kept
    return {"lines_added": added, "lines_removed": removed}


def _lines(text: object) -> list[str]:
    return text.splitlines() if isinstance(text, str) else []


def _same(pairs: Iterator[tuple[str, str]]) -> int:
    """How many pairs are alike before the first that is not."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
