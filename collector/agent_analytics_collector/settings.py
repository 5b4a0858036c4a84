"""Settings: flag > AGENT_ANALYTICS_* > config.yaml > default, each with its origin.

`AGENT_ANALYTICS_*` is read here (and, for the home alone, in `home.py`) and nowhere else.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from agent_analytics_collector.connectors.settings import VendorSettings
from agent_analytics_collector.errors import BadSetting
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import (
    BackupSettings,
    Forward,
    LimitSettings,
    PrivacySettings,
    RetentionSettings,
    TlsSettings,
)
from agent_analytics_collector.settings_checks import MIB, SCHEMA_VERSION, check_settings


class OtlpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_request_bytes: int = 64 * MIB
    """Largest request, counted after decompression."""


class SpoolSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_bytes: int = 2048 * MIB
    """Disk the spool may take; reaching it refuses spans first, then metrics, then the rest."""
    segment_bytes: int = 32 * MIB
    replay_window_hours: int = 24
    """How long entries stay after they are in DuckDB."""


class TransformSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool = True
    interval_s: int = 300


class PublishSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    raw: bool = False
    """Publish the raw tables too, so that nobody needs to open the live file."""


class TelemetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    include_prompts: bool = False
    """Keep the text that agents send (prompts, code, output). Off: only meaning is kept."""
    endpoint: str | None = None
    """OTLP endpoint that agents send to; None is this home's own collector."""
    export_interval: int = 60
    """Seconds between two exports of an agent's metrics."""


class GitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    track_commits: bool = True
    """Whether hooks note commits; off, installed hooks do nothing."""
    correlation_window: int = 300
    """Seconds after a session's last event in which a commit may still be its own."""
    line_key_file: str | None = None
    """File of an organisation's key for line hashes (64 hex digits), relative to the home.

    None is a key of this home's own.
    """
    ticket_pattern: str = "[A-Z][A-Z0-9]+-[0-9]+"
    """What a ticket looks like in branches and messages (RE2, no look-around); empty: none."""


class SessionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    watch: bool = True
    """Whether `up` imports what agents write into their session files while it runs."""


class RoiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hourly_rate_usd: float | None = None
    """What an hour of a developer's work costs, all included; None computes no return."""
    hours_saved_low: float | None = None
    """Hours a week that agents save an active developer, at least; None leaves it to `survey`."""
    hours_saved_high: float | None = None
    """The same at most; both are set or none."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set; immutable once read."""

    schema_version: int = SCHEMA_VERSION
    """Of config.yaml; a file of a newer version is refused."""
    api_key: str | None = None
    """Secret for `backend_url`; the collector of this home has its own token."""
    backend_url: str | None = None
    """Base URL of the API that commits and session records go to; None is this home's own."""
    enabled_agents: tuple[str, ...] = (
        "claude_code", "codex", "gemini_cli", "copilot_cli", "cursor",
    )  # fmt: skip
    developer_id: str | None = None
    """Who works on this machine; None leaves it to what agents and git say."""
    host: str = "127.0.0.1"
    grpc_port: int = 4317
    http_port: int = 4318
    api_port: int = 8321
    allowed_hosts: tuple[str, ...] = ()
    """Names besides loopback under which the HTTP ports may be addressed."""
    time_zone: str = ""
    """IANA name of the zone in which days are counted; empty is the machine's."""
    day_rollover_hour: int = 0
    """Hour at which a new day begins (0 is midnight)."""
    project_id: str | None = None
    """Project of everything received here; None leaves it to the repository."""
    otlp: OtlpSettings = OtlpSettings()
    spool: SpoolSettings = SpoolSettings()
    transform: TransformSettings = TransformSettings()
    publish: PublishSettings = PublishSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    git: GitSettings = GitSettings()
    sessions: SessionSettings = SessionSettings()
    roi: RoiSettings = RoiSettings()
    vendors: VendorSettings = VendorSettings()
    organisation: str | None = None
    """Whose installation this is; keys that are made here carry it."""
    tls: TlsSettings = TlsSettings()
    limits: LimitSettings = LimitSettings()
    privacy: PrivacySettings = PrivacySettings()
    retention: RetentionSettings = RetentionSettings()
    backup: BackupSettings = BackupSettings()
    forward: tuple[Forward, ...] = ()
    """Where what is accepted is sent on to; in the environment a JSON array."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force and, by dotted name, where each value came from."""

    settings: Settings
    origins: Mapping[str, str]

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """(dotted name, value, origin) of every setting, in the order of the classes."""
        for name in setting_names():
            value: Any = self.settings
            for part in name.split("."):
                value = getattr(value, part)
            yield name, value, self.origins[name]


def setting_names(struct: type[msgspec.Struct] = Settings, prefix: str = "") -> list[str]:
    """Dotted names of all settings."""
    names: list[str] = []
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            names += setting_names(field.type, f"{prefix}{field.name}.")
        else:
            names.append(prefix + field.name)
    return names


def environment_name(setting: str) -> str:
    """`spool.max_bytes` → `AGENT_ANALYTICS_SPOOL_MAX_BYTES`."""
    return "AGENT_ANALYTICS_" + setting.replace(".", "_").upper()


def load_settings(home: Home, flags: Mapping[str, Any] | None = None) -> Loaded:
    """The settings in force for `home`; `flags` are dotted names given on the command line.

    A flag whose value is None was not given. Raises BadSetting, naming the nearest known name.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(setting_names(), "default")
    for origin, layer in (
        (str(home.config_file), _from_file(home)),
        ("environment", _from_environment()),
        ("flag", {k: v for k, v in (flags or {}).items() if v is not None}),
    ):
        for name, value in layer.items():
            source = environment_name(name) if origin == "environment" else origin
            values[name] = _convert(name, value, source, strict=origin not in ("environment",))
            origins[name] = source
    settings = _build(Settings, values)
    check_settings(settings, origins)
    return Loaded(settings, origins)


def _from_file(home: Home) -> dict[str, Any]:
    try:
        text = home.config_file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise BadSetting("config.yaml", str(home.config_file), str(error)) from error
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        # What PyYAML says quotes the line, which may be a key.
        mark = getattr(error, "problem_mark", None)
        place = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadSetting("config.yaml", str(home.config_file), f"not YAML{place}") from None
    if not isinstance(content, dict):
        raise BadSetting("config.yaml", str(home.config_file), "must be a mapping of settings")
    return dict(_flatten(content, "", str(home.config_file)))


def _flatten(content: Mapping[Any, Any], prefix: str, origin: str) -> Iterator[tuple[str, Any]]:
    known = setting_names()
    for key, value in content.items():
        name = f"{prefix}{key}"
        if name in known:
            yield name, value
        elif isinstance(value, dict) and any(k.startswith(name + ".") for k in known):
            yield from _flatten(value, name + ".", origin)
        else:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise BadSetting(name, origin, f"there is no such setting{hint}")


def _from_environment() -> dict[str, str]:
    return {
        name: os.environ[environment_name(name)]
        for name in setting_names()
        if environment_name(name) in os.environ
    }


def _convert(name: str, value: Any, origin: str, *, strict: bool) -> Any:
    struct: type[msgspec.Struct] = Settings
    *parents, leaf = name.split(".")
    for part in parents:
        struct = next(f.type for f in msgspec.structs.fields(struct) if f.name == part)
    wanted = next(f.type for f in msgspec.structs.fields(struct) if f.name == leaf)
    if not strict and wanted in (tuple[str, ...], tuple[str, ...] | None):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        if not strict and wanted == tuple[Forward, ...]:
            return msgspec.json.decode(value, type=wanted)
        return msgspec.convert(value, wanted, strict=strict)
    except msgspec.ValidationError as error:
        raise BadSetting(name, origin, str(error)) from error


def _build(struct: type[Any], values: Mapping[str, Any], prefix: str = "") -> Any:
    arguments: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            arguments[field.name] = _build(field.type, values, f"{prefix}{field.name}.")
        elif prefix + field.name in values:
            arguments[field.name] = values[prefix + field.name]
    return struct(**arguments)
