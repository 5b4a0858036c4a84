"""The variables that send Claude Code's telemetry somewhere, and when two of them clash."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from agent_analytics_cli.agents.claude_code.settings_files import Source
from agent_analytics_cli.changes import masked

ENABLE = "CLAUDE_CODE_ENABLE_TELEMETRY"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
DETAILS = "OTEL_LOG_TOOL_DETAILS"
REPOSITORY = "OTEL_METRICS_INCLUDE_REPOSITORY"
EXPORTERS = ("OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER")
_DEFAULT_ENDPOINT = "http://127.0.0.1:4317"
OF_ONE_SIGNAL = re.compile("OTEL_EXPORTER_OTLP_(METRICS|LOGS)_(ENDPOINT|PROTOCOL|HEADERS)")
SECRET_KEY = "x-api-key"

ELSEWHERE = (
    "To keep both, have that receiver (an OpenTelemetry Collector, say) forward to the collector "
    "of agent-analytics; or leave telemetry as it is and read Claude Code's session files with "
    "`agent-analytics import`."
)
"""What a person can do who already sends telemetry to somebody else."""


def variables(
    endpoint: str,
    headers: Mapping[str, str],
    *,
    details: bool,
    repository_names: bool,
    export_interval_s: int,
) -> dict[str, str]:
    """The variables that make Claude Code send metrics and events to `endpoint` over gRPC."""
    wanted = {
        ENABLE: "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        PROTOCOL: "grpc",
        ENDPOINT: endpoint,
    }
    if headers:
        # Only what the format cannot hold is encoded: the HTTP exporters do not decode it again.
        wanted[HEADERS] = ",".join(
            f"{name}={quote(value, safe='@+:/!$*.~')}" for name, value in headers.items()
        )
    wanted["OTEL_METRIC_EXPORT_INTERVAL"] = str(export_interval_s * 1000)
    wanted["OTEL_LOGS_EXPORT_INTERVAL"] = "5000"
    if details:
        wanted[DETAILS] = "1"
    if repository_names:
        wanted[REPOSITORY] = "true"
    return wanted


ROUTING = (ENABLE, *EXPORTERS, PROTOCOL, ENDPOINT, HEADERS)
"""Variables that decide whether and where telemetry goes."""


def conflicts_of(source: Source, wanted: Mapping[str, str]) -> list[str]:
    """Sentences about what this source sets that ours would hijack, or that overrides ours."""
    found = []
    for name, value in source.variables.items():
        if name in ROUTING:
            clashes = not same(name, value, wanted.get(name))
        else:
            one = OF_ONE_SIGNAL.fullmatch(name) is not None
            clashes = one and not same(name, value, wanted.get(general(name)))
        if clashes and name == ENABLE:
            found.append(
                f"{source} switches telemetry off ({ENABLE}={value}). Take that out to have it on."
            )
        elif clashes:
            found.append(f"{source} already sets {shown(name, value)}. {ELSEWHERE}")
    if source.has_headers_helper:
        found.append(
            f"{source} names an otelHeadersHelper, which signs telemetry for another receiver. "
            f"{ELSEWHERE}"
        )
    return found


def default_endpoint_conflict(sources: Sequence[Source], endpoint: str) -> list[str]:
    """A sentence when telemetry is on without an endpoint: then it goes to the default one."""
    set_names = {name for source in sources for name in source.variables}
    on = next((source for source in sources if is_on(source.variables.get(ENABLE, ""))), None)
    if on is None or ENDPOINT in set_names or _plain(endpoint) == _DEFAULT_ENDPOINT:
        return []
    return [f"{on} sends telemetry to the default endpoint, {_DEFAULT_ENDPOINT}. {ELSEWHERE}"]


def same(name: str, value: str | None, other: str | None) -> bool:
    """Whether two values of a variable come to the same."""
    if value is None or other is None:
        return value == other
    if name == ENABLE:
        return is_on(value) == is_on(other)
    if name in EXPORTERS:
        return "otlp" in listed(value) and "otlp" in listed(other)
    if name.endswith("_ENDPOINT"):
        return _plain(value) == _plain(other)
    return value.strip() == other.strip()


def _plain(endpoint: str) -> str:
    return endpoint.strip().rstrip("/").lower().replace("//localhost:", "//127.0.0.1:")


def is_on(value: str) -> bool:
    return value.strip().lower() in ("1", "true", "yes", "on")


def listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]


def general(name: str) -> str:
    """The variable for all signals of one for a single signal."""
    return re.sub("_(METRICS|LOGS)_", "_", name)


def shown(name: str, value: str) -> str:
    if name.endswith("HEADERS"):
        return f"{name} (its value is not shown)"
    return masked(f"{name}={value}")
