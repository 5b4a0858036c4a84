"""Real repositories for the tests of hooks, and what is seen in them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from agent_analytics_cli.git.hook_files import EVENTS
from agent_analytics_cli.git.hook_status import HookStatus
from agent_analytics_cli.git.hooks import (
    HooksPlan,
    hook_status,
    install,
    plan_install,
    remove,
)  # fmt: skip
from agent_analytics_cli.git.repository import find_repository
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home


def git(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False,
        env=os.environ | {"GIT_EDITOR": "true"} | variables,
    )  # fmt: skip
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done


def commit(repository: Path, message: str = "x", *options: str) -> str:
    """Make a commit with a change of its own; its hash."""
    (repository / message).write_text(message)
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", message, *options, cwd=repository)
    return head(repository)


def head(repository: Path, name: str = "HEAD") -> str:
    return git("rev-parse", name, cwd=repository).stdout.strip()


def new_repository(path: Path) -> Path:
    path.mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=path)
    return path


def installed(path: Path, home: Home, *, shared: bool = False) -> HooksPlan:
    plan = plan_install(find_repository(path), home, shared=shared)
    install(plan, home, Receipt.load(home))
    return plan


def removed(home: Home, path: Path | None = None) -> dict[str, str]:
    repository = find_repository(path) if path else None
    removals = remove(home, Receipt.load(home), repository)
    return {str(removal.path): removal.done for removal in removals}


def noted(home: Home) -> list[list[str]]:
    try:
        content = (home.outbox / "noted").read_text()
    except FileNotFoundError:
        return []
    assert content.endswith("\n")
    return [line.split("\t") for line in content.splitlines()]


def hook_file(repository: Path, event: str = "post-commit") -> Path:
    return repository / ".git" / "hooks" / event


def write_hook(path: Path, content: bytes, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of everything under a folder, empty folders included."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def status(path: Path, home: Home, event: str = "post-commit") -> HookStatus:
    found = hook_status(find_repository(path), home)
    assert [one.event for one in found] == list(EVENTS)
    return next(one for one in found if one.event == event)
