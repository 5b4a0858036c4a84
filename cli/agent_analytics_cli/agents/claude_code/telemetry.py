"""Claude Code's own telemetry settings: what is in effect, and how to switch them on.

Claude Code (seen: 2.1.330) reads OpenTelemetry's variables from `env` of its settings files. A
value there wins over the shell's (2.1.233), and of the files managed settings win over the
project's local, the project's, the user's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.agents.claude_code.kept_receiver import kept_receiver, replace_values
from agent_analytics_cli.agents.claude_code.otel_variables import (
    DETAILS,
    ENABLE,
    ENDPOINT,
    EXPORTERS,
    OF_ONE_SIGNAL,
    PROTOCOL,
    ROUTING,
    SECRET_KEY,
    conflicts_of,
    default_endpoint_conflict,
    general,
    is_on,
    listed,
    same,
    shown,
    variables,
)  # fmt: skip
from agent_analytics_cli.agents.claude_code.settings_files import (
    ENV,
    Source,
    as_variables,
    settings_sources,
    shell_source,
)  # fmt: skip
from agent_analytics_cli.agents.telemetry import TelemetryPlan
from agent_analytics_cli.changes import ChangeRefused, FileChange, read_for_change
from agent_analytics_cli.json_reader import NotJson
from agent_analytics_cli.json_text import Insertion, Scalar, insert, members_of, members_under
from agent_analytics_cli.receipt import Entry, FragmentLost, Replaced, undo
from agent_analytics_collector.envelope import AGENT_HEADER

__all__ = ["TelemetryPlan", "TelemetryStatus", "plan_telemetry", "telemetry_status"]


@dataclass(frozen=True, slots=True)
class TelemetryStatus:
    """What Claude Code's next session in a project will do."""

    enabled: bool
    """Metrics and events leave over OTLP."""
    endpoint: str | None
    """Where to; None when no endpoint is set."""
    protocol: str | None
    details: bool
    """Tool details are sent, so that commits match by their SHA."""
    origins: Mapping[str, str]
    """By variable in effect, the file (or "the shell's environment") that it comes from."""
    overrides: list[str]
    """Sentences: who sets something other than the user's settings.json."""
    problems: list[str]
    """Sentences: settings files that Claude Code cannot use."""


def plan_telemetry(
    config_dir: Path,
    endpoint: str,
    headers: Mapping[str, str],
    *,
    details: bool,
    repository_names: bool,
    export_interval_s: int = 60,
    project_dir: Path | None = None,
    managed: Sequence[Path] | None = None,
    entry: Entry | None = None,
    own_variables: Collection[tuple[str, str]] = (),
    keep: bool = False,
) -> TelemetryPlan:
    """How `env` of the user's settings.json gets to send telemetry to `endpoint`.

    Only missing variables are added; those that `entry` says are ours may change. `own_variables`
    are ours in the shell's environment. `keep` has ours take the place of the user's own values
    that lead elsewhere. Raises ChangeRefused when the file cannot be edited.
    """
    path = config_dir / "settings.json"
    wanted = variables(
        endpoint, headers, details=details, repository_names=repository_names,
        export_interval_s=export_interval_s,
    )  # fmt: skip
    current = read_for_change(path)
    base = _without_ours(entry, current)
    found = _user_variables(path, base)
    sources = settings_sources(config_dir, project_dir, managed)
    own_source = next((source for source in sources if source.path == path), None)
    others = [source for source in sources if source.path != path]
    user = Source(
        "your settings", path, found, own_source is not None and own_source.has_headers_helper
    )
    shell = shell_source(own_variables)
    theirs = [sentence for source in (*others, shell) for sentence in conflicts_of(source, wanted)]
    theirs += default_endpoint_conflict((*others, user, shell), endpoint)
    conflicts = [*theirs, *conflicts_of(user, wanted)]
    receiver, text = None, _text(path, base)
    replaced: tuple[Replaced, ...] = ()
    if conflicts and not theirs and (receiver := kept_receiver(user)):
        marked = variables(
            endpoint, {**headers, AGENT_HEADER: receiver.agent}, details=details,
            repository_names=repository_names, export_interval_s=export_interval_s,
        )  # fmt: skip
        changed = replace_values(text, found, marked)
        if changed is None:
            receiver = None
        elif keep:
            (text, replaced), wanted, conflicts = changed, marked, []
    kept = [source.problem for source in sources if source.problem]
    kept += [
        f"{path} sets {name}={found[name]}, which stays (agent-analytics would set {value})."
        for name, value in wanted.items()
        if name in found and not same(name, found[name], value) and name not in ROUTING
    ]
    missing = {name: value for name, value in wanted.items() if name not in found}
    if conflicts:
        return TelemetryPlan(None, "", conflicts, kept, receiver=receiver)
    now = {one.name: wanted[one.name] for one in replaced}
    if not (missing or replaced) or _is_done(entry, current, missing, now):
        return TelemetryPlan(None, "", [], kept, receiver=receiver)
    made = insert(text, missing, ENV) if missing else Insertion(text, "")
    mode = 0o600 if SECRET_KEY in headers else None
    change = FileChange(
        path, current, made.text.encode(), "tells Claude Code to report to agent-analytics", mode
    )
    return TelemetryPlan(change, made.fragment, [], kept, replaced=replaced, receiver=receiver)


def telemetry_status(
    config_dir: Path, project_dir: Path | None, managed: Sequence[Path] | None = None
) -> TelemetryStatus:
    """What is in effect for a session in `project_dir`, and which file it comes from."""
    sources = [*settings_sources(config_dir, project_dir, managed), shell_source(())]
    in_effect: dict[str, tuple[str, Source]] = {}
    for source in sources:
        for name, value in source.variables.items():
            in_effect.setdefault(name, (value, source))
    values = {name: value for name, (value, _) in in_effect.items()}
    user = next(source for source in sources if source.path == config_dir / "settings.json")
    overrides = [
        f"{source} sets {shown(name, value)}, over {shown(name, user.variables[name])} in "
        f"{user.path}."
        for name, (value, source) in in_effect.items()
        if name in user.variables and not same(name, value, user.variables[name])
    ]
    of_one_signal = [
        f"{source} sets {shown(name, value)}, which goes before {ENDPOINT}."
        for name, (value, source) in in_effect.items()
        if OF_ONE_SIGNAL.fullmatch(name) and not same(name, value, values.get(general(name)))
    ]
    exported = all("otlp" in listed(values.get(name, "")) for name in EXPORTERS)
    return TelemetryStatus(
        enabled=is_on(values.get(ENABLE, "")) and exported,
        endpoint=values.get(ENDPOINT),
        protocol=values.get(PROTOCOL),
        details=is_on(values.get(DETAILS, "")),
        origins={name: source.where for name, (_, source) in in_effect.items()},
        overrides=overrides + of_one_signal,
        problems=[source.problem for source in sources if source.problem],
    )


def _without_ours(entry: Entry | None, current: bytes | None) -> bytes | None:
    """The file as it would be without us. Raises ChangeRefused."""
    if entry is None or current is None:
        return current
    try:
        change = undo(entry)
    except FragmentLost as error:
        raise ChangeRefused(Path(entry.path), "it is not valid JSON any more") from error
    return current if change is None else change.after


def _user_variables(path: Path, content: bytes | None) -> dict[str, str]:
    try:
        return as_variables(members_under(_text(path, content), ENV))
    except NotJson as error:
        raise ChangeRefused(path, f"{error}. Mend that, then run this again") from error


def _text(path: Path, content: bytes | None) -> str:
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as error:
        raise ChangeRefused(path, "it is not UTF-8") from error


def _is_done(
    entry: Entry | None,
    current: bytes | None,
    missing: Mapping[str, Scalar],
    replaced: Mapping[str, str],
) -> bool:
    """Whether our variables are in the file already, however it is laid out by now."""
    if entry is None or current is None:
        return False
    there = as_variables(members_under(current.decode(), ENV))
    written = members_of("".join(entry.fragments), ENV)
    ours = {name: there[name] for name, value in written.items() if there.get(name) == value}
    return ours == missing and all(there.get(name) == replaced[name] for name in replaced)
