"""Cursor's own `hooks.json`: what of it is ours, and how that is put in.

Each event has a list of commands, which all run. Only events that are documented are named: one
that Cursor does not know makes cursor-agent 2026.09.10 drop the whole file without a word. The
events of tools are there from Cursor 2.4 on. No event is asked that decides what the agent may do,
but `beforeSubmitPrompt`, the only one that tells of a prompt: it is always answered with yes.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent_analytics_cli.agents.telemetry import (
    TelemetryPlan,
    TelemetryState,
    text_of,
    without_ours,
)  # fmt: skip
from agent_analytics_cli.assets import hooks as templates
from agent_analytics_cli.changes import ChangeRefused, FileChange, read_for_change
from agent_analytics_cli.git.stubs import filled_in
from agent_analytics_cli.json_reader import NotJson, read
from agent_analytics_cli.json_text import insert, members_under
from agent_analytics_cli.machine import user_home
from agent_analytics_cli.receipt import Entry
from agent_analytics_collector.home import Home

TITLE, UNDER, FILE = "Cursor", "hooks", "hooks.json"
PROGRAMS = ("cursor", "cursor-agent")
EVENTS = (
    "sessionStart",
    "beforeSubmitPrompt",
    "postToolUse",
    "postToolUseFailure",
    "afterFileEdit",
    "stop",
    "sessionEnd",
)
_STUB = "cursor.sh"
_SPACE = re.compile(r"\s*")


def cursor_folder() -> Path:
    """Cursor's folder."""
    return user_home() / ".cursor"


def stub_path(home: Home) -> Path:
    """The script that Cursor runs; it reports to the home that it lies in."""
    return home.hooks / _STUB


def command_for(home: Home, event: str) -> str:
    """What Cursor is to run: nothing where the script is gone, since a shell's 2 would block it."""
    stub = shlex.quote(str(stub_path(home)))
    return f"test ! -r {stub} || sh {stub} {event}"


def plan_hooks(config_dir: Path, home: Home, *, entry: Entry | None = None) -> TelemetryPlan:
    """How `hooks.json` gets to run our script, beside whatever it runs already.

    Raises ChangeRefused when the file, or the script's place, cannot be written.
    """
    path = config_dir / FILE
    stub = _plan_stub(home)
    current = read_for_change(path)
    commands = {event: command_for(home, event) for event in EVENTS}
    text = text_of(path, current)
    try:
        if all(commands[event] in told for event, told in _commands_of(text).items()):
            return TelemetryPlan(None, "", [], [], files=stub)
        base = text_of(path, without_ours(entry, current))
        made, fragments = _put_in(base, commands)
    except NotJson as error:
        raise ChangeRefused(path, f"{error}. Mend that, then run this again") from error
    change = FileChange(path, current, made.encode(), f"tells {TITLE} to run our hook")
    kept = [
        f"{TITLE} tells no tokens and no cost here: `agent-analytics sync cursor` fetches what it "
        "reports of a team. Sessions that are open now begin to tell after a restart."
    ]
    return TelemetryPlan(change, "", [], kept, files=stub, fragments=fragments)


def hooks_state(config_dir: Path, home: Home) -> TelemetryState:
    """Whether Cursor's next session will run our script; there is no endpoint to tell."""
    path = config_dir / FILE
    try:
        told = _commands_of(path.read_bytes().decode())
    except (FileNotFoundError, NotADirectoryError):
        return TelemetryState(False)
    except (OSError, UnicodeDecodeError, NotJson) as error:
        return TelemetryState(False, problems=[f"{path} cannot be read: {error}."])
    missing = [event for event in EVENTS if command_for(home, event) not in told[event]]
    if len(missing) == len(EVENTS):
        return TelemetryState(False)
    problems = [f"{path} no longer has our hook for {', '.join(missing)}."] if missing else []
    if not stub_path(home).is_file():
        problems.append(f"{stub_path(home)}, which it runs, is gone.")
    return TelemetryState(not problems, origin=str(path), problems=problems)


def _plan_stub(home: Home) -> tuple[FileChange, ...]:
    path = stub_path(home)
    content = filled_in((templates() / _STUB).read_bytes(), home)
    change = FileChange(path, read_for_change(path), content, "the hook itself", 0o600)
    return (change,) if change.is_change else ()


def _commands_of(text: str) -> dict[str, list[Any]]:
    """The commands of each of our EVENTS. Raises NotJson, also when one has no list."""
    found = members_under(text, UNDER)
    told: dict[str, list[Any]] = {}
    for event in EVENTS:
        hooks = found.get(event, [])
        if not isinstance(hooks, list):
            raise NotJson(text, text.find(json.dumps(event)), f'"{event}" must be a list')
        told[event] = [hook.get("command") for hook in hooks if isinstance(hook, dict)]
    return told


def _put_in(text: str, commands: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with a hook for each event, and the pieces that were put in. Raises NotJson.

    Into a list that is there it goes as the first one, so that nothing behind it has to be parsed.
    """
    root = read(text)
    hooks = {event: [{"command": command}] for event, command in commands.items()}
    if root is None or root.value == {}:
        return _into_empty(text, {"version": 1, UNDER: hooks})
    fragments = []
    for event in members_under(text, UNDER):
        if event not in hooks:
            continue
        there = _list_of(text, event)
        begin = there.start + 1
        space = _SPACE.match(text, begin)
        lead = space[0] if space and there.value else ""
        comma = "," if lead else ", "
        fragment = lead + json.dumps(hooks.pop(event)[0]) + (comma if there.value else "")
        text = text[:begin] + fragment + text[begin:]
        fragments.append(fragment)
    if hooks:
        made = insert(text, hooks, UNDER)
        text = made.text
        fragments.append(made.fragment)
    return text, tuple(fragments)


def _list_of(text: str, event: str) -> Any:
    """The node of the list of an event's hooks."""
    root = read(text)
    under = root.find(UNDER) if root else None
    there = under.value.find(event) if under else None
    assert there is not None
    return there.value


def _into_empty(text: str, document: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """The document in a file that holds nothing, or an object that does."""
    pretty = json.dumps(document, indent=2)
    root = read(text)
    if root is None:
        return text + pretty + "\n", (pretty + "\n",)
    inside = text[root.start + 1 : root.end - 1]
    fragment = pretty[1:-1].removesuffix("\n") if "\n" in inside else pretty[1:-1]
    return text[: root.start + 1] + fragment + text[root.start + 1 :], (fragment,)
