"""What identifies a repository, from wherever it is looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent_analytics_cli.git.repository import (
    GitFailed,
    NotARepository,
    find_repository,
    git_version,
    normalized_remote,
    pipe_git,
    run_git,
)

from .repositories import commit, git, make_repository

WIDGETS = "https://github.com/acme/widgets"


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("https://github.com/acme/widgets", WIDGETS),
        ("https://github.com/acme/widgets.git", WIDGETS),
        ("https://github.com/acme/widgets.git/", WIDGETS),
        ("HTTPS://github.com/acme/widgets", WIDGETS),
        ("http://github.com/acme/widgets", WIDGETS),
        ("https://me:secret@github.com/acme/widgets.git", WIDGETS),
        ("https://me:se@cret@github.com/acme/widgets", WIDGETS),
        ("https://github.com/acme/widgets?private_token=secret", WIDGETS),
        ("git@github.com:acme/widgets.git", WIDGETS),
        ("github.com:acme/widgets", WIDGETS),
        ("git@github.com:/acme/widgets.git", WIDGETS),
        ("ssh://git@github.com/acme/widgets.git", WIDGETS),
        ("ssh://git@github.com:2222/acme/widgets", WIDGETS),
        ("git+ssh://git@github.com/acme/widgets", WIDGETS),
        ("ssh://me:se@cret@github.com/acme/widgets", WIDGETS),
        ("git://github.com/acme/widgets.git", WIDGETS),
        ("https://gitlab.example:8443/group/sub/widgets.git",
         "https://gitlab.example:8443/group/sub/widgets"),
        ("ssh://git@[2001:db8::1]:22/acme/widgets", "https://[2001:db8::1]/acme/widgets"),
        ("/srv/git/widgets.git", None),
        ("../widgets", None),
        ("file:///srv/git/widgets.git", None),
        ("C:/src/widgets", None),
        ("", None),
    ],
)  # fmt: skip
def test_every_spelling_of_a_remote_is_one_identity_without_credentials(
    url: str, identity: str | None
) -> None:
    assert normalized_remote(url) == identity


def test_a_repository_is_found_from_a_folder_in_it_and_from_its_git_dir(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "widgets")
    (root / "a" / "b").mkdir(parents=True)
    found = find_repository(root / "a" / "b")
    assert (found.git_dir, found.common_dir) == (root / ".git", root / ".git")
    assert (found.top_level, found.identity) == (root, str(root))
    assert find_repository(git_dir=root / ".git") == found
    assert find_repository(root / ".git") == found


def test_the_current_folder_is_the_default_and_a_link_to_a_folder_is_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_repository(tmp_path / "deep" / "er" / "widgets")
    (root / "sub").mkdir()
    link = tmp_path / "link"
    link.symlink_to(root / "sub")
    monkeypatch.chdir(link)
    assert find_repository() == find_repository(link) == find_repository(root)


def test_the_origin_is_the_identity_wherever_the_clone_lies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        root = make_repository(tmp_path / name)
        git(root, "remote", "add", "origin", "git@github.com:acme/widgets.git")
        assert find_repository(root).identity == WIDGETS
    git(root, "remote", "set-url", "origin", str(tmp_path / "one"))
    assert find_repository(root).identity == str(root)


def test_linked_work_trees_are_one_repository(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "widgets")
    commit(root)
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "--quiet", str(linked))
    found = find_repository(linked)
    assert found.git_dir == root / ".git" / "worktrees" / "linked"
    assert found.common_dir == root / ".git"
    assert (found.top_level, found.identity) == (linked, str(root))
    assert find_repository(git_dir=found.git_dir) == found


def test_a_bare_repository_and_its_work_trees_are_one(tmp_path: Path) -> None:
    source = make_repository(tmp_path / "source")
    commit(source)
    bare = tmp_path / "widgets.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(source), str(bare))
    git(bare, "remote", "remove", "origin")
    git(bare, "worktree", "add", "--quiet", str(tmp_path / "one"), "main")
    git(bare, "worktree", "add", "--quiet", str(tmp_path / "two"))
    assert find_repository(bare).top_level is None
    seen = [find_repository(tmp_path / name) for name in ("widgets.git", "one", "two")]
    assert {found.identity for found in seen} == {str(bare)}
    assert seen[1].top_level == tmp_path / "one"
    assert find_repository(git_dir=seen[1].git_dir) == seen[1]


def test_a_submodule_is_a_repository_of_its_own(tmp_path: Path) -> None:
    library = make_repository(tmp_path / "library")
    commit(library)
    root = make_repository(tmp_path / "widgets")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
        str(library), "vendor/library")  # fmt: skip
    found = find_repository(root / "vendor" / "library")
    assert found.git_dir == root / ".git" / "modules" / "vendor" / "library"
    assert found.top_level == root / "vendor" / "library"
    assert found.identity == str(root / "vendor" / "library")
    assert find_repository(git_dir=found.git_dir) == found


def test_a_separate_git_dir_is_one_identity_for_all_its_work_trees(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "widgets", f"--separate-git-dir={tmp_path / 'elsewhere'}")
    commit(root)
    git(root, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    assert find_repository(root).top_level == root
    identities = {find_repository(tmp_path / name).identity for name in ("widgets", "linked")}
    assert identities == {str(tmp_path / "elsewhere")}


def test_git_variables_of_a_hook_name_no_other_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = make_repository(tmp_path / "ours"), make_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "remote.origin.url")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/not/this")
    assert find_repository(ours).identity == str(ours)


def test_a_path_of_any_bytes_is_found_and_its_identity_can_be_sent(tmp_path: Path) -> None:
    root = make_repository(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 \xe2\x98\x95")))
    found = find_repository(root)
    assert found.top_level == root
    assert found.identity == f"{tmp_path}/caf\N{REPLACEMENT CHARACTER} \N{HOT BEVERAGE}"
    assert found.identity.encode()


def test_no_repository_is_said_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NotARepository, match=f"{wrong} is in no git repository"):
            find_repository(wrong)
        with pytest.raises(NotARepository):
            find_repository(git_dir=wrong)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NotARepository):
        find_repository()
    root = make_repository(tmp_path / "widgets")
    assert find_repository(git_dir=root / ".git").top_level == root


def test_git_that_fails_or_is_missing_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git_version() >= (2, 20)
    root = make_repository(tmp_path / "widgets")
    with pytest.raises(GitFailed, match="`git rev-parse --verify nothing` failed: fatal"):
        run_git("rev-parse", "--verify", "nothing", cwd=root)
    with pytest.raises(GitFailed, match="null byte"):
        run_git("rev-parse", "\0")
    with pytest.raises(GitFailed):
        pipe_git(("rev-list", "nothing"), ("patch-id",), git_dir=root / ".git", cwd=root, stdin=b"")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitFailed, match="No such file"):
        run_git("--version")
