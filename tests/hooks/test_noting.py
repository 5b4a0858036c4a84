"""What the hooks note, and that a commit never suffers from them."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from agent_analytics_cli.git.hook_status import State
from agent_analytics_cli.git.stubs import own_command
from agent_analytics_collector.home import Home
from tests.hooks.repositories import (
    commit,
    files,
    git,
    head,
    hook_file,
    installed,
    new_repository,
    noted,
    removed,
    status,
    write_hook,
)  # fmt: skip


@pytest.mark.usefixtures("no_flusher")
def test_every_way_to_commit_is_noted_with_its_own_line(repository: Path, home: Home) -> None:
    installed(repository, home)
    git_dir = str(repository / ".git")
    first = commit(repository, "a")
    unverified = commit(repository, "b", "--no-verify")
    amended_from = head(repository)
    git("commit", "-q", "--amend", "-m", "b2", cwd=repository)
    amended = head(repository)
    assert noted(home) == [
        ["commit", first, git_dir],
        ["commit", unverified, git_dir],
        ["commit", amended, git_dir],
        ["rewrite", "amend", amended_from, amended, git_dir],
    ]


@pytest.mark.usefixtures("no_flusher")
def test_a_merge_a_cherry_pick_and_a_rebase_are_noted(repository: Path, home: Home) -> None:
    git("checkout", "-q", "-b", "side", cwd=repository)
    side = [commit(repository, "s1"), commit(repository, "s2")]
    git("checkout", "-q", "main", cwd=repository)
    commit(repository, "m1")
    installed(repository, home)
    git_dir = str(repository / ".git")

    git("merge", "-q", "--no-ff", "--no-edit", "side", cwd=repository)
    assert noted(home) == [["merge", head(repository), git_dir]]
    git("reset", "-q", "--hard", "HEAD~1", cwd=repository)
    (home.outbox / "noted").unlink()

    git("cherry-pick", "side~1", cwd=repository)
    picked = head(repository)
    assert noted(home) == [["commit", picked, git_dir]]
    git("reset", "-q", "--hard", "HEAD~1", cwd=repository)
    (home.outbox / "noted").unlink()

    git("rebase", "-q", "main", "side", cwd=repository)
    new = [head(repository, "side~1"), head(repository, "side")]
    assert noted(home) == [
        ["commit", new[0], git_dir],
        ["commit", new[1], git_dir],
        ["rewrite", "rebase", side[0], new[0], git_dir],
        ["rewrite", "rebase", side[1], new[1], git_dir],
    ]


@pytest.mark.usefixtures("no_flusher")
def test_a_squash_merge_commits_nothing_and_notes_nothing(repository: Path, home: Home) -> None:
    git("checkout", "-q", "-b", "side", cwd=repository)
    commit(repository, "s1")
    git("checkout", "-q", "main", cwd=repository)
    installed(repository, home)
    git("merge", "-q", "--squash", "side", cwd=repository)
    assert noted(home) == []


@pytest.mark.usefixtures("no_flusher")
def test_a_rebase_of_hundreds_of_commits_is_noted_whole(repository: Path, home: Home) -> None:
    """More pairs than a pipe holds (64 KiB) reach us, and the code behind ours."""
    count = 900
    seen = repository.parent / "seen"
    write_hook(hook_file(repository, "post-rewrite"), b"#!/bin/sh\ncat >'%s'\n" % bytes(seen))
    installed(repository, home)
    pairs = "".join(f"{n:040x} {n + 1:040x}\n" for n in range(count))
    done = subprocess.run(
        [hook_file(repository, "post-rewrite"), "rebase"],
        cwd=repository, input=pairs, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert seen.read_text() == pairs
    assert [line[2:4] for line in noted(home)] == [line.split() for line in pairs.splitlines()]


@pytest.mark.usefixtures("no_flusher")
def test_a_linked_work_tree_notes_its_own_git_dir(repository: Path, home: Home) -> None:
    other = repository.parent / "other tree"
    git("worktree", "add", "-q", "-b", "other", str(other), cwd=repository)
    plan = installed(other, home)
    assert {change.path.parent for change in plan.changes} == {repository / ".git" / "hooks"}
    made = commit(other, "a")
    assert noted(home) == [["commit", made, str(repository / ".git" / "worktrees" / "other-tree")]]
    assert status(repository, home).state is State.IN_EFFECT


@pytest.mark.usefixtures("no_flusher")
def test_a_submodule_has_hooks_of_its_own(repository: Path, home: Home) -> None:
    library = new_repository(repository.parent / "library")
    commit(library, "l")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib",
        cwd=repository)  # fmt: skip
    before = files(repository)
    installed(repository / "lib", home)
    assert status(repository, home).state is State.NOT_INSTALLED
    made = commit(repository / "lib", "a")
    assert noted(home) == [["commit", made, str(repository / ".git" / "modules" / "lib")]]
    removed(home, repository / "lib")
    folder = ".git/modules/lib/hooks"
    after = files(repository)
    assert {k: v for k, v in after.items() if folder in k} == {
        k: v for k, v in before.items() if folder in k
    }


def test_a_commit_starts_one_flusher_with_this_home(repository: Path, home: Home) -> None:
    """The stub's own command is run: what it was told and how it was started is seen from it.

    With -C a shell does not write over a file.
    """
    write_hook(hook_file(repository), b"#!/bin/sh -C\n")
    installed(repository, home)
    told = home.root / "told"
    program = write_hook(
        home.root / "flusher",
        b'#!/bin/sh\necho "$* $AGENT_ANALYTICS_HOME $PWD $$" >>%s\n'
        b"for _ in $(seq 300); do sleep 0.2; done\n" % bytes(told),
    )
    note = home.hooks / "note.sh"
    note.write_text(note.read_text().replace(own_command()[0], str(program)))
    commit(repository, "a")
    wait_for(lambda: told.exists() and told.read_text().endswith("\n"))
    pid = int((home.outbox / "flusher.pid").read_text())
    commit(repository, "b")
    commit(repository, "c")
    time.sleep(0.3)
    assert told.read_text() == f"log-commit --queued {home.root} / {pid}\n"
    assert len(noted(home)) == 3
    os.kill(pid, 9)
    wait_for(lambda: not is_running(pid))
    commit(repository, "d")
    wait_for(lambda: told.read_text().count("\n") == 2)
    os.kill(int((home.outbox / "flusher.pid").read_text()), 9)


def test_a_pid_that_a_zombie_or_another_program_has_keeps_no_flusher_away(
    repository: Path, home: Home
) -> None:
    installed(repository, home)
    told = home.root / "told"
    program = write_hook(home.root / "flusher", b"#!/bin/sh\n: >%s\n" % bytes(told))
    note = home.hooks / "note.sh"
    note.write_text(note.read_text().replace(own_command()[0], str(program)))
    with subprocess.Popen(["sh", "-c", "exit", "--queued"]) as zombie:
        wait_for(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
        for pid in (zombie.pid, os.getpid()):
            (home.outbox / "flusher.pid").write_text(f"{pid}\n")
            commit(repository, f"m{pid}")
            wait_for(told.exists)
            told.unlink()


@pytest.mark.usefixtures("no_flusher")
def test_commits_of_git_am_are_noted(repository: Path, home: Home) -> None:
    commit(repository, "a")
    patch = repository.parent / "a.patch"
    patch.write_text(git("format-patch", "-1", "--stdout", cwd=repository).stdout)
    git("reset", "-q", "--hard", "HEAD~1", cwd=repository)
    installed(repository, home)
    git("am", "-q", str(patch), cwd=repository)
    assert noted(home) == [["commit", head(repository), str(repository / ".git")]]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_commit_of_root_leaves_nothing_in_the_home_of_another_user(
    repository: Path, home: Home
) -> None:
    installed(repository, home)
    os.chown(home.outbox, 4321, 4321)
    commit(repository, "a")
    assert list(home.outbox.iterdir()) == []


def test_what_the_caller_of_git_holds_open_is_let_go_by_the_flusher(
    repository: Path, home: Home
) -> None:
    """A lock or a pipe on a descriptor of git's caller would last as long as the flusher."""
    installed(repository, home)
    slow = write_hook(home.root / "slow", b"#!/bin/sh\nexec sleep 30\n")
    note = home.hooks / "note.sh"
    note.write_text(note.read_text().replace(own_command()[0], str(slow)))
    reading, writing = os.pipe()
    subprocess.run(
        ["bash", "-c", f"exec 7>&{writing} {writing}>&-; git commit -q --allow-empty -m a"],
        cwd=repository, pass_fds=[writing], check=True,
    )  # fmt: skip
    os.close(writing)
    ended, _, _ = select.select([reading], [], [], 25)
    os.close(reading)
    os.kill(int((home.outbox / "flusher.pid").read_text()), 9)
    assert ended


def wait_for(done: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """By the kernel's word, as the hook asks it; a process that nobody reaps counts as well."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_commit_is_silent_and_succeeds_when_the_home_is_gone(
    repository: Path, home: Home
) -> None:
    installed(repository, home)
    shutil.rmtree(home.root)
    done = git("commit", "--quiet", "--allow-empty", "-m", "a", cwd=repository)
    assert (done.stdout, done.stderr) == ("", "")
    assert not home.root.exists()
    found = status(repository, home)
    assert found.state is State.NOT_IN_EFFECT
    assert "post-commit is missing. `agent-analytics hooks install` mends that." in found.why


@pytest.mark.parametrize("broken", ["outbox gone", "outbox a file", "noted a folder", "disk full"])
def test_a_commit_is_silent_and_succeeds_when_nothing_can_be_noted(
    repository: Path, home: Home, broken: str
) -> None:
    installed(repository, home)
    if broken == "noted a folder":
        (home.outbox / "noted").mkdir()
    elif broken == "disk full":
        (home.outbox / "noted").symlink_to("/dev/full")
    else:
        shutil.rmtree(home.outbox)
        if broken == "outbox a file":
            home.outbox.write_text("")
    done = git("commit", "--quiet", "--allow-empty", "-m", "a", cwd=repository)
    done = git("commit", "--quiet", "--amend", "--allow-empty", "-m", "b", cwd=repository)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only folders")
def test_a_commit_is_silent_and_succeeds_when_the_home_is_read_only(
    repository: Path, home: Home
) -> None:
    installed(repository, home)
    home.outbox.chmod(0o500)
    done = git("commit", "--quiet", "--allow-empty", "-m", "a", cwd=repository)
    home.outbox.chmod(0o700)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_command_that_is_gone_is_not_started_and_said(repository: Path, home: Home) -> None:
    installed(repository, home)
    note = home.hooks / "note.sh"
    note.write_text(note.read_text().replace(own_command()[0], "/nowhere/agent-analytics"))
    done = git("commit", "--quiet", "--allow-empty", "-m", "a", cwd=repository)
    assert (done.stdout, done.stderr) == ("", "")
    assert not (home.outbox / "flusher.pid").exists()
    assert len(noted(home)) == 1
    found = status(repository, home)
    assert found.state is State.NOT_IN_EFFECT
    assert "/nowhere/agent-analytics, is gone" in found.why
    installed(repository, home)
    assert status(repository, home).state is State.IN_EFFECT


def test_a_flusher_that_never_ends_delays_no_reader_of_the_commits_output(
    repository: Path, home: Home
) -> None:
    """An editor reads git's output to its end: a child that holds the pipe would hold it up."""
    installed(repository, home)
    slow = write_hook(home.root / "slow", b"#!/bin/sh\nexec sleep 30\n")
    note = home.hooks / "note.sh"
    note.write_text(note.read_text().replace(own_command()[0], str(slow)))
    began = time.monotonic()
    git("commit", "--allow-empty", "-m", "a", cwd=repository)
    assert time.monotonic() - began < 25
    os.kill(int((home.outbox / "flusher.pid").read_text()), 9)
