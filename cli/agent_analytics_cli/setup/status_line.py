"""The status line: Claude Code's own settings get to call `agent-analytics statusline`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent_analytics_cli.agents.claude_code.settings_values import values_of
from agent_analytics_cli.changes import ChangeRefused, FileChange, masked, read_for_change
from agent_analytics_cli.git.stubs import own_command
from agent_analytics_cli.json_reader import NotJson, read
from agent_analytics_cli.json_text import Scalar, insert, members_of, take_out
from agent_analytics_cli.machine import claude_config_dir
from agent_analytics_cli.receipt import FragmentLost, Receipt, undo_in
from agent_analytics_cli.setup.answers import STATUS_LINE
from agent_analytics_cli.setup.steps import SetupPlan, Step
from agent_analytics_cli.setup.telemetry_steps import backup_of
from agent_analytics_collector.home import HOME_VARIABLE, Home

SETTING = "statusLine"


def is_status_line_set(project_dir: Path | None, managed: Sequence[Path] | None = None) -> bool:
    """Whether a session in the project has a status line, ours or another."""
    return any(True for _ in values_of(SETTING, claude_config_dir(), project_dir, managed))


def status_line_command() -> str:
    """What Claude Code is to run, which it gives to a shell.

    It names a home that is not the default: Claude Code does not have the variables of this shell.
    """
    command = shlex.join([*own_command(), "statusline"])
    if Home.origin() != HOME_VARIABLE:
        return command
    return f"{HOME_VARIABLE}={shlex.quote(str(Home.from_environment().root))} {command}"


def add_status_line(
    plan: SetupPlan, receipt: Receipt, project_dir: Path, managed: Sequence[Path] | None = None
) -> None:
    """The step that sets it in the user's settings.json, behind those that are planned already.

    A status line of the user's stays, which is said.
    """
    path = claude_config_dir() / "settings.json"
    plan.notes += _overriding(path, project_dir, managed)
    try:
        _add(plan, receipt, path)
    except NotJson as error:
        plan.left_alone.append(str(ChangeRefused(path, f"{error}. Mend that, then run this again")))
    except UnicodeDecodeError:
        plan.left_alone.append(str(ChangeRefused(path, "it is not UTF-8")))
    except ChangeRefused as error:
        plan.left_alone.append(str(error))


def _add(plan: SetupPlan, receipt: Receipt, path: Path) -> None:
    _lay_anew(plan, receipt, path)
    earlier = [step.change for step in plan.steps if step.change.path == path]
    before = earlier[-1].after if earlier else read_for_change(path)
    text = (before or b"").decode()
    wanted: dict[str, Scalar] = {"type": "command", "command": status_line_command()}
    found = _value_in(text)
    if isinstance(found, dict) and found.get("command") == wanted["command"]:
        return
    entry = receipt.find(path, STATUS_LINE)
    ours = members_of("".join(entry.fragments), SETTING) if entry else None
    if ours is not None and found == ours:  # of an installation that was elsewhere
        text = take_out(text, "".join(entry.fragments if entry else ()), SETTING)
    elif found is not None:
        shown = found.get("command") if isinstance(found, dict) else found
        # Put in place of ours since, it is no refusal any more.
        (plan.notes if entry else plan.left_alone).append(
            f"{path} has a status line already ({masked(str(shown))}), which stays. To have both, "
            f"let that command hand its standard input to `{wanted['command']}` too."
        )
        return
    made = insert(text, wanted, SETTING)
    change = FileChange(path, before, made.text.encode(), "shows cost and limits in Claude Code")
    is_first = not earlier and receipt.find(path) is None and entry is None
    backup = backup_of(path)
    if before is not None and is_first and not backup.exists():
        mode = path.stat().st_mode & 0o7777
        copy = FileChange(backup, None, before, "a copy as it was", mode)
        plan.steps.append(Step(copy, "backup", copy_of=path))
    plan.steps.append(Step(change, "settings", (made.fragment,), SETTING, part=STATUS_LINE))


def _lay_anew(plan: SetupPlan, receipt: Receipt, path: Path) -> None:
    """Have a planned change of what else is ours in the file begin with the file as it was.

    What lies between two things of ours can be told apart only by who takes out the later first.
    """
    ours = [entry for entry in receipt.entries if entry.path == str(path)]
    for place, step in enumerate(plan.steps):
        if step.change.path != path or step.under is None or len(ours) < 2:
            continue
        base = step.change.before
        try:
            for entry in reversed(ours):
                if undone := undo_in(entry, base):
                    base = undone.after
        except FragmentLost:
            return
        members = members_of("".join(step.fragments), step.under)
        made = insert((base or b"").decode(), members, step.under)
        change = replace(step.change, after=made.text.encode())
        plan.steps[place] = replace(step, change=change, fragments=(made.fragment,))


def _value_in(text: str) -> Any:
    """What the setting is in the text of a settings file; None when it is not there."""
    node = read(text)
    found = node.find(SETTING) if node is not None and node.is_object else None
    return found.value.value if found else None


def _overriding(path: Path, project_dir: Path, managed: Sequence[Path] | None) -> list[str]:
    """A sentence about a file whose status line goes before the user's."""
    for source, _ in values_of(SETTING, path.parent, project_dir, managed):
        if source.path != path:
            return [f"{source} has a status line of its own, which goes before yours there."]
    return []
