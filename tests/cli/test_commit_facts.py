"""The facts of commits, read by the real git from real repositories."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.git.commit_facts import (
    MAX_MESSAGE_BYTES,
    NoSuchCommit,
    read_commit,
    read_commits,
)
from agent_analytics_cli.git.reflog import made_here, read_moves
from agent_analytics_cli.git.repository import GitFailed, find_repository

from .repositories import commit, git, make_repository


def facts(folder: Path, name: str = "HEAD") -> dict[str, Any]:
    return read_commit(find_repository(folder), name)


def counts(payload: dict[str, Any]) -> tuple[int, int, int]:
    return payload["files_changed"], payload["lines_added"], payload["lines_deleted"]


@pytest.mark.parametrize("scenario", ["g-version-resattrs", "p-all-flags", "c-commit"])
def test_a_recorded_repository_reads_as_its_git_log(
    fixtures: Path, tmp_path: Path, scenario: str
) -> None:
    recorded = fixtures / "claude" / scenario
    git(tmp_path, "clone", "--quiet", str(recorded / "repo.bundle"), "clone")
    repository = find_repository(tmp_path / "clone")
    log = (recorded / "git_log.txt").read_text()
    headers = re.findall(r"^([0-9a-f]{40}) (\d+) (.*) <(.*)>\n(.*)$", log, re.MULTILINE)
    stats = re.split(r"^[0-9a-f]{40} .*$", log, flags=re.MULTILINE)[1:]
    assert len(headers) == 2
    for (commit_hash, timestamp, name, mail, subject), stat in zip(headers, stats, strict=True):
        lines = re.findall(r"^(\d+)\t(\d+)\t.+$", stat, re.MULTILINE)
        payload = read_commit(repository, commit_hash)
        assert payload["commit_hash"] == commit_hash
        assert payload["timestamp"] == payload["authored_at"] == int(timestamp)
        assert (payload["author_name"], payload["author_email"]) == (name, mail)
        assert payload["commit_message"].splitlines()[0] == subject
        assert counts(payload) == (
            len(lines), sum(int(added) for added, _ in lines), sum(int(gone) for _, gone in lines),
        )  # fmt: skip
        assert payload["is_merge"] is False
    assert read_commit(repository, headers[0][0])["parent_hashes"] == [headers[1][0]]
    assert read_commit(repository, headers[1][0])["parent_hashes"] == []


def test_everything_the_contract_names_is_there(root: Path) -> None:
    git(root, "remote", "add", "origin", "git@github.com:acme/widgets.git")
    first = commit(root, "first", {"a": b"1\n2\n"})
    second = commit(root, "second\n\nwith a body\n", {"a": b"1\n3\n", "b": b"x\n"})
    payload = read_commit(find_repository(root), second[:8], project_id="widgets")
    patch_id = payload.pop("patch_id")
    assert [file["path"] for file in payload.pop("files")] == ["a", "b"]
    assert re.fullmatch("[0-9a-f]{40}", patch_id)
    assert abs(payload["timestamp"] - time.time()) < 60
    assert payload == {
        "commit_hash": second,
        "timestamp": payload["timestamp"],
        "authored_at": payload["timestamp"],
        "commit_message": "second\n\nwith a body",
        "author_name": "Test Dev",
        "author_email": "dev@example.com",
        "parent_hashes": [first],
        "trailers": {},
        "is_merge": False,
        "files_changed": 2,
        "lines_added": 2,
        "lines_deleted": 1,
        "branch": "main",
        "repository": "https://github.com/acme/widgets",
        "project_id": "widgets",
        "recorded_by": "hook",
    }


def test_author_and_committer_times_are_apart_and_far_ones_are_kept(root: Path) -> None:
    commit(root)
    git(
        root, "commit", "--quiet", "--amend", "--no-edit", "--allow-empty",
        "--date=1999-12-31T23:00:00+0100", GIT_COMMITTER_DATE="2099-01-01T00:00:00+0000",
    )  # fmt: skip
    payload = facts(root)
    assert (payload["authored_at"], payload["timestamp"]) == (946_677_600, 4_070_908_800)


def test_a_rename_adds_nothing_and_a_changed_rename_its_change(root: Path) -> None:
    text = b"".join(b"line %d\n" % number for number in range(50))
    commit(root, files={"old name": text})
    git(root, "mv", "old name", "new\tname")
    assert counts(facts(root, commit(root))) == (1, 0, 0)
    git(root, "mv", "new\tname", "third")
    assert counts(facts(root, commit(root, files={"third": text + b"more\n"}))) == (1, 1, 0)


def test_binaries_modes_links_and_empty_commits_have_no_lines(root: Path) -> None:
    root_commit = facts(root, commit(root, files={"logo.png": b"\x89PNG\0\0\1", "a": b"1\n2"}))
    assert counts(root_commit) == (2, 2, 0)
    assert counts(facts(root, commit(root, files={"logo.png": b"\x89PNG\0\0\2"}))) == (1, 0, 0)
    (root / "a").chmod(0o755)
    assert counts(facts(root, commit(root))) == (1, 0, 0)
    empty = facts(root, commit(root))
    assert (counts(empty), empty["patch_id"]) == ((0, 0, 0), None)
    assert counts(facts(root, commit(root, files={".gitattributes": b"*.lock -diff\n"})))[0] == 1
    assert counts(facts(root, commit(root, files={"x.lock": b"many\nlines\n"}))) == (1, 0, 0)


def test_a_submodule_is_a_file_without_lines(root: Path, tmp_path: Path) -> None:
    library = make_repository(tmp_path / "library")
    commit(library)
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
        str(library), "lib")  # fmt: skip
    assert counts(facts(root, commit(root))) == (2, 3, 0)  # .gitmodules has three lines
    commit(root / "lib", "more", {"x": b"1\n"})
    assert counts(facts(root, commit(root))) == (1, 0, 0)


def branches(root: Path, *files: dict[str, bytes]) -> None:
    """Branches b1, b2 … off main, each with one commit; main checked out."""
    for number, changed in enumerate(files, 1):
        git(root, "checkout", "--quiet", "-b", f"b{number}", "main")
        commit(root, f"b{number}", changed)
    git(root, "checkout", "--quiet", "main")


def test_a_clean_merge_wrote_nothing_even_where_both_sides_changed_a_file(root: Path) -> None:
    lines = [b"%d\n" % number for number in range(40)]
    commit(root, files={"a": b"".join(lines)})
    branches(root, {"a": b"top\n" + b"".join(lines), "b": b"1\n"})
    commit(root, files={"a": b"".join(lines) + b"end\n"})
    git(root, "merge", "--quiet", "--no-edit", "b1")
    payload = facts(root)
    assert (payload["is_merge"], len(payload["parent_hashes"])) == (True, 2)
    assert (counts(payload), payload["patch_id"]) == ((0, 0, 0), None)


def test_a_merge_wrote_what_is_in_none_of_its_parents(root: Path) -> None:
    commit(root, files={"a": b"1\n2\n3\n", "b": b"1\n"})
    branches(root, {"a": b"1\ntheirs\n3\n"})
    commit(root, files={"a": b"1\nours\n3\n"})
    git(root, "merge", "--quiet", "--no-commit", "-s", "ours", "b1")
    merge = commit(root, "merge", {"a": b"1\ntheirs\nnew\n3\n", "b": b""})
    assert counts(facts(root, merge)) == (2, 1, 1)


def test_an_octopus_merge_has_all_its_parents_and_wrote_nothing(root: Path) -> None:
    commit(root, files={"a": b"1\n"})
    branches(root, {"b": b"1\n"}, {"c": b"1\n"}, {"d": b"1\n"})
    commit(root, files={"e": b"1\n"})
    git(root, "merge", "--quiet", "--no-edit", "b1", "b2", "b3")
    payload = facts(root)
    assert (len(payload["parent_hashes"]), payload["is_merge"]) == (4, True)
    assert (counts(payload), payload["branch"]) == ((0, 0, 0), "main")


def test_messages_names_and_paths_of_any_bytes_are_text(root: Path) -> None:
    git(root, "config", "i18n.commitEncoding", "ISO-8859-1")
    path = Path(os.fsdecode(os.fsencode(root) + b'/\xff\xfe\n\t"x'))
    path.write_bytes(b"1\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--file=-", stdin="Größe".encode("latin-1"))
    payload = facts(root)
    assert (payload["commit_message"], counts(payload)) == ("Größe", (1, 1, 0))
    tree = git(root, "rev-parse", "HEAD^{tree}")
    raw = (b"tree %s\nauthor J\xe9 <j\xe9@x> 1 +0000\ncommitter C <c@x> 2 +0000\n\nbad \xff\n"
           % tree.encode())  # fmt: skip
    made = git(root, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw)
    payload = facts(root, made)
    assert payload["commit_message"] == "bad \N{REPLACEMENT CHARACTER}"
    assert payload["author_name"] == "J\N{REPLACEMENT CHARACTER}"
    assert (payload["authored_at"], payload["timestamp"]) == (1, 2)


def test_a_long_message_is_cut_between_characters(root: Path) -> None:
    (root / "message").write_text("x" + "ä" * MAX_MESSAGE_BYTES)
    git(root, "commit", "--quiet", "--allow-empty", "--file=message")
    message = facts(root)["commit_message"]
    assert message == "x" + "ä" * (MAX_MESSAGE_BYTES // 2 - 1)


def test_trailers_are_lists_by_key_and_text_that_looks_like_one_is_none(root: Path) -> None:
    message = (
        "Add it\n\nNot-a-trailer: in the body\n\x1e\x1f\n\n"
        "Co-authored-by: Claude <noreply@anthropic.com>\n"
        "Signed-off-by: A <a@x>\nCo-authored-by: B: the second\n  and folded\n"
        "(cherry picked from commit 1234567)\n"
    )
    git(root, "commit", "--quiet", "--allow-empty", "--file=-", stdin=message.encode())
    payload = facts(root)
    assert payload["trailers"] == {
        "Co-authored-by": ["Claude <noreply@anthropic.com>", "B: the second and folded"],
        "Signed-off-by": ["A <a@x>"],
    }
    assert payload["commit_message"] == message.strip()


def test_a_users_configuration_changes_no_fact(root: Path) -> None:
    commit(root, files={"a": b"1\n2\n3\n", "c": b"".join(b"%d\n" % n for n in range(30))})
    git(root, "mv", "c", "d")
    made = commit(root, "x\n\nKey: value", {"a": b"1\n2\n4\n", "ä": b"1 \n"})
    before = facts(root, made)
    (root / ".git" / "info" / "attributes").write_text("* diff=own\n")
    for name, value in {
        "color.ui": "always",
        "color.diff": "always",
        "diff.external": "false",
        "core.pager": "false",
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.renames": "false",
        "diff.context": "9",
        "diff.algorithm": "patience",
        "diff.relative": "true",
        "diff.own.textconv": "echo converted",
        "diff.own.command": "false",
        "diff.ignoreSubmodules": "all",
        "diff.submodule": "log",
        "diff.orderFile": "/dev/null",
        "log.showSignature": "true",
        "log.showRoot": "false",
        "log.date": "relative",
        "core.quotePath": "false",
        "format.pretty": "oneline",
        "i18n.logOutputEncoding": "latin-1",
        "diff.interHunkContext": "20",
        "patchid.stable": "false",
        "core.abbrev": "5",
        "trailer.separators": ":=",
        "diff.wsErrorHighlight": "all",
        "log.follow": "true",
    }.items():
        git(root, "config", name, value)  # fmt: skip
    assert facts(root, made) == before
    assert counts(before) == (3, 2, 1)


def test_the_same_change_has_one_patch_id_on_another_base(root: Path) -> None:
    base = b"".join(b"%d\n" % number for number in range(30))
    commit(root, files={"a": base, "old": base})
    branches(root, {"a": base + b"x\n"})
    commit(root, files={"a": b"top\n" + base})
    one = facts(root, "b1")
    git(root, "cherry-pick", "b1")
    two = facts(root)
    assert one["commit_hash"] != two["commit_hash"]
    assert one["patch_id"] == two["patch_id"]
    shown = git(root, "diff-tree", "-p", "--no-renames", "HEAD").encode()
    said = git(root, "patch-id", "--stable", stdin=shown + b"\n")
    assert said.split()[0] == two["patch_id"]


def test_the_branch_is_the_one_that_a_commit_was_made_on(root: Path) -> None:
    one = commit(root, "on main")
    git(root, "checkout", "--quiet", "-b", "topic/ä")
    two = commit(root, "on topic", {"a": b"1\n"})
    three = commit(root, "on topic too")
    git(root, "checkout", "--quiet", "--detach")
    loose = commit(root, "on none")
    git(root, "checkout", "--quiet", "-b", "later")
    assert [facts(root, name)["branch"] for name in (one, two, three, loose)] == [
        "main", "topic/ä", "topic/ä", None,
    ]  # fmt: skip
    git(root, "tag", "later")  # a name that is both
    assert facts(root, commit(root))["branch"] == "later"
    git(root, "config", "core.logAllRefUpdates", "false")
    (root / ".git" / "logs" / "HEAD").unlink()
    assert facts(root)["branch"] == "later"
    assert facts(root, two)["branch"] is None


def test_rebased_commits_are_on_the_branch_that_was_rebased(root: Path) -> None:
    commit(root, files={"a": b"1\n"})
    branches(root, {"b": b"1\n"})
    commit(root, files={"c": b"1\n"})
    git(root, "checkout", "--quiet", "b1")
    before = git(root, "rev-parse", "HEAD")
    commit(root, "(finish): returning to refs/heads/evil", {"d": b"1\n"})
    git(root, "rebase", "--quiet", "main")
    names = ("HEAD", "HEAD~1", before)
    assert [facts(root, name)["branch"] for name in names] == ["b1", "b1", "b1"]


def test_a_rebase_of_another_branch_claims_no_commit_of_the_one_it_leaves(root: Path) -> None:
    commit(root, files={"a": b"1\n"})
    branches(root, {"b": b"1\n"})
    topic = git(root, "rev-parse", "b1")
    mine = commit(root, files={"c": b"1\n"})
    git(root, "rebase", "--quiet", "main", "b1")
    assert facts(root)["branch"] == "b1"
    assert facts(root, mine)["branch"] != "b1"
    assert facts(root, topic)["branch"] == "b1"


def test_a_linked_work_tree_has_its_own_head_and_branch(root: Path, tmp_path: Path) -> None:
    first = commit(root)
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "--quiet", "-b", "side", str(linked))
    made = commit(linked, "there", {"a": b"1\n"})
    assert facts(linked)["commit_hash"] == made
    assert (facts(linked)["branch"], facts(linked)["repository"]) == ("side", str(root))
    assert facts(root)["commit_hash"] == first


def test_a_merge_that_was_pulled_was_not_made_here(root: Path, tmp_path: Path) -> None:
    commit(root, files={"a": b"1\n"})
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    clone = tmp_path / "clone"
    branches(root, {"b": b"1\n"})
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "b1")
    theirs = git(root, "rev-parse", "HEAD")
    git(clone, "pull", "--quiet")
    assert git(clone, "rev-parse", "HEAD") == theirs
    for folder, expected in ((root, True), (clone, False)):
        repository = find_repository(folder)
        assert made_here(repository, read_moves(repository), theirs) is expected


def test_a_pull_that_merges_and_a_merge_with_conflicts_were_made_here(
    root: Path, tmp_path: Path
) -> None:
    commit(root, files={"a": b"1\n"})
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    clone = tmp_path / "clone"
    commit(root, files={"b": b"1\n"})
    commit(clone, files={"c": b"1\n"})
    git(clone, "pull", "--quiet", "--no-rebase", "--no-edit")
    pulled = git(clone, "rev-parse", "HEAD")
    branches(clone, {"a": b"theirs\n"})
    commit(clone, files={"a": b"ours\n"})
    git(clone, "merge", "--quiet", "--no-commit", "-s", "ours", "b1")
    solved = commit(clone, "solved", {"a": b"both\n"})
    repository = find_repository(clone)
    moves = read_moves(repository)
    assert [made_here(repository, moves, name) for name in (pulled, solved)] == [True, True]


def test_without_a_reflog_the_committer_tells_whose_merge_it_is(root: Path) -> None:
    git(root, "config", "core.logAllRefUpdates", "false")
    git(root, "config", "user.email", "dev@example.com")
    git(root, "config", "user.name", "Dev")
    commit(root, files={"a": b"1\n"})
    branches(root, {"b": b"1\n"})
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "b1")
    merge = git(root, "rev-parse", "HEAD")
    repository = find_repository(root)
    assert made_here(repository, read_moves(repository), merge) is True
    git(root, "config", "user.email", "other@example.com")
    assert made_here(repository, read_moves(repository), merge) is False


def test_at_the_edge_of_a_shallow_clone_what_changed_is_unknown(root: Path, tmp_path: Path) -> None:
    first = commit(root, files={"a": b"1\n2\n"})
    second = commit(root, files={"b": b"1\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), "shallow")
    shallow = tmp_path / "shallow"
    edge = facts(shallow, second)
    assert edge["parent_hashes"] == [first]
    assert (edge["files_changed"], edge["lines_added"], edge["patch_id"]) == (None, None, None)
    assert counts(facts(shallow, commit(shallow, files={"c": b"1\n"}))) == (1, 1, 0)


def test_a_replaced_commit_is_told_as_it_is(root: Path) -> None:
    made = commit(root, "the one", {"a": b"1\n"})
    other = commit(root, "the other", {"a": b"1\n2\n3\n", "b": b"1\n"})
    git(root, "replace", made, other)
    assert facts(root, made)["commit_message"] == "the one"
    assert counts(facts(root, made)) == (1, 1, 0)


def test_a_sha256_repository_is_read_like_any_other(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "sha256", "--object-format=sha256")
    first = commit(root, files={"a": b"1\n"})
    payload = facts(root, commit(root, files={"a": b"2\n"})[:10])
    assert (len(payload["commit_hash"]), payload["parent_hashes"]) == (64, [first])
    assert (counts(payload), payload["branch"]) == ((1, 1, 1), "main")
    assert payload["patch_id"]


def test_a_bare_repository_is_read_too(root: Path, tmp_path: Path) -> None:
    made = commit(root, files={"a": b"1\n"})
    git(tmp_path, "clone", "--quiet", "--bare", str(root), "bare.git")
    payload = facts(tmp_path / "bare.git")
    assert (payload["commit_hash"], counts(payload)) == (made, (1, 1, 0))


def test_what_is_no_commit_is_left_out_and_one_alone_is_an_error(root: Path) -> None:
    repository = find_repository(root)
    with pytest.raises(NoSuchCommit, match=f"HEAD is no commit in {root}"):
        read_commit(repository)
    made = commit(root, files={"a": b"1\n"})
    blob = git(root, "rev-parse", "HEAD:a")
    git(root, "tag", "--annotate", "--message=x", "v1")
    names = ["v1", "-n", "", "two\nlines", "f" * 40, blob, "--all", made]
    read = read_commits(repository, names)
    assert {name: payload["commit_hash"] for name, payload in read.payloads.items()} == {
        "v1": made, made: made,
    }  # fmt: skip
    assert read.problems == {}


def test_one_damaged_object_costs_no_other_commit(root: Path) -> None:
    hashes = [commit(root, f"{number}", {"a": b"%d\n" % number}) for number in range(6)]
    blob = git(root, "rev-parse", f"{hashes[3]}:a")
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    raw = b"tree " + git(root, "rev-parse", "HEAD^{tree}").encode() + b"\nno author\n\nx\n"
    broken = git(root, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw)
    read = read_commits(find_repository(root), [*hashes, broken])
    assert [read.payloads[name]["lines_added"] for name in hashes] == [1, 1, 1, None, None, 1]
    assert [bool(read.payloads[name]["patch_id"]) for name in hashes] == [
        True, True, True, False, False, True,
    ]  # fmt: skip
    if broken in read.payloads:  # git shows what it can of it
        assert read.payloads[broken]["timestamp"] is None
    else:
        with pytest.raises(GitFailed):
            read_commit(find_repository(root), broken)


def test_a_long_rebase_is_read_in_seconds(root: Path) -> None:
    stream = b"".join(
        b"commit refs/heads/main\ncommitter D <d@x> %d +0000\ndata 2\nm\nM 644 inline f%d\n"
        b"data 4\na\nb\n\n" % (1_700_000_000 + number, number)
        for number in range(600)
    )  # fmt: skip
    git(root, "fast-import", "--quiet", stdin=stream)
    hashes = git(root, "rev-list", "--reverse", "main").split()
    started = time.monotonic()
    read = read_commits(find_repository(root), hashes)
    assert time.monotonic() - started < 10
    assert [counts(read.payloads[name]) for name in hashes] == [(1, 2, 0)] * 600
    assert len({read.payloads[name]["patch_id"] for name in hashes}) == 600
