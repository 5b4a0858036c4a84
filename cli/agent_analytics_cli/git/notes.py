"""The notes of `refs/notes/ai`: which are new, what they say, and adding some."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from agent_analytics_cli.git.commit_facts import work_folder
from agent_analytics_cli.git.repository import GitFailed, Repository, run_git, stream_git

NOTES_REF = "refs/notes/ai"
MOST_BYTES = 16 * 1024 * 1024
"""Of one note; older versions of git-ai keep whole conversations in it."""
_BATCH = 500
"""Notes in one call of git; their hashes together fit into a pipe."""
_COMMIT = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_BLOB = "100644"


def notes_tip(repository: Repository) -> str | None:
    """The commit that the notes are in; None where there are none."""
    try:
        said = run_git(
            "rev-parse", "--verify", "--quiet", f"{NOTES_REF}^{{commit}}",
            git_dir=repository.common_dir,
        )  # fmt: skip
    except GitFailed:
        return None
    return said.decode("ascii").strip()


def changed_notes(repository: Repository, tip: str, known: str | None = None) -> dict[str, str]:
    """Blob by annotated commit, of what is in `tip` and was not so in `known`. Raises GitFailed.

    All, where `known` is gone. git spreads notes over folders (`ab/cdef…`) as they become more.
    """
    if known and _exists(repository, known):
        printed = _git(repository, "diff-tree", "-r", "-z", "--no-abbrev", "--no-renames",
                       known, tip)  # fmt: skip
        parts = printed.decode("utf-8", "replace").split("\0")
        before: dict[str, str] = {}
        found: dict[str, str] = {}
        for modes, path in zip(parts[::2], parts[1::2], strict=False):
            old_mode, mode, old, new, _ = modes.removeprefix(":").split(" ")
            if commit_hash := _annotated(path):
                if old_mode == _BLOB:  # of a note that is moved, another line has the new one
                    before[commit_hash] = old
                if mode == _BLOB:
                    found[commit_hash] = new
        return {name: blob for name, blob in found.items() if before.get(name) != blob}
    printed = _git(repository, "ls-tree", "-r", "-z", tip)
    found = {}
    for line in printed.decode("utf-8", "replace").split("\0"):
        kind, _, path = line.partition("\t")
        if kind.startswith(_BLOB) and (commit_hash := _annotated(path)):
            found[commit_hash] = kind.split(" ")[2]
    return found


def read_notes(
    repository: Repository, blobs: Mapping[str, str]
) -> Iterator[tuple[str, str, bytes | None]]:
    """(commit, blob, content) of each note, as they come; None of one too large, or gone.

    Raises GitFailed.
    """
    waiting = iter(blobs.items())
    while group := list(islice(waiting, _BATCH)):
        stdin = "".join(f"{blob}\n" for _, blob in group).encode()
        with stream_git(
            "cat-file", "--batch",
            git_dir=repository.common_dir, cwd=work_folder(repository), stdin=stdin,
        ) as printed:  # fmt: skip
            for commit_hash, blob in group:
                header = printed.readline().split()
                if len(header) != 3:  # "… missing"
                    yield commit_hash, blob, None
                    continue
                size = int(header[2])
                content = printed.read(min(size, MOST_BYTES))
                left = size - len(content)
                while left and (passed_over := printed.read(min(left, MOST_BYTES))):
                    left -= len(passed_over)
                printed.readline()
                yield commit_hash, blob, content if size <= MOST_BYTES else None


def add_note(repository: Repository, commit_hash: str, text: str) -> None:
    """Raises GitFailed, also when the commit has a note: that is never replaced."""
    # One by one, as git-ai does: fast-import may leave folders of two depths, which no
    # `git notes merge` takes (git 2.39).
    run_git(
        "notes", "--ref", NOTES_REF, "add", "--file=-", commit_hash,
        git_dir=repository.git_dir, stdin=text.encode("utf-8", "replace"),
    )  # fmt: skip


def _annotated(path: str) -> str | None:
    name = path.replace("/", "")
    return name if _COMMIT.match(name) else None


def _exists(repository: Repository, commit_hash: str) -> bool:
    try:
        _git(repository, "cat-file", "-e", f"{commit_hash}^{{commit}}")
    except GitFailed:
        return False
    return True


def _git(repository: Repository, *arguments: str) -> bytes:
    return run_git("--no-replace-objects", *arguments, git_dir=repository.common_dir)
