"""Hooks by git's configuration, which git 2.54 knows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent_analytics_cli.git.config_hooks import global_config
from agent_analytics_cli.git.hook_files import EVENTS
from agent_analytics_cli.git.hook_status import State
from agent_analytics_cli.git.hooks import (
    hook_status,
    install,
    plan_install,
    plan_install_everywhere,
)  # fmt: skip
from agent_analytics_cli.git.repository import find_repository, git_version
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home
from tests.hooks.repositories import (
    commit,
    files,
    git,
    head,
    hook_file,
    installed,
    noted,
    removed,
    write_hook,
)  # fmt: skip

NEW_GIT = (2, 54)


@pytest.mark.parametrize("config", [None, b"[user]\n\tname = x\n", b"[user]\n\tname = x"])
def test_a_newer_git_is_configured_for_all_repositories(
    tmp_path: Path, home: Home, config: bytes | None
) -> None:
    path = global_config()
    if config is not None:
        path.write_bytes(config)
    plan = plan_install_everywhere(home, [tmp_path], version=NEW_GIT)
    install(plan, home, Receipt.load(home))
    for event in EVENTS:
        name = f"hook.agent-analytics-{event}"
        assert git("config", f"{name}.event", cwd=tmp_path).stdout == f"{event}\n"
        shell = git("config", f"{name}.command", cwd=tmp_path).stdout
        assert subprocess.run(["sh", "-c", shell], cwd=tmp_path, check=False).returncode == 0
    again = plan_install_everywhere(home, [tmp_path], version=NEW_GIT)
    assert not again.changes
    assert again.in_effect[0] == f"post-commit: {path}"
    git("config", "--global", "user.email", "a@b", cwd=tmp_path)
    git("config", "--global", "--unset", "user.email", cwd=tmp_path)
    removed(home)
    if config is None:
        assert path.read_bytes() in (b"", b"[user]\n")  # git itself leaves an empty section
    else:
        assert path.read_bytes() == config


@pytest.mark.usefixtures("no_flusher")
def test_a_newer_git_is_configured_in_the_repository_alone(repository: Path, home: Home) -> None:
    write_hook(hook_file(repository), b"#!/usr/bin/env python3\n")
    git("config", "core.hooksPath", ".githooks", cwd=repository)
    before = files(repository)
    plan = plan_install(find_repository(repository), home, version=NEW_GIT)
    assert not plan.refusals
    install(plan, home, Receipt.load(home))
    found = hook_status(find_repository(repository), home, version=NEW_GIT)
    assert {one.state for one in found} == {State.IN_EFFECT}
    assert {one.where for one in found} == {repository / ".git" / "config"}
    old = hook_status(find_repository(repository), home, version=(2, 39))
    assert {one.state for one in old} == {State.NOT_IN_EFFECT}
    shell = git("config", "hook.agent-analytics-post-rewrite.command", cwd=repository).stdout
    ran = subprocess.run(
        ["sh", "-c", f'{shell.rstrip()} "$@"', "hook", "amend"], cwd=repository,
        input=f"{'1' * 40} {'2' * 40}\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert [line[:2] for line in noted(home)] == [["rewrite", "amend"]]
    assert not plan_install(find_repository(repository), home, version=NEW_GIT).changes
    git("config", "hook.agent-analytics-post-commit.enabled", "false", cwd=repository)
    found = hook_status(find_repository(repository), home, version=NEW_GIT)
    assert [one.state for one in found][:2] == [State.NOT_INSTALLED, State.IN_EFFECT]
    git("config", "--unset", "hook.agent-analytics-post-commit.enabled", cwd=repository)
    removed(home, repository)
    assert files(repository) == before


@pytest.mark.usefixtures("no_flusher")
@pytest.mark.skipif(git_version() < NEW_GIT, reason="needs git 2.54")
def test_a_newer_git_runs_the_configured_hook_beside_a_hook_file(
    repository: Path, home: Home
) -> None:
    seen = repository.parent / "seen"
    for event in EVENTS:
        write_hook(
            hook_file(repository, event),
            f"#!{sys.executable}\nimport sys\nopen({str(seen)!r}, 'a').write(sys.stdin.read())\n"
            .encode(),
        )  # fmt: skip
    before = files(repository)
    install(plan_install(find_repository(repository), home, version=git_version()), home,
            Receipt.load(home))  # fmt: skip
    old = commit(repository, "a")
    git("commit", "-q", "--amend", "-m", "b", cwd=repository)
    new = head(repository)
    assert [line[:-1] for line in noted(home)] == [
        ["commit", old], ["commit", new], ["rewrite", "amend", old, new],
    ]  # fmt: skip
    assert seen.read_text() == f"{old} {new}\n"
    removed(home)
    assert files(repository)[".git/config"] == before[".git/config"]


def test_a_newer_git_does_not_note_twice_what_a_hook_file_notes(
    repository: Path, home: Home
) -> None:
    write_hook(hook_file(repository, "post-merge"), b"#!/usr/bin/env python3\n")
    installed(repository, home)
    plan = plan_install(find_repository(repository), home, version=NEW_GIT)
    assert len(plan.in_effect) == len(EVENTS) - 1
    [change] = plan.changes
    assert change.path == repository / ".git" / "config"
    assert b"post-merge" in (change.after or b"")
    assert b"post-commit" not in (change.after or b"")
