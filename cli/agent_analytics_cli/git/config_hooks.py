"""Hooks by git's configuration, which git 2.54 knows: they run beside everything else.

Older versions of git read past these settings.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from agent_analytics_cli.changes import ChangeRefused, FileChange, read_for_change
from agent_analytics_cli.git.hook_files import (
    WithBlock,
    add_at_end,
    block,
    find_block,
    is_torn,
    replace_block,
)  # fmt: skip
from agent_analytics_cli.git.repository import GitFailed, Repository, run_git
from agent_analytics_cli.git.stubs import configured_command
from agent_analytics_cli.machine import user_home, variable
from agent_analytics_collector.home import Home

SINCE = (2, 54)

_KEY = "hook.agent-analytics-"


def local_config(repository: Repository) -> Path:
    """The configuration that all work trees of the repository share."""
    return repository.common_dir / "config"


def global_config() -> Path:
    """The file that `git config --global` writes."""
    if named := variable("GIT_CONFIG_GLOBAL"):
        return Path(named)
    own = user_home() / ".gitconfig"
    folder = variable("XDG_CONFIG_HOME")
    other = (Path(folder) if folder else user_home() / ".config") / "git" / "config"
    return other if other.is_file() and not own.exists() else own


def plan_config(path: Path, home: Home, events: Sequence[str]) -> tuple[FileChange, bytes]:
    """The change that configures these events' hooks in `path`, and the bytes put in.

    One that changes nothing when they are there already. Raises ChangeRefused.
    """
    before = read_for_change(path)
    if before is not None and is_torn(before):
        raise ChangeRefused(path, "one of the two marker lines of agent-analytics is missing in it")
    new = block(*(line for event in events for line in _section(home, event)))
    has_block = before is not None and find_block(before) is not None
    put = replace_block(before or b"", new) if has_block else add_at_end(before, new)
    _check(path, home, events, put)
    change = FileChange(path, before, put.content, "hooks for every commit", _mode(before))
    return change, put.fragment


def configured_hooks(here: Path | None) -> dict[str, tuple[str, str]]:
    """Our settings in effect at `here`, or in the global file alone: key → (value, its file)."""
    where = ("--global",) if here is None else ()
    try:
        said = run_git(
            "config", *where, "--show-origin", "--null", "--get-regexp",
            rf"^{_KEY.replace('.', '[.]')}", cwd=here,
        )  # fmt: skip
    except GitFailed:
        return {}
    parts = os.fsdecode(said).split("\0")
    found = {}
    for origin, setting in zip(parts[::2], parts[1::2], strict=False):
        key, _, value = setting.partition("\n")
        found[key.removeprefix(_KEY)] = (value, origin.removeprefix("file:"))
    return found


def is_configured(found: dict[str, tuple[str, str]], home: Home, event: str) -> bool:
    """Whether git ≥ 2.54 runs our stub for the event."""
    command = os.fsdecode(configured_command(home, event))
    return (
        found.get(f"{event}.event", ("", ""))[0] == event
        and found.get(f"{event}.command", ("", ""))[0] == command
        and found.get(f"{event}.enabled", ("true", ""))[0].lower()
        not in ("false", "no", "off", "0")
    )


def _section(home: Home, event: str) -> list[bytes]:
    return [
        b'[hook "agent-analytics-%s"]' % event.encode(),
        b"\tcommand = %s" % _quoted(configured_command(home, event)),
        b"\tevent = %s" % event.encode(),
    ]


def _quoted(value: bytes) -> bytes:
    escaped = value.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped.replace(b"\t", b"\\t") + b'"'


def _check(path: Path, home: Home, events: Sequence[str], put: WithBlock) -> None:
    """Let git itself read the file as it will be."""
    for event in events:
        for key, wanted in (
            ("command", configured_command(home, event)),
            ("event", event.encode()),
        ):
            try:
                said = run_git(
                    "config", "--file", "-", "--null", "--get", f"{_KEY}{event}.{key}",
                    stdin=put.content,
                )  # fmt: skip
            except GitFailed as error:
                raise ChangeRefused(path, f"git cannot read it: {error.problem}") from error
            if said != wanted + b"\0":
                raise ChangeRefused(path, f"it already has another {_KEY}{event}.{key}")


def _mode(before: bytes | None) -> int | None:
    return 0o644 if before is None else None
