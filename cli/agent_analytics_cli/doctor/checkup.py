"""Running all checks, side by side and within a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent_analytics_cli.changes import masked
from agent_analytics_cli.doctor.agents import check_agent_heard, check_agent_settings
from agent_analytics_cli.doctor.backups import check_backups, check_recovery
from agent_analytics_cli.doctor.collector import check_clock, check_collector, check_key
from agent_analytics_cli.doctor.commits import check_hook, check_outbox
from agent_analytics_cli.doctor.forward import check_forward
from agent_analytics_cli.doctor.history import check_history
from agent_analytics_cli.doctor.installation import (
    check_configuration,
    check_disk,
    check_home,
    check_versions,
    how_to_own,
)
from agent_analytics_cli.doctor.keys import check_key_expiry
from agent_analytics_cli.doctor.server import check_certificate
from agent_analytics_cli.doctor.situation import Situation, sentence_of
from agent_analytics_cli.doctor.storage import check_dbt, check_duckdb, check_spool
from agent_analytics_cli.doctor.verdict import Status, Verdict, fail
from agent_analytics_collector.errors import AgentAnalyticsError

DEADLINE_S = 5.0

Check = Callable[[Situation], Verdict]

CHECKS: Mapping[str, Check] = {
    "configuration": check_configuration,
    "home": check_home,
    "versions": check_versions,
    "disk": check_disk,
    "collector": check_collector,
    "key": check_key,
    "key_expiry": check_key_expiry,
    "certificate": check_certificate,
    "clock": check_clock,
    "agent_settings": check_agent_settings,
    "agent_heard": check_agent_heard,
    "history": check_history,
    "hook": check_hook,
    "outbox": check_outbox,
    "spool": check_spool,
    "forward": check_forward,
    "duckdb": check_duckdb,
    "recovery": check_recovery,
    "backups": check_backups,
    "dbt": check_dbt,
}
"""By name, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's name with its verdict, without any secret."""

    check: str
    status: Status
    detail: str
    next_step: str | None


def run_checks(
    situation: Situation, checks: Mapping[str, Check] = CHECKS, deadline_s: float = DEADLINE_S
) -> list[Finding]:
    """What each check found. One that breaks or does not end in time is a failure of its own."""
    verdicts: dict[str, Verdict] = {}

    def run(name: str, check: Check) -> None:
        verdicts[name] = _run(check, situation)

    # Daemons, because a check may hang on a disk or a program that never answers.
    threads = [
        threading.Thread(target=run, args=item, name=f"check-{item[0]}", daemon=True)
        for item in checks.items()
    ]
    ends_at = time.monotonic() + deadline_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
    late = fail(
        f"This check did not end within {deadline_s:g} s.",
        f"Run doctor again; {situation.home.logs} may say more",
    )
    secrets = _secrets(situation)
    found = []
    for name in checks:
        verdict = verdicts.get(name, late)
        found.append(
            Finding(
                name,
                verdict.status,
                masked(verdict.detail, secrets),
                verdict.next_step and masked(verdict.next_step, secrets),
            )
        )
    return found


def _run(check: Check, situation: Situation) -> Verdict:
    try:
        return check(situation)
    except AgentAnalyticsError as error:
        return fail(sentence_of(error), "Do what it says and run doctor again")
    except PermissionError as error:
        said = f"{error.filename} cannot be used: {error.strerror}."
        return fail(said, how_to_own(situation.home))
    except Exception as error:
        return fail(
            f"This check broke: {type(error).__name__}: {error}",
            "If nothing here explains it, report it as a bug",
        )


def _secrets(situation: Situation) -> list[str]:
    from agent_analytics_cli.outbound.api_client import read_token

    known = (situation.settings.api_key, read_token(situation.home))
    return [secret for secret in known if secret]
