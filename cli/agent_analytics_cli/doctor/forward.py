"""Check of what is sent on: whether it arrives, what waits, and what never will."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Status, Verdict, fail, how_long, in_units, ok, warn

if TYPE_CHECKING:
    from agent_analytics_collector.forward.backlog import Standing

LATE_S = 600.0
"""How long the oldest may wait for a destination before that is worth a look."""
_WORST_FIRST = (Status.FAIL, Status.WARN, Status.OK)


def check_forward(situation: Situation) -> Verdict:
    """Backlog, last delivery and last error of each destination; the worst one's next step."""
    from agent_analytics_collector.forward.backlog import standings

    found = [
        _verdict(situation, standing) for standing in standings(situation.home, situation.settings)
    ]
    if not found:
        return ok("Nothing is sent on: `forward` in config.yaml is empty.")
    worst = min(found, key=lambda verdict: _WORST_FIRST.index(verdict.status))
    return Verdict(worst.status, " ".join(one.detail for one in found), worst.next_step)


def _verdict(situation: Situation, standing: Standing) -> Verdict:
    progress, backlog, dropped = standing.progress, standing.backlog, standing.dropped
    log = situation.log("forward")
    said = f"{standing.destination.forward.endpoint}: {_waiting(standing)}"
    if progress.last_delivery_at:
        said += f", the last delivery was at {progress.last_delivery_at}"
    if progress.refused:
        said += f", {progress.refused:,} requests were refused for good ({progress.last_refusal})"
    if progress.rejected:
        said += f", {progress.rejected:,} records were not taken"
    if dropped.requests:
        said += (
            f", {dropped.records:,} records were dropped because the spool was full, the last at "
            f"{dropped.last_at}"
        )
    said += "."
    if progress.is_blocked:
        step = f"Do what it says; it is tried again by itself, and {log} says more"
        return fail(f"{said} Since {progress.problem_since}: {progress.problem}", step)
    late = backlog.oldest_ns is not None and time.time() - backlog.oldest_ns / 1e9 > LATE_S
    if progress.problem and backlog.requests:
        step = "Nothing, while you are offline: it is tried again by itself"
        detail = f"{said} Since {progress.problem_since}: {progress.problem}"
        return warn(detail, f"See whether it can be reached from here; {log} says more"
                    if late else step)  # fmt: skip
    if backlog.requests and situation.service is None:
        return warn(said, "agent-analytics up")
    if late:
        return warn(said, f"See {log}")
    if dropped.requests:
        return warn(said, "Raise spool.max_bytes if that happens again")
    return ok(said)


def _waiting(standing: Standing) -> str:
    backlog = standing.backlog
    if not backlog.requests or backlog.oldest_ns is None:
        return "nothing waits"
    age = how_long(time.time() - backlog.oldest_ns / 1e9)
    return (
        f"{backlog.requests:,} requests with {backlog.records:,} records "
        f"({in_units(backlog.bytes)}) wait, the oldest for {age}"
    )
