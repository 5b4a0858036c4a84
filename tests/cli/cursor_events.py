"""Payloads of Cursor's hooks in the shape that its documentation gives them (there is no recording:
Cursor wants an account), with what others captured of it: the byte order mark, {"output",
"exitCode"}, no folder in the Agents Window.
"""

from __future__ import annotations

import json
from typing import Any

SESSION = "4f0c9a1e-77b4-4d5e-9c1d-2a8b6f3e5d10"


def event(name: str, folder: str | None = "/home/dev/app", **fields: Any) -> dict[str, Any]:
    """A payload of the hook called `name`."""
    return {
        "conversation_id": SESSION,
        "generation_id": "490b90b7-a2ce-4c2c-bb76-cb77b125df2f",
        "model": "claude-4.5-sonnet",
        "hook_event_name": name,
        "cursor_version": "3.15.19",
        "workspace_roots": [folder] if folder else [],
        "user_email": "jo@acme.example",
        "transcript_path": None,
    } | fields


def tool(
    name: str, use: str, arguments: Any, output: Any = None, **fields: Any
) -> dict[str, Any]:  # fmt: skip
    """A payload of `postToolUse`."""
    told = {
        "tool_name": name,
        "tool_input": arguments,
        "tool_output": json.dumps(output if output is not None else {}),
        "tool_use_id": use,
        "cwd": "",
        "duration": 250,
    }
    return event("postToolUse", **(told | fields))


def told(payload: Any) -> bytes:
    """The payload as cursor-agent 2026.09 writes it."""
    return b"\xef\xbb\xbf" + json.dumps(payload).encode()
