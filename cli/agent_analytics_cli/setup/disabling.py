"""Taking one agent out again: its settings as they were, and its part of the shell's profile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.changes import ChangeRefused, FileChange
from agent_analytics_cli.config_file import plan_config
from agent_analytics_cli.receipt import Entry, Receipt
from agent_analytics_cli.setup.agents import AGENTS
from agent_analytics_cli.setup.apply import ChangedMeanwhile, make_step, setup_lock
from agent_analytics_cli.setup.removal import (
    RemovalPlan,
    Removed,
    done_by,
    plan_removal,
    undo_entries,
)  # fmt: skip
from agent_analytics_cli.setup.steps import SetupPlan, Step
from agent_analytics_cli.setup.telemetry_steps import CLAUDE_CODE, backup_of
from agent_analytics_cli.shell_profile import calls_of, plan_profile, set_by, shell_of
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings


@dataclass(frozen=True, slots=True)
class DisablePlan:
    """What `agents disable` would do."""

    kept: SetupPlan
    """Files that stay, with less in them."""
    removal: RemovalPlan
    """Files that get back what they held."""
    paths: frozenset[Path]
    """Those of `removal`."""

    def diff(self) -> str:
        """The exact difference of every file, secrets masked."""
        return self.kept.diff() + self.removal.diff()

    @property
    def changed(self) -> list[tuple[Path, str]]:
        """(path, what happens to it)"""
        kept = [(change.path, change.why) for change in self.kept.changes]
        return kept + [(change.path, done_by(change)) for change in self.removal.changes]

    @property
    def left(self) -> list[str]:
        return [*self.kept.left_alone, *self.removal.left]


def plan_disable(home: Home, name: str, receipt: Receipt) -> DisablePlan:
    """What has to change for the agent not to report any more. Raises BadSetting."""
    settings = load_settings(home).settings
    kept = SetupPlan(settings, secrets=(settings.api_key,) if settings.api_key else ())
    if name in settings.enabled_agents:
        rest = tuple(agent for agent in settings.enabled_agents if agent != name)
        try:
            kept.steps.append(Step(plan_config(home.config_file, {"enabled_agents": rest})))
        except ChangeRefused as error:
            kept.left_alone.append(str(error))
    path = AGENTS[name].settings_file
    paths = {path, backup_of(path)} if path else set()
    paths |= set(AGENTS[name].own_files(home))
    for entry in receipt.entries:
        if entry.kind != "profile":
            continue
        try:
            change = _less(entry, name)
        except ChangeRefused as error:
            kept.left_alone.append(str(error))
            continue
        if change is None:
            paths.add(Path(entry.path))
        elif change.change.is_change:
            kept.steps.append(change)
    return DisablePlan(kept, plan_removal(receipt, paths), frozenset(paths))


def disable(home: Home, name: str, agreed: str | None) -> tuple[list[tuple[Path, str]], Removed]:
    """Do it: (path, what was done) of every file, and what was left or is to be known.

    `agreed` is the difference that a person said yes to. Raises ChangedMeanwhile, SetupBusy,
    HomeUnusable.
    """
    with setup_lock(home):
        receipt = Receipt.load(home)
        plan = plan_disable(home, name, receipt)
        if agreed is not None and plan.diff() not in (agreed, ""):
            raise ChangedMeanwhile
        done = Removed(left=list(plan.kept.left_alone))
        changed: list[tuple[Path, str]] = []
        for step in plan.kept.steps:
            try:
                make_step(step, home, receipt)
                changed.append((step.change.path, step.change.why))
            except ChangeRefused as error:
                done.left.append(str(error))
        undo_entries(home, receipt, done, plan.paths)
        return changed + done.files, done


def _less(entry: Entry, name: str) -> Step | None:
    """The profile without the agent's part; None when nothing else of ours is in it.

    Raises ChangeRefused.
    """
    block = "".join(entry.fragments)
    exported = {} if name == CLAUDE_CODE else set_by(block)
    calls = {program: own for program, own in calls_of(block).items()
             if program != AGENTS[name].program}  # fmt: skip
    if not exported and not calls:
        return None
    plan = plan_profile(exported, Path(entry.path), shell_of(block), entry, calls)
    change = plan.change
    return Step(
        FileChange(change.path, change.before, change.after, "no longer sets what it needs"),
        "profile", (plan.fragment,),
    )  # fmt: skip
