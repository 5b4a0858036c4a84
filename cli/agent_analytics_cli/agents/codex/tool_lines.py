"""Tool calls and their results in a Codex rollout.

A call is a `response_item`; its result is one too, and for some tools an event beside it tells
more (0.169.0 `item_completed`, before it `exec_command_end` and the like). Both are told under the
call's id, so a call may have two results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from agent_analytics_cli.agents.commits import commits_of
from agent_analytics_cli.agents.json_lines import Line
from agent_analytics_cli.agents.kept_values import count, flag, identifier, mapping, path
from agent_analytics_cli.agents.session_context import Payload
from agent_analytics_cli.agents.tool_facts import kept_facts, tool_facts
from agent_analytics_collector.text_extracts import from_command, from_patch_or_arguments

Records = Iterator[tuple[str, Payload]]

# What Codex puts before the output of a tool; only a shell's names a process or an exit code.
_HEADER = re.compile(r"\A(?=(?:.*\n){0,5}?Wall time:? )(?:.*\n){1,8}?Output:$", re.MULTILINE)
_SHELL = re.compile(r"^(?:Chunk ID:|Exit code:|Process (?:exited|running) )", re.MULTILINE)
_EXIT_CODE = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,10})\s*$", re.MULTILINE)
_WALL_TIME = re.compile(r"^Wall time:? (\d{1,9}(?:\.\d{1,9})?) seconds", re.MULTILINE)
_PATCH = re.compile(r"\*\*\* Begin Patch\n.*?(?=\n\*\*\* End Patch|\Z)", re.DOTALL)
_SUCCESS = {"completed": True, "failed": False, "declined": False}


def of_item(item: Line) -> Records:
    """The tool call or the result that a `response_item` is."""
    kind = str(item.get("type"))
    if kind == "function_call":
        yield "tool_call", _call(item, item.get("name"), _facts(item.get("arguments")))
    elif kind == "custom_tool_call":
        yield "tool_call", _call(item, item.get("name"), _facts(item.get("input")))
    elif kind == "local_shell_call":
        yield "tool_call", _call(item, "local_shell", _facts(item.get("action")))
    elif kind == "web_search_call":
        yield "tool_call", _call(item, "web_search", {})
    elif kind in ("function_call_output", "custom_tool_call_output"):
        yield from _of_output(item)


def of_event(event: Line) -> Records:
    """The result that an `event_msg` tells."""
    kind, item = event.get("type"), mapping(event.get("item"))
    if kind == "item_completed":
        kind = item.get("type")
        told, call_id = item, item.get("id")
    else:
        told, call_id = event, event.get("call_id")
    if kind in ("CommandExecution", "exec_command_end"):
        more: Payload = {"exit_code": _whole(told.get("exit_code"))}
    elif kind in ("FileChange", "patch_apply_end"):
        more = _changed_lines(told.get("changes"))
    elif kind in ("McpToolCall", "mcp_tool_call_end"):
        more = {"is_error": _mcp_error(told)}
    else:
        return
    ids: Payload = {"tool_use_id": identifier(call_id)}
    success = flag(told.get("success"))
    status = told.get("status")
    if success is None and isinstance(status, str):
        success = _SUCCESS.get(status)
    yield (
        "tool_result",
        ids
        | {
            "success": success,
            "duration_ms": _duration_ms(told.get("duration")),
        }
        | more,
    )
    output = told.get("aggregated_output") or told.get("stdout")
    if "exit_code" in more and isinstance(output, str):
        yield from _commits(ids, output)


def _call(item: Line, name: object, facts: Payload) -> Payload:
    return {
        "tool_use_id": identifier(item.get("call_id")) or identifier(item.get("id")),
        "tool_name": identifier(name),
        "tool_namespace": identifier(item.get("namespace")),
    } | facts


def _facts(told: object) -> Payload:
    """Facts of a tool's arguments: a patch, or JSON that may have one in its shell line."""
    if isinstance(told, str) and told.startswith("{"):
        try:
            told = orjson.loads(told)
        except orjson.JSONDecodeError:
            return {}
    command = mapping(told).get("command") or mapping(told).get("cmd")
    if not isinstance(command, str | list):
        return tool_facts(told)
    words = [command] if isinstance(command, str) else command
    patch = _PATCH.search("\n".join(word for word in words if isinstance(word, str)))
    return kept_facts((from_patch_or_arguments(patch[0]) if patch else {}) | from_command(command))


def _of_output(item: Line) -> Records:
    ids: Payload = {"tool_use_id": identifier(item.get("call_id"))}
    text, facts = _output(item.get("output"))
    if header := _HEADER.match(text):
        wall_time = _WALL_TIME.search(header[0])
        facts["duration_ms"] = round(float(wall_time[1]) * 1000) if wall_time else None
        if _SHELL.search(header[0]):
            exit_code = _EXIT_CODE.search(header[0])
            facts["exit_code"] = int(exit_code[1]) if exit_code else None
    yield "tool_result", ids | facts
    if "exit_code" in facts:
        yield from _commits(ids, text)


def _output(told: object) -> tuple[str, Payload]:
    """The text of a tool's output, and the facts that stand beside it."""
    if isinstance(told, dict):
        text, _ = _output(told.get("content"))
        return text, {"success": flag(told.get("success"))}
    if isinstance(told, list):
        texts = [mapping(part).get("text") for part in told]
        return "\n".join(text for text in texts if isinstance(text, str)), {}
    if not isinstance(told, str):
        return "", {}
    if told.startswith('{"output":'):  # before 0.50 or so
        try:
            decoded = orjson.loads(told)
        except orjson.JSONDecodeError:
            return told, {}
        text, about = decoded.get("output"), mapping(decoded.get("metadata"))
        if isinstance(text, str) and "exit_code" in about:
            return text, {
                "exit_code": _whole(about["exit_code"]),
                "duration_ms": _duration_ms({"secs": about.get("duration_seconds")}),
            }
    return told, {}


def _commits(ids: Payload, output: str) -> Records:
    for commit in commits_of(output, None):
        yield "commit", ids | commit


def _changed_lines(changes: object) -> Payload:
    """Path and lines of the files that a patch changed, in either shape that is in use."""
    if isinstance(changes, dict):
        each = [(name, mapping(change)) for name, change in changes.items()]
    elif isinstance(changes, list):
        each = [(mapping(change).get("path"), mapping(change)) for change in changes]
    else:
        return {}
    added = removed = 0
    for _, change in each:
        kind = change.get("type") or mapping(change.get("kind")).get("type") or change.get("kind")
        text = change.get("unified_diff") or change.get("diff") or change.get("content")
        lines = text.splitlines() if isinstance(text, str) else []
        if kind == "update":
            hunks = lines[next((at for at, line in enumerate(lines) if line[:2] == "@@"), 0) :]
            added += sum(line.startswith("+") for line in hunks)
            removed += sum(line.startswith("-") for line in hunks)
        elif kind == "add":
            added += len(lines)
        elif kind == "delete":
            removed += len(lines)
    first = path(each[0][0]) if each else None
    return {"file_path": first, "lines_added": added, "lines_removed": removed}


def _mcp_error(told: Line) -> bool | None:
    result = mapping(told.get("result"))
    if "Err" in result:
        return True
    fine = mapping(result.get("Ok")) or result
    return flag(fine.get("isError", fine.get("is_error")))


def _duration_ms(told: object) -> int | None:
    """Of {secs, nanos}, where secs may be a fraction."""
    parts = mapping(told)
    seconds, nanos = parts.get("secs"), parts.get("nanos", 0)
    if not isinstance(seconds, int | float) or not isinstance(nanos, int | float):
        return None
    milliseconds = seconds * 1000 + nanos / 1_000_000
    return count(round(milliseconds)) if 0 <= milliseconds < 1e15 else None


def _whole(value: object) -> int | None:
    """An exit code, which may be negative."""
    return value if type(value) is int and -(2**31) <= value < 2**32 else None
