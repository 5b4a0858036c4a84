"""Blame of every line, on real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_analytics_cli.git.commit_facts import NoSuchCommit
from agent_analytics_cli.git.line_blame import NoSuchFile, blame_lines
from agent_analytics_cli.git.repository import find_repository

from .repositories import commit, git


def blamed(root: Path, path: str, revision: str | None = None) -> list[tuple[object, ...]]:
    lines = blame_lines(find_repository(root), path, revision)
    return [(each.text, each.commit_hash, each.path_then, each.number_then) for each in lines]


def test_each_line_has_its_commit_and_where_it_was_then(root: Path) -> None:
    kept = b"".join(b"constant_%d = %d\n" % (n, n) for n in range(9))
    first = commit(root, "one", {"a.py": b"the_first = 1\n" + kept})
    git(root, "mv", "a.py", "b.py")
    second = commit(root, "two", {"b.py": b"zero = 0\n    the_first = 1\n" + kept})
    assert blamed(root, "b.py")[:3] == [
        ("zero = 0", second, "b.py", 1), ("    the_first = 1", first, "a.py", 1),
        ("constant_0 = 0", first, "a.py", 2),
    ]  # fmt: skip
    assert blamed(root, "a.py", first[:12]) == blamed(root, "a.py", "HEAD~1")
    assert {line[1] for line in blamed(root, "a.py", "HEAD~1")} == {first}


def test_who_and_when_are_told_of_every_line(root: Path) -> None:
    commit(root, "one", {"a": b"first line\n"})
    commit(
        root, "two", {"a": b"first line\nsecond line\nthird line\n"}, "--author", "Zoë <z@x.org>"
    )
    lines = list(blame_lines(find_repository(root), "a"))
    assert [line.author for line in lines] == ["Test Dev", "Zoë", "Zoë"]
    assert [line.number for line in lines] == [1, 2, 3]
    at = int(git(root, "log", "-1", "--format=%ct"))
    assert lines[2].committed_at is not None
    assert lines[2].committed_at.timestamp() == at


def test_a_line_of_the_work_tree_has_no_commit(root: Path) -> None:
    known = commit(root, "one", {"a": b"first line\n"})
    (root / "a").write_bytes(b"first line\nanother\n")
    (first, second) = blame_lines(find_repository(root), "a")
    assert (first.commit_hash, second.commit_hash, second.committed_at) == (known, None, None)
    assert len(blamed(root, "a", "HEAD")) == 1


@pytest.mark.parametrize("name", ["ü.py", 'a "b".py', "a\\b.py", "tab\there.py", "-x.py", "a b.py"])
def test_any_name_is_told_as_it_is(root: Path, name: str) -> None:
    known = commit(root, "one", {name: b"content = 1\n"})
    assert blamed(root, name) == [("content = 1", known, name, 1)]


def test_content_that_looks_like_gits_own_is_content(root: Path) -> None:
    text = b"\tindented\nfilename other\n" + b"a" * 40 + b" 1 1\nauthor Nobody\n"
    known = commit(root, "one", {"a": text})
    assert [line[0] for line in blamed(root, "a")] == text.decode().splitlines()
    assert {line[1:3] for line in blamed(root, "a")} == {(known, "a")}


def test_the_users_configuration_changes_nothing(root: Path) -> None:
    known = commit(root, "one", {"ü": b"content = 1\n"})
    ignored = root / "ignored"
    ignored.write_text(known)
    for name, value in (
        ("blame.ignoreRevsFile", str(ignored)), ("blame.showEmail", "true"),
        ("core.quotePath", "true"), ("i18n.logOutputEncoding", "ISO-8859-1"),
    ):  # fmt: skip
        git(root, "config", name, value)
    assert blamed(root, "ü") == [("content = 1", known, "ü", 1)]


def test_a_bare_repository_is_blamed_at_its_head(root: Path, tmp_path: Path) -> None:
    known = commit(root, "one", {"src/a": b"content = 1\n"})
    git(tmp_path, "clone", "--quiet", "--bare", str(root), "bare.git")
    assert blamed(tmp_path / "bare.git", "src/a") == [("content = 1", known, "src/a", 1)]


def test_what_is_no_file_there_is_told(root: Path) -> None:
    commit(root, "one", {"src/a": b"content = 1\n"})
    (root / "new").write_text("not added")
    repository = find_repository(root)
    for path, revision in (("new", None), ("src", None), ("gone", None), ("new", "HEAD")):
        with pytest.raises(NoSuchFile, match="no file that git follows"):
            list(blame_lines(repository, path, revision))
    for revision in ("nope", "--help", "HEAD~9"):
        with pytest.raises(NoSuchCommit):
            list(blame_lines(repository, "src/a", revision))


def test_an_added_file_without_a_commit_is_not_committed_yet(root: Path) -> None:
    commit(root, "one", {"a": b"content = 1\n"})
    (root / "b").write_text("added = 1\n")
    git(root, "add", "b")
    assert [line[1] for line in blamed(root, "b")] == [None]


def test_behind_the_edge_of_a_shallow_clone_nobody_is_sure(root: Path, tmp_path: Path) -> None:
    commit(root, "one", {"a": b"content = 1\n"})
    edge = commit(root, "two", {"b": b"other = 1\n"})
    commit(root, "three", {"a": b"content = 1\nmore = 2\n"})
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{root}", "shallow")
    lines = list(blame_lines(find_repository(tmp_path / "shallow"), "a"))
    assert [(line.commit_hash == edge, line.is_cut) for line in lines] == [
        (True, True), (False, False),
    ]  # fmt: skip
