"""`hooks install`, `hooks status`, `hooks remove`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from agent_analytics_cli.commands.hooks import command
from agent_analytics_cli.git.hook_files import EVENTS
from agent_analytics_cli.git.hooks import (
    install,
    plan_install_everywhere,
)  # fmt: skip
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home
from tests.hooks.repositories import (
    commit,
    files,
    git,
    hook_file,
    new_repository,
    removed,
    write_hook,
)  # fmt: skip


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    for name in (
        "one",
        "deep/er/two",
        ".hidden/three",
        "one/node_modules/four",
        "x/node_modules/y",
    ):
        new_repository(folder / name)
    return folder


def test_everywhere_is_every_repository_that_is_not_hidden(source: Path, home: Home) -> None:
    library = new_repository(source.parent / "library")
    commit(library, "l")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib",
        cwd=source / "one")  # fmt: skip
    git("commit", "-q", "-m", "x", cwd=source / "one")
    git("worktree", "add", "-q", "-b", "tree", str(source / "tree"), cwd=source / "one")
    before = files(source)
    plan = plan_install_everywhere(home, [source, source / "one"])
    folders = {str(change.path.parent.relative_to(source)) for change in plan.changes}
    assert folders == {"one/.git/hooks", "one/.git/modules/lib/hooks", "deep/er/two/.git/hooks"}
    assert len(plan.changes) == 3 * len(EVENTS)
    install(plan, home, Receipt.load(home))
    assert not plan_install_everywhere(home, [source]).changes
    assert set(removed(home).values()) == {"deleted"}
    assert files(source) == before


def test_installing_says_what_it_changed_and_status_what_is_in_effect(
    repository: Path, home: Home
) -> None:
    dry = run("install", str(repository), "--dry-run")
    assert dry.exit_code == 0
    assert f"+++ {hook_file(repository)}" in dry.stdout
    assert not hook_file(repository).exists()
    assert not home.hooks.exists()
    done = run("install", str(repository))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"Created {hook_file(repository, e)}" for e in EVENTS]
    again = run("install", str(repository))
    assert again.stdout.splitlines() == [
        f"Already in effect: {event}: {hook_file(repository, event)}" for event in EVENTS
    ]
    shown = json.loads(run("status", str(repository), "--json").stdout)
    assert shown == {
        "hooks": [
            {"event": e, "state": "in effect", "file": str(hook_file(repository, e)), "why": ""}
            for e in EVENTS
        ],
        "last_trouble": None,
    }
    gone = run("remove", str(repository))
    assert gone.stdout.splitlines() == [f"Deleted {hook_file(repository, e)}" for e in EVENTS]
    assert run("remove", str(repository)).stderr == "There was nothing to remove.\n"


def test_a_refusal_is_on_stderr_and_exits_1(repository: Path, home: Home) -> None:
    write_hook(hook_file(repository), b"#!/usr/bin/env node\n")
    done = run("install", str(repository))
    assert done.exit_code == 1
    assert "is written for node, not for a POSIX shell" in done.stderr
    result = json.loads(run("install", str(repository), "--json").stdout)
    assert len(result["in_effect"]) == len(EVENTS) - 1
    assert len(result["left_alone"]) == 1
    shown = run("status", str(repository))
    assert "post-commit      not installed\n" in shown.stdout


def test_status_tells_the_last_trouble_as_a_sentence_while_it_is_news(
    repository: Path, home: Home
) -> None:
    log = home.logs / "hooks.log"
    log.write_text('{"event": "commit_skipped", "reason": "it is gone", "timestamp": "noon"}\n')
    told = "The last trouble with handing commits over: commit skipped: it is gone (noon)\n"
    assert run("status", str(repository)).stderr == told
    os.utime(log, (1, 1))
    assert run("status", str(repository)).stderr == ""


def test_what_is_shown_and_printed_of_a_dry_run_hides_secrets(repository: Path, home: Home) -> None:
    write_hook(hook_file(repository), b"#!/bin/sh\ncurl -u me:hunter2 https://me:hunter2@h/\n")
    assert "hunter2" not in run("install", str(repository), "--dry-run").output
    said = json.loads(run("install", str(repository), "--dry-run", "--json").stdout)
    assert said["dry_run"] is True
    assert f"+++ {hook_file(repository)}" in said["diff"]
    assert "hunter2" not in said["diff"]
    assert str(hook_file(repository)) in [change["path"] for change in said["changed"]]
    assert json.loads(run("install", str(repository), "--json").stdout)["diff"] is None


def test_everywhere_by_command_says_that_later_clones_are_not_covered(
    source: Path, home: Home
) -> None:
    done = run("install", "--everywhere", str(source), "--yes")
    assert done.exit_code == 0
    assert done.stdout.count("Created") == 2 * len(EVENTS)
    assert "clone later" in done.stderr
    result = json.loads(run("remove", "--everywhere", "--json").stdout)
    assert {row["why"] for row in result["changed"]} == {"deleted"}
    assert result["left_alone"] == []
    assert run("install", str(source), "--everywhere", str(source)).exit_code == 2


def test_the_group_has_the_three_commands() -> None:
    assert isinstance(command, click.Group)
    assert list(command.commands) == ["install", "status", "remove"]
