"""What hooks noted arrives once a collector runs, whatever happens on the way."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.outbound import flusher
from agent_analytics_cli.outbound.flusher import flush_outbox, has_work
from agent_analytics_collector.home import Home

from .answering import answering, takes_all
from .arrivals import arrived, waiting
from .conftest import StartCollector
from .repositories import commit, git, make_repository

FLUSHER = [sys.executable, "-m", "agent_analytics_cli.main", "log-commit", "--queued"]


def note(home: Home, *fields: str, git_dir: Path) -> None:
    """What a hook does."""
    line = "\t".join((*fields, str(git_dir))) + "\n"
    with open(home.outbox / "noted", "ab") as file:
        file.write(os.fsencode(line))


def log_lines(home: Home) -> list[dict[str, Any]]:
    path = home.logs / "hooks.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_until(done: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 60
    while not done():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def has_arrived(home: Home, count: int) -> bool:
    return len(arrived(home)) == count


def hashes(bodies: list[dict[str, Any]]) -> list[str]:
    return [body["commit_hash"] for body in bodies]


@pytest.fixture
def many(tmp_path: Path) -> tuple[Path, list[str]]:
    """A git dir with 200 commits, and their hashes from the oldest."""
    folder = make_repository(tmp_path / "many")
    stream = b"".join(
        b"commit refs/heads/main\ncommitter D <d@x> %d +0000\ndata 2\nm\nM 644 inline f%d\n"
        b"data 2\na\n\n" % (1_700_000_000 + number, number)
        for number in range(200)
    )  # fmt: skip
    git(folder, "fast-import", "--quiet", stdin=stream)
    return folder / ".git", git(folder, "rev-list", "--reverse", "main").split()


def test_nothing_to_do_is_over_at_once_without_heavy_imports(home: Home) -> None:
    assert not has_work(home)
    script = (
        "import sys; from agent_analytics_collector.home import Home\n"
        "from agent_analytics_cli.outbound.flusher import flush_outbox\n"
        "flush_outbox(Home.from_environment(), linger_s=60)\n"
        "print(sorted({'httpx', 'msgspec', 'structlog', 'yaml', 'subprocess'} & set(sys.modules)))"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
    assert time.monotonic() - started < 30
    assert list(home.outbox.iterdir()) == []
    assert subprocess.run(FLUSHER, capture_output=True, check=True).stdout == b""


def test_a_home_that_is_gone_is_no_trouble(tmp_path: Path) -> None:
    gone = Home(tmp_path / "gone")
    flush_outbox(gone)
    assert not gone.root.exists()


def test_all_kinds_of_noted_lines_arrive_in_order(
    home: Home,
    root: Path,
    start_collector: StartCollector,
) -> None:
    running = start_collector()
    git_dir = root / ".git"
    first = commit(root, "first", {"a": b"1\n"})
    old = commit(root, "second", {"b": b"1\n"})
    new = commit(root, "second, better", {}, "--amend")
    for made in (first, old, new):
        note(home, "commit", made, git_dir=git_dir)
    note(home, "rewrite", "amend", old, new, git_dir=git_dir)
    note(home, "commit", new, git_dir=git_dir)
    assert has_work(home)
    flush_outbox(home, linger_s=0)
    assert hashes(arrived(home)) == [first, old, new]
    assert [body["commit_message"] for body in arrived(home)] == [
        "first", "second", "second, better",
    ]  # fmt: skip
    assert not has_work(home)
    assert log_lines(home) == []
    running.stop()
    with answering(takes_all) as asked:
        home.config_file.write_text(f"backend_url: {asked.url}\n")
        note(home, "rewrite", "rebase", old, new, git_dir=git_dir)
        flush_outbox(home, linger_s=0)
    assert [path for path, _ in asked.bodies] == ["/v1/commits", "/v1/rewrites"]
    assert asked.bodies[1][1] == [
        {"repository": str(root), "kind": "rebase", "old_hash": old, "new_hash": new}
    ]


def test_of_merges_only_those_made_here_are_told(home: Home, root: Path, tmp_path: Path) -> None:
    base = commit(root, files={"a": b"1\n"})
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    clone = tmp_path / "clone"
    git(root, "checkout", "--quiet", "-b", "side")
    commit(root, files={"b": b"1\n"})
    git(root, "checkout", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "side")
    merge = git(root, "rev-parse", "HEAD")
    git(clone, "pull", "--quiet")
    note(home, "merge", merge, git_dir=clone / ".git")
    note(home, "merge", base, git_dir=root / ".git")
    note(home, "merge", merge, git_dir=root / ".git")
    flush_outbox(home, linger_s=0)
    (body,) = waiting(home)
    assert (body["commit_hash"], body["repository"]) == (merge, str(root))
    assert log_lines(home) == []


def test_what_is_gone_or_unsound_is_logged_and_costs_nothing_else(
    home: Home,
    root: Path,
    tmp_path: Path,
) -> None:
    made = commit(root)
    git_dir = root / ".git"
    note(home, "commit", made, git_dir=tmp_path / "gone" / ".git")
    note(home, "commit", "f" * 40, git_dir=git_dir)
    note(home, "rewrite", "amend", made, "e" * 40, git_dir=git_dir)
    with open(home.outbox / "noted", "ab") as file:
        for line in (
            b"\0\xff garbage", b"commit", b"commit\tHEAD\t/x",
            b"commit\t" + made.encode() + b"\t.git",
            b"rewrite\tsquash\t" + b"\t".join([made.encode()] * 2) + b"\t/x", b"tag\tx\t/y", b"",
        ):  # fmt: skip
            file.write(line + b"\n")
    note(home, "commit", made, git_dir=git_dir)
    flush_outbox(home, linger_s=0)
    lines = (home.outbox / "commits.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["/v1/rewrites", "/v1/commits"]
    skipped = [line for line in log_lines(home) if line["event"] == "commit_skipped"]
    assert [line["reason"] for line in skipped] == [
        f"{tmp_path}/gone/.git is in no git repository. Change into one, or name one.",
        "the commit is gone",
        "the commit is gone",
    ]
    assert [line["lines"] for line in log_lines(home) if "unsound" in line["event"]] == [6]
    assert not list(home.outbox.glob("noted*"))
    assert stat.S_IMODE((home.logs / "hooks.log").stat().st_mode) == 0o600


def test_commits_of_a_work_tree_that_was_removed_since_are_read_where_all_have_them(
    home: Home, root: Path, tmp_path: Path
) -> None:
    commit(root)
    git(root, "worktree", "add", "--quiet", "-b", "feat", str(tmp_path / "w2"))
    git_dir = root / ".git/worktrees/w2"
    made = commit(tmp_path / "w2", files={"a": b"1\n"})
    git(root, "merge", "--quiet", "feat")
    git(root, "worktree", "remove", str(tmp_path / "w2"))
    assert not git_dir.exists()
    note(home, "commit", made, git_dir=git_dir)
    note(home, "commit", "f" * 40, git_dir=git_dir)
    flush_outbox(home, linger_s=0)
    (body,) = waiting(home)
    assert (body["commit_hash"], body["repository"], body["branch"]) == (made, str(root), None)
    assert [line["reason"] for line in log_lines(home)] == ["the commit is gone"]


def test_a_commit_that_is_noted_again_in_a_later_round_is_kept_once(
    home: Home, many: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebase tells of its commits as they are made and once more at its end."""
    git_dir, made = many
    note(home, "commit", made[1], git_dir=git_dir)
    release = flusher._release_pid

    def release_late(home: Home) -> None:
        if len(waiting(home)) == 1:
            note(home, "rewrite", "rebase", made[0], made[1], git_dir=git_dir)
        release(home)

    monkeypatch.setattr(flusher, "_release_pid", release_late)
    flush_outbox(home, linger_s=0)
    lines = (home.outbox / "commits.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["/v1/commits", "/v1/rewrites"]


def test_a_lock_and_a_log_that_cannot_be_opened_break_nothing(
    home: Home, many: tuple[Path, list[str]], root: Path
) -> None:
    lock, log = home.outbox / "flusher.lock", home.logs / "hooks.log"
    note(home, "commit", many[1][0], git_dir=many[0])
    note(home, "commit", "f" * 40, git_dir=many[0])
    lock.mkdir()
    flush_outbox(home, linger_s=0)
    assert [line["event"] for line in log_lines(home)] == ["flusher_stopped"]
    lock.rmdir()
    log.unlink()
    log.mkdir()
    assert subprocess.run(FLUSHER, check=False).returncode == 0
    assert hashes(waiting(home)) == many[1][:1]


def test_what_whoever_ran_git_holds_open_is_let_go_at_once(
    home: Home, many: tuple[Path, list[str]]
) -> None:
    note(home, "commit", many[1][0], git_dir=many[0])
    reading, writing = os.pipe()
    process = subprocess.Popen(FLUSHER, pass_fds=[writing])
    os.close(writing)
    assert os.read(reading, 1) == b""  # nobody holds the other end any more
    assert process.poll() is None
    os.close(reading)
    assert process.wait(20) == 0


def test_a_folder_of_any_bytes_is_noted_and_found(home: Home, tmp_path: Path) -> None:
    folder = make_repository(Path(os.fsdecode(os.fsencode(tmp_path) + b"/tab\there \xff")))
    made = commit(folder)
    note(home, "commit", made, git_dir=folder / ".git")
    flush_outbox(home, linger_s=0)
    assert hashes(waiting(home)) == [made]


def test_a_collector_that_was_down_gets_everything_in_order(
    home: Home,
    many: tuple[Path, list[str]],
    start_collector: StartCollector,
) -> None:
    git_dir, made = many
    for start in range(0, 200, 50):
        for commit_hash in made[start : start + 50]:
            note(home, "commit", commit_hash, git_dir=git_dir)
        flush_outbox(home, linger_s=0)
    assert hashes(waiting(home)) == made
    assert log_lines(home) == []  # no collector is no trouble
    start_collector()
    assert has_work(home)
    flush_outbox(home, linger_s=0)
    assert hashes(arrived(home)) == made
    assert waiting(home) == []
    assert not has_work(home)


@pytest.mark.parametrize(
    ("status", "content"),
    [(503, {"detail": "full"}), (429, b""), (401, {"detail": "wrong"}), (404, b""), (200, b"{}")],
)
def test_an_api_that_does_not_take_it_now_keeps_everything_waiting(
    home: Home, many: tuple[Path, list[str]], status: int, content: Any
) -> None:
    git_dir, made = many
    for commit_hash in made[:5]:
        note(home, "commit", commit_hash, git_dir=git_dir)
    with answering(lambda path, bodies: (status, content)) as asked:
        home.config_file.write_text(f"backend_url: {asked.url}\napi_key: aa_secret\n")
        flush_outbox(home, linger_s=0)
    assert (len(asked.bodies), hashes(waiting(home))) == (1, made[:5])
    assert [line["event"] for line in log_lines(home)] == ["commits_wait"]
    assert "aa_secret" not in (home.logs / "hooks.log").read_text()


def test_an_api_that_hangs_keeps_everything_waiting(
    home: Home, many: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flusher, "TIMEOUT_S", 0.2)
    note(home, "commit", many[1][0], git_dir=many[0])
    with answering(None) as asked:
        home.config_file.write_text(f"backend_url: {asked.url}\n")
        flush_outbox(home, linger_s=0)
    assert hashes(waiting(home)) == many[1][:1]
    assert "time" in log_lines(home)[0]["problem"]


def test_what_the_api_refuses_for_good_is_dropped_and_holds_nothing_up(
    home: Home, many: tuple[Path, list[str]]
) -> None:
    git_dir, made = many
    bad = {made[3], made[150]}

    def answer(path: str, bodies: list[dict[str, Any]]) -> tuple[int, Any]:
        if not bad & set(hashes(bodies)):
            taken.extend(hashes(bodies))
            return takes_all(path, bodies)
        if len(bodies) > 60:
            return 413, {"detail": "too large"}
        index = next(number for number, x in enumerate(hashes(bodies)) if x in bad)
        if len(bodies) > 20:
            return 422, {"detail": "one is bad"}
        taken.extend(x for x in hashes(bodies) if x not in bad)
        return 200, {"accepted": len(bodies) - 1, "duplicate": 0, "rejected": 1,
                     "problems": [{"index": index, "reason": "it is bad"}]}  # fmt: skip

    taken: list[str] = []
    for commit_hash in made:
        note(home, "commit", commit_hash, git_dir=git_dir)
    with answering(answer) as asked:
        home.config_file.write_text(f"backend_url: {asked.url}\n")
        flush_outbox(home, linger_s=0)
    assert taken == [commit_hash for commit_hash in made if commit_hash not in bad]
    refused = [line for line in log_lines(home) if line["event"] == "refused_for_good"]
    assert [(line["commit"], line["reason"]) for line in refused] == [
        (made[3], "it is bad"), (made[150], "it is bad"),
    ]  # fmt: skip
    assert waiting(home) == []


@pytest.mark.slow
def test_commits_that_are_made_while_it_lingers_are_delivered_by_it(
    home: Home,
    many: tuple[Path, list[str]],
    start_collector: StartCollector,
) -> None:
    start_collector()
    git_dir, made = many
    note(home, "commit", made[0], git_dir=git_dir)
    script = (
        "from agent_analytics_cli.outbound.flusher import flush_outbox\n"
        "from agent_analytics_collector.home import Home\n"
        "flush_outbox(Home.from_environment(), linger_s=6)"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        for count, commit_hash in enumerate(made[1:5], 1):
            wait_until(partial(has_arrived, home, count))
            assert (home.outbox / "flusher.pid").read_text() == f"{process.pid}\n"
            note(home, "commit", commit_hash, git_dir=git_dir)
        assert process.wait(60) == 0
    assert hashes(arrived(home)) == made[:5]
    assert not (home.outbox / "flusher.pid").exists()


def test_a_line_that_is_noted_as_it_leaves_is_seen_by_its_last_look(
    home: Home, many: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    git_dir, made = many
    note(home, "commit", made[0], git_dir=git_dir)
    release = flusher._release_pid

    def release_late(home: Home) -> None:
        if len(waiting(home)) == 1:  # a hook that has just seen our pid alive
            note(home, "commit", made[1], git_dir=git_dir)
        release(home)

    monkeypatch.setattr(flusher, "_release_pid", release_late)
    flush_outbox(home, linger_s=0)
    assert hashes(waiting(home)) == made[:2]
    assert not (home.outbox / "flusher.pid").exists()


def test_a_hook_that_writes_slowly_into_the_taken_file_is_waited_for(
    home: Home, many: tuple[Path, list[str]]
) -> None:
    git_dir, made = many
    with open(home.outbox / "noted", "ab", buffering=0) as hook:
        thread = threading.Thread(target=flush_outbox, args=(home, 0))
        thread.start()
        for commit_hash in made[:4]:
            time.sleep(0.4)
            hook.write(f"commit\t{commit_hash}\t{git_dir}\n".encode())
    thread.join()
    assert hashes(waiting(home)) == made[:4]
    assert not has_work(Home(home.root / "nowhere"))
    assert not list(home.outbox.glob("noted*"))


def test_a_flusher_that_is_killed_loses_nothing(
    home: Home,
    many: tuple[Path, list[str]],
    start_collector: StartCollector,
) -> None:
    git_dir, made = many
    start_collector()
    for number, commit_hash in enumerate(made):
        note(home, "commit", commit_hash, git_dir=git_dir)
        if number % 20 == 19:
            process = subprocess.Popen(FLUSHER)
            time.sleep(0.06 + 0.03 * (number // 20))
            process.kill()
            process.wait()
    flush_outbox(home, linger_s=0)
    assert sorted(hashes(arrived(home))) == sorted(made)
    assert not has_work(home)
    assert {path.name for path in home.outbox.iterdir()} <= {
        "commits.jsonl", "commits.lock", "events.lock", "flusher.lock", "flusher.pid",
        "surveys.lock",
    }  # fmt: skip


@pytest.mark.slow
def test_ten_flushers_at_once_are_one(
    home: Home,
    many: tuple[Path, list[str]],
    start_collector: StartCollector,
) -> None:
    git_dir, made = many
    start_collector()
    processes = []
    for number, commit_hash in enumerate(made):
        note(home, "commit", commit_hash, git_dir=git_dir)
        if number % 20 == 0:
            processes.append(subprocess.Popen(FLUSHER))
    assert [process.wait(60) for process in processes] == [0] * 10
    assert hashes(arrived(home)) == made
    assert not has_work(home)
    assert log_lines(home) == []
    assert not (home.outbox / "flusher.pid").exists()


def test_settings_that_cannot_be_read_keep_everything_and_are_logged(
    home: Home, many: tuple[Path, list[str]]
) -> None:
    note(home, "commit", many[1][0], git_dir=many[0])
    home.config_file.write_text("grcp_port: 1\n")
    started = time.monotonic()
    flush_outbox(home, linger_s=60)
    assert time.monotonic() - started < 30
    assert [line["event"] for line in log_lines(home)] == ["flusher_stopped"]
    assert not (home.outbox / "flusher.pid").exists()
    home.config_file.unlink()
    flush_outbox(home, linger_s=0)
    assert hashes(waiting(home)) == many[1][:1]


def test_without_git_the_noted_lines_wait_for_it(
    home: Home, many: tuple[Path, list[str]], tmp_path: Path
) -> None:
    note(home, "commit", many[1][0], git_dir=many[0])
    done = subprocess.run(FLUSHER, env=os.environ | {"PATH": str(tmp_path)}, check=False)
    assert done.returncode == 0
    assert "git --version" in log_lines(home)[0]["problem"]
    assert has_work(home)
    flush_outbox(home, linger_s=0)
    assert hashes(waiting(home)) == many[1][:1]


def test_tracking_that_is_off_forgets_what_hooks_noted(
    home: Home, many: tuple[Path, list[str]]
) -> None:
    note(home, "commit", many[1][0], git_dir=many[0])
    home.config_file.write_text("git:\n  track_commits: false\n")
    flush_outbox(home, linger_s=0)
    assert waiting(home) == []
    assert not has_work(home)


def test_damage_in_the_outbox_is_logged_and_the_rest_arrives(
    home: Home,
    many: tuple[Path, list[str]],
    start_collector: StartCollector,
) -> None:
    for commit_hash in many[1][:3]:
        note(home, "commit", commit_hash, git_dir=many[0])
    flush_outbox(home, linger_s=0)
    path = home.outbox / "commits.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:40] + b"\n" + lines[2])
    start_collector()
    flush_outbox(home, linger_s=0)
    assert hashes(arrived(home)) == [many[1][0], many[1][2]]
    assert [line["event"] for line in log_lines(home)] == ["damaged_lines_set_aside"]
