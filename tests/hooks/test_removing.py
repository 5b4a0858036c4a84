"""Again, at once, and back byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent_analytics_cli.changes import ChangeRefused
from agent_analytics_cli.git.hook_files import EVENTS
from agent_analytics_cli.git.hook_status import State
from agent_analytics_cli.git.hooks import (
    install,
    plan_install,
)  # fmt: skip
from agent_analytics_cli.git.repository import find_repository
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home
from tests.hooks.repositories import (
    commit,
    files,
    hook_file,
    installed,
    new_repository,
    noted,
    removed,
    status,
    write_hook,
)  # fmt: skip


def test_ten_installs_leave_one_block_and_change_nothing_more(repository: Path, home: Home) -> None:
    write_hook(hook_file(repository), b"#!/bin/sh\necho mine\n")
    before = files(repository)
    installed(repository, home)
    after = files(repository), files(home.hooks), Receipt.load(home).entries
    for _ in range(9):
        plan = installed(repository, home)
        assert not plan.changes
        assert not plan.stubs
        assert len(plan.in_effect) == len(EVENTS)
    assert (files(repository), files(home.hooks), Receipt.load(home).entries) == after
    removed(home, repository)
    assert files(repository) == before
    assert not home.hooks.exists()
    assert not home.receipt.exists()


INSTALL = """
import sys
from pathlib import Path
from agent_analytics_cli.git.hooks import install, plan_install
from agent_analytics_cli.git.repository import find_repository
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home
home = Home.from_environment()
plan = plan_install(find_repository(Path(sys.argv[1])), home, version=(2, 39))
install(plan, home, Receipt.load(home))
"""


@pytest.mark.slow
def test_ten_installs_at_once_leave_one_block(tmp_path: Path, repository: Path, home: Home) -> None:
    others = [new_repository(tmp_path / f"other{n}") for n in range(5)]
    write_hook(hook_file(repository), b"#!/bin/sh\necho mine\n")
    before = [files(path) for path in (repository, *others)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", INSTALL, str(path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for path in (*[repository] * 5, *others)
    ]  # fmt: skip
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert hook_file(repository).read_bytes().count(b">>> agent-analytics") == 1
    assert len(Receipt.load(home).entries) == 6 * len(EVENTS)
    removed(home)
    assert [files(path) for path in (repository, *others)] == before


def test_edits_around_the_block_stay(repository: Path, home: Home) -> None:
    path = write_hook(hook_file(repository), b"#!/bin/sh\necho mine\n")
    installed(repository, home)
    path.write_bytes(path.read_bytes().replace(b"mine", b"yours") + b"echo more\n")
    created = hook_file(repository, "post-merge")
    created.write_bytes(created.read_bytes() + b"echo mine too\n")
    assert removed(home, repository) == {
        str(path): "restored",
        str(created): "restored",
        str(hook_file(repository, "post-applypatch")): "deleted",
        str(hook_file(repository, "post-rewrite")): "deleted",
    }
    assert path.read_bytes() == b"#!/bin/sh\necho yours\necho more\n"
    assert created.read_bytes() == b"#!/bin/sh\necho mine too\n"


def test_an_edited_block_is_found_by_its_markers(repository: Path, home: Home) -> None:
    path = write_hook(hook_file(repository), b"#!/bin/sh\necho mine\n")
    installed(repository, home)
    path.write_bytes(path.read_bytes().replace(b"if test", b"# off: if test"))
    assert status(repository, home).state is State.NOT_INSTALLED
    removed(home, repository)
    assert path.read_bytes() == b"#!/bin/sh\necho mine\n"


def test_an_edited_block_is_renewed_by_installing_again(repository: Path, home: Home) -> None:
    path = hook_file(repository)
    installed(repository, home)
    path.write_bytes(path.read_bytes().replace(b"if test", b"# off: if test"))
    installed(repository, home)
    assert status(repository, home).state is State.IN_EFFECT
    removed(home, repository)
    assert not path.exists()


def test_what_was_added_to_a_hook_we_made_outlives_a_renewed_block(
    repository: Path, home: Home
) -> None:
    path = hook_file(repository)
    installed(repository, home)
    path.write_bytes(path.read_bytes().replace(b"if test", b"# off: if test") + b"echo mine\n")
    installed(repository, home)
    assert status(repository, home).state is State.IN_EFFECT
    removed(home, repository)
    assert path.read_bytes() == b"#!/bin/sh\necho mine\n"


def test_a_lost_marker_is_left_to_the_person(repository: Path, home: Home) -> None:
    path = write_hook(hook_file(repository), b"#!/bin/sh\necho mine\n")
    installed(repository, home)
    torn = path.read_bytes().replace(b"# <<< agent-analytics <<<\n", b"")
    path.write_bytes(torn)
    assert removed(home, repository)[str(path)] == "left"
    assert path.read_bytes() == torn
    assert Receipt.load(home).find(path)
    [refusal] = installed(repository, home).refusals
    assert "one of the two marker lines" in refusal


def test_hooks_whose_receipt_was_lost_are_removed_all_the_same(
    repository: Path, home: Home
) -> None:
    before = files(repository)
    installed(repository, home)
    home.receipt.unlink()
    assert len(installed(repository, home).in_effect) == len(EVENTS)
    removed(home, repository)
    assert files(repository) == before


def test_a_hook_that_another_tool_moved_aside_is_cleaned_too(repository: Path, home: Home) -> None:
    installed(repository, home)
    moved = hook_file(repository, "post-commit.legacy")
    hook_file(repository).rename(moved)
    write_hook(hook_file(repository), b"#!/bin/sh\n# File generated by pre-commit: x\n")
    assert status(repository, home).state is State.IN_EFFECT
    assert "pre-commit runs it" in status(repository, home).why
    removed(home, repository)
    assert not moved.exists()
    assert hook_file(repository).exists()


def test_a_repository_that_is_gone_is_said_and_forgotten(repository: Path, home: Home) -> None:
    installed(repository, home)
    shutil.rmtree(repository)
    assert set(removed(home).values()) == {"gone"}
    assert Receipt.load(home).entries == []


def test_a_hook_of_another_home_is_not_taken_over(
    repository: Path, home: Home, tmp_path: Path
) -> None:
    other = Home(tmp_path / "other home")
    other.create()
    installed(repository, home)
    plan = installed(repository, other)
    assert len(plan.refusals) == len(EVENTS)
    assert f"already reports to another state folder, {home.root}" in plan.refusals[0]
    before = files(repository)
    assert removed(other, repository) == {}
    assert files(repository) == before
    shutil.rmtree(home.root)  # a home that is gone reports nothing: its place is free
    assert not installed(repository, other).refusals
    assert status(repository, other).state is State.IN_EFFECT


def test_a_file_changed_since_the_plan_is_left_out_and_the_others_are_done(
    repository: Path, home: Home
) -> None:
    plan = plan_install(find_repository(repository), home)
    write_hook(hook_file(repository), b"#!/bin/sh\necho meanwhile\n")
    with pytest.raises(ChangeRefused, match="meanwhile"):
        install(plan, home, Receipt.load(home))
    assert hook_file(repository).read_bytes() == b"#!/bin/sh\necho meanwhile\n"
    assert hook_file(repository, "post-merge").exists()
    assert {Path(entry.path).name for entry in Receipt.load(home).entries} == {
        *EVENTS[1:],
    }  # fmt: skip


@pytest.mark.usefixtures("no_flusher")
def test_a_home_with_quotes_and_blanks_works(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = Home(tmp_path / 'it\'s "my" $HOME é')
    odd.create()
    (odd.outbox / "flusher.pid").write_text(f"{os.getpid()}\n")
    installed(repository, odd)
    made = commit(repository, "a")
    assert [line[1] for line in noted(odd)] == [made]
    assert status(repository, odd).state is State.IN_EFFECT
    removed(odd, repository)
    assert not hook_file(repository).exists()


def test_tracking_switched_off_is_said(
    repository: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(repository, home)
    monkeypatch.setenv("AGENT_ANALYTICS_GIT_TRACK_COMMITS", "false")
    found = status(repository, home)
    assert found.state is State.NOT_IN_EFFECT
    assert "git.track_commits is off" in found.why
