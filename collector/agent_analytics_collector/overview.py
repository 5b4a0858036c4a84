"""What `status` shows: the service, the spool, loading, dbt and the published marts of one home."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from agent_analytics_collector.backup.facts import backup_facts
from agent_analytics_collector.edge.server_facts import server_facts
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.errors import BadSetting
from agent_analytics_collector.forward.backlog import standings
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.spool.reader import count_waiting
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import (
    DbtRun,
    TransformState,
    process_started_at,
    read_loader,
    read_service,
    read_transform,
)
from agent_analytics_collector.warehouse.lock import lock_holder


def overview(home: Home) -> dict[str, Any]:
    """Everything `status --json` prints; asks files only, so it works with nothing running."""
    service = read_service(home)
    loader = read_loader(home)
    waiting = count_waiting(home.spool, Position(loader.segment, loader.offset))
    return {
        "home": str(home.root),
        "running": service is not None,
        "service": None if service is None else msgspec.to_builtins(service),
        "records": {signal.value: loader.records.get(signal.value, 0) for signal in Signal},
        "rejected": loader.rejected,
        "waiting": {
            "requests": waiting.entries,
            "records": {signal.value: count for signal, count in waiting.records.items()},
            "bytes": waiting.bytes,
        },
        "last_load_at": loader.last_load_at,
        "last_load_rows": loader.last_load_rows,
        "lock_holder": lock_holder(home.database),
        "loading_waits_for": loader.waiting_for,
        "loading_waits_since": loader.waiting_since,
        "problem": loader.problem,
        "dbt": dbt_state(home, loader.last_dbt_run),
        "published": _published(home),
        "forward": _forward(home),
        "server": server_facts(home),
        **backup_facts(home),
    }


def _forward(home: Home) -> list[dict[str, Any]]:
    """How far each destination is; none where the settings cannot be read, as `server` says."""
    try:
        found = standings(home, load_settings(home).settings)
    except BadSetting:
        return []
    return [
        {
            "endpoint": standing.destination.forward.endpoint,
            "waiting": asdict(standing.backlog),
            "dropped": msgspec.to_builtins(standing.dropped),
            **{
                name: getattr(standing.progress, name)
                for name in ("delivered", "refused", "rejected", "last_refusal",
                             "last_delivery_at", "problem", "problem_since", "is_blocked")
            },
        }
        for standing in found
    ]  # fmt: skip


def dbt_state(home: Home, recorded: DbtRun | None) -> dict[str, Any]:
    """The newest dbt run, ours or one that somebody else started."""
    ours = read_transform(home)
    runs = [run for run in (recorded, ours.last if ours else None) if run is not None]
    # A failed run of ours is also recorded by dbt itself, a little earlier: ours says why.
    newest = max(runs, key=lambda run: run.finished_at, default=None)
    if newest is not None and recorded is not None and newest is not recorded:
        newest = msgspec.structs.replace(newest, models=recorded.models, errors=recorded.errors)
    return {
        "running": _is_running(ours),
        "last": None if newest is None else msgspec.to_builtins(newest),
    }


def _is_running(transform: TransformState | None) -> bool:
    if transform is None or transform.running_pid is None:
        return False
    started = process_started_at(transform.running_pid)
    # A process that began later only has the same number.
    return started is not None and started <= _seconds(transform.started_at) + 2


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _published(home: Home) -> dict[str, Any] | None:
    current = home.published / "current"
    if not current.is_symlink():
        return None
    return {
        "run": current.readlink().name,
        "at": _modified(home.current_marts),
        "bi_database": str(home.bi_database),
        "bi_replaced_at": _modified(home.bi_database),
    }


def _modified(path: Path) -> str | None:
    try:
        seconds = path.stat().st_mtime
    except FileNotFoundError:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
