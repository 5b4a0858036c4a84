"""`log-commit` in the foreground: the specification's flags, fewer of them, and its ends."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.spool.reader import read_signal

from .answering import answering, takes_all
from .arrivals import arrived, waiting
from .conftest import StartCollector
from .repositories import commit, make_repository

HASH = "c9335bcb18f9e474573517f60b31b73d99d2217d"
ALL_FLAGS = (
    "--hash", HASH, "--message", "Add new.py\n\nbody", "--author", "Jo Dev", "--email", "jo@x",
    "--timestamp", "1795319094", "--files-changed", "3", "--lines-added", "7",
    "--lines-deleted", "1",
)  # fmt: skip
SPECIFIED = {
    "commit_hash": HASH, "commit_message": "Add new.py\n\nbody", "author_name": "Jo Dev",
    "author_email": "jo@x", "timestamp": 1795319094, "files_changed": 3, "lines_added": 7,
    "lines_deleted": 1,
}  # fmt: skip
SPECIFIED_HOOK = """
COMMIT_HASH=$(git rev-parse HEAD)
COMMIT_MSG=$(git log -1 --pretty=%B)
COMMIT_AUTHOR=$(git log -1 --pretty=%an)
COMMIT_EMAIL=$(git log -1 --pretty=%ae)
COMMIT_TIMESTAMP=$(git log -1 --pretty=%ct)
FILES_CHANGED=$(git diff-tree --no-commit-id --name-only -r HEAD | wc -l)
LINES_ADDED=$(git diff HEAD~1 HEAD --numstat 2>/dev/null | awk '{add+=$1} END {print add}')
LINES_DELETED=$(git diff HEAD~1 HEAD --numstat 2>/dev/null | awk '{del+=$2} END {print del}')
"$PYTHON" -m agent_analytics_cli.main log-commit --hash "$COMMIT_HASH" --message "$COMMIT_MSG" \
  --author "$COMMIT_AUTHOR" --email "$COMMIT_EMAIL" --timestamp "$COMMIT_TIMESTAMP" \
  --files-changed "$FILES_CHANGED" --lines-added "$LINES_ADDED" --lines-deleted "$LINES_DELETED"
"""


def log_commit(
    *arguments: str | bytes, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent_analytics_cli.main", "log-commit", *arguments],
        cwd=cwd, env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


def outcome(*arguments: str, cwd: Path | None = None, **variables: str) -> dict[str, Any]:
    done = log_commit(*arguments, "--json", cwd=cwd, **variables)
    result: dict[str, Any] = json.loads(done.stdout)
    return result | {"exit_code": done.returncode}


def test_the_eight_flags_need_no_repository(
    home: Home, tmp_path: Path, start_collector: StartCollector
) -> None:
    start_collector()
    done = log_commit(*ALL_FLAGS, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Commit c9335bcb18 is recorded.\n"
    assert arrived(home) == [SPECIFIED | {"recorded_by": "hook"}]


def test_the_same_commit_twice_is_recorded_already(
    home: Home, root: Path, start_collector: StartCollector
) -> None:
    start_collector()
    made = commit(root, files={"a": b"1\n"})
    assert outcome(cwd=root) == {
        "commit_hash": made, "outcome": "accepted", "reason": None, "exit_code": 0,
    }  # fmt: skip
    assert outcome("--hash", made[:9], cwd=root)["outcome"] == "duplicate"
    assert log_commit(cwd=root).stdout == f"Commit {made[:10]} is recorded already.\n"
    assert len(arrived(home)) == 1


def test_what_is_not_given_is_read_from_git(
    home: Home, root: Path, tmp_path: Path, start_collector: StartCollector
) -> None:
    start_collector()
    first = commit(root, "first", {"a": b"1\n2\n"})
    commit(root, "second")
    home.config_file.write_text("project_id: widgets\ndeveloper_id: jo\n")
    done = log_commit(
        "--repository", str(root), "--hash", "HEAD~1", "--message", "mine\n", "--lines-added", "5",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (body,) = arrived(home)
    assert (body["commit_hash"], body["commit_message"], body["lines_added"]) == (first, "mine", 5)
    assert (body["files_changed"], body["lines_deleted"], body["branch"]) == (1, 0, "main")
    assert (body["repository"], body["project_id"]) == (str(root), "widgets")
    (envelope,) = read_signal(home.spool, Signal.COMMITS)
    assert envelope.headers["x-developer-id"] == "jo"


def test_all_flags_in_a_repository_gain_what_git_knows_beside_them(home: Home, root: Path) -> None:
    made = commit(root, files={"a": b"1\n"})
    log_commit("--hash", made[:12], *ALL_FLAGS[2:], cwd=root)
    log_commit(*ALL_FLAGS, cwd=root)  # a hash of another repository
    known, unknown = waiting(home)
    assert [file["path"] for file in known.pop("files")] == ["a"]
    assert known == SPECIFIED | {
        "commit_hash": made, "authored_at": known["authored_at"], "repository": str(root),
        "branch": "main", "parent_hashes": [], "is_merge": False, "trailers": {},
        "patch_id": known["patch_id"], "project_id": None, "recorded_by": "hook",
    }  # fmt: skip
    assert unknown == SPECIFIED | {"project_id": None, "recorded_by": "hook"}


def test_the_hook_of_the_specification_works_as_it_stands(
    home: Home, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = root / ".git" / "hooks" / "post-commit"
    hook.write_text("#!/bin/sh\n" + SPECIFIED_HOOK)
    hook.chmod(0o755)
    monkeypatch.setenv("PYTHON", sys.executable)
    made = [
        commit(root, "the root", {"a": b"1\n2\n"}),  # `git diff HEAD~1` fails: counts are empty
        commit(root, "second\n\nbody", {"a": b"1\n", "b": b"1\n"}),
    ]
    assert [
        (body["commit_hash"], body["commit_message"], body["files_changed"],
         body["lines_added"], body["lines_deleted"])
        for body in waiting(home)
    ] == [(made[0], "the root", 0, 2, 0), (made[1], "second\n\nbody", 2, 1, 1)]  # fmt: skip


def test_a_hook_of_another_repository_does_not_lead_astray(
    home: Home, root: Path, tmp_path: Path
) -> None:
    other = make_repository(tmp_path / "other")
    commit(other)
    made = commit(root)
    assert outcome(cwd=root, GIT_DIR=str(other / ".git"))["commit_hash"] == made


def test_without_a_collector_it_waits_and_says_where_and_for_what(home: Home, root: Path) -> None:
    made = commit(root)
    done = log_commit(cwd=root)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"Commit {made[:10]} waits in {home.outbox} until a running `agent-analytics up`, or the "
        f"next commit's hook, delivers it. No collector is running for {home.root}. Start it with "
        "`agent-analytics up`.\n"
    )
    assert [body["commit_hash"] for body in waiting(home)] == [made]
    assert stat.S_IMODE((home.outbox / "commits.jsonl").stat().st_mode) == 0o600


def test_a_collector_that_hangs_costs_two_seconds(home: Home, root: Path) -> None:
    commit(root)
    with answering(None) as asked:
        started = time.monotonic()
        result = outcome(cwd=root, AGENT_ANALYTICS_BACKEND_URL=asked.url)
        assert 1.5 < time.monotonic() - started < 10
    assert (result["outcome"], result["exit_code"], len(waiting(home))) == ("waiting", 0, 1)


@pytest.mark.parametrize(
    ("status", "content", "expected", "exit_code"),
    [
        (503, {"detail": "the spool is full"}, "waiting", 0),
        (429, b"slow down", "waiting", 0),
        (502, b"<html>", "waiting", 0),
        (401, {"detail": "a wrong secret"}, "kept", 1),
        (403, {"detail": "a foreign host"}, "kept", 1),
        (404, b"not here", "kept", 1),
        (200, b"garbage", "kept", 1),
        (200, {"hello": "world"}, "kept", 1),
        (200, {"accepted": 7, "duplicate": 0, "rejected": 0}, "kept", 1),
        (200, {"accepted": 0, "duplicate": 0, "rejected": 1, "problems": [{"index": 4}]},
         "kept", 1),
        (302, b"", "kept", 1),
        (400, {"detail": "no JSON"}, "refused", 1),
        (413, {"detail": "too large"}, "refused", 1),
        (422, {"detail": "timestamp: too late"}, "refused", 1),
        (200, {"accepted": 0, "duplicate": 0, "rejected": 1,
               "problems": [{"index": 0, "reason": "too late"}]}, "refused", 1),
    ],
)  # fmt: skip
def test_every_answer_has_its_end(
    home: Home, root: Path, status: int, content: Any, expected: str, exit_code: int
) -> None:
    commit(root)
    with answering(lambda path, bodies: (status, content)) as asked:
        result = outcome(
            cwd=root, AGENT_ANALYTICS_BACKEND_URL=asked.url, AGENT_ANALYTICS_API_KEY="aa_secret"
        )
    assert (result["outcome"], result["exit_code"]) == (expected, exit_code), result
    assert result["reason"]
    assert len(waiting(home)) == (0 if expected == "refused" else 1)
    assert [path for path, _ in asked.bodies] == ["/v1/commits"]
    assert asked.keys == {"Bearer aa_secret"}


def test_a_refusal_says_why_and_never_a_secret(
    home: Home, root: Path, start_collector: StartCollector
) -> None:
    start_collector()
    commit(root)
    done = log_commit("--timestamp", "9" * 15, cwd=root)
    assert (done.returncode, done.stdout, waiting(home)) == (1, "", [])
    assert "is refused: No record could be taken. timestamp: " in done.stderr
    secret = home.token.read_text().strip()
    home.token.write_text("another\n")
    done = log_commit(cwd=root)
    assert done.returncode == 1
    assert "refused it (401)" in done.stderr
    assert f"is kept in {home.outbox} until that is mended." in done.stderr
    assert secret not in done.stderr
    assert "another" not in done.stderr
    assert len(waiting(home)) == 1


def test_tracking_that_is_off_records_nothing_and_says_so(home: Home, root: Path) -> None:
    commit(root)
    home.config_file.write_text("git:\n  track_commits: false\n")
    done = log_commit(cwd=root)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Nothing is recorded: git.track_commits is off.")
    assert outcome(cwd=root)["outcome"] == "off"
    assert waiting(home) == []


def test_text_that_is_no_utf_8_is_sent_as_far_as_it_is(home: Home, root: Path) -> None:
    made = commit(root)
    done = log_commit("--message", b"Gr\xf6\xdfe", "--author", "x" * 2000, cwd=root)
    assert done.returncode == 0, done.stderr
    (body,) = waiting(home)
    assert body["commit_hash"] == made
    assert body["commit_message"] == "Gr\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}e"
    assert body["author_name"] == "x" * 1024


def test_what_cannot_be_recorded_says_why(home: Home, root: Path, tmp_path: Path) -> None:
    for arguments, exit_code, said in (
        ((), 1, f"{tmp_path} is in no git repository"),
        (ALL_FLAGS[:-2], 1, f"{tmp_path} is in no git repository"),
        (("--repository", str(root)), 1, f"HEAD is no commit in {root}"),
        (("--hash", HASH, "--repository", str(root)), 1, f"{HASH} is no commit in {root}"),
        (("--hash", HASH[:9], *ALL_FLAGS[2:]), 2, "'c9335bcb1' is no full hash"),
        (("--lines-added", "-1"), 2, "'-1' is no whole number from 0"),
        (("--timestamp", "yesterday"), 2, "'yesterday' is no whole number"),
    ):
        done = log_commit(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (exit_code, "")
        assert said in done.stderr
    assert waiting(home) == []


def test_an_accepted_commit_leaves_no_copy_behind(home: Home, root: Path) -> None:
    commit(root)
    with answering(takes_all) as asked:
        assert log_commit(cwd=root, AGENT_ANALYTICS_BACKEND_URL=asked.url).returncode == 0
    assert waiting(home) == []
    assert len(asked.bodies) == 1
