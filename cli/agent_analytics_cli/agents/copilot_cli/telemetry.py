"""Copilot CLI's telemetry: by its environment alone, over OTLP/HTTP alone.

Copilot CLI (seen: 1.0.102; `copilot help monitoring`) exports once OTEL_EXPORTER_OTLP_ENDPOINT is
set; with gRPC as the protocol nothing useful leaves. That variable is read by every program that
uses OpenTelemetry, so it is given to Copilot alone: by a function in the shell's profile.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote

from agent_analytics_cli.agents.telemetry import (
    Receiver,
    TelemetryPlan,
    TelemetryState,
    elsewhere,
    same_endpoint,
    shown,
)  # fmt: skip
from agent_analytics_cli.changes import ChangeRefused
from agent_analytics_cli.machine import shell_name, variable
from agent_analytics_cli.shell_profile import block_in, calls_of, profile_of

TITLE, PROGRAM = "Copilot CLI", "copilot"
DEVELOPER = "x-developer-id"

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ENDPOINTS = (
    _ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)  # fmt: skip
_FILE = "COPILOT_OTEL_FILE_EXPORTER_PATH"
_SHELL = "the shell's environment"


def variables(receiver: Receiver) -> dict[str, str] | None:
    """What Copilot CLI is to be started with; None when the OTLP/HTTP address is not known.

    No secret is in it: it is meant for a shell's profile.
    """
    if receiver.http_endpoint is None:
        return None
    wanted = {_ENDPOINT: receiver.http_endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    if set(receiver.headers) == {DEVELOPER}:  # half of the headers would hide the whole
        value = quote(receiver.headers[DEVELOPER], safe="@+:/!$*.~")
        wanted["OTEL_EXPORTER_OTLP_HEADERS"] = f"{DEVELOPER}={value}"
    return wanted


def plan_telemetry(
    receiver: Receiver, *, in_profile: bool, own_variables: Collection[tuple[str, str]] = ()
) -> TelemetryPlan:
    """What stands in the way, and what is left for a person to do; there is no file to change.

    `in_profile` says that the shell's profile will hold `variables`.
    """
    wanted = variables(receiver)
    conflicts = []
    for name in (*_ENDPOINTS, _FILE):
        value = variable(name)
        if value is None or (name, value) in own_variables:
            continue
        ours = (receiver.endpoint, receiver.http_endpoint)
        if name == _FILE or not any(same_endpoint(value, one) for one in ours):
            conflicts.append(
                f"The shell's environment already sets {name}={shown(value)}. {elsewhere(TITLE)}"
            )
    if (variable("COPILOT_OTEL_ENABLED") or "").lower() in ("false", "0"):
        conflicts.append(
            "The shell's environment switches telemetry off (COPILOT_OTEL_ENABLED=false). "
            "Take that out to have it on."
        )
    if wanted is None:
        conflicts.append(
            f"{TITLE} sends OTLP/HTTP only, and of {receiver.endpoint} only the gRPC address is "
            f"known. Start it with {_ENDPOINT} set to the backend's OTLP/HTTP address."
        )
    if conflicts or wanted is None:
        return TelemetryPlan(None, "", conflicts, [])
    kept = []
    if not in_profile:
        words = " ".join(f"{name}={shlex.quote(value)}" for name, value in wanted.items())
        kept.append(
            f"{TITLE} has no settings for telemetry, only its environment. "
            "`agent-analytics agents enable copilot_cli --shell-profile` puts a function into your "
            "shell's profile; "
            f"or start it yourself as `{words} {PROGRAM}`. Do not export {_ENDPOINT}: every "
            "program that uses OpenTelemetry would send here. Its session files are read anyway."
        )
    if set(receiver.headers) - {DEVELOPER}:
        kept.append(
            f"{TITLE} gets no headers from the profile, for the API key is a secret: set "
            "OTEL_EXPORTER_OTLP_HEADERS where you start it, or the backend refuses what it sends."
        )
    return TelemetryPlan(None, "", [], kept)


def telemetry_state() -> TelemetryState:
    """What Copilot CLI does when it is started from a new shell of this user."""
    profile = _profile()
    own = calls_of(block_in(profile)).get(PROGRAM, {}) if profile else {}
    endpoint, origin = own.get(_ENDPOINT), str(profile)
    protocol = own.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if endpoint is None:
        endpoint, origin = variable(_ENDPOINT), _SHELL
        protocol = variable("OTEL_EXPORTER_OTLP_PROTOCOL")
    if endpoint is None:
        return TelemetryState(False, over_http=True)
    if protocol == "grpc":
        return TelemetryState(
            False, endpoint, True, origin, [f"{TITLE} cannot send over gRPC, as {origin} says."]
        )
    return TelemetryState(True, endpoint, True, origin)


def _profile() -> Path | None:
    try:
        return profile_of(shell_name() or "bash")
    except ChangeRefused:
        return None
