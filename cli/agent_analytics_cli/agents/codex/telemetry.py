"""Codex's own telemetry settings: what is in effect, and how to switch them on.

Codex (seen: 0.169.0) reads `[otel]` of its config.toml; OTEL_EXPORTER_OTLP_* mean nothing to it.
`exporter` is that of its events; metrics go to OpenAI's Statsig unless `metrics_exporter` says
otherwise. An administrator's managed_config.toml has the last word (documented).
"""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent_analytics_cli.agents.codex.kept_receiver import kept_receiver, replace_lines
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
from agent_analytics_cli.receipt import Entry, Replaced
from agent_analytics_collector.envelope import AGENT_HEADER

TITLE, TABLE = "Codex", "otel"
MANAGED = (Path("/etc/codex/managed_config.toml"),)
SECRET_KEY = "x-api-key"

_EXPORTERS = ("exporter", "metrics_exporter", "trace_exporter")
_OFF = ("none", "statsig")
_COMMENT = "# Telemetry for agent-analytics; `agent-analytics uninstall` takes these lines out."
_HEADER = re.compile(rf"^[ \t]*\[[ \t]*{TABLE}[ \t]*\][ \t]*(?:#[^\r\n]*)?(?=\r?$)", re.MULTILINE)


def plan_telemetry(
    config_dir: Path,
    receiver: Receiver,
    *,
    managed: Sequence[Path] | None = None,
    entry: Entry | None = None,
    keep: bool = False,
) -> TelemetryPlan:
    """How `[otel]` of config.toml gets to send events and metrics to the receiver, over gRPC.

    Only missing keys are added, as text: comments, order and layout stay. `keep` has our lines
    take the place of the user's own exporters that lead elsewhere. Raises ChangeRefused.
    """
    path = config_dir / "config.toml"
    current = read_for_change(path)
    base = text_of(path, without_ours(entry, current))
    document = _parsed(path, base)
    there = _table(path, document)
    own = list(_conflicts(f"{path} (your settings)", there, receiver))
    conflicts: list[str] = []
    kept = []
    for file in MANAGED if managed is None else managed:
        try:
            found = _table(file, _parsed(file, file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, ChangeRefused) as error:
            kept.append(f"{file} (managed settings) cannot be read: {error}.")
            continue
        conflicts += _conflicts(f"{file} (managed settings)", found, receiver)
    old = kept_receiver(there) if own and not conflicts else None
    wanted = _wanted(receiver)
    replaced: tuple[Replaced, ...] = ()
    if old is not None:
        headers = {**receiver.headers, AGENT_HEADER: old.agent}
        marked = _wanted(dataclasses.replace(receiver, headers=headers))
        lines = {name: _line(name, value) for name, value in marked.items()}
        changed = replace_lines(base, there, lines)
        if changed is None:
            old = None
        elif keep:
            (base, replaced), wanted, own = changed, marked, []
            there = {**there, **{one.name: wanted[one.name] for one in replaced}}
    if own or conflicts:
        return TelemetryPlan(None, "", [*own, *conflicts], kept, receiver=old)
    kept += [
        f"{path} sets {name} = {json.dumps(there[name], default=str)} in [{TABLE}], which stays."
        for name in ("log_user_prompt", "metrics_exporter")
        if name in there and not _names_endpoint(there[name]) and there[name] != wanted[name]
    ]
    if receiver.is_elsewhere:
        kept.append(
            f"{TITLE} always sends what its tools are called with and what they print, now to "
            f"{shown(receiver.endpoint)}. `agent-analytics agents disable codex` stops that."
        )
    missing = {name: value for name, value in wanted.items() if name not in there}
    now = _table(path, _parsed(path, text_of(path, current)))
    ours = {**missing, **{one.name: wanted[one.name] for one in replaced}}
    if all(now.get(name) == value for name, value in ours.items()):
        return TelemetryPlan(None, "", [], kept, receiver=old)
    after, fragment = base, ""
    if missing:
        after, fragment = _insert(base, missing, has_table=TABLE in document)
    if not _holds(after, {**document, TABLE: {**there, **missing}}):
        raise ChangeRefused(
            path,
            f"its [{TABLE}] is laid out in a way that only you can edit; set {', '.join(missing)}",
        )
    mode = 0o600 if SECRET_KEY in receiver.headers else None
    why = f"tells {TITLE} to report to agent-analytics"
    return TelemetryPlan(
        FileChange(path, current, after.encode(), why, mode), fragment, [], kept,
        replaced=replaced, receiver=old,
    )  # fmt: skip


def telemetry_state(config_dir: Path, managed: Sequence[Path] | None = None) -> TelemetryState:
    """What Codex's next session will do with its events."""
    path = config_dir / "config.toml"
    origin, exporter, problems = path, "none", []
    # The last one has the last word.
    for file in (path, *(MANAGED if managed is None else managed)):
        try:
            there = _table(file, _parsed(file, file.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError, ChangeRefused) as error:
            problems.append(f"{file} cannot be read: {error}.")
            continue
        if "exporter" in there:
            origin, exporter = file, there["exporter"]
    endpoint = next(_endpoints(exporter), None)
    if endpoint is None:
        return TelemetryState(False, problems=problems)
    kind, address = endpoint
    over_http = kind == "otlp-http"
    return TelemetryState(True, address, over_http, str(origin), problems)


def _wanted(receiver: Receiver) -> dict[str, Any]:
    exporter = {"otlp-grpc": {"endpoint": receiver.endpoint, "headers": dict(receiver.headers)}}
    return {
        "environment": "dev",  # what Codex takes by itself
        "log_user_prompt": False,
        "exporter": exporter,
        "metrics_exporter": exporter,
        "trace_exporter": "none",  # hundreds of internal spans per turn, without any tokens
    }


def _conflicts(source: str, there: Mapping[str, Any], receiver: Receiver) -> Iterator[str]:
    """Sentences about exporters that lead elsewhere."""
    for name in _EXPORTERS:
        for kind, address in _endpoints(there.get(name)):
            base = re.sub(r"/v1/\w+/?$", "", address) if kind == "otlp-http" else address
            ours = receiver.http_endpoint if kind == "otlp-http" else receiver.endpoint
            if not same_endpoint(base, ours):
                yield (
                    f"{source} already sets {name} in [{TABLE}], to {shown(address)}. "
                    f"{elsewhere(TITLE)}"
                )
    if there.get("exporter") in _OFF:
        yield (
            f'{source} switches telemetry off (exporter = "{there["exporter"]}" in [{TABLE}]). '
            "Take that out to have it on."
        )


def _endpoints(exporter: object) -> Iterator[tuple[str, str]]:
    """(kind, address) of an exporter; nothing for "none" and the like."""
    if isinstance(exporter, dict):
        for kind, settings in exporter.items():
            address = settings.get("endpoint") if isinstance(settings, dict) else None
            yield kind, str(address)


def _names_endpoint(exporter: object) -> bool:
    return any(_endpoints(exporter))


def _insert(text: str, missing: Mapping[str, Any], *, has_table: bool) -> tuple[str, str]:
    """(the text with the keys in `[otel]`, what was put in)."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [_COMMENT, *(_line(name, value) for name, value in missing.items())]
    header = _HEADER.search(text) if has_table else None
    if header:
        fragment = "".join(newline + line for line in lines)
        return text[: header.end()] + fragment + text[header.end() :], fragment
    lines.insert(1, f"[{TABLE}]")
    lead = newline * ((not text.endswith("\n")) + (text.strip() != "")) if text else ""
    fragment = lead + "".join(line + newline for line in lines)
    return text + fragment, fragment


def _holds(text: str, document: Mapping[str, Any]) -> bool:
    # Not by tomlkit: 0.15.2 takes a table that is declared twice, which Codex would not start with.
    try:
        return tomllib.loads(text) == document
    except tomllib.TOMLDecodeError:  # one-line tables and dotted keys: no heading may follow those
        return False


def _line(name: str, value: object) -> str:
    return f"{name} = {_toml(value)}"


def _toml(value: object) -> str:
    """The value on one line; names must be bare keys."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(v)}" for name, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)  # of texts and truth values the same in TOML


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ChangeRefused(
            path, f"it is not valid TOML: {error}. Mend that, then run this again"
        ) from error


def _table(path: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    there = document.get(TABLE, {})
    if not isinstance(there, dict):
        raise ChangeRefused(path, f"{TABLE} must be a table. Mend that, then run this again")
    return there
