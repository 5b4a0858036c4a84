"""What one line of a Gemini CLI chat says, as records without text.

A line is the session's beginning, a message, or an update (`$set`). A message is appended again
whole each time that it grows, under its id, and `$set` may repeat all of them: they are told as
they stand, alike ones as alike records. The file leaves out the router's calls, and its output
tokens are without thoughts (0.61.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agent_analytics_cli.agents.commits import commits_of
from agent_analytics_cli.agents.edit_lines import KIND as EDIT
from agent_analytics_cli.agents.gemini_cli.edits import edits_of
from agent_analytics_cli.agents.json_lines import Line
from agent_analytics_cli.agents.kept_values import count, identifier, mapping
from agent_analytics_cli.agents.session_context import Context, Payload
from agent_analytics_cli.agents.session_file import Record
from agent_analytics_cli.agents.tool_facts import tool_facts
from agent_analytics_collector.line_hashes import LineHasher

_SHELL = "run_shell_command"
_EXIT_CODE = re.compile(r"^Exit Code: (-?\d{1,10})\s*$", re.MULTILINE)
_LABEL = re.compile(r"^(?:Output|Stdout): (?=\[)", re.MULTILINE)
_ENDED = ("success", "error", "cancelled")

_Timed = Iterator[tuple[str, object, Payload]]
"""(kind, timestamp, payload)"""


class Chat:
    """The lines of one chat, which must come in their order.

    `parent` is the session whose sub-agent's chat it is.
    """

    def __init__(
        self,
        source_file: str,
        project_path: str | None,
        parent: str | None,
        hasher: LineHasher | None = None,
    ) -> None:
        self._hasher = hasher
        self._context = Context("gemini_cli", source_file, identifier(parent), project_path)
        self._parent = identifier(parent)

    def kept(self) -> dict[str, Any]:
        """What is to be known when the chat is read on from here."""
        return self._context.kept()

    def take_up(self, kept: dict[str, Any]) -> None:
        """Go on with what was kept."""
        self._context.take_up(kept)

    def records_of(self, line: Line) -> Iterator[Record]:
        """The records of a line, or of a document that is a whole session."""
        for kind, at, payload in self._of(line):
            if record := self._context.record(kind, at, payload):
                yield record

    def _of(self, line: Line) -> _Timed:
        update = line.get("$set")
        if isinstance(update, dict):
            self._identify(update)
            yield from self._messages(update.get("messages"), "history")
        elif "type" in line and "id" in line:
            yield from self._message(line, None)
        elif "sessionId" in line:
            self._identify(line)
            yield (
                "session",
                line.get("startTime"),
                {
                    "session_kind": identifier(line.get("kind")),
                    "parent_session_id": self._parent,
                },
            )
            yield from self._messages(line.get("messages"), None)

    def _identify(self, told: Line) -> None:
        context, session_id = self._context, identifier(told.get("sessionId"))
        if session_id is None:
            return
        if self._parent is None:
            context.session_id = session_id
        elif session_id != self._parent:
            context.about |= {"is_sidechain": True, "agent_id": session_id}

    def _messages(self, messages: object, source: str | None) -> _Timed:
        for message in messages if isinstance(messages, list) else ():
            yield from self._message(mapping(message), source)

    def _message(self, message: Line, source: str | None) -> _Timed:
        yield from _of_message(message, source)
        if self._hasher:
            for at, edit in edits_of(message, self._hasher, self._context.project_path):
                yield EDIT, at, edit


def _of_message(message: Line, source: str | None) -> _Timed:
    kind, at = message.get("type"), message.get("timestamp")
    message_id = identifier(message.get("id"))
    if kind == "gemini":
        tokens = message.get("tokens")
        if isinstance(tokens, dict):
            yield "request", at, _request(message_id, message, tokens)
        calls = message.get("toolCalls")
        for call in calls if isinstance(calls, list) else ():
            yield from _of_call(message_id, at, mapping(call))
    elif kind == "user":
        content = message.get("displayContent") or message.get("content")
        if not any("functionResponse" in part for part in _parts(content)):
            yield (
                "prompt",
                at,
                {
                    "prompt_id": message_id,
                    "prompt_length": len(_text(content)),
                    "prompt_source": source,
                },
            )


def _request(message_id: str | None, message: Line, tokens: Line) -> Payload:
    return {
        "request_id": message_id,
        "model": identifier(message.get("model")),
        "input_tokens": count(tokens.get("input")),
        "cache_read_tokens": count(tokens.get("cached")),
        "output_tokens": count(tokens.get("output")),
        "reasoning_tokens": count(tokens.get("thoughts")),
        "tool_tokens": count(tokens.get("tool")),
        "total_tokens": count(tokens.get("total")),
    }


def _of_call(message_id: str | None, at: object, call: Line) -> _Timed:
    tool_use_id, tool_name = identifier(call.get("id")), identifier(call.get("name"))
    ids: Payload = {"tool_use_id": tool_use_id}
    yield (
        "tool_call",
        at,
        ids
        | {
            "request_id": message_id,
            "tool_name": tool_name,
            "called_agent_id": identifier(call.get("agentId")),
        }
        | tool_facts(call.get("args")),
    )
    status, ended_at = call.get("status"), call.get("timestamp")
    if status not in _ENDED:
        return
    output = _output(call) if tool_name == _SHELL else ""
    exit_codes = _EXIT_CODE.findall(output)
    changed: dict[str, Any] = mapping(mapping(call.get("resultDisplay")).get("diffStat"))
    yield (
        "tool_result",
        ended_at,
        ids
        | {
            "is_error": status == "error",
            "success": status == "success",
            "exit_code": int(exit_codes[-1]) if exit_codes else None,
            "lines_added": count(changed.get("model_added_lines")),
            "lines_removed": count(changed.get("model_removed_lines")),
        },
    )
    for commit in commits_of(_LABEL.sub("", output), None):
        yield "commit", ended_at, ids | commit


def _output(call: Line) -> str:
    """What a shell printed: as shown, and as the model was told."""
    shown = call.get("resultDisplay")
    responses = (mapping(part.get("functionResponse")) for part in _parts(call.get("result")))
    told = [mapping(response.get("response")).get("output") for response in responses]
    return "\n".join(text for text in (shown, *told) if isinstance(text, str))


def _parts(content: object) -> list[Line]:
    """The parts of a content: one, a list of them, or text."""
    found = content if isinstance(content, list) else [content]
    return [part if isinstance(part, dict) else {"text": part} for part in found]


def _text(content: object) -> str:
    texts = (part.get("text") for part in _parts(content))
    return "\n".join(text for text in texts if isinstance(text, str))
