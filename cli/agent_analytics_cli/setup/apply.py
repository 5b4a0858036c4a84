"""Carrying a plan out: one at a time, each change written down before it is made."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent_analytics_cli.changes import (
    ChangeRefused,
    FileChange,
    apply,
    create_folders,
    remove_leftovers,
)  # fmt: skip
from agent_analytics_cli.git.hooks import install
from agent_analytics_cli.receipt import Receipt, entry_for, locked_receipt
from agent_analytics_cli.setup.steps import SetupPlan, Step
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home

LOCK_TIMEOUT_S = 60.0


class SetupBusy(AgentAnalyticsError):
    """Another `init` or `uninstall` of this home does not come to an end."""

    def __init__(self, lock: Path) -> None:
        super().__init__(
            f"Another init or uninstall is at work (it holds {lock}). Let it end, then try again."
        )


class ChangedMeanwhile(AgentAnalyticsError):
    """What was agreed to is no longer what would be done."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing was changed: one of the files is no longer as it was when it was shown. "
            "Run it again."
        )


@contextmanager
def setup_lock(home: Home, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold off every other `init` and `uninstall` of this home; makes its folders.

    Raises SetupBusy, HomeUnusable.
    """
    home.create()
    path = home.run / "setup.lock"
    with open(path, "ab") as lock:
        end = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise SetupBusy(path) from None
                time.sleep(0.05)
        yield


def apply_setup(
    home: Home, make_plan: Callable[[Receipt], SetupPlan], agreed: str | None
) -> tuple[SetupPlan, list[FileChange]]:
    """Plan once more, now that nobody else can, and do it.

    Gives the plan, with what was refused on the way in `left_alone`, and the changes made. `agreed`
    is the difference that a person said yes to. Raises ChangedMeanwhile, SetupBusy, HomeUnusable.
    """
    with setup_lock(home):
        receipt = Receipt.load(home)
        plan = make_plan(receipt)
        if agreed is not None and plan.diff() not in (agreed, ""):
            raise ChangedMeanwhile
        made: list[FileChange] = []
        for step in plan.steps:
            try:
                make_step(step, home, receipt)
                made.append(step.change)
            except ChangeRefused as error:
                plan.left_alone.append(str(error))
        if plan.hooks is not None:
            stubs = [stub for stub in plan.hooks.stubs if stub.is_change]
            try:
                install(plan.hooks, home, receipt)
            except ChangeRefused as error:
                plan.left_alone.append(str(error))
            made += [change for change in (*stubs, *plan.hooks.changes) if _is_done(change)]
        return plan, made


def make_step(step: Step, home: Home, receipt: Receipt) -> None:
    """One file; what a killed run left of it goes. Raises ChangeRefused."""
    path = step.change.path
    remove_leftovers(path)
    if step.kind is None:
        apply(step.change)
        return
    with locked_receipt(home, receipt):
        before = receipt.entries
        old = receipt.find(path, step.part)
        fragments = list(step.fragments)
        receipt.put(
            entry_for(step.change, step.kind, fragments, old, step.under, step.part, step.replaced)
        )
        receipt.save()
        try:
            _make_folder(path)
            apply(step.change)
        except ChangeRefused:
            receipt.entries = before
            receipt.save()
            raise


def _make_folder(path: Path) -> None:
    try:
        create_folders(path.parent)
    except OSError as error:
        raise ChangeRefused(path, f"its folder cannot be made: {error.strerror}") from error


def _is_done(change: FileChange) -> bool:
    try:
        return change.path.read_bytes() == change.after
    except OSError:
        return False
