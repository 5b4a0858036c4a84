"""`config.yaml` written for the first time, or changed in place with the rest of it untouched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from agent_analytics_cli.changes import ChangeRefused, FileChange, read_for_change
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.settings_checks import SCHEMA_VERSION

WHY = "settings of agent-analytics"

_HEADING = "# Settings of agent-analytics. `agent-analytics config show` says which are in force.\n"
_COMMENTS = {
    "schema_version": "Version of this file's layout.",
    "api_key": "Secret for backend_url; the collector on this machine needs none.",
    "backend_url": "API that commits and session records go to; null is this machine's collector.",
    "enabled_agents": "Agents that report here.",
    "developer_id": "Who works on this machine.",
    "project_id": "Project of everything from here; null leaves it to the repository.",
    "host": "Address to listen on.",
    "grpc_port": "Port of OTLP/gRPC.",
    "http_port": "Port of OTLP/HTTP.",
    "api_port": "Port of the API.",
    "forward": "Where what is accepted is sent on to; headers (keys) are in files of their own.",
    "telemetry.endpoint": "Where agents send to (OTLP/gRPC); null is this machine's collector.",
    "telemetry.export_interval": "Seconds between two exports of an agent's metrics.",
    "telemetry.include_prompts": "Keep the text that agents send: prompts, code, output.",
    "git.track_commits": "Whether installed git hooks note commits.",
    "git.correlation_window": "Seconds after a session in which a commit may still be its own.",
}
_ALWAYS = (
    "schema_version", "api_key", "backend_url", "enabled_agents", "developer_id", "project_id",
    "telemetry.export_interval", "telemetry.include_prompts",
    "git.track_commits", "git.correlation_window",
)  # fmt: skip
"""What a new file holds even where it is the default, for people to see."""


def plan_config(path: Path, values: Mapping[str, Any]) -> FileChange:
    """How the settings `values` (dotted names) get into the file; 0600.

    In a file that is there, only values that differ change; comments, order and other keys stay.
    Raises ChangeRefused.
    """
    before = read_for_change(path)
    if before is None:
        return FileChange(path, None, _new(values).encode(), WHY, 0o600)
    try:
        text = before.decode()
        found = yaml.safe_load(text) or {}
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ChangeRefused(path, f"it is not YAML: {error}") from error
    changed = {name: _plain(v) for name, v in values.items() if _get(found, name) != _plain(v)}
    expected = found
    try:
        for name, value in changed.items():
            expected = _with(expected, name, value)
            text = _edit(text, name, value)
        is_right = (yaml.safe_load(text) or {}) == expected
    except (_TooClever, yaml.YAMLError):
        is_right = False
    if not is_right:  # an anchor, a mapping on one line, a second document
        names = ", ".join(changed)
        raise ChangeRefused(path, f"it is laid out in a way that only you can edit; set {names}")
    return FileChange(path, before, text.encode(), WHY, 0o600)


class _TooClever(Exception):
    """The layout of the file is not one that is edited here."""


def _new(values: Mapping[str, Any]) -> str:
    shown = {name: _get_default(name) for name in _ALWAYS} | dict(values)
    lines = [_HEADING]
    section = ""
    for name in _COMMENTS:
        if name not in shown:
            continue
        group, _, key = name.rpartition(".")
        if group != section:
            lines.append(f"{group}:\n")
            section = group
        indent = "  " if group else ""
        lines.append(f"{indent}# {_COMMENTS[name]}\n")
        lines.append(f"{indent}{key}:{_shown(_plain(shown[name]), indent)}\n")
    return "".join(lines)


def _edit(text: str, name: str, value: Any) -> str:
    """The text with one setting changed or added, by the places that the YAML parser tells."""
    newline = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    group, _, key = name.rpartition(".")
    holder = _value(root, group) if group else root
    if isinstance(holder, yaml.MappingNode) and not holder.flow_style and holder.value:
        for key_node, value_node in holder.value:
            if key_node.value == key:
                return _replace(text, key_node, value_node, value)
        indent = " " * holder.value[0][0].start_mark.column
        if group:
            end = _line_end(text, _end(holder))
            added = f"\n{indent}{key}:{_shown(value, indent)}".replace("\n", newline)
            return text[:end] + added + text[end:]
    elif isinstance(holder, yaml.MappingNode):
        raise _TooClever
    elif group and holder is not None:  # `telemetry:` with nothing behind it
        at = holder.start_mark.index
        return text[:at] + f"\n  {key}:{_shown(value, '  ')}".replace("\n", newline) + text[at:]
    lead = newline if text and not text.endswith("\n") else ""
    lines = [f"# {_COMMENTS[name]}", f"{key}:{_shown(value, '')}"]
    if group:
        lines = [f"{group}:", *(f"  {line}" for line in lines)]
    return text + lead + "\n".join([*lines, ""]).replace("\n", newline)


def _replace(text: str, key: yaml.Node, node: yaml.Node, value: Any) -> str:
    if isinstance(node, yaml.ScalarNode) and node.style not in ("|", ">"):
        start, end = node.start_mark.index, node.end_mark.index
        gap = " " if text[start - 1 : start] == ":" else ""
        return text[:start] + gap + _inline(value) + text[end:]
    return f"{text[: key.end_mark.index]}: {_inline(value)}{text[_end(node) :]}"


def _end(node: yaml.Node) -> int:
    """End of the node's own text; a block's end mark lies behind the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _value(root: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(root, yaml.MappingNode):
        return None
    return next((value for name, value in root.value if name.value == key), None)


def _shown(value: Any, indent: str) -> str:
    """What stands behind the colon of a key."""
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}  - {_inline(item)}" for item in value)
    return f" {_inline(value)}"


def _inline(value: Any) -> str:
    # JSON is YAML, on one line and without a type to be guessed.
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _get(found: Any, name: str) -> Any:
    """The setting in the file; its default when it is not there."""
    at = found
    for part in name.split("."):
        if not isinstance(at, dict) or part not in at:
            return _plain(_get_default(name))
        at = at[part]
    return at


def _get_default(name: str) -> Any:
    if name == "schema_version":
        return SCHEMA_VERSION
    value: Any = Settings()
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _with(found: Any, name: str, value: Any) -> dict[str, Any]:
    key, _, rest = name.partition(".")
    base = dict(found) if isinstance(found, dict) else {}
    return base | {key: _with(base.get(key), rest, value) if rest else value}
