"""What one line of a Claude Code session file says, as records without text.

Payloads are built name by name from `kept_values`: what is not named here stays in the file.
Lines of an answer are written one per content block, each with the same request id and the same
usage (2.1.197, 2.1.330); they are told as they stand, and dbt counts a request once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from agent_analytics_cli.agents.claude_code.edits import edits_of
from agent_analytics_cli.agents.commits import commits_of
from agent_analytics_cli.agents.edit_lines import KIND as EDIT
from agent_analytics_cli.agents.kept_values import (
    blocks,
    count,
    flag,
    identifier,
    mapping,
    milliseconds,
    path,
    text_of,
)
from agent_analytics_collector.line_hashes import LineHasher
from agent_analytics_collector.text_extracts import from_patch_or_arguments

Line = dict[str, Any]
Payload = dict[str, Any]

# What Claude Code puts before the output of a shell command that failed.
_EXIT_CODE = re.compile(r"(?:Error: )?Exit code (-?\d{1,10})(?=\s|$)")
_DURATIONS = ("durationMs", "totalDurationMs")


def records_of(line: Line, hasher: LineHasher | None = None) -> Iterator[tuple[str, Payload]]:
    """(kind, payload) of every record in a line; none for lines of other types.

    Of edits without a hasher none.
    """
    message = mapping(line.get("message"))
    about = {
        "agent_version": identifier(line.get("version")),
        "is_sidechain": flag(line.get("isSidechain")),
        "agent_id": identifier(line.get("agentId")),
    }
    of_type = {"assistant": _of_answer, "user": _of_user}.get(str(line.get("type")))
    for kind, payload in of_type(line, message) if of_type else ():
        yield kind, _known(payload | about)
    if hasher and of_type is _of_user:
        for payload in edits_of(line, hasher):
            yield EDIT, _known(payload | about | {"forked_from": _forked_from(line)})


def _known(payload: Payload) -> Payload:
    return {name: value for name, value in payload.items() if value is not None}


def _of_answer(line: Line, message: Line) -> Iterator[tuple[str, Payload]]:
    ids: Payload = {
        "request_id": identifier(line.get("requestId")),
        "message_id": identifier(message.get("id")),
        "message_uuid": identifier(line.get("uuid")),
    }
    usage = message.get("usage")
    if isinstance(usage, dict):
        written = mapping(usage.get("cache_creation"))
        yield (
            "request",
            ids
            | {
                "model": identifier(message.get("model")),
                "requested_model": identifier(line.get("requestedModel")),
                "input_tokens": count(usage.get("input_tokens")),
                "cache_read_tokens": count(usage.get("cache_read_input_tokens")),
                "cache_creation_tokens": count(usage.get("cache_creation_input_tokens")),
                "cache_creation_5m_tokens": count(written.get("ephemeral_5m_input_tokens")),
                "cache_creation_1h_tokens": count(written.get("ephemeral_1h_input_tokens")),
                "output_tokens": count(usage.get("output_tokens")),
                "thinking_tokens": count(
                    mapping(usage.get("output_tokens_details")).get("thinking_tokens")
                ),
                "service_tier": identifier(usage.get("service_tier")),
                "speed": identifier(usage.get("speed")),
                "stop_reason": identifier(message.get("stop_reason")),
                "is_api_error": flag(line.get("isApiErrorMessage")),
                "forked_from": _forked_from(line),
            },
        )
    for block in blocks(message.get("content")):
        if block.get("type") == "tool_use":
            yield "tool_call", ids | _tool_call(block)


def _tool_call(block: Line) -> Payload:
    facts = from_patch_or_arguments(orjson.dumps(mapping(block.get("input"))).decode())
    return {
        "tool_use_id": identifier(block.get("id")),
        "tool_name": identifier(block.get("name")),
        "command": facts.get("command"),
        "file_path": path(facts.get("file_path")),
        "lines_added": count(facts.get("lines_added")),
        "lines_removed": count(facts.get("lines_removed")),
    }


def _of_user(line: Line, message: Line) -> Iterator[tuple[str, Payload]]:
    content = blocks(message.get("content"))
    results = [block for block in content if block.get("type") == "tool_result"]
    for block in results:
        # Its details belong to the line, so beside several results they are nobody's.
        yield from _of_result(line if len(results) == 1 else {}, line, block)
    if content and not results:
        yield (
            "prompt",
            {
                "prompt_id": identifier(line.get("promptId")),
                "message_uuid": identifier(line.get("uuid")),
                "prompt_length": len(text_of(content)),
                "prompt_source": identifier(line.get("promptSource")),
                "is_meta": flag(line.get("isMeta")),
                "is_compact_summary": flag(line.get("isCompactSummary")),
                "forked_from": _forked_from(line),
            },
        )


def _of_result(details: Line, line: Line, block: Line) -> Iterator[tuple[str, Payload]]:
    tool_use_id = identifier(block.get("tool_use_id"))
    told = details.get("toolUseResult")
    result = mapping(told)
    decision = mapping(details.get("permissionDecision"))
    is_error = flag(block.get("is_error"))
    output = text_of(block.get("content"))
    exit_code = _EXIT_CODE.match(output) if is_error else None
    duration = next((result[name] for name in _DURATIONS if name in result), None)
    yield (
        "tool_result",
        {
            "tool_use_id": tool_use_id,
            "prompt_id": identifier(line.get("promptId")),
            "is_error": is_error,
            "exit_code": int(exit_code[1]) if exit_code else None,
            "decision": identifier(decision.get("decision")),
            "decision_source": identifier(decision.get("source")),
            "duration_ms": milliseconds(duration),
        }
        | _changed_lines(result),
    )
    if isinstance(result.get("stdout"), str):
        output = result["stdout"]
    elif isinstance(told, dict):  # a tool that is no shell: what it read was committed elsewhere
        output = ""
    for commit in commits_of(output, result.get("gitOperation")):
        yield "commit", {"tool_use_id": tool_use_id} | commit


def _changed_lines(result: Line) -> Payload:
    """Lines of the difference that an edit made, or of the file that it created."""
    patch = result.get("structuredPatch")
    content = result.get("content")
    if patch and isinstance(patch, list):
        hunks = [mapping(hunk).get("lines") for hunk in patch]
        lines = [line for hunk in hunks if isinstance(hunk, list) for line in hunk]
        texts = [line for line in lines if isinstance(line, str)]
        added, removed = (sum(text.startswith(sign) for text in texts) for sign in "+-")
    elif result.get("type") == "create" and isinstance(content, str):
        added = content.count("\n") + bool(content and not content.endswith("\n"))
        removed = 0
    else:
        return {}
    return {"lines_added": added, "lines_removed": removed}


def _forked_from(line: Line) -> str | None:
    """The session that a copied line comes from."""
    told = line.get("forkedFrom")
    return identifier(told.get("sessionId") if isinstance(told, dict) else told)
