"""The opt-in block in a shell's profile that sets variables in every shell.

For programs that an agent's own settings do not reach. The block holds no secret: profiles end up
in dotfile repositories.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.changes import ChangeRefused, FileChange, read_for_change
from agent_analytics_cli.machine import user_home, variable
from agent_analytics_cli.receipt import Entry

BEGIN, END = "# >>> agent-analytics >>>", "# <<< agent-analytics <<<"
SHELLS = ("bash", "zsh", "fish")

_BLOCK = re.compile(
    rf"^{re.escape(BEGIN)}[ \t\r]*\n(?:.*\n)*?{re.escape(END)}[ \t\r]*(?:\n|\Z)".encode(),
    re.MULTILINE,
)
_SET = re.compile(r"^(?:export (\w+)=|set -gx (\w+) )(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ProfilePlan:
    """The change of a profile and what of it is ours."""

    change: FileChange
    fragment: str


def plan_profile(
    variables: Mapping[str, str], path: Path, shell: str, entry: Entry | None = None
) -> ProfilePlan:
    """How the variables get into the profile at `path`, in the shell's own words.

    A block that is there already, by `entry` or by its marker lines, is replaced where it stands.
    Raises ChangeRefused.
    """
    block = _block(variables, shell)
    before = read_for_change(path)
    content = before or b""
    written = entry.fragments[0].encode() if entry and entry.fragments else b""
    if written and content.count(written) == 1:
        fragment = block if not written.startswith(b"\n") else b"\n" + block
        after = content.replace(written, fragment)
    elif found := _BLOCK.search(content):
        fragment = block
        after = content[: found.start()] + block + content[found.end() :]
    else:
        fragment = block if not content or content.endswith(b"\n") else b"\n" + block
        after = content + fragment
    if [after.count(mark.encode()) for mark in (BEGIN, END)] != [1, 1]:
        raise ChangeRefused(
            path, "the marker lines of agent-analytics in it are no longer one pair; take them out"
        )
    change = FileChange(path, before, after, f"sets the variables in every {shell}")
    return ProfilePlan(change, fragment.decode())


def profile_of(shell: str) -> Path:
    """The file that an interactive shell of that name reads. Raises ChangeRefused."""
    home = user_home()
    if shell == "fish":
        return Path(variable("XDG_CONFIG_HOME") or home / ".config") / (
            "fish/conf.d/agent-analytics.fish"
        )
    if shell == "zsh":
        return Path(variable("ZDOTDIR") or home) / ".zshrc"
    if shell != "bash":
        raise ChangeRefused(
            home, f"the profile of {shell} is not known, only those of {', '.join(SHELLS)}"
        )
    # macOS opens terminals as login shells, which read no .bashrc.
    usual, other = (".bash_profile", ".bashrc")[:: 1 if sys.platform == "darwin" else -1]
    return home / (other if (home / other).exists() and not (home / usual).exists() else usual)


def variables_of(fragment: str) -> set[tuple[str, str]]:
    """(name, value) of what a block sets."""
    found = set()
    for export, fish, value in _SET.findall(fragment):
        if fish:
            found.add((fish, re.sub(r"\\([\\'])", r"\1", value[1:-1])))
        else:
            found.add((export, "".join(shlex.split(value))))
    return found


def _block(variables: Mapping[str, str], shell: str) -> bytes:
    lines = [
        BEGIN,
        "# Sends the telemetry of coding agents to agent-analytics. `agent-analytics uninstall`",
        "# takes this block out again.",
        *(_line(name, value, shell) for name, value in variables.items()),
        END,
    ]
    return ("\n".join(lines) + "\n").encode()


def _line(name: str, value: str, shell: str) -> str:
    if shell == "fish":
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"set -gx {name} '{quoted}'"
    return f"export {name}={shlex.quote(value)}"
