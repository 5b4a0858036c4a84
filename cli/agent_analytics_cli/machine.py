"""What the user's own machine says: home folder, shell, variables of other programs.

Our own variables (`AGENT_ANALYTICS_*`) are settings and read elsewhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def user_home() -> Path:
    """The user's home folder."""
    return Path.home()


def machine_name() -> str | None:
    """This machine's name for people; None when it has none."""
    return os.uname().nodename or None


def claude_config_dir() -> Path:
    """Claude Code's folder: CLAUDE_CONFIG_DIR, else `~/.claude`."""
    named = variable("CLAUDE_CONFIG_DIR")
    return Path(named).expanduser().absolute() if named else user_home() / ".claude"


def codex_home() -> Path:
    """Codex's folder: CODEX_HOME, else `~/.codex`."""
    named = variable("CODEX_HOME")
    return Path(named).expanduser().absolute() if named else user_home() / ".codex"


def gemini_dir() -> Path:
    """Gemini CLI's folder: `.gemini` in GEMINI_CLI_HOME, else in the user's home folder."""
    named = variable("GEMINI_CLI_HOME")
    return (Path(named).expanduser().absolute() if named else user_home()) / ".gemini"


def copilot_home() -> Path:
    """Copilot CLI's folder: COPILOT_HOME, else `~/.copilot`."""
    named = variable("COPILOT_HOME")
    return Path(named).expanduser().absolute() if named else user_home() / ".copilot"


def has_program(name: str) -> bool:
    """Whether a program of that name would start from the PATH."""
    return shutil.which(name) is not None


def shell_name() -> str | None:
    """Name of the login shell (`bash`, `zsh`, `fish` …); None when it is not told."""
    return Path(variable("SHELL") or "").name or None


def variable(name: str) -> str | None:
    """A variable of the environment; None when it is missing or empty."""
    return os.environ.get(name) or None


def environment_for_git() -> Mapping[str, str]:
    """The environment without `GIT_*`: in a hook those name another repository and index.

    Also without prompts: nothing here has anybody to ask.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _GIT_KEPT
    }
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


_GIT_KEPT = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"})
"""Where git's own configuration is; `git rev-parse --local-env-vars` does not name these."""
