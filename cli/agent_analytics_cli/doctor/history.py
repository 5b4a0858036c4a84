"""Check of what agents delete: are the sessions imported before they are gone?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Verdict, how_long, ok, warn

CLAUDE_CODE = "claude_code"
DEFAULT_DAYS = 30
"""Claude Code's own, documented; it deletes at its start what was not written to for so long."""
FEW_DAYS = 7
"""With fewer, a week without an import loses sessions."""
LATE_S = 24 * 3600.0
"""A session file that nobody wrote to for so long is not just being imported."""
_DAY_S = 24 * 3600.0
_IMPORT = "agent-analytics import"


class Period(NamedTuple):
    """How long Claude Code keeps its session files."""

    days: float
    origin: Path | None
    """The settings file that says so; None is the default."""


def check_history(situation: Situation) -> Verdict:
    """Whether Claude Code's sessions are imported well before Claude Code deletes them."""
    from agent_analytics_cli.doctor.agents import project_folder
    from agent_analytics_cli.machine import claude_config_dir

    if CLAUDE_CODE not in situation.settings.enabled_agents:
        return ok("Claude Code is not enabled.")
    config_dir = claude_config_dir()
    if not config_dir.is_dir():
        return ok("Claude Code has no sessions here.")
    period = cleanup_period(config_dir, project_folder())
    file = period.origin or config_dir / "settings.json"
    raise_it = f'Set "cleanupPeriodDays": 365 in {file}'
    if period.days <= 0:
        return warn(
            f"cleanupPeriodDays is 0 in {file}: Claude Code keeps no sessions then, or refuses the "
            "setting (since 2.1.89), so what telemetry does not tell is lost.",
            raise_it,
        )
    late = _not_imported(situation)
    kept = f"Claude Code deletes sessions unused for {period.days:g} days"
    kept += "." if period.origin else " (its default)."
    if late:
        left_s = min(late) + period.days * _DAY_S - time.time()
        when = f"in {how_long(left_s)}" if left_s > 0 else "at its next start"
        is_there = situation.service or situation.settings.backend_url
        said = "1 session file is" if len(late) == 1 else f"{len(late):,} session files are"
        return warn(
            f"{kept} {said} not imported, and the oldest goes {when}.",
            _IMPORT if is_there else "agent-analytics up",
        )
    if period.days < FEW_DAYS:
        return warn(f"{kept} All are imported so far.", raise_it)
    return ok(f"{kept} All are imported, and what is imported stays.")


def cleanup_period(config_dir: Path, project_dir: Path | None) -> Period:
    """What the settings file with the last word says; a value that is no number says nothing."""
    from agent_analytics_cli.agents.claude_code.settings_values import values_of

    for source, value in values_of("cleanupPeriodDays", config_dir, project_dir):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Period(value, source.path)
    return Period(DEFAULT_DAYS, None)


def _not_imported(situation: Situation) -> list[float]:
    """When each of Claude Code's session files was last written that should be imported by now."""
    from agent_analytics_cli.sessions.plan import plan_import

    now = time.time()
    written = [
        waiting.file.mtime_ns / 1e9
        for waiting in plan_import(situation.home, situation.settings).waiting
        if waiting.agent == CLAUDE_CODE
    ]
    return [at for at in written if now - at > LATE_S]
