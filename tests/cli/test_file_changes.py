"""What a commit changes file by file, on real repositories."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.git.commit_facts import read_commit, read_commits
from agent_analytics_cli.git.exclusions import is_excluded
from agent_analytics_cli.git.repository import find_repository
from agent_analytics_collector.line_hashes import LineHasher

from .repositories import commit, git, make_repository

HASHER = LineHasher(b"k" * 32)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


def files(root: Path, name: str) -> dict[str, dict[str, Any]]:
    payload = read_commit(find_repository(root), name, hasher=HASHER)
    return {file["path"]: file for file in payload["files"]}


def test_lines_added_and_removed_are_hashed_file_by_file(root: Path) -> None:
    commit(root, files={"a.py": b"first = 1\nsecond = 2\n", "b.py": b"other()\n"})
    changed = files(
        root,
        commit(root, files={"a.py": b"first = 1\nthird  = 3\n}\n", "b.py": b"other()\nmore()\n"}),
    )
    assert changed["a.py"]["added_line_hashes"] == [HASHER.of("Third = 3")]
    assert changed["a.py"]["removed_line_hashes"] == [HASHER.of("second = 2")]
    assert (changed["a.py"]["lines_added"], changed["a.py"]["effective_lines_added"]) == (2, 1)
    assert changed["b.py"]["added_line_hashes"] == [HASHER.of("more()")]


def test_no_content_can_pass_for_a_header(root: Path) -> None:
    lines = ["--- a/x", "+++ b/y", "diff --git a/z b/z", "@@ -1 +1 @@", "f" * 40, "\\ No newline"]
    text = "\n".join(lines)
    added = files(root, commit(root, files={"patch": text.encode(), "z": b"last one\n"}))
    assert added["patch"]["added_line_hashes"] == HASHER.of_all(lines)
    assert added["z"]["added_line_hashes"] == [HASHER.of("last one")]


def test_renames_binaries_links_and_type_changes_keep_the_order(root: Path) -> None:
    text = b"".join(b"line number %d\n" % number for number in range(20))
    commit(root, files={"old": text, "logo": b"\0\1\2", "plain": b"a plain file\n", "z": b"zzzz\n"})
    git(root, "mv", "old", "new name")
    (root / "plain").unlink()
    os.symlink("somewhere else", root / "plain")
    changed = files(
        root,
        commit(
            root, files={"new name": text + b"one more\n", "logo": b"\0\3", "z": b"zzzz\nyyyy\n"}
        ),
    )
    assert changed["new name"]["old_path"] == "old"
    assert changed["new name"]["added_line_hashes"] == [HASHER.of("one more")]
    assert changed["logo"]["is_binary"]
    assert changed["logo"]["lines_added"] is None
    assert changed["plain"]["added_line_hashes"] == [HASHER.of("somewhere else")]
    assert changed["plain"]["removed_line_hashes"] == [HASHER.of("a plain file")]
    assert changed["z"]["added_line_hashes"] == [HASHER.of("yyyy")]


def test_generated_and_vendored_files_have_counts_and_no_lines(root: Path) -> None:
    commit(
        root, files={".gitattributes": b"gen/* linguist-generated\nlib/** linguist-vendored=true\n"}
    )
    changed = files(
        root,
        commit(root, files={
            "gen/a.py": b"made()\n", "lib/x/b.js": b"theirs()\n", "uv.lock": b"locked = 1\n",
            "src/c.py": b"ours()\n",
        }),
    )  # fmt: skip
    assert {path for path, file in changed.items() if file["is_excluded"]} == {
        "gen/a.py", "lib/x/b.js", "uv.lock",
    }  # fmt: skip
    assert changed["gen/a.py"]["lines_added"] == 1
    assert changed["gen/a.py"]["added_line_hashes"] == []
    assert changed["src/c.py"]["added_line_hashes"] == [HASHER.of("ours()")]


@pytest.mark.parametrize(
    "path",
    [
        "package-lock.json", "web/yarn.lock", "go.sum", "dist/app.js", "a/node_modules/b/c.js",
        "build/x", "target/debug/y", "vendor/z.go", "app.min.js", "api_pb2.py", "x.pb.go",
        "tests/__snapshots__/a.snap", "a/b.js.map",
    ],
)  # fmt: skip
def test_what_is_nobodys_work_is_excluded(path: str) -> None:
    assert is_excluded(path)


@pytest.mark.parametrize(
    "path", ["src/build.py", "distance.py", "lock.go", "targets/a.c", "a.map.ts"]
)
def test_what_only_sounds_like_it_is_not(path: str) -> None:
    assert not is_excluded(path)


def test_a_merge_has_no_files_and_many_commits_are_read_at_once(root: Path) -> None:
    commit(root, files={"a": b"base line\n"})
    git(root, "checkout", "--quiet", "-b", "side")
    side = commit(root, files={"side": b"on the side\n"})
    git(root, "checkout", "--quiet", "main")
    main = commit(root, files={"main": b"on the main\n"})
    git(root, "merge", "--quiet", "--no-edit", "side")
    merge = git(root, "rev-parse", "HEAD")
    read = read_commits(find_repository(root), [merge, side, main], hasher=HASHER).payloads
    assert read[merge]["files"] is None
    assert [file["path"] for file in read[side]["files"]] == ["side"]
    assert read[main]["files"][0]["added_line_hashes"] == [HASHER.of("on the main")]


def test_a_huge_commit_counts_all_lines_and_hashes_only_so_many(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_analytics_cli.git.file_changes.MOST_HASHES", 3)
    added = files(
        root, commit(root, files={"a": b"line one\nline two\n", "b": b"l 01\nl 02\nl 03\n"})
    )
    assert [len(added[path]["added_line_hashes"]) for path in ("a", "b")] == [2, 1]
    assert added["b"]["effective_lines_added"] == 3
