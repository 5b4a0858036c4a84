"""Taking out everything that the receipt names, and the state folder if asked."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from agent_analytics_cli.changes import (
    ChangeRefused,
    FileChange,
    apply,
    masked,
    read_for_change,
    remove_leftovers,
)  # fmt: skip
from agent_analytics_cli.git.hooks import KIND as HOOK
from agent_analytics_cli.git.hooks import remove
from agent_analytics_cli.git.repository import GitFailed
from agent_analytics_cli.json_reader import NotJson
from agent_analytics_cli.json_text import members_of, members_under
from agent_analytics_cli.receipt import (
    Entry,
    FragmentLost,
    Receipt,
    locked_receipt,
    remove_created_folders,
    undo,
    undo_in,
)  # fmt: skip
from agent_analytics_cli.setup.apply import setup_lock
from agent_analytics_cli.setup.forwards import plan_leaving
from agent_analytics_collector.errors import AgentAnalyticsError, BadSetting
from agent_analytics_collector.home import Home
from agent_analytics_collector.state import read_service


class CollectorRunning(AgentAnalyticsError):
    """The state folder cannot be removed while a collector uses it."""

    def __init__(self, home: Path, pid: int) -> None:
        super().__init__(
            f"{home} is in use by the collector (process {pid}), so nothing was removed. "
            "Stop it, then run `agent-analytics uninstall --purge` again."
        )


@dataclass(slots=True)
class RemovalPlan:
    """What `uninstall` would do with each file of the receipt."""

    changes: list[FileChange] = field(default_factory=list)
    copies: set[Path] = field(default_factory=set)
    """Of the changed files those that are not shown: copies made before the first change, keys."""
    left: list[str] = field(default_factory=list)
    """What cannot be taken out, and how a person can."""
    notes: list[str] = field(default_factory=list)

    def diff(self) -> str:
        """The exact difference of every file, secrets masked."""
        return masked(
            "".join(
                f"delete {change.path}\n" if change.path in self.copies else change.diff()
                for change in self.changes
            )
        )


@dataclass(slots=True)
class Removed:
    """What `uninstall` did."""

    files: list[tuple[Path, str]] = field(default_factory=list)
    """(path, `restored` or `deleted`)."""
    left: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    purged: bool = False


def plan_removal(receipt: Receipt, paths: Collection[Path] | None = None) -> RemovalPlan:
    """What would be changed, of all files or of those in `paths`; nothing is."""
    plan = RemovalPlan()
    planned: dict[Path, FileChange] = {}
    for entry in reversed(receipt.entries):
        path = Path(entry.path)
        if paths is not None and path not in paths:
            continue
        earlier = planned.get(path)
        try:
            change = undo_in(entry, earlier.after) if earlier else undo(entry)
        except (ChangeRefused, FragmentLost) as error:
            plan.left.append(str(error))
            continue
        plan.notes += kept_values(entry)
        if change is None:
            continue
        if earlier:
            change = dataclasses.replace(change, before=earlier.before)
        planned[path] = change
        if entry.kind == "backup":
            plan.copies.add(path)
    plan.changes = list(planned.values())
    return plan


def plan_uninstall(home: Home, receipt: Receipt) -> RemovalPlan:
    """What `uninstall` would do: all of the receipt, and what of ours is sent on elsewhere."""
    plan = plan_removal(receipt)
    changes, left = _leaving(home)
    plan.changes += changes
    plan.left += left
    plan.copies |= {change.path for change in changes if change.after is None}
    return plan


def _leaving(home: Home) -> tuple[list[FileChange], list[str]]:
    try:
        return plan_leaving(home)
    except BadSetting as error:
        return [], [f"Nothing of config.yaml can be taken out: {error}"]


def _leave_server(home: Home, done: Removed) -> None:
    changes, left = _leaving(home)
    done.left += left
    for change in changes:
        try:
            apply(change)
            done.files.append((change.path, done_by(change)))
        except ChangeRefused as error:
            done.left.append(str(error))


def done_by(change: FileChange) -> str:
    """What undoing does to a file, in a word."""
    return "deleted" if change.after is None else "restored"


def check_purge(home: Home) -> None:
    """Raises CollectorRunning when the state folder must stay."""
    if service := read_service(home):
        raise CollectorRunning(home.root, service.pid)


def remove_everything(home: Home, *, purge: bool) -> Removed:
    """Undo what the receipt names, newest first, and forget it; what cannot be undone stays there.

    `purge` removes the state folder too. Raises CollectorRunning, SetupBusy, HomeUnusable.
    """
    if purge:
        check_purge(home)
    done = Removed()
    if not home.root.exists():
        return done
    with setup_lock(home):
        receipt = Receipt.load(home)
        for entry in receipt.entries:
            remove_leftovers(Path(entry.path))
        _remove_hooks(home, receipt, done)
        undo_entries(home, receipt, done)
        if not purge:
            _leave_server(home, done)
        elif not done.left:
            purge_home(home, done)
    return done


def undo_entries(
    home: Home, receipt: Receipt, done: Removed, paths: Collection[Path] | None = None
) -> None:
    """Undo what is no hook, newest first: all of it, or the files in `paths`.

    The caller holds the setup lock.
    """
    for entry in reversed([entry for entry in receipt.entries if entry.kind != HOOK]):
        if paths is None or Path(entry.path) in paths:
            with locked_receipt(home, receipt):
                _undo(entry, receipt, done)


def purge_home(home: Home, done: Removed) -> None:
    """Remove what is ours in the state folder, and the folder itself when nothing else is in it."""
    own = {
        path.relative_to(home.root).parts[0]
        for path in (
            home.config_file, home.token, home.outbox, home.hooks, home.receipt, home.seeds,
            home.data, home.run, home.logs, home.dbt_target, home.demo.root, home.forward,
            home.keys, home.signing_key, home.installation, home.line_key, home.pepper,
            home.erasures, home.erasing, home.access_log,
        )
    }  # fmt: skip
    for found in list(home.root.iterdir()):
        if not any(found.name == name or found.name.startswith(f".{name}.") for name in own):
            continue
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()
    others = sorted(found.name for found in home.root.iterdir())
    if others:
        done.notes.append(f"{home.root} stays for what is not ours in it: {', '.join(others)}.")
        return
    home.root.rmdir()
    done.purged = True


def kept_values(entry: Entry) -> list[str]:
    """Sentences about variables of ours that have another value by now: they are the user's."""
    if entry.under is None:
        return []
    try:
        content = read_for_change(Path(entry.path)) or b""
        there = members_under(content.decode(), entry.under)
    except (ChangeRefused, NotJson, UnicodeDecodeError):
        return []
    changed = [
        name
        for fragment in entry.fragments
        for name, value in members_of(fragment, entry.under).items()
        if name in there and there[name] != value
    ]
    if not changed:
        return []
    return [
        f"{entry.path} keeps {', '.join(changed)}: the value was changed since, so it is yours."
    ]


def _remove_hooks(home: Home, receipt: Receipt, done: Removed) -> None:
    try:
        removals = remove(home, receipt, None)
    except GitFailed as error:
        done.left.append(f"Git hooks are still installed: {error}")
        return
    for removal in removals:
        if removal.done == "left":
            problem = removal.problem or "it cannot be changed"
            done.left.append(f"{removal.path} still has our hook: {problem}")
        elif removal.done != "gone":
            done.files.append((removal.path, removal.done))


def _undo(entry: Entry, receipt: Receipt, done: Removed) -> None:
    path = Path(entry.path)
    try:
        change = undo(entry)
        notes = kept_values(entry)
        if change is not None:
            apply(change)
            done.files = [file for file in done.files if file[0] != path]
            done.files.append((path, done_by(change)))
        elif entry.kind == "backup" and path.exists():
            notes.append(f"{path}, the copy that init made, was changed since and stays.")
    except (ChangeRefused, FragmentLost) as error:
        done.left.append(str(error))
        return
    done.notes += notes
    remove_created_folders(entry)
    receipt.forget(entry.path, entry.part)
    receipt.save()
