"""git-ai notes: what they say, which are new, and that none is replaced; on real repositories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_analytics_cli.git.ai_notes import format_note, parse_note
from agent_analytics_cli.git.notes import (
    MOST_BYTES,
    add_note,
    changed_notes,
    notes_tip,
    read_notes,
)
from agent_analytics_cli.git.repository import GitFailed, find_repository
from agent_analytics_cli.history.attributions import Attributed, Author, Unreadable

from .repositories import commit, git, make_repository

SHA = "a" * 40
# As git-ai 1.4.5 writes it (specs/git_ai_standard_v3.0.0.md), with a session, a person and a
# prompt of an older version.
METADATA: dict[str, Any] = {
    "schema_version": "authorship/3.0.0",
    "git_ai_version": "1.4.5",
    "base_commit_sha": "7734793b756b3921c88db5375a8c156e9532447b",
    "prompts": {
        "d9978a8723e02b52": {
            "agent_id": {"tool": "claude", "id": "old", "model": "claude-4.5-opus"},
            "human_author": "Developer <dev@example.com>",
            "messages": [{"type": "user", "text": "Add error handling"}],
            "total_additions": 25, "total_deletions": 5, "accepted_lines": 20,
            "overriden_lines": 0,
        }
    },
    "humans": {"h_31dce776f88375": {"author": "Developer <dev@example.com>"}},
    "sessions": {
        "s_c9883b05a2487d": {
            "agent_id": {
                "tool": "cursor", "id": "6ef2299e-a67f", "model": "claude-sonnet-4-5-20250514",
            },
            "human_author": "dev@example.com",
        }
    },
}  # fmt: skip
SECTION = """\
src/main.rs
  s_c9883b05a2487d::t_9f8e7d6c5b4a32 1-10,15-20
  h_31dce776f88375 42-50
"src/my file.rs"
  d9978a8723e02b52 7
  s_ffffffffffffff 8
"""
CURSOR = Author("ai", "cursor", "6ef2299e-a67f", "claude-sonnet-4-5-20250514")
OURS = Author("ai", "claude_code", "1c0ce677", "claude-opus-4-5", "lines")


def note(section: str = SECTION, **metadata: object) -> bytes:
    return f"{section}---\n{json.dumps(METADATA | metadata, indent=2)}".encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = make_repository(tmp_path / "repository")
    git(root, "config", "user.name", "Jo")
    git(root, "config", "user.email", "jo@example.com")
    return root


def changed(root: Path, known: str | None = None) -> dict[str, bytes | None]:
    repository = find_repository(root)
    tip = notes_tip(repository)
    assert tip is not None
    blobs = changed_notes(repository, tip, known)
    return {name: content for name, _, content in read_notes(repository, blobs)}


def test_sessions_people_and_prompts_of_older_versions_are_told_apart() -> None:
    found = parse_note(note(), SHA, "blob")
    assert (found.source, found.version, found.note_id) == ("git_ai", "authorship/3.0.0", "blob")
    assert found.lines == [
        Attributed("src/main.rs", CURSOR, [(1, 10), (15, 20)]),
        Attributed("src/main.rs", Author("human"), [(42, 50)]),
        Attributed(
            "src/my file.rs", Author("ai", "claude", "old", "claude-4.5-opus"), [(7, 7)]
        ),
        Attributed("src/my file.rs", Author("ai"), [(8, 8)]),
    ]  # fmt: skip


def test_a_note_without_any_line_says_nothing() -> None:
    assert parse_note(note(""), SHA, "blob").lines == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just a remark\n",
        SECTION.encode(),
        note()[:-1],
        note(schema_version="authorship/4.0.0"),
        note("  s_c9883b05a2487d 1\n"),
        note("a.py\n  s_c9883b05a2487d 0-3\n"),
        note("a.py\n  s_c9883b05a2487d 5-3\n"),
        note("a.py\n  s_c9883b05a2487d 1, 3\n"),
        note(sessions={"s_1": {"agent_id": "cursor"}}),
        b"\xff\xfe\x00",
    ],
)
def test_a_damaged_note_is_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_note(content, SHA, "blob")


def test_what_we_write_is_what_we_read() -> None:
    other = Author("ai", "cursor", "c", "gpt-5")
    lines = [
        Attributed("src/a b.py", OURS, [(1, 3), (9, 9)]),
        Attributed("src/a b.py", other, [(4, 4)]),
        Attributed("z.py", OURS, [(2, 2)]),
    ]
    text = format_note(SHA, lines, "b" * 40)
    assert text.startswith('"src/a b.py"\n  s_')
    assert json.loads(text.partition("\n---\n")[2])["base_commit_sha"] == "b" * 40
    read = parse_note(text.encode(), SHA, "blob").lines
    claude = Author("ai", "claude", "1c0ce677", "claude-opus-4-5", "lines")
    assert read == [
        Attributed("src/a b.py", claude, [(1, 3), (9, 9)]),
        Attributed("src/a b.py", other, [(4, 4)]),
        Attributed("z.py", claude, [(2, 2)]),
    ]
    with pytest.raises(Unreadable):
        format_note(SHA, [Attributed('say "hi".py', OURS, [(1, 1)])], "")


def test_the_key_of_a_session_is_git_ais_own() -> None:
    # sha256("cursor:6ef2299e-a67f"), 14 digits of it
    text = format_note(SHA, [Attributed("a.py", CURSOR, [(1, 1)])], "")
    assert text.splitlines()[1].startswith("  s_a43f9d42e63d67::t_")


def test_only_notes_that_changed_since_are_read(root: Path) -> None:
    first, second, third = (commit(root, str(n)) for n in range(3))
    repository = find_repository(root)
    assert notes_tip(repository) is None
    add_note(repository, first, "one")
    add_note(repository, second, "two")
    known = notes_tip(repository)
    assert changed(root) == {first: b"one\n", second: b"two\n"}
    git(root, "notes", "--ref=ai", "add", "--force", "--message=other", second)
    git(root, "notes", "--ref=ai", "remove", first)
    add_note(repository, third, "three")
    assert changed(root, known) == {second: b"other\n", third: b"three\n"}
    assert changed(root, notes_tip(repository)) == {}
    assert changed(root, "f" * 40) == changed(root), "what was known is gone"


def test_notes_in_folders_are_read_and_moving_them_there_is_no_change(root: Path) -> None:
    for number in range(200):
        (root / f"{number}.txt").write_text(f"{number}")
    names = "".join(f"{number}.txt\n" for number in range(200)).encode()
    annotated = git(root, "hash-object", "-w", "--stdin-paths", stdin=names).split()
    repository = find_repository(root)
    add_note(repository, annotated[0], "x")
    known = notes_tip(repository)
    for each in annotated[1:]:
        add_note(repository, each, "x")
    assert "/" in git(root, "ls-tree", "-r", "--name-only", "refs/notes/ai")
    assert "/" not in git(root, "ls-tree", "-r", "--name-only", str(known))
    assert changed(root).keys() == set(annotated)
    assert changed(root, known).keys() == set(annotated[1:])


def test_a_note_that_is_there_is_never_replaced(root: Path) -> None:
    made = commit(root)
    repository = find_repository(root)
    add_note(repository, made, "one")
    with pytest.raises(GitFailed):
        add_note(repository, made, "two")
    assert changed(root) == {made: b"one\n"}


def test_a_huge_note_is_passed_over_and_the_next_one_read(root: Path) -> None:
    commits = sorted(commit(root, str(n)) for n in range(2))
    blob = git(root, "hash-object", "-w", "--stdin", stdin=b"x" * (2 * MOST_BYTES + 7))
    git(root, "notes", "--ref=ai", "add", "-C", blob, commits[0])
    add_note(find_repository(root), commits[1], "small")
    assert changed(root) == {commits[0]: None, commits[1]: b"small\n"}
