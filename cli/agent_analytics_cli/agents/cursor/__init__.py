"""Cursor: its folder, its hooks, and what they tell.

Cursor exports no telemetry and keeps no tokens on disk; `sync cursor` asks its vendor for those.
Cursor is not run here: what is said of it is from its documentation (cursor.com/docs/hooks, 2026)
and from what others captured of 3.x and of cursor-agent 2026.09 and 2026.10.
"""

from __future__ import annotations

from agent_analytics_cli.agents.cursor.hook_events import NotAnEvent, records_of
from agent_analytics_cli.agents.cursor.hooks_file import (
    cursor_folder,
    hooks_state,
    plan_hooks,
    stub_path,
)

__all__ = [
    "NotAnEvent",
    "cursor_folder",
    "hooks_state",
    "plan_hooks",
    "records_of",
    "stub_path",
]
