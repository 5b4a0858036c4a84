"""What `status` tells of backups and of the last recovery: by files alone, without DuckDB."""

from __future__ import annotations

from typing import Any

import msgspec

from agent_analytics_collector.backup.folder import backups_folder, own_backups
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.recovery_state import read_recovery


def backup_facts(home: Home) -> dict[str, Any]:
    """`backups` (None where they cannot be told) and `recovery` (None when there was none)."""
    recovery = read_recovery(home)
    told = recovery and {**msgspec.to_builtins(recovery), "summary": recovery.summary}
    try:
        settings = load_settings(home).settings
        found = own_backups(home, settings)
    except (AgentAnalyticsError, OSError):
        return {"backups": None, "recovery": told}
    backups = {
        "folder": str(backups_folder(home, settings)),
        "daily": settings.backup.enabled,
        "count": len(found),
        "newest": found[-1].name if found else None,
        "newest_at": found[-1].manifest.made_at if found else None,
        "bytes": sum(one.manifest.size_bytes for one in found),
    }
    return {"backups": backups, "recovery": told}
