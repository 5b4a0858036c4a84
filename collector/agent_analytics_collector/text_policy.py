"""What is kept of the text that agents send: by default only its meaning, never its words.

`TEXT_ATTRIBUTES` names everything that carries text, and what may be kept of it. With the
extractions it uses, it is all that Python knows of agents. It is applied after `record_key`, so
turning the policy on or off makes no record a new one.

Names are from Claude Code 2.1.330 and 2.1.197, Codex 0.169.0, Gemini CLI 0.61.0 and Copilot CLI
1.0.102 as recorded, from their documentation, and from OpenTelemetry's GenAI conventions.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agent_analytics_collector.line_hashes import LineHasher
from agent_analytics_collector.otlp.values import Attributes, Json, encode
from agent_analytics_collector.privacy.pseudonyms import Pseudonyms
from agent_analytics_collector.text_extracts import (
    from_command,
    from_edit_counts,
    from_edits,
    from_patch_or_arguments,
    from_tool_output,
)

LONG = 512
"""Characters from which on a value under an unknown name is taken for text."""

PREFIX = "agent_analytics."

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z_.:/-]{0,127}(?<![.:/-])|[0-9]{1,4}")
"""A code or a name: letters and a few signs, or a short number. Keys and passwords have digits."""
_LINE_HASHES = frozenset({"added_line_hashes", "removed_line_hashes"})
"""Names under which session records have hashes of lines, as many as there were."""
_is_hashes = re.compile(r"[0-9a-f]{16}(?: [0-9a-f]{16})*").fullmatch
_REDACTED = frozenset({"<REDACTED>", "[REDACTED]"})

Extract = Callable[[str], Attributes]


def _nothing(_: str) -> Attributes:
    return {}


def _identifier(text: str) -> Attributes:
    """Marks text that is kept whole when it is an identifier, as error codes are."""
    return {}


TEXT_ATTRIBUTES: dict[str, Extract] = {
    # What people and models say.
    **dict.fromkeys(
        (
            "prompt",
            "prompt_text",
            "user_prompt",
            "response",
            "response_text",
            "request_text",
            "response.model_output",
            "new_context",
            "system_prompt",
            "system_prompt_preview",
            "reasoning",
            "routing.reasoning",
            "trusted_content",
            "verdict_rationale",
            "feedback",
            "copilot_chat.user_request",
            "copilot_chat.reasoning_content",
            "gen_ai.prompt",
            "gen_ai.completion",
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.system_instructions",
            "gen_ai.tool.definitions",
            "gen_ai.tool.description",
            "gen_ai.agent.description",
            "gen_ai.evaluation.explanation",
        ),
        _nothing,
    ),
    # Raw request and response of the model's API (Claude Code, OTEL_LOG_RAW_API_BODIES).
    "body": _nothing,
    # What tools are given.
    **dict.fromkeys(
        (
            "tool_input",
            "tool_parameters",
            "tool_call",
            "arguments",
            "function_args",
            "gen_ai.tool.call.arguments",
        ),
        from_patch_or_arguments,
    ),
    **dict.fromkeys(
        ("full_command", "bash_command", "github.copilot.tool.parameters.command"), from_command
    ),
    "metadata": from_edit_counts,
    # What tools say.
    **dict.fromkeys(
        ("output", "tool_output", "tool_result", "gen_ai.tool.call.result"), from_tool_output
    ),
    **dict.fromkeys(
        (
            "stdout",
            "stderr",
            "hook_input",
            "hook_output",
            "hook_definitions",
            "copilot_chat.hook_input",
            "copilot_chat.hook_output",
            "exception.stacktrace",
            "description",
            "content",
            "process.command",
            "process.command_args",
            "process.command_line",
        ),
        _nothing,
    ),
    # Codes in some events, sentences that quote the user's code in others.
    **dict.fromkeys(
        (
            "error",
            "error.message",
            "error_message",
            "exception.message",
            "otel.status_description",
            "message",
            "policy",
            "reason",
        ),
        _identifier,
    ),
}

_NAMES = frozenset(TEXT_ATTRIBUTES)
_ORDER = {name: place for place, name in enumerate(TEXT_ATTRIBUTES)}
"""Where two attributes tell the same fact, the later one in the table is right."""
_CONTAINERS = frozenset((list, dict))


class TextPolicy:
    """Applies the policy, or nothing of it when the user opted in to text.

    With a hasher edits in the arguments of tools become hashes of their lines, with pseudonyms
    messages of commits become keyed hashes.
    """

    def __init__(
        self,
        *,
        include_text: bool,
        hasher: LineHasher | None = None,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        self._include_text = include_text
        self._hasher = hasher
        self._pseudonyms = pseudonyms
        self.dropped = 0
        """Long values under names that `TEXT_ATTRIBUTES` does not know."""

    def attributes(self, found: Attributes, encoded: bytes) -> bytes:
        """JSON of the attributes without text; `encoded` is their JSON with it."""
        if self._include_text or (_NAMES.isdisjoint(found) and not _any_long(found)):
            return encoded
        return encode(self._without_text(found))

    def parts(self, parts: list[Attributes]) -> bytes | None:
        """JSON of a span's events or links without text; None when there are none."""
        if not parts:
            return None
        if not self._include_text:
            for part in parts:
                found = part["attributes"]
                assert isinstance(found, dict)
                part["attributes"] = self._without_text(found)
                if "name" in part:
                    part["name"] = self.name(str(part["name"]))
        return encode([*parts])

    def body(self, body: Json) -> str | None:
        """A log record's body: an identifier, or None; whole (as JSON if nested) with text."""
        if body is None or body == "":
            return None
        if self._include_text:
            return body if isinstance(body, str) else encode(body).decode()
        return body if isinstance(body, str) and _IDENTIFIER.fullmatch(body) else None

    def commit_message(self, message: str | None) -> str | None:
        """A commit's message, or the hash in its place."""
        return self._pseudonyms.of_message(message) if message and self._pseudonyms else message

    def name(self, name: str) -> str | None:
        """The name of a span or its event; None when empty or long enough to be text."""
        if len(name) > LONG and not self._include_text:
            self.dropped += 1
            return None
        return name or None

    def _without_text(self, found: Attributes) -> Attributes:
        kept = found.copy()
        if _any_long(found):
            for name, value in found.items():
                if name not in _NAMES and _is_long(value) and not _are_hashes(name, value):
                    del kept[name]
                    self.dropped += 1
        for name in sorted(_NAMES.intersection(found), key=_ORDER.__getitem__):
            value = found[name]
            if value is None or isinstance(value, int | float):
                continue
            text = value if isinstance(value, str) else encode(value).decode()
            extract = TEXT_ATTRIBUTES[name]
            if extract is _identifier and _IDENTIFIER.fullmatch(text):
                continue
            del kept[name]
            if text not in _REDACTED:
                kept[f"{PREFIX}{name}.length"] = len(text)
                facts = extract(text)
                if self._hasher and extract is from_patch_or_arguments:
                    facts |= from_edits(text, self._hasher)
                for fact, learned in facts.items():
                    kept[PREFIX + fact] = learned
        return kept


def _are_hashes(name: str, value: Json) -> bool:
    return name in _LINE_HASHES and isinstance(value, str) and _is_hashes(value) is not None


def _any_long(found: Attributes) -> bool:
    # Written out: any() and map() over _is_long take twice as long, a twentieth of a row's time.
    for value in found.values():
        if type(value) is str:
            if len(value) > LONG:
                return True
        elif type(value) in _CONTAINERS and _is_long(value):
            return True
    return False


def _is_long(value: Json) -> bool:
    """Whether the value is, or holds, a string that counts as text."""
    if isinstance(value, str):
        return len(value) > LONG
    if isinstance(value, list):
        return any(map(_is_long, value))
    if isinstance(value, dict):
        return not _NAMES.isdisjoint(value) or any(map(_is_long, value.values()))
    return False
