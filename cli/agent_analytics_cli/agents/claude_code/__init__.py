"""Claude Code: its folder and its session files (seen in 2.1.197 and 2.1.330)."""

from __future__ import annotations

from agent_analytics_cli.agents.claude_code.session_files import (
    config_dir,
    find_session_files,
    read_records,
    read_session_file,
)

__all__ = ["config_dir", "find_session_files", "read_records", "read_session_file"]
