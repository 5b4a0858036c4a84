"""A repository to commit in, and hooks that start no flusher."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_analytics_cli.commands import hooks as hooks_command
from agent_analytics_cli.git import hook_plan
from agent_analytics_cli.git import hook_status as hook_status_module
from agent_analytics_collector.home import Home
from tests.hooks.repositories import (
    commit,
    new_repository,
)  # fmt: skip


@pytest.fixture(autouse=True)
def old_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever git is here, it gets hook files unless a test says otherwise."""
    for module in (hook_plan, hook_status_module, hooks_command):
        monkeypatch.setattr(module, "git_version", lambda: (2, 39))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of its own, with one commit from before any hook."""
    path = new_repository(tmp_path / "repo")
    commit(path, "first")
    return path


@pytest.fixture
def no_flusher(home: Home) -> Iterator[None]:
    """Hooks see a flusher at work and leave what they note to it."""
    with subprocess.Popen(
        ["sh", "-c", "read -r _", "log-commit", "--queued"], stdin=subprocess.PIPE
    ) as flusher:
        (home.outbox / "flusher.pid").write_text(f"{flusher.pid}\n")
        yield
