"""Checks of the collector that commits and session records go to."""

from __future__ import annotations

from agent_analytics_cli.doctor.situation import ANSWER_TIMEOUT_S, Silent, Situation
from agent_analytics_cli.doctor.verdict import Verdict, fail, how_long, ok, warn

SKEW_WARN_S = 2.0
SKEW_FAIL_S = 60.0


def check_collector(situation: Situation) -> Verdict:
    try:
        answer = situation.collector()
    except Silent as silent:
        return fail(str(silent), silent.next_step)
    said = f"{answer.base_url} answers (version {answer.version})"
    if answer.unready:
        return fail(f"{said} and is not ready: {'; '.join(answer.unready)}.",
                    "agent-analytics status")  # fmt: skip
    if situation.service is not None:
        said += (
            f"; agents send to {situation.service.grpc} (gRPC) or {situation.service.http} (HTTP)"
        )
    return ok(f"{said}.")


def check_key(situation: Situation) -> Verdict:
    """Whether the API takes our secret, asked by sending it no commits."""
    from agent_analytics_cli.outbound.api_client import ApiClient, ApiRefused, ApiUnreachable

    try:
        situation.collector()
    except Silent as silent:
        return _not_checked(silent)
    settings, home = situation.settings, situation.home
    mode = home.token.stat().st_mode & 0o777 if home.token.exists() else 0o600
    try:
        with ApiClient.connect(home, settings, ANSWER_TIMEOUT_S) as api:
            api.post("/v1/commits", [])
    except ApiRefused as refused:
        detail = f"The collector refuses our key ({refused.status}): {refused.detail}"
        if settings.backend_url is None:
            return fail(detail, f"Stop the collector and start `agent-analytics up` again: it "
                                f"reads {home.token} at its start")  # fmt: skip
        what = "Correct" if settings.api_key else "Set"
        return fail(detail, f"{what} api_key in {home.config_file}")
    except ApiUnreachable as unreachable:
        return fail(str(unreachable), "agent-analytics status")
    if mode & 0o077:
        return warn(
            f"The key is accepted, but others can read {home.token} (mode {mode:04o}).",
            f"chmod 600 {home.token}",
        )
    return ok("The collector takes commits with our key.")


def check_clock(situation: Situation) -> Verdict:
    """Commits and sessions are matched by time, so both clocks must agree."""
    try:
        skew_s = situation.collector().skew_s
    except Silent as silent:
        return _not_checked(silent)
    if skew_s is None:
        return warn("The collector does not tell its time.", "Compare the clocks by hand")
    if abs(skew_s) <= SKEW_WARN_S:
        return ok("Our clock and the collector's agree.")
    way = "ahead of" if skew_s > 0 else "behind"
    detail = f"The collector's clock is {how_long(abs(skew_s))} {way} ours."
    next_step = "Have both machines set their clocks by NTP: `timedatectl set-ntp true`"
    return (fail if abs(skew_s) > SKEW_FAIL_S else warn)(detail, next_step)


def _not_checked(silent: Silent) -> Verdict:
    return warn("Not checked: no collector answers.", silent.next_step)
