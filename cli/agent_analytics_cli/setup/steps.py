"""What `init` would do, as a list that can be shown and then carried out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agent_analytics_cli.agents.telemetry import KeptReceiver
from agent_analytics_cli.changes import FileChange, masked
from agent_analytics_cli.git.hooks import HooksPlan
from agent_analytics_cli.receipt import Replaced
from agent_analytics_collector.settings import Settings


@dataclass(frozen=True, slots=True)
class Step:
    """One file to write, and what the receipt has to say about it."""

    change: FileChange
    kind: str | None = None
    """As in `receipt.Entry`; None for a file of our own folder, which needs no receipt."""
    fragments: tuple[str, ...] = ()
    under: str | None = None
    copy_of: Path | None = None
    part: str = ""
    """As in `receipt.Entry`."""
    replaced: tuple[Replaced, ...] = ()
    is_secret: bool = False
    """The content is not shown."""


@dataclass(slots=True)
class SetupPlan:
    """Everything that `init` would do."""

    settings: Settings
    """In force afterwards."""
    steps: list[Step] = field(default_factory=list)
    hooks: HooksPlan | None = None
    left_alone: list[str] = field(default_factory=list)
    """What was asked for and is not done, why, and what a person can do."""
    notes: list[str] = field(default_factory=list)
    secrets: tuple[str, ...] = ()
    receivers: dict[str, KeptReceiver] = field(default_factory=dict)
    """By agent, where it sent before and what it sends is to go on to."""
    offers: dict[str, KeptReceiver] = field(default_factory=dict)
    """By agent that is left alone, where it sends now and what it sends could go on to."""

    @property
    def changes(self) -> list[FileChange]:
        """Of all files, in order."""
        steps = [step.change for step in self.steps]
        if self.hooks is None:
            return steps
        stubs = [stub for stub in self.hooks.stubs if stub.is_change]
        return [*steps, *stubs, *self.hooks.changes]

    def diff(self) -> str:
        """The exact difference of every file, secrets masked."""
        return masked("".join(self._diffs()), self.secrets)

    def _diffs(self) -> Iterator[str]:
        copies = {step.change.path: step.copy_of for step in self.steps}
        secret = {step.change.path for step in self.steps if step.is_secret}
        for change in self.changes:
            original = copies.get(change.path)
            if change.path in secret:
                yield f"write {change.path} (headers with a key, which are not shown)\n"
            else:
                yield f"copy {original} to {change.path}\n" if original else change.diff()
