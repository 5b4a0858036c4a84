"""What one line of a Copilot CLI session says, as records without text.

A line is an event {type, data, id, timestamp, parentId, agentId of a sub-agent}. A tool call is
told twice, by the message that asks for it and where it starts. `session.usage_record` has a
request's tokens, its input with what the cache gave (1.0.102); what older versions tell of tokens
is the sum of each model at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agent_analytics_cli.agents.commits import commits_of
from agent_analytics_cli.agents.copilot_cli.edits import Edits
from agent_analytics_cli.agents.edit_lines import KIND as EDIT
from agent_analytics_cli.agents.json_lines import Line
from agent_analytics_cli.agents.kept_values import (
    branch,
    commit_id,
    count,
    flag,
    identifier,
    mapping,
    milliseconds,
    number,
    path,
)
from agent_analytics_cli.agents.session_context import Context, Payload, remote_url
from agent_analytics_cli.agents.session_file import Record
from agent_analytics_cli.agents.tool_facts import tool_facts
from agent_analytics_collector.line_hashes import LineHasher

# Versions without `shellExecution` say it only in the text.
_EXIT_CODE = re.compile(r"<[^<>\n]{0,80}\bexit(?:ed with)?(?: exit)? code (-?\d{1,10})>\s*\Z")

Records = Iterator[tuple[str, Payload]]


class Session:
    """The lines of one session, which must come in their order.

    `named` is the session id by the file's name, used until the file itself tells one.
    """

    def __init__(self, source_file: str, named: str, hasher: LineHasher | None = None) -> None:
        self._context = Context("copilot_cli", source_file, identifier(named))
        self._edits = Edits(hasher)

    def kept(self) -> dict[str, Any]:
        """What is to be known when the session is read on from here."""
        return self._context.kept() | {"edits": self._edits.kept()}

    def take_up(self, kept: dict[str, Any]) -> None:
        """Go on with what was kept."""
        self._context.take_up(kept)
        self._edits.take_up(kept.get("edits"))

    def records_of(self, line: Line) -> Iterator[Record]:
        """The records of a line; none for events of other types."""
        data = mapping(line.get("data"))
        parent = identifier(data.get("parentToolCallId"))
        agent_id = identifier(line.get("agentId"))
        about: Payload = {
            "agent_id": agent_id,
            "parent_tool_use_id": parent,
            "is_sidechain": bool(agent_id or parent),
        }
        for kind, payload in self._of(str(line.get("type")), data, line):
            if record := self._context.record(kind, line.get("timestamp"), payload | about):
                yield record

    def _of(self, kind: str, data: Line, line: Line) -> Records:
        if kind in ("session.usage_record", "assistant.usage"):
            yield "request", _request(mapping(data.get("usage")) or data, line)
        elif kind == "assistant.message":
            requests = data.get("toolRequests")
            for call in requests if isinstance(requests, list) else ():
                yield "tool_call", _call(mapping(call), mapping(call).get("name"), data)
        elif kind == "tool.execution_start":
            yield "tool_call", _call(data, data.get("toolName"), data)
        elif kind == "tool.execution_complete":
            yield from _of_result(data)
        elif kind == "user.message":
            yield "prompt", _prompt(data, line)
        elif kind == "session.context_changed":
            self._enter(data)
        elif kind in ("session.start", "session.resume"):
            yield from self._of_start(kind, data)
        elif kind == "session.shutdown":
            yield from _of_shutdown(data)
        for edit in self._edits.of_event(kind, data, self._context.project_path):
            yield EDIT, edit

    def _of_start(self, kind: str, data: Line) -> Records:
        told = mapping(data.get("context"))
        context = self._context
        context.session_id = identifier(data.get("sessionId")) or context.session_id
        if version := identifier(data.get("copilotVersion")):
            context.about["agent_version"] = version
        self._enter(told)
        yield (
            "session",
            {
                "event": kind,
                "originator": identifier(data.get("producer")),
                "model": identifier(data.get("selectedModel")),
                "effort": identifier(data.get("reasoningEffort")),
                "git_commit_hash": commit_id(told.get("headCommit")),
                "git_branch": branch(told.get("branch")),
                "repository_url": _repository(told),
                "parent_session_id": identifier(data.get("detachedFromSpawningParentSessionId")),
            },
        )

    def _enter(self, told: Line) -> None:
        """Take the folder that a line tells, whole: a folder without git has no branch."""
        if project_path := path(told.get("cwd")):
            self._context.project_path = project_path
            self._context.git_branch = branch(told.get("branch"))
            self._context.repository = _repository(told)


def _request(usage: Line, line: Line) -> Payload:
    accounting = mapping(usage.get("accounting"))
    return {
        "request_id": identifier(usage.get("apiCallId"))
        or identifier(accounting.get("usageId"))
        or identifier(line.get("id")),
        "provider_call_id": identifier(usage.get("providerCallId")),
        "source_session_id": identifier(accounting.get("sourceSessionId")),
        "sequence": count(accounting.get("sequence")),
        "model": identifier(usage.get("model")),
        "model_provider": identifier(usage.get("modelProvider")),
        "input_tokens": count(usage.get("inputTokens")),
        "cache_read_tokens": count(usage.get("cacheReadTokens")),
        "cache_write_tokens": count(usage.get("cacheWriteTokens")),
        "output_tokens": count(usage.get("outputTokens")),
        "reasoning_tokens": count(usage.get("reasoningTokens")),
        "duration_ms": milliseconds(usage.get("duration")),
        "ttft_ms": milliseconds(usage.get("timeToFirstTokenMs")),
        "reported_cost": number(usage.get("cost")),
        "reported_nano_aiu": number(
            usage.get("totalNanoAiu", mapping(usage.get("copilotUsage")).get("totalNanoAiu"))
        ),
        "ai_credits_status": identifier(usage.get("aiCreditsStatus")),
        "is_byok": flag(usage.get("isByok")),
        "initiator": identifier(usage.get("initiator")),
        "interaction_type": identifier(usage.get("interactionType")),
        "effort": identifier(usage.get("reasoningEffort")),
        "stop_reason": identifier(usage.get("finishReason")),
    }


def _call(call: Line, name: object, data: Line) -> Payload:
    return {
        "tool_use_id": identifier(call.get("toolCallId")),
        "request_id": identifier(data.get("apiCallId")),
        "turn_id": identifier(data.get("turnId")),
        "tool_name": identifier(name),
        "mcp_server_name": identifier(call.get("mcpServerName")),
    } | tool_facts(call.get("arguments"))


def _of_result(data: Line) -> Records:
    ids: Payload = {"tool_use_id": identifier(data.get("toolCallId"))}
    result, shell = mapping(data.get("result")), data.get("shellExecution")
    metrics = mapping(mapping(data.get("toolTelemetry")).get("metrics"))
    texts = [result.get("content"), result.get("detailedContent")]
    output = [text for text in texts if isinstance(text, str)]
    ending = _EXIT_CODE.search(output[0][-200:]) if output else None
    told = mapping(shell).get("exitCode")
    exit_code = told if type(told) is int else int(ending[1]) if ending else None
    yield (
        "tool_result",
        ids
        | {
            "turn_id": identifier(data.get("turnId")),
            "success": flag(data.get("success")),
            "exit_code": exit_code,
            "lines_added": _lines(metrics.get("linesAdded")),
            "lines_removed": _lines(metrics.get("linesRemoved")),
        },
    )
    if isinstance(shell, dict) or ending:  # what other tools read was committed elsewhere
        for commit in commits_of("\n".join(output), None):
            yield "commit", ids | commit


def _prompt(data: Line, line: Line) -> Payload:
    content = data.get("content")
    return {
        "prompt_id": identifier(data.get("interactionId")),
        "message_uuid": identifier(data.get("messageId")) or identifier(line.get("id")),
        "turn_id": identifier(data.get("turnId")),
        "prompt_length": len(content) if isinstance(content, str) else None,
        "prompt_source": identifier(data.get("source")),
        "is_autopilot_continuation": flag(data.get("isAutopilotContinuation")),
    }


def _of_shutdown(data: Line) -> Records:
    """One record per model; the sums are those of the session so far."""
    for model, told in mapping(data.get("modelMetrics")).items():
        requests, usage = (
            mapping(mapping(told).get("requests")),
            mapping(mapping(told).get("usage")),
        )
        yield (
            "session",
            {
                "event": "session.shutdown",
                "shutdown_type": identifier(data.get("shutdownType")),
                "model": identifier(model),
                "total_requests": count(requests.get("count")),
                "total_input_tokens": count(usage.get("inputTokens")),
                "total_cache_read_tokens": count(usage.get("cacheReadTokens")),
                "total_cache_write_tokens": count(usage.get("cacheWriteTokens")),
                "total_output_tokens": count(usage.get("outputTokens")),
                "total_reasoning_tokens": count(usage.get("reasoningTokens")),
                "reported_cost": number(requests.get("cost")),
                "reported_nano_aiu": number(mapping(told).get("totalNanoAiu")),
            },
        )


def _lines(told: object) -> int | None:
    """Metrics are written as 3 and as 3.0."""
    lines = number(told)
    return None if lines is None else round(lines)


def _repository(context: Line) -> str | None:
    """Address of the repository, which is told as a host and `owner/name`."""
    host, name = identifier(context.get("repositoryHost")), identifier(context.get("repository"))
    return remote_url(f"https://{host}/{name}") if host and name else None
