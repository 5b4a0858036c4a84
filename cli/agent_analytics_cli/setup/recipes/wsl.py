"""Agents on Windows, the collector in WSL: their files over /mnt/c, their telemetry to 127.0.0.1.

WSL forwards ports that are bound to loopback inside to Windows' own (`localhostForwarding`, on
unless .wslconfig switches it off; documented).
"""

from __future__ import annotations

import shlex
from pathlib import Path

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.machine import machine_name
from agent_analytics_cli.setup.recipes.recipe import Circumstances, Recipe

USERS = Path("/mnt/c/Users")
_FOLDERS = {
    "claude_code": ("CLAUDE_CONFIG_DIR", ".claude"),
    "codex": ("CODEX_HOME", ".codex"),
    "gemini_cli": ("GEMINI_CLI_HOME", ""),
}
"""Agents with settings for telemetry: the variable for their folder, and that folder in a home."""


def wsl(circumstances: Circumstances, users: Path = USERS) -> Recipe:
    """Commands to run in WSL: for the Windows homes in which agents have worked, as found now."""
    homes = windows_homes(users) or [users / "NAME"]
    name = shlex.quote(f"{machine_name() or 'wsl'}-windows")
    lines = [
        "# Agents inside this distribution: nothing special.",
        "agent-analytics init",
    ]
    for home in homes:
        found = [agent for agent in READERS if READERS[agent].folder(home).is_dir()]
        at = shlex.quote(str(home))
        lines += [
            "",
            f"# Agents on Windows that work in {home}: their sessions, again whenever you like.",
            f"agent-analytics import --home {at} --machine {name}",
            "# Their telemetry: written into their own settings there; `agent-analytics uninstall`",
            "# takes it out. WSL forwards 127.0.0.1 to this distribution.",
            *(
                f"{variable}={shlex.quote(str(home / folder))} agent-analytics agents enable "
                f"{agent} --yes"
                for agent, (variable, folder) in _FOLDERS.items()
                if agent in found or not found
            ),
        ]
    lines += [
        "",
        "# To import them every ten minutes, as `crontab -e` takes it:",
        *(
            f"# */10 * * * * agent-analytics import --home {shlex.quote(str(home))} "
            f"--machine {name}"
            for home in homes
        ),
    ]
    notes = [
        "Run these in WSL. The system does not tell WSL of changes on Windows' disks, so `up` does "
        "not watch them: import them by hand or by cron.",
        "If .wslconfig says localhostForwarding=false, telemetry of Windows does not arrive; "
        "import reads the same requests.",
        "Another distribution has its own home: `agent-analytics init` there with --backend "
        f"http://127.0.0.1:{circumstances.settings.api_port} and --api-key-file, since "
        "distributions share 127.0.0.1.",
    ]
    if homes == [users / "NAME"]:
        notes.insert(0, f"No agent has a folder in {users}/*: put the user's folder for NAME.")
    return Recipe("\n".join(lines) + "\n", notes)


def windows_homes(users: Path = USERS) -> list[Path]:
    """The homes of Windows users in which an agent has a folder."""
    try:
        found = sorted(path for path in users.iterdir() if path.is_dir())
    except OSError:  # no WSL, or no disk C
        return []
    return [
        home
        for home in found
        if any(_is_folder(READERS[agent].folder(home)) for agent in READERS)
    ]  # fmt: skip


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # another user's
        return False
