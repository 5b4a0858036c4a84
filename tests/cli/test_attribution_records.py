"""Notes held to what their commits changed, on real repositories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent_analytics_cli.git.repository import find_repository
from agent_analytics_cli.history.attribution_records import Records, records
from agent_analytics_cli.history.attributions import (
    Attestation,
    Attributed,
    Author,
    Range,
    format_ranges,
)

from .repositories import commit, git

CLAUDE = Author("ai", "claude", "s", "m")
CURSOR = Author("ai", "cursor", "c", "m")


def held(root: Path | None, commit_hash: str, *lines: Attributed) -> Records:
    attestation = Attestation("git_ai", "blob", "authorship/3.0.0", commit_hash, list(lines))
    [found] = records([attestation], find_repository(root) if root else None)
    return found


def told(found: Records) -> set[tuple[Any, ...]]:
    return {(body["path"], body["agent"], body["ranges"], body["lines"]) for body in found.bodies}


def claude(path: str, *ranges: Range) -> Attributed:
    return Attributed(path, CLAUDE, ranges)


def test_only_lines_of_work_that_the_commit_added_count(root: Path) -> None:
    commit(root, files={"a.py": b"first = 1\nsecond = 2\n"})
    made = commit(root, files={"a.py": b"first = 1\n\nthird = 3\n}\nfourth = 4\nsecond = 2\n"})
    found = held(root, made, claude("a.py", (1, 4), (6, 900_000_000)))
    assert told(found) == {("a.py", "claude", "2-4", 1)}
    assert found.bodies[0] == {
        "repository": str(root), "commit_hash": made, "source": "git_ai", "note_id": "blob",
        "note_version": "authorship/3.0.0", "contributor": "ai", "agent": "claude",
        "agent_session_id": "s", "model": "m", "evidence_tier": None, "path": "a.py",
        "ranges": "2-4", "lines": 1,
    }  # fmt: skip


def test_a_line_that_is_told_twice_is_its_last_authors(root: Path) -> None:
    made = commit(root, files={"a.py": b"".join(b"value = %d\n" % n for n in range(10))})
    lines = (claude("a.py", (1, 8)), Attributed("a.py", CURSOR, [(3, 4)]))
    assert told(held(root, made, *lines)) == {
        ("a.py", "cursor", "3-4", 2), ("a.py", "claude", "1-2,5-8", 6),
    }  # fmt: skip


def test_what_the_commit_did_not_add_is_left_out_and_counted(root: Path) -> None:
    commit(root, files={"a.py": b"first = 1\n", "b.py": b"other = 1\n"})
    made = commit(root, files={"a.py": b"first = 1\nsecond = 2\n"})
    found = held(
        root, made, claude("a.py", (1, 1)), claude("b.py", (1, 1)), claude("c.py", (1, 1)),
        claude("a.py", (2, 2)),
    )  # fmt: skip
    assert told(found) == {("a.py", "claude", "2", 1)}
    assert found.foreign == 3


def test_a_note_that_tells_nothing_is_told_and_a_record_is_not(root: Path) -> None:
    made = commit(root, files={"a.py": b"first = 1\n"})
    head = {
        "repository": str(root), "commit_hash": made, "source": "git_ai", "note_id": "blob",
        "note_version": "authorship/3.0.0",
    }  # fmt: skip
    assert held(root, made).bodies == [head]
    assert held(root, made, claude("b.py", (1, 1))).bodies == [head]
    record = Attestation("agent_trace", "1", "0.1.0", made)
    assert [found.bodies for found in records([record], find_repository(root))] == [[]]


def test_files_that_are_nobodys_work_have_no_line_of_work(root: Path) -> None:
    made = commit(root, files={
        "uv.lock": b"locked = 1\n", "gen.py": b"generated = 1\n",
        ".gitattributes": b"gen.py linguist-generated\n",
    })  # fmt: skip
    found = held(root, made, claude("uv.lock", (1, 1)), claude("gen.py", (1, 1)))
    assert told(found) == {("uv.lock", "claude", "1", 0), ("gen.py", "claude", "1", 0)}


def test_renamed_files_and_strange_paths_are_found(root: Path) -> None:
    text = b"".join(b"line number %d\n" % n for n in range(20))
    commit(root, files={"old.py": text})
    git(root, "mv", "old.py", 'new "näme".py')
    made = commit(root, files={'new "näme".py': text + b"one more line\n"})
    found = held(root, made, claude('new "näme".py', (1, 21)))
    assert told(found) == {('new "näme".py', "claude", "21", 1)}


def test_of_merges_and_of_commits_that_are_not_here_the_note_is_taken_as_it_is(
    root: Path,
) -> None:
    commit(root, files={"a.py": b"first = 1\n"})
    git(root, "switch", "--quiet", "--create", "side")
    commit(root, files={"b.py": b"other = 1\n"})
    git(root, "switch", "--quiet", "main")
    commit(root, files={"c.py": b"third = 1\n"})
    git(root, "merge", "--quiet", "--no-edit", "side")
    merge = git(root, "rev-parse", "HEAD")
    for made in (merge, "f" * 40):
        assert told(held(root, made, claude("a.py", (1, 3)))) == {("a.py", "claude", "1-3", None)}
    assert told(held(None, merge, claude("a.py", (1, 3)))) == {("a.py", "claude", "1-3", None)}


def test_more_ranges_than_a_record_holds_are_split_and_counted_once(root: Path) -> None:
    odd = [(number, number) for number in range(1, 8_001, 2)]
    text = b"".join(b"value_%d = 1\n" % number for number in range(8_000))
    made = commit(root, files={"a.py": text})
    found = held(root, made, claude("a.py", *odd))
    assert len(found.bodies) == 2
    assert sum(body["lines"] for body in found.bodies) == 4_000
    assert ",".join(body["ranges"] for body in found.bodies) == format_ranges(odd)
