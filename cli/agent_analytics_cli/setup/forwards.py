"""The `forward` entries of config.yaml that `init` writes, and their files of headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from agent_analytics_cli.changes import ChangeRefused, FileChange, read_for_change
from agent_analytics_cli.config_file import plan_config
from agent_analytics_collector.forward.destination import write_headers
from agent_analytics_collector.home import Home
from agent_analytics_collector.server_settings import Forward
from agent_analytics_collector.settings import Settings, load_settings

SERVER = "server"


def headers_name(home: Home, whose: str) -> str:
    """The file with the headers of ours for `server` or an agent, relative to the home."""
    return str((home.forward / f"{whose}.headers").relative_to(home.root))


def is_ours(home: Home, forward: Forward, whose: str | None = None) -> bool:
    """Whether `init` wrote it, for that one or for any."""
    name = forward.headers_file or ""
    if whose is not None:
        return name == headers_name(home, whose)
    return Path(name).parent == home.forward.relative_to(home.root)


def with_forward(
    home: Home, current: Iterable[Forward], whose: str, new: Forward | None
) -> tuple[Forward, ...]:
    """All of them, with ours for `whose` as it is to be; None takes it out."""
    others = [one for one in current if not is_ours(home, one, whose)]
    return (*others, *([new] if new else []))


def as_setting(forwards: Iterable[Forward]) -> list[dict[str, Any]]:
    """As config.yaml has them: what is the default is left out."""
    default = msgspec.to_builtins(Forward(""))
    return [
        {
            name: list(value) if isinstance(value, tuple | list) else value
            for name, value in msgspec.to_builtins(one).items()
            if name == "endpoint" or value != default[name]
        }
        for one in forwards
    ]


def plan_headers(home: Home, whose: str, headers: Mapping[str, str]) -> FileChange:
    """The file with the headers; 0600. Raises ChangeRefused."""
    path = home.root / headers_name(home, whose)
    content = write_headers(headers).encode()
    return FileChange(path, read_for_change(path), content, "headers of what is sent on", 0o600)


def plan_leaving(home: Home) -> tuple[list[FileChange], list[str]]:
    """What takes server and keys out of the home again, and what cannot be taken out.

    What the user wrote under `forward` stays. Raises BadSetting.
    """
    settings = load_settings(home).settings
    changes: list[FileChange] = []
    left: list[str] = []
    wanted: dict[str, Any] = {
        "forward": as_setting(one for one in settings.forward if not is_ours(home, one))
    }
    wanted |= dict.fromkeys(_of_backend(settings))
    try:
        if home.config_file.exists():
            changes.append(plan_config(home.config_file, wanted))
    except ChangeRefused as error:
        left.append(str(error))
    for path in sorted(home.forward.glob("*.headers")):
        try:
            changes.append(FileChange(path, read_for_change(path), None, "a key goes"))
        except ChangeRefused as error:
            left.append(str(error))
    return [change for change in changes if change.is_change], left


def _of_backend(settings: Settings) -> list[str]:
    if settings.backend_url is None:
        return []
    return ["backend_url", "api_key", "telemetry.endpoint"]
