"""What installing the hooks would change: shell hooks get a marked block that sources our stub,
git ≥ 2.54 gets configuration. Nothing is written here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent_analytics_cli.changes import ChangeRefused, FileChange, read_for_change
from agent_analytics_cli.git.config_hooks import (
    SINCE,
    configured_hooks,
    global_config,
    is_configured,
    local_config,
    plan_config,
)  # fmt: skip
from agent_analytics_cli.git.discovery import find_repositories
from agent_analytics_cli.git.hook_files import (
    EVENTS,
    add_after_shebang,
    find_block,
    generator,
    is_torn,
    replace_block,
    why_no_shell_hook,
)  # fmt: skip
from agent_analytics_cli.git.hooks_folder import HooksFolder, find_hooks_folder
from agent_analytics_cli.git.repository import GitFailed, Repository, git_version
from agent_analytics_cli.git.stubs import hook_block, line_to_add, other_stub, plan_stubs
from agent_analytics_collector.home import Home


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a file of the user's, and what of it is ours."""

    change: FileChange
    fragment: bytes


@dataclass(slots=True)
class HooksPlan:
    """What installing would do; nothing is done yet."""

    edits: list[Edit] = field(default_factory=list)
    stubs: list[FileChange] = field(default_factory=list)
    """Files of our own home that hooks source."""
    refusals: list[str] = field(default_factory=list)
    """What is left alone, why, and what the person may do; a sentence or two each."""
    in_effect: list[str] = field(default_factory=list)
    """`<event>: <file>` of what needs no change."""
    needs_shared: list[str] = field(default_factory=list)
    """Of the refusals those that `shared=True` lifts."""

    @property
    def changes(self) -> list[FileChange]:
        """Of the user's files."""
        return [edit.change for edit in self.edits]


def plan_install(
    repository: Repository,
    home: Home,
    *,
    shared: bool = False,
    version: tuple[int, int] | None = None,
) -> HooksPlan:
    """How the hooks get into effect in this repository.

    `shared` allows a folder of hooks that concerns others: one in the work tree, or one that
    `core.hooksPath` may set for many repositories. `version` is git's, asked for when None.
    Raises GitFailed, ChangeRefused (for a stub).
    """
    plan = HooksPlan(stubs=plan_stubs(home))
    _add_repository(plan, repository, home, shared=shared, version=version or git_version())
    return plan


def plan_install_everywhere(
    home: Home,
    folders: Iterable[Path],
    *,
    shared: bool = False,
    version: tuple[int, int] | None = None,
) -> HooksPlan:
    """The same for every repository under the folders.

    git ≥ 2.54 is configured globally instead: that covers all repositories, later ones too. With
    an older git a repository cloned afterwards is not covered. Raises GitFailed, ChangeRefused.
    """
    plan = HooksPlan(stubs=plan_stubs(home))
    version = version or git_version()
    if version >= SINCE:
        _add_configuration(plan, global_config(), home, EVENTS, here=None)
        return plan
    for repository in find_repositories(folders):
        try:
            _add_repository(plan, repository, home, shared=shared, version=version)
        except GitFailed as error:
            plan.refusals.append(str(error))
    return plan


def _add_repository(
    plan: HooksPlan, repository: Repository, home: Home, *, shared: bool, version: tuple[int, int]
) -> None:
    here = repository.top_level or repository.git_dir
    folder = find_hooks_folder(repository)
    # Another work tree of the same repository may have brought the same files.
    planned = {change.path for change in plan.changes}
    in_files = [event for event in EVENTS if _is_run(folder, home, event)]
    plan.in_effect += [f"{event}: {folder.path / event}" for event in in_files]
    events = [event for event in EVENTS if event not in in_files]
    events = [event for event in events if folder.path / event not in planned]
    if not events:
        return
    if version >= SINCE:
        _add_configuration(plan, local_config(repository), home, events, here=here)
    elif not folder.is_usable:
        plan.refusals.append(
            f"No hook can run in {here}: {folder.setting} names {folder.path}, which is no folder."
        )
    elif folder.others and not shared:
        sentence = (
            f"{folder.path} ({folder.setting or 'a link'}) {folder.others}. "
            "`agent-analytics hooks install --shared` writes there all the same."
        )
        if sentence not in plan.refusals:
            plan.refusals.append(sentence)
            plan.needs_shared.append(sentence)
    else:
        for event in events:
            _add_hook_file(plan, folder, home, event)


def has_block_of(home: Home, path: Path, event: str) -> bool:
    """Whether the hook file has this home's block, exactly as it is written today."""
    try:
        found = find_block(path.read_bytes())
    except OSError:
        return False
    return found is not None and found.rstrip(b"\n") == hook_block(home, event).rstrip(b"\n")


def _is_run(folder: HooksFolder, home: Home, event: str) -> bool:
    runnable = os.access(folder.run_from / event, os.X_OK)
    return runnable and has_block_of(home, folder.path / event, event)


def _add_hook_file(plan: HooksPlan, folder: HooksFolder, home: Home, event: str) -> None:
    path, new = folder.path / event, hook_block(home, event)
    yourself = f"You can have it run this yourself: {line_to_add(home, event)}"
    try:
        before = read_for_change(path)
    except ChangeRefused as error:
        plan.refusals.append(f"{error}. {yourself}")
        return
    if before is None:
        put = add_after_shebang(None, new)
    elif problem := _why_not(folder, home, path, before, event):
        plan.refusals.append(f"{path} is left as it is: it {problem}. {yourself}")
        return
    elif find_block(before) is not None:
        put = replace_block(before, new)
    else:
        put = add_after_shebang(before, new)
    mode = 0o755 if before is None else None
    change = FileChange(path, before, put.content, f"note commits ({event})", mode)
    plan.edits.append(Edit(change, put.fragment))


def _why_not(folder: HooksFolder, home: Home, path: Path, content: bytes, event: str) -> str | None:
    """Why the existing hook is not touched, as the end of "it …"; None when it may be."""
    if folder.path == folder.run_from and not os.access(path, os.X_OK):
        return "is not executable, so git does not run it"
    if tool := generator(content):
        return f"is written by {tool}, which would write over it"
    if problem := why_no_shell_hook(content):
        return problem
    if is_torn(content):
        return "holds one of the two marker lines of agent-analytics without the other"
    if other := other_stub(find_block(content) or b"", home, event):
        return f"already reports to another state folder, {other.parent.parent}"
    return None


def _add_configuration(
    plan: HooksPlan, path: Path, home: Home, events: Sequence[str], *, here: Path | None
) -> None:
    found = configured_hooks(here)
    in_effect = [event for event in events if is_configured(found, home, event)]
    base = here or Path.cwd()
    plan.in_effect += [f"{event}: {base / found[f'{event}.command'][1]}" for event in in_effect]
    if len(in_effect) == len(events):
        return
    try:
        for event in events:
            command = os.fsencode(found.get(f"{event}.command", ("", ""))[0])
            if other := other_stub(command, home, event):
                folder = other.parent.parent
                raise ChangeRefused(path, f"it already reports to another state folder, {folder}")
        change, fragment = plan_config(path, home, events)
    except ChangeRefused as error:
        plan.refusals.append(str(error))
        return
    if change.is_change:
        plan.edits.append(Edit(change, fragment))
