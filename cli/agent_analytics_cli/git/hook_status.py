"""Whether commits of a repository are noted, and why or why not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agent_analytics_cli.git.config_hooks import SINCE, configured_hooks, is_configured
from agent_analytics_cli.git.hook_files import (
    EVENTS,
    find_block,
    generator,
    has_other_code,
    why_no_shell_hook,
)  # fmt: skip
from agent_analytics_cli.git.hook_plan import has_block_of
from agent_analytics_cli.git.hooks_folder import HooksFolder, find_hooks_folder
from agent_analytics_cli.git.repository import Repository, git_version
from agent_analytics_cli.git.stubs import line_to_add, missing_parts, other_stub
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings


class State(StrEnum):
    IN_EFFECT = "in effect"
    NOT_IN_EFFECT = "not in effect"
    """It is installed, and something keeps it from working."""
    NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class HookStatus:
    """One event of one repository."""

    event: str
    state: State
    where: Path | None
    """The file that holds our part; None when there is none."""
    why: str
    """Sentences: what makes it so, who else is in that file, what to do."""


def hook_status(
    repository: Repository, home: Home, *, version: tuple[int, int] | None = None
) -> list[HookStatus]:
    """A status for each event, in the order of EVENTS. Raises GitFailed, BadSetting.

    `version` is git's, asked for when None.
    """
    folder = find_hooks_folder(repository)
    configured = configured_hooks(repository.top_level or repository.git_dir)
    problems = missing_parts(home)
    if not load_settings(home).settings.git.track_commits:
        problems.append("git.track_commits is off, so what hooks note is not kept.")
    newest = (version or git_version()) >= SINCE
    return [
        _status(event, repository, folder, configured, home, problems, newest) for event in EVENTS
    ]


def _status(
    event: str,
    repository: Repository,
    folder: HooksFolder,
    configured: dict[str, tuple[str, str]],
    home: Home,
    problems: list[str],
    newest: bool,
) -> HookStatus:
    here = repository.top_level or repository.git_dir
    path = folder.path / event
    reasons = [f"{folder.setting} sets this folder."] if folder.setting else []
    if has_block_of(home, path, event):
        if problem := _why_not_run(folder, event):
            return HookStatus(event, State.NOT_IN_EFFECT, path, problem)
        if has_other_code(path.read_bytes()):
            reasons.append("The hook's other code runs after it.")
        return _judged(event, path, problems, reasons)
    if is_configured(configured, home, event):
        where = here / configured[f"{event}.command"][1]
        if newest:
            return _judged(event, where, problems, ["git runs it beside all other hooks."])
        reason = f"{where} configures it, which only git ≥ {SINCE[0]}.{SINCE[1]} knows."
        return HookStatus(event, State.NOT_IN_EFFECT, where, reason)
    tool = generator(_read(path) or b"")
    legacy = path.with_name(f"{event}.legacy")
    if tool == "pre-commit" and has_block_of(home, legacy, event):
        # Its `_run_legacy` (4.x) gives the old hook no standard input but for pre-push.
        if event == "post-rewrite":
            reason = "pre-commit runs it without telling it which commits were replaced."
            return HookStatus(event, State.NOT_IN_EFFECT, legacy, reason)
        return _judged(event, legacy, problems, ["pre-commit runs it."])
    usual = repository.common_dir / "hooks" / event
    if usual != path and has_block_of(home, usual, event):
        reason = f"{folder.setting} makes git look in {folder.run_from} instead."
        return HookStatus(event, State.NOT_IN_EFFECT, usual, reason)
    reasons.append(_how_to_install(folder, event, home))
    return HookStatus(event, State.NOT_INSTALLED, None, " ".join(reasons))


def _why_not_run(folder: HooksFolder, event: str) -> str | None:
    """Why git does not run the hook file; None when it does."""
    if os.access(folder.run_from / event, os.X_OK):
        return None
    if folder.run_from != folder.path:
        return f"husky has no {folder.run_from / event}, which would run it."
    return "The file is not executable, so git does not run it."


def _judged(event: str, where: Path, problems: list[str], facts: list[str]) -> HookStatus:
    state = State.NOT_IN_EFFECT if problems else State.IN_EFFECT
    return HookStatus(event, state, where, " ".join([*problems, *facts]))


def _how_to_install(folder: HooksFolder, event: str, home: Home) -> str:
    command = "`agent-analytics hooks install%s`" % (" --shared" if folder.others else "")
    path = folder.path / event
    content = _read(path)
    if content is None:
        return f"{command} puts it in."
    problem = why_no_shell_hook(content)
    if tool := generator(content):
        problem = f"is written by {tool}"
    if problem:
        return f"{path} {problem}. You can have it run this: {line_to_add(home, event)}"
    if other := other_stub(find_block(content) or b"", home, event):
        return f"{path} reports to another state folder, {other.parent.parent}."
    return f"{command} adds it to the hook that is there."


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
