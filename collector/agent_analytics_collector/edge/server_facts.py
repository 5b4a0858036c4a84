"""What `status` tells of a collector as a server: its certificate, keys, limits and refusals."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from agent_analytics_collector.access.expiry import expiring_keys
from agent_analytics_collector.access.key_file import read_keys
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import TlsSettings
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.state import read_service, read_traffic


def server_facts(home: Home) -> dict[str, Any]:
    """By files alone; a value is None where it cannot be told, and `problem` says why."""
    traffic = None if read_service(home) is None else msgspec.to_builtins(read_traffic(home))
    facts: dict[str, Any] = {"tls": None, "keys": None, "limits": None, "traffic": traffic}
    try:
        settings = load_settings(home).settings
        facts["limits"] = msgspec.to_builtins(settings.limits)
        keys, now = read_keys(home), time.time()
        facts["keys"] = {
            "made": len(keys),
            "valid": sum(key.holds(now) for key in keys),
            "expiring": len(expiring_keys(home, now)),
        }
        facts["tls"] = _tls(home, settings.tls)
    except AgentAnalyticsError as error:
        return {**facts, "problem": str(error)}
    return {**facts, "problem": None}


def _tls(home: Home, settings: TlsSettings) -> dict[str, Any]:
    """Raises TlsUnusable."""
    told: dict[str, Any] = {"behind_proxy": settings.behind_proxy, "certificate": None}
    if settings.certificate is None:
        return told
    # Not at the top: it loads gRPC, which a home without a certificate can do without.
    from agent_analytics_collector.edge.tls import TlsFiles

    files = TlsFiles.of(home, settings)
    assert files is not None  # `load_settings` wants both or none
    facts = files.facts()
    return told | {
        "certificate": str(files.certificate),
        "names": list(facts.names),
        "expires_at": facts.expires_at.isoformat(),
    }
