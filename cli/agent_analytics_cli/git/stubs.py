"""The stubs in the home, which hooks source: written once, with this installation filled in.

A stub always reports to the home that it lies in. AGENT_ANALYTICS_HOME at the time of a commit is
not asked: an editor's git does not have the shell's variables, and commits of one repository would
end up in different places.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

from agent_analytics_cli.assets import hooks as templates
from agent_analytics_cli.changes import FileChange, read_for_change
from agent_analytics_cli.git.hook_files import EVENTS, block
from agent_analytics_collector.home import Home

SHARED = "note.sh"
"""The part that all stubs source."""

_FILES = (*EVENTS, SHARED)
_STUB = re.compile(r"test (?:! )?-r (.+?)(?:; then| \|\|) ")


def own_command() -> list[str]:
    """This installation's `agent-analytics` by absolute path, to be run from anywhere."""
    script = Path(sys.executable).with_name("agent-analytics")
    if os.access(script, os.X_OK):
        return [str(script)]
    # -P: else a `logging.py` in the folder where it is started would be taken for Python's.
    return [sys.executable, "-P", "-m", "agent_analytics_cli.main"]


def plan_stubs(home: Home) -> list[FileChange]:
    """The stubs that are missing or of another installation. Raises ChangeRefused."""
    changes = []
    for name in _FILES:
        content = filled_in((templates() / name).read_bytes(), home)
        path = home.hooks / name
        before = read_for_change(path)
        changes.append(FileChange(path, before, content, "the hook itself", 0o600))
    return [change for change in changes if change.is_change]


def filled_in(template: bytes, home: Home) -> bytes:
    """A stub for the home, which starts this installation."""
    command = own_command()
    words = {
        b"@HOME@": _quoted(str(home.root)),
        b"@HOOKS@": _quoted(str(home.hooks)),
        b"@OUTBOX@": _quoted(str(home.outbox)),
        b"@PROGRAM@": _quoted(command[0]),
        b"@COMMAND@": b" ".join(map(_quoted, command)),
    }
    for word, value in words.items():
        template = template.replace(word, value)
    return template


def remove_stubs(home: Home) -> None:
    """Delete the stubs; a hook whose block is still there does nothing then."""
    for name in _FILES:
        (home.hooks / name).unlink(missing_ok=True)
    try:
        home.hooks.rmdir()
    except OSError:  # gone, or not only ours
        return


def hook_block(home: Home, event: str) -> bytes:
    """What a shell hook gets: it sources the stub while there is one, without another process."""
    stub = _quoted(str(home.hooks / event))
    return block(b"if test -r %s; then . %s; fi" % (stub, stub))


def configured_command(home: Home, event: str) -> bytes:
    """The same for `hook.<name>.command` of git's configuration, which git gives to sh."""
    stub = _quoted(str(home.hooks / event))
    return b"test ! -r %s || . %s" % (stub, stub)


def line_to_add(home: Home, event: str) -> str:
    """What a person can have another hook, or a hook manager, run."""
    return f'sh {shlex.quote(str(home.hooks / event))} "$@"'


def missing_parts(home: Home) -> list[str]:
    """Why the hooks of this home do nothing, as sentences; none when all is there."""
    remedy = "`agent-analytics hooks install` mends that."
    for name in _FILES:
        if not os.access(home.hooks / name, os.R_OK):
            return [f"{home.hooks / name} is missing. {remedy}"]
    if not os.access(program := _program(home), os.X_OK):
        return [f"The command that it starts, {program}, is gone. {remedy}"]
    return []


def other_stub(text: bytes, home: Home, event: str) -> Path | None:
    """The stub of another home that a block or a configured command sources, while it is there."""
    for found in _STUB.finditer(os.fsdecode(text)):
        try:
            path = Path(shlex.split(found[1])[0])
        except (ValueError, IndexError):
            continue
        if path.name == event and path != home.hooks / event and os.access(path, os.R_OK):
            return path
    return None


def _program(home: Home) -> str:
    """The program that the installed stubs start."""
    text = (home.hooks / SHARED).read_text(encoding="utf-8", errors="surrogateescape")
    line = next((line for line in text.splitlines() if line.startswith("test -x ")), "")
    words = shlex.split(line)
    return words[2] if len(words) > 2 else ""


def _quoted(text: str) -> bytes:
    return os.fsencode(shlex.quote(text))
