"""Copilot CLI: its folder and its session files (seen in 1.0.102)."""

from __future__ import annotations

from agent_analytics_cli.agents.copilot_cli.session_files import (
    copilot_folder,
    find_session_files,
    read_session_file,
)

__all__ = ["copilot_folder", "find_session_files", "read_session_file"]
