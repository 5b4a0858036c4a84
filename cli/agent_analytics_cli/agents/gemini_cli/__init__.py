"""Gemini CLI: its folder and its session files (seen in 0.61.0; older ones by its source)."""

from __future__ import annotations

from agent_analytics_cli.agents.gemini_cli.session_files import (
    find_session_files,
    gemini_folder,
    read_session_file,
)

__all__ = ["find_session_files", "gemini_folder", "read_session_file"]
