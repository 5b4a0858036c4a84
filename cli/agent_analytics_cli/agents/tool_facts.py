"""The facts in a tool's arguments that a `tool_call` record carries."""

from __future__ import annotations

from typing import Any

import orjson

from agent_analytics_cli.agents.kept_values import count, mapping, path
from agent_analytics_collector.text_extracts import from_patch_or_arguments


def tool_facts(arguments: object) -> dict[str, object]:
    """`command`, `file_path`, `lines_added` and `lines_removed` of arguments: object or text."""
    return kept_facts(from_patch_or_arguments(_text(arguments)))


def kept_facts(facts: dict[str, Any]) -> dict[str, object]:
    """The same of facts that were found already."""
    return {
        "command": facts.get("command"),
        "file_path": path(facts.get("file_path")),
        "lines_added": count(facts.get("lines_added")),
        "lines_removed": count(facts.get("lines_removed")),
    }


def _text(arguments: object) -> str:
    if isinstance(arguments, str):
        return arguments
    try:
        return orjson.dumps(mapping(arguments)).decode()
    except TypeError:  # nested deeper than orjson writes, which is less than it reads
        return ""
