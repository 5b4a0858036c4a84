"""The opt-in block in a shell's profile that sets variables in every shell.

For programs that an agent's own settings do not reach. The block holds no secret: profiles end up
in dotfile repositories.
"""

from __future__ import annotations

import contextlib
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
_CALL = re.compile(r"^    env (.*) ([\w-]+) (\"\$@\"|\$argv)$", re.MULTILINE)

Calls = Mapping[str, Mapping[str, str]]
"""Program → variables that it alone is started with."""


@dataclass(frozen=True, slots=True)
class ProfilePlan:
    """The change of a profile and what of it is ours."""

    change: FileChange
    fragment: str


def plan_profile(
    variables: Mapping[str, str],
    path: Path,
    shell: str,
    entry: Entry | None = None,
    calls: Calls | None = None,
) -> ProfilePlan:
    """How the variables get into the profile at `path`, in the shell's own words.

    `calls` become functions, so that nothing but that program has them. A block that is there
    already, by `entry` or by its marker lines, is replaced where it stands.
    Raises ChangeRefused.
    """
    block = _block(variables, calls or {}, shell)
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


def set_by(fragment: str) -> dict[str, str]:
    """What a block sets in every shell, in its order."""
    found = {}
    for export, fish, value in _SET.findall(fragment):
        if fish:
            found[fish] = re.sub(r"\\([\\'])", r"\1", value[1:-1])
        else:
            found[export] = "".join(shlex.split(value))
    return found


def calls_of(fragment: str) -> dict[str, dict[str, str]]:
    """Of a block, the programs that are started with variables of their own, and those."""
    found = {}
    for words, program, arguments in _CALL.findall(fragment):
        if arguments == "$argv":  # fish escapes a quote inside of quotes
            words = words.replace("\\'", "'\\''").replace("\\\\", "\\")
        with contextlib.suppress(ValueError):  # edited, and no shell's words any more
            found[program] = dict(word.split("=", 1) for word in shlex.split(words))
    return found


def shell_of(fragment: str) -> str:
    """A shell that a block is written for: `fish`, or `bash` for all others."""
    return "fish" if re.search(r"^(set -gx |end$)", fragment, re.MULTILINE) else "bash"


def block_in(path: Path) -> str:
    """Our block in the profile at `path`; "" when there is none, or it cannot be read."""
    try:
        found = _BLOCK.search(path.read_bytes())
    except OSError:
        return ""
    return found[0].decode(errors="replace") if found else ""


def _block(variables: Mapping[str, str], calls: Calls, shell: str) -> bytes:
    lines = [
        BEGIN,
        "# Sends the telemetry of coding agents to agent-analytics. `agent-analytics uninstall`",
        "# takes this block out again.",
        *(_line(name, value, shell) for name, value in variables.items()),
        *(line for program, own in calls.items() for line in _function(program, own, shell)),
        END,
    ]
    return ("\n".join(lines) + "\n").encode()


def _line(name: str, value: str, shell: str) -> str:
    if shell == "fish":
        return f"set -gx {name} {_fish(value)}"
    return f"export {name}={shlex.quote(value)}"


def _function(program: str, own: Mapping[str, str], shell: str) -> list[str]:
    quote, is_fish = (_fish, True) if shell == "fish" else (shlex.quote, False)
    words = " ".join(f"{name}={quote(value)}" for name, value in own.items())
    if is_fish:
        return [f"function {program}", f"    env {words} {program} $argv", "end"]
    # Not `name() {`: an alias of that name would be put in its place first.
    return [f"function {program} {{", f'    env {words} {program} "$@"', "}"]


def _fish(value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"
