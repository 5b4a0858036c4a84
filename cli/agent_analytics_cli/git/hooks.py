"""The hooks in the user's repositories: put in as planned, taken out again byte for byte.

What is put in is written to the receipt first, so that a crash in between leaves nothing that
`remove` does not find.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agent_analytics_cli.changes import ChangeRefused, FileChange, apply, read_for_change
from agent_analytics_cli.git.config_hooks import local_config
from agent_analytics_cli.git.hook_files import EVENTS, SHEBANG, find_block, is_torn, without_block
from agent_analytics_cli.git.hook_plan import (
    Edit,
    HooksPlan,
    plan_install,
    plan_install_everywhere,
)  # fmt: skip
from agent_analytics_cli.git.hook_status import HookStatus, hook_status
from agent_analytics_cli.git.hooks_folder import find_hooks_folder
from agent_analytics_cli.git.repository import Repository
from agent_analytics_cli.git.stubs import other_stub, remove_stubs
from agent_analytics_cli.receipt import (
    Entry,
    FragmentLost,
    Receipt,
    entry_for,
    locked_receipt,
    remove_created_folders,
    sha256,
    undo,
)  # fmt: skip
from agent_analytics_collector.home import Home

__all__ = [
    "HookStatus", "HooksPlan", "Removal", "hook_status", "install",
    "plan_install", "plan_install_everywhere", "remove",
]  # fmt: skip

KIND = "hook"
"""Kind of our entries in the receipt, be it a hook file or git's configuration."""

_MOVED_TO = ("", ".legacy", ".old")
"""pre-commit and lefthook move a hook that they find aside, with our block in it."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of one file."""

    path: Path
    done: str
    """`restored`, `deleted`, `gone` (it was no longer there) or `left`."""
    problem: str | None = None
    """Why it was left, and what the person can do."""


def install(plan: HooksPlan, home: Home, receipt: Receipt) -> None:
    """Carry the plan out; a second time, or beside another install, nothing more happens.

    `receipt` is read anew, under a lock, and saved. A file that somebody changed since the plan
    was made is left out and the others are done; then the first ChangeRefused is raised.
    """
    refused: ChangeRefused | None = None
    with locked_receipt(home, receipt):
        for stub in plan.stubs:
            before = read_for_change(stub.path)
            apply(FileChange(stub.path, before, stub.after, stub.why, stub.mode))
        # Before the first is made: each new file of a new folder has to name that folder.
        new = [_entry(edit, receipt.find(edit.change.path)) for edit in plan.edits]
        for edit, entry in zip(plan.edits, new, strict=True):
            if _content(edit.change.path) == edit.change.after:
                continue  # another install was faster
            entries = list(receipt.entries)
            receipt.put(entry)
            receipt.save()
            try:
                apply(edit.change)
            except ChangeRefused as error:
                receipt.entries = entries
                receipt.save()
                refused = refused or error
    if refused:
        raise refused


def remove(home: Home, receipt: Receipt, repository: Repository | None) -> list[Removal]:
    """Take the hooks out of this repository, or with None of all that this home put them into.

    A file that was edited meanwhile keeps the edits; the block goes, also when it was edited
    itself. One that cannot be changed is left, and stays in the receipt. Raises GitFailed.
    """
    removals = []
    with locked_receipt(home, receipt):
        known = [Path(entry.path) for entry in receipt.entries if entry.kind == KIND]
        paths = known if repository is None else _paths_of(repository)
        for path in dict.fromkeys(paths):
            entry = receipt.find(path)
            for suffix in _MOVED_TO:
                file = path.with_name(path.name + suffix)
                if removal := _take_out(file, None if suffix else entry, home):
                    removals.append(removal)
            kept = any(removal.done == "left" and removal.path == path for removal in removals)
            if entry and not kept:
                remove_created_folders(entry)
                receipt.forget(entry.path)
        receipt.save()
        if not any(entry.kind == KIND for entry in receipt.entries):
            remove_stubs(home)
    return removals


def _entry(edit: Edit, old: Entry | None) -> Entry:
    """What the receipt says of the edit."""
    change = edit.change
    entry = entry_for(change, KIND, [os.fsdecode(edit.fragment)], old)
    before = change.before or b""
    # A receipt may be lost while its hooks are not: what holds nothing but ours was made by us.
    if old is None and find_block(before) and without_block(before) in (b"", SHEBANG):
        after = sha256(change.after or b"")
        return msgspec.structs.replace(entry, created=True, after_sha256=after)
    return entry


def _paths_of(repository: Repository) -> list[Path]:
    """Every file in which this repository may have its hooks, whatever is in effect now."""
    folders = [repository.common_dir / "hooks", find_hooks_folder(repository).path]
    paths = [folder / event for folder in folders for event in EVENTS]
    return [*paths, local_config(repository)]


def _take_out(path: Path, entry: Entry | None, home: Home) -> Removal | None:
    """Make the file what it would be without us; None when there was nothing of ours."""
    try:
        content = read_for_change(path)
        if content is None:
            return Removal(path, "gone") if entry else None
        if find_block(content) is None and not is_torn(content):
            return Removal(path, "gone") if entry else None
        if entry is None and _is_of_other_home(content, home):
            return None
        change = _undone(path, content, entry)
        apply(change)
    except (ChangeRefused, FragmentLost) as error:
        return Removal(path, "left", str(error)) if entry or _has_marker(path) else None
    return Removal(path, "deleted" if change.after is None else "restored")


def _undone(path: Path, content: bytes, entry: Entry | None) -> FileChange:
    if entry:
        try:
            change = undo(entry)
        except FragmentLost:
            change = None
        if change:
            if entry.created and change.after in (b"", SHEBANG):
                return FileChange(path, content, None, change.why)
            return change
    if is_torn(content):
        raise FragmentLost(str(path))
    after = without_block(content)
    is_empty = after in (b"", SHEBANG) and (entry is None or entry.created)
    return FileChange(path, content, None if is_empty else after, "take out our block")


def _is_of_other_home(content: bytes, home: Home) -> bool:
    return any(other_stub(find_block(content) or b"", home, event) for event in EVENTS)


def _has_marker(path: Path) -> bool:
    content = _content(path) or b""
    return find_block(content) is not None or is_torn(content)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
