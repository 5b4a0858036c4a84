"""Checks of backups, of the daily housekeeping and of what a recovery lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Verdict, fail, how_long, in_units, ok, warn
from agent_analytics_collector.backup.folder import own_backups
from agent_analytics_collector.backup.swap import set_aside
from agent_analytics_collector.state import read_housekeeping
from agent_analytics_collector.warehouse.recovery_state import read_recovery

OLD_S = 36 * 3600.0
"""From which age on a daily backup is late."""
LOSS_IS_NEWS = timedelta(days=14)
"""Afterwards nobody can do anything about it any more."""


def check_backups(situation: Situation) -> Verdict:
    for name, step in read_housekeeping(situation.home).items():
        if step.problem:
            said = f"The daily {name} step failed at {step.at}: {step.problem}"
            return fail(said, f"See {situation.log('housekeeping')}; it is tried again each hour")
    backups = own_backups(situation.home, situation.settings)
    if not situation.settings.backup.enabled:
        return ok(f"Backups are off (backup.enabled); {len(backups)} are kept.")
    if not situation.home.database.exists():
        return ok("There is nothing to back up yet.")
    if not backups:
        return ok("There is no backup yet; a running collector makes one each day.")
    age_s = (datetime.now(UTC) - backups[-1].made_at).total_seconds()
    detail = (
        f"{len(backups)} backups are kept; the newest is {how_long(age_s)} old, "
        f"{in_units(backups[-1].manifest.size_bytes)}."
    )
    return warn(detail, "agent-analytics backup now") if age_s > OLD_S else ok(detail)


def check_recovery(situation: Situation) -> Verdict:
    recovery = read_recovery(situation.home)
    if recovery is None:
        return ok("The DuckDB file was never recovered.")
    detail = f"At {recovery.at} {recovery.summary}."
    if recovery.finished_at is None:
        return warn(detail, "agent-analytics flush")
    aside = set_aside(situation.home)
    if aside:
        size = in_units(sum(path.stat().st_size for path in aside))
        detail += f" {size} of files that were set aside stay for 30 days in {situation.home.data}."
    age = datetime.now(UTC) - datetime.fromisoformat(recovery.at)
    if recovery.lost and age < LOSS_IS_NEWS:
        return fail(detail, "`agent-analytics import` reads agents' own files again")
    return ok(detail)
