"""What one line of a Codex rollout says, as records without text.

A line is {timestamp, ordinal, type, payload}. Lines leave out what an earlier one said: the
session, the folder, the turn and the model are those of the latest `session_meta`, `turn_context`
and `task_started`. A fork and a sub-agent begin with a copy of another thread's lines, that
thread's `session_meta` included; the copies are told as they stand, with `forked_from`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from agent_analytics_cli.agents.codex import tool_lines
from agent_analytics_cli.agents.codex.edits import Edits
from agent_analytics_cli.agents.edit_lines import KIND as EDIT
from agent_analytics_cli.agents.json_lines import Line
from agent_analytics_cli.agents.kept_values import (
    branch,
    commit_id,
    count,
    identifier,
    mapping,
    number,
    path,
    text_of,
    timestamp,
)
from agent_analytics_cli.agents.session_context import Context, Payload, remote_url
from agent_analytics_cli.agents.session_file import Record, SessionFile
from agent_analytics_collector.line_hashes import LineHasher

_THREAD_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl(?:\.gz|\.zst)?$")
_TOKENS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "total_tokens",
)
_WINDOWS: dict[int | None, str] = {
    299: "five_hour",
    300: "five_hour",
    10_079: "seven_day",
    10_080: "seven_day",
}
"""Limit windows by their minutes, which are told with or without the last one."""

Records = Iterator[tuple[str, Payload]]


@dataclass(slots=True)
class _Turn:
    """The turn that a rollout is at."""

    turn_id: str | None = None
    model: str | None = None
    effort: str | None = None


class Rollout:
    """The lines of one rollout, which must come in their order."""

    def __init__(self, file: SessionFile, hasher: LineHasher | None = None) -> None:
        named = _THREAD_ID.search(file.path.name)
        self._context = Context("codex", file.source_file, named[1] if named else None)
        self._turn = _Turn()
        self._edits = Edits(hasher)

    def kept(self) -> dict[str, Any]:
        """What is to be known when the rollout is read on from here."""
        return {
            "context": self._context.kept(),
            "turn": asdict(self._turn),
            "edits": self._edits.kept(),
        }

    def take_up(self, kept: dict[str, Any]) -> None:
        """Go on with what was kept."""
        self._context.take_up(kept["context"])
        self._turn = _Turn(**kept["turn"])
        self._edits.take_up(kept.get("edits"))

    def records_of(self, line: Line) -> Iterator[Record]:
        """The records of a line; none for lines of other types."""
        payload = mapping(line.get("payload"))
        for kind, found in self._of(str(line.get("type")), payload, line):
            if record := self._context.record(kind, line.get("timestamp"), found):
                yield record

    def _of(self, kind: str, payload: Line, line: Line) -> Records:
        if kind == "session_meta":
            yield from self._of_session(payload)
        elif kind == "turn_context":
            self._enter(payload)
        elif kind == "token_usage_record":
            yield "request", self._request(payload)
        elif kind == "response_item":
            yield from tool_lines.of_item(payload)
        elif kind == "event_msg":
            yield from self._of_event(payload, line)
        for edit in self._edits.of_line(kind, payload, self._context.project_path):
            yield EDIT, edit

    def _of_session(self, meta: Line) -> Records:
        context, thread_id = self._context, identifier(meta.get("id"))
        context.session_id = context.session_id or thread_id
        if thread_id != context.session_id:  # of the thread whose lines were copied
            context.about.setdefault("forked_from", thread_id)
            return
        git = mapping(meta.get("git"))
        source, spawned = _source(meta.get("source"))
        context.project_path = path(meta.get("cwd")) or context.project_path
        context.git_branch = branch(git.get("branch")) or context.git_branch
        context.repository = remote_url(git.get("repository_url")) or context.repository
        context.about["agent_version"] = identifier(meta.get("cli_version"))
        parent = identifier(meta.get("parent_thread_id") or spawned.get("parent_thread_id"))
        if forked_from := identifier(meta.get("forked_from_id")) or parent:
            context.about["forked_from"] = forked_from
        if source == "subagent" or meta.get("thread_source") == "subagent":
            context.about |= {"is_sidechain": True, "agent_id": thread_id}
        yield (
            "session",
            {
                "originator": identifier(meta.get("originator")),
                "source": source,
                "session_kind": identifier(meta.get("thread_source")),
                "model_provider": identifier(meta.get("model_provider")),
                "git_commit_hash": commit_id(git.get("commit_hash")),
                "git_branch": branch(git.get("branch")),
                "repository_url": remote_url(git.get("repository_url")),
                "root_session_id": identifier(meta.get("session_id")),
                "parent_session_id": parent,
                "agent_role": identifier(spawned.get("agent_role")),
            },
        )

    def _enter(self, told: Line) -> None:
        """Take the turn, model and folder that a line tells."""
        settings = mapping(mapping(told.get("collaboration_mode")).get("settings"))
        turn = self._turn
        turn.turn_id = identifier(told.get("turn_id")) or turn.turn_id
        turn.model = identifier(told.get("model")) or turn.model
        turn.effort = identifier(
            told.get("effort") or told.get("reasoning_effort") or settings.get("reasoning_effort")
        )
        self._context.project_path = path(told.get("cwd")) or self._context.project_path

    def _request(self, told: Line) -> Payload:
        usage = mapping(told.get("usage"))
        return {
            "request_id": identifier(told.get("response_id")),
            "thread_id": identifier(told.get("thread_id")),
            "turn_id": identifier(told.get("turn_id")) or self._turn.turn_id,
            "model": identifier(told.get("model")) or self._turn.model,
            "effort": self._turn.effort,
            "service_tier": identifier(told.get("service_tier")),
            "input_tokens": count(usage.get("input_tokens")),
            "cache_read_tokens": count(usage.get("cached_input_tokens")),
            "cache_write_tokens": count(usage.get("cache_write_input_tokens")),
            "output_tokens": count(usage.get("output_tokens")),
            "reasoning_tokens": count(usage.get("reasoning_output_tokens")),
            "total_tokens": count(usage.get("total_tokens")),
        }

    def _of_event(self, event: Line, line: Line) -> Records:
        kind = event.get("type")
        item = mapping(event.get("item"))
        if kind == "token_count":
            yield from self._of_token_count(event, line)
        elif kind in ("task_started", "turn_started"):
            self._turn.turn_id = identifier(event.get("turn_id")) or self._turn.turn_id
        elif kind == "thread_settings_applied":
            self._enter(mapping(event.get("thread_settings")))
        elif kind == "user_message":
            yield "prompt", self._prompt(event, event.get("message"), event.get("kind"))
        elif kind == "item_completed" and item.get("type") == "UserMessage":
            yield "prompt", self._prompt(event, item.get("content"), None, item.get("id"))
        else:
            yield from tool_lines.of_event(event)

    def _prompt(self, event: Line, text: object, source: object, message: object = None) -> Payload:
        return {
            "prompt_id": identifier(event.get("turn_id")) or self._turn.turn_id,
            "message_uuid": identifier(message),
            "prompt_length": len(text_of(text)),
            "prompt_source": identifier(source),
        }

    def _of_token_count(self, event: Line, line: Line) -> Records:
        info = mapping(event.get("info"))
        if info:
            yield (
                "token_count",
                {
                    "turn_id": self._turn.turn_id,
                    "model": identifier(info.get("model")) or self._turn.model,
                    "effort": self._turn.effort,
                    "ordinal": count(line.get("ordinal")),
                }
                | _tokens("total", mapping(info.get("total_token_usage")))
                | _tokens("last", mapping(info.get("last_token_usage"))),
            )
        limits = mapping(event.get("rate_limits"))
        for window in ("primary", "secondary"):
            if told := mapping(limits.get(window)):
                resets_at, minutes = told.get("resets_at"), count(told.get("window_minutes"))
                yield (
                    "rate_limit",
                    {
                        "limit_id": identifier(limits.get("limit_id")),
                        "window": _WINDOWS.get(minutes, window),
                        "used_percentage": number(told.get("used_percent")),
                        "window_minutes": minutes,
                        "resets_at": timestamp(resets_at) or number(resets_at),
                        "resets_in_seconds": number(told.get("resets_in_seconds")),
                        "plan_type": identifier(limits.get("plan_type")),
                        "source": "session_file",
                    },
                )


def _tokens(prefix: str, usage: Line) -> Payload:
    return {f"{prefix}_{name}": count(usage.get(name)) for name in _TOKENS}


def _source(told: object) -> tuple[str | None, Line]:
    """Where a thread comes from, and what is told of its spawning if it is a sub-agent's."""
    if isinstance(told, dict):
        name = next(iter(told), None)
        return identifier(name), mapping(mapping(told.get(name)).get("thread_spawn"))
    return identifier(told), {}
