"""Check of the keys that end: those of this server, and those that this machine sends with."""

from __future__ import annotations

import time

from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Verdict, fail, how_long, ok, warn

DAY_S = 86_400


def check_key_expiry(situation: Situation) -> Verdict:
    """An OTLP client whose key has ended drops what it has, so this is told a month before."""
    from agent_analytics_collector.access.expiry import WARN_DAYS, expiring_keys, utc, what_to_do
    from agent_analytics_collector.access.key_file import has_keys

    now = time.time()
    ends = _own_keys(situation)
    for where, expires_at in sorted(ends.items(), key=lambda item: item[1]):
        next_step = f"Ask whoever runs that server for another key and put it into {where}"
        if expires_at <= now:
            return fail(f"The key in {where} ended on {utc(expires_at)[:10]}.", next_step)
        if expires_at - now < WARN_DAYS * DAY_S:
            left = how_long(expires_at - now)
            return warn(f"The key in {where} ends in {left}; then data is lost.", next_step)
    if ending := expiring_keys(situation.home):
        first = ending[0]
        more = f", and {len(ending) - 1} more do soon" if len(ending) > 1 else ""
        return warn(
            f"Key {first.key_id} of {first.developer_id or 'a gateway'} ends in "
            f"{how_long(first.expires_at - now)}{more}.",
            what_to_do(first),
        )
    if ends or has_keys(situation.home):
        return ok(f"No key ends within {WARN_DAYS} days.")
    return ok("No keys are in use: this collector serves this machine alone.")


def _own_keys(situation: Situation) -> dict[str, int]:
    """When the keys that this machine sends with end, by the file they are in.

    Nobody here can check them: they were signed by another installation.
    """
    from agent_analytics_collector.access.tokens import unverified_expiry
    from agent_analytics_collector.forward.destination import HeadersUnusable, destinations

    home, settings = situation.home, situation.settings
    found = {str(home.config_file): settings.api_key}
    for destination in destinations(home, settings):
        try:
            headers = destination.headers()
        except HeadersUnusable:
            continue  # the check of forwarding says so
        key = headers.get("x-api-key") or headers.get("authorization", "").partition(" ")[2]
        found[str(destination.headers_path)] = key
    ends = {where: unverified_expiry(key.strip()) for where, key in found.items() if key}
    return {where: expires_at for where, expires_at in ends.items() if expires_at is not None}
