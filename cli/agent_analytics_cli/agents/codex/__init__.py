"""Codex: its folder and its session files (seen in 0.169.0; older shapes by its source)."""

from __future__ import annotations

from agent_analytics_cli.agents.codex.session_files import (
    codex_dir,
    find_session_files,
    read_session_file,
)

__all__ = ["codex_dir", "find_session_files", "read_session_file"]
