"""Where hooks are written: core.hooksPath, husky, and every repository of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_analytics_cli.git.hook_files import EVENTS
from agent_analytics_cli.git.hook_status import State
from agent_analytics_collector.home import Home
from tests.hooks.repositories import (
    commit,
    files,
    git,
    hook_file,
    installed,
    noted,
    removed,
    status,
    write_hook,
)  # fmt: skip


@pytest.mark.usefixtures("no_flusher")
@pytest.mark.parametrize("hooks_path", [".githooks", "tools/git hooks"])
def test_hooks_in_the_work_tree_are_only_written_when_shared_is_said(
    repository: Path, home: Home, hooks_path: str
) -> None:
    git("config", "core.hooksPath", hooks_path, cwd=repository)
    before = files(repository)
    plan = installed(repository, home)
    assert not plan.changes
    assert plan.refusals == plan.needs_shared == [
        f"{repository / hooks_path} (core.hooksPath in {repository}/.git/config) is part of the "
        "work tree, so its files are your team's. `agent-analytics hooks install --shared` "
        "writes there all the same."
    ]  # fmt: skip
    installed(repository, home, shared=True)
    assert (repository / hooks_path / "post-commit").exists()
    git("commit", "-q", "--allow-empty", "-m", "a", cwd=repository)
    assert len(noted(home)) == 1
    assert "core.hooksPath in" in status(repository, home).why
    removed(home, repository)
    after = files(repository)
    assert set(after) - set(before) == {k for k in after if "/objects/" in k} - set(before)
    assert after[".git/config"] == before[".git/config"]


@pytest.mark.usefixtures("no_flusher")
def test_a_folder_that_global_configuration_names_needs_shared_too(
    repository: Path, home: Home, tmp_path: Path
) -> None:
    folder = tmp_path / "all-hooks"
    git("config", "--global", "core.hooksPath", str(folder), cwd=repository)
    [refusal] = installed(repository, home).refusals
    assert "other repositories may use it too" in refusal
    assert f"core.hooksPath in {tmp_path / 'user' / '.gitconfig'}" in refusal
    installed(repository, home, shared=True)
    commit(repository, "a")
    assert len(noted(home)) == 1
    removed(home)
    assert not folder.exists()


def test_a_folder_set_by_a_tool_shadows_the_hooks_and_status_says_so(
    repository: Path, home: Home
) -> None:
    installed(repository, home)
    git("config", "core.hooksPath", "other", cwd=repository)
    found = status(repository, home)
    assert found.state is State.NOT_IN_EFFECT
    assert found.why == (
        f"core.hooksPath in {repository}/.git/config makes git look in {repository}/other instead."
    )
    removed(home, repository)
    assert not hook_file(repository).exists()


def test_switched_off_hooks_are_said(repository: Path, home: Home) -> None:
    git("config", "core.hooksPath", "/dev/null", cwd=repository)
    [refusal] = installed(repository, home, shared=True).refusals
    assert refusal == (
        f"No hook can run in {repository}: core.hooksPath in {repository}/.git/config names "
        "/dev/null, which is no folder."
    )


@pytest.mark.usefixtures("no_flusher")
def test_husky_9_gets_the_hook_where_it_looks_for_the_users_own(
    repository: Path, home: Home
) -> None:
    """husky 9 writes .husky/_ anew; its `h` runs `.husky/<event>` with `sh -e`."""
    for event in EVENTS:
        write_hook(
            repository / ".husky" / "_" / event,
            b'#!/usr/bin/env sh\nsh -e "$(dirname "$(dirname "$0")")/${0##*/}" "$@"\nexit $?\n',
        )
    write_hook(repository / ".husky" / "post-commit", b"echo user\n", 0o644)
    git("config", "core.hooksPath", ".husky/_", cwd=repository)
    assert installed(repository, home).needs_shared
    before = files(repository / ".husky")
    plan = installed(repository, home, shared=True)
    assert [change.path for change in plan.changes] == [
        repository / ".husky" / event for event in EVENTS
    ]
    git("commit", "-q", "--allow-empty", "-m", "a", cwd=repository)
    assert len(noted(home)) == 1
    assert status(repository, home).state is State.IN_EFFECT
    removed(home, repository)
    assert files(repository / ".husky") == before


def test_a_missing_folder_is_made_and_goes_again(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "bare-template"
    path.mkdir()
    git("init", "-q", "--template=", cwd=path)
    before = files(path)
    assert ".git/hooks" not in before
    installed(path, home)
    assert len(list((path / ".git" / "hooks").iterdir())) == len(EVENTS)
    removed(home, path)
    assert files(path) == before
