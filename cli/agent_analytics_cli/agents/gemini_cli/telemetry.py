"""Gemini CLI's own telemetry settings: what is in effect, and how to switch them on.

Gemini CLI (seen: 0.61.0) reads `telemetry` of its settings.json. Its environment has the last
word, also OTEL_EXPORTER_OTLP_ENDPOINT; then the machine's settings, the project's, the user's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.agents.telemetry import (
    Receiver,
    TelemetryPlan,
    TelemetryState,
    elsewhere,
    same_endpoint,
    shown,
    text_of,
    without_ours,
)  # fmt: skip
from agent_analytics_cli.changes import ChangeRefused, FileChange, read_for_change
from agent_analytics_cli.json_reader import NotJson
from agent_analytics_cli.json_text import Scalar, insert, members_of, members_under
from agent_analytics_cli.machine import variable
from agent_analytics_cli.receipt import Entry

TITLE, UNDER = "Gemini CLI", "telemetry"
MANAGED = (
    Path("/etc/gemini-cli/settings.json"),
    Path("/Library/Application Support/GeminiCli/settings.json"),
)
_DEFAULT_ENDPOINT = "http://localhost:4317"
_VARIABLES = {
    "GEMINI_TELEMETRY_ENABLED": "enabled",
    "GEMINI_TELEMETRY_TARGET": "target",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "otlpEndpoint",
    "GEMINI_TELEMETRY_OTLP_ENDPOINT": "otlpEndpoint",
    "GEMINI_TELEMETRY_OTLP_PROTOCOL": "otlpProtocol",
    "GEMINI_TELEMETRY_OUTFILE": "outfile",
    "GEMINI_TELEMETRY_LOG_PROMPTS": "logPrompts",
    "GEMINI_TELEMETRY_TRACES_ENABLED": "traces",
}
"""Variable → the setting that it overrides; of two for one setting the later goes first."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One place that settings come from."""

    where: str
    name: str
    """In a sentence."""
    found: Mapping[str, object]


def plan_telemetry(
    config_dir: Path,
    receiver: Receiver,
    *,
    project_dir: Path | None = None,
    managed: Sequence[Path] | None = None,
    entry: Entry | None = None,
    own_variables: Collection[tuple[str, str]] = (),
) -> TelemetryPlan:
    """How `telemetry` of the user's settings.json gets to send to the receiver.

    Only missing members are added; `own_variables` are ours in the shell's environment. Raises
    ChangeRefused when the file cannot be edited.
    """
    path = config_dir / "settings.json"
    current = read_for_change(path)
    base = text_of(path, without_ours(entry, current))
    found = _members(path, base)
    kept: list[str] = []
    others = _other_sources(path, project_dir, managed, own_variables, kept)
    user = _Source(str(path), f"{path} (your settings)", found)
    protocol = str(found.get("otlpProtocol", "grpc"))
    conflicts = [
        sentence
        for source in (*others, user)
        for sentence in _conflicts(source, protocol, receiver)
    ]
    if conflicts:
        return TelemetryPlan(None, "", conflicts, kept)
    for source in (*others, user):
        kept += [
            f"{source.name} sets {name}={shown(source.found[name])}, which stays: {why}."
            for name, why in _TELLING.items()
            if source.found.get(name) in (True, "true", "1")
        ]
    wanted: dict[str, Scalar] = {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": receiver.http_endpoint if protocol == "http" else receiver.endpoint,
        "otlpProtocol": "grpc",
        "logPrompts": False,
        "traces": False,
    }
    if set(receiver.headers) - {"x-developer-id"}:
        kept.append(
            f"{TITLE} takes headers from its environment alone: set OTEL_EXPORTER_OTLP_HEADERS "
            "to x-api-key=… where you start it, or the backend refuses what it sends."
        )
    if receiver.is_elsewhere:
        kept.append(
            f"{TITLE} always sends its command line, prompts after -p included, and what its tools "
            f"are called with, now to {shown(receiver.endpoint)}. "
            "`agent-analytics agents disable gemini_cli` stops that."
        )
    missing = {name: value for name, value in wanted.items() if name not in found}
    if not missing or _is_done(entry, current, missing):
        return TelemetryPlan(None, "", [], kept)
    made = insert(base, missing, UNDER)
    why = f"tells {TITLE} to report to agent-analytics"
    return TelemetryPlan(
        FileChange(path, current, made.text.encode(), why), made.fragment, [], kept
    )


def telemetry_state(
    config_dir: Path, project_dir: Path | None = None, managed: Sequence[Path] | None = None
) -> TelemetryState:
    """What is in effect for a session in `project_dir`, and where it comes from."""
    path = config_dir / "settings.json"
    problems: list[str] = []
    sources = _other_sources(path, project_dir, managed, (), problems)
    sources += _file_source(path, "your settings", problems)
    in_effect: dict[str, tuple[object, str]] = {}
    for source in sources:
        for name, value in source.found.items():
            in_effect.setdefault(name, (value, source.where))
    values = {name: value for name, (value, _) in in_effect.items()}
    endpoint, origin = in_effect.get("otlpEndpoint", (_DEFAULT_ENDPOINT, None))
    is_on = values.get("enabled") in (True, "true", "1")
    leaves = is_on and not values.get("outfile") and values.get("target", "local") == "local"
    return TelemetryState(
        leaves, str(endpoint), values.get("otlpProtocol") == "http", origin, problems
    )


_TELLING = {
    "logPrompts": "prompts then travel to the receiver",
    "traces": "whole messages then travel to the receiver",
}
"""Members that a user may have on, and what that means."""


def _conflicts(source: _Source, protocol: str, receiver: Receiver) -> Iterator[str]:
    """Sentences about what this source sets that ours would hijack, or that overrides ours."""
    found = source.found
    if found.get("enabled") in (False, "false", "0"):
        yield f"{source.name} switches telemetry off (enabled=false). Take that out to have it on."
    for name in ("target", "outfile", "otlpEndpoint"):
        value = found.get(name)
        if not value or (name == "target" and value == "local"):
            continue
        over_http = str(found.get("otlpProtocol", protocol)) == "http"
        ours = receiver.http_endpoint if over_http else receiver.endpoint
        if name != "otlpEndpoint" or not same_endpoint(value, ours):
            yield f"{source.name} already sets {name}={shown(value)}. {elsewhere(TITLE)}"
    if found.get("otlpProtocol") == "http" and receiver.http_endpoint is None:
        yield (
            f"{source.name} sets otlpProtocol=http, and the backend's OTLP/HTTP address is not "
            "known. Take that out to send over gRPC."
        )


def _other_sources(
    user: Path, project_dir: Path | None, managed: Sequence[Path] | None,
    own: Collection[tuple[str, str]], problems: list[str],
) -> list[_Source]:  # fmt: skip
    """Whatever goes before the user's settings, that with the last word first."""
    shell: dict[str, object] = {}
    for name, setting in _VARIABLES.items():
        value = variable(name)
        if value is not None and (name, value) not in own:
            shell[setting] = value
    sources = [_Source("the shell's environment", "The shell's environment", shell)]
    for path in _managed_files() if managed is None else managed:
        sources += _file_source(path, "managed settings", problems)
    project = project_dir / ".gemini/settings.json" if project_dir else user
    if project != user:
        sources += _file_source(project, "project settings", problems)
    return sources


def _managed_files() -> Sequence[Path]:
    named = variable("GEMINI_CLI_SYSTEM_SETTINGS_PATH")  # documented
    return (Path(named),) if named else MANAGED


def _file_source(path: Path, what: str, problems: list[str]) -> list[_Source]:
    try:
        found = members_under(path.read_bytes().decode(), UNDER)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError, NotJson) as error:
        problems.append(f"{path} ({what}) cannot be read: {error}.")
        return []
    return [_Source(str(path), f"{path} ({what})", found)]


def _members(path: Path, text: str) -> Mapping[str, object]:
    try:
        return members_under(text, UNDER)
    except NotJson as error:
        raise ChangeRefused(path, f"{error}. Mend that, then run this again") from error


def _is_done(entry: Entry | None, current: bytes | None, missing: Mapping[str, Scalar]) -> bool:
    """Whether our members are in the file already, however it is laid out by now."""
    if entry is None or current is None:
        return False
    there = members_under(current.decode(), UNDER)
    written = members_of("".join(entry.fragments), UNDER)
    ours = {name: there[name] for name, value in written.items() if there.get(name) == value}
    return ours == missing
