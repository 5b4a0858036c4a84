"""What commits change file by file: line counts, and keyed hashes of lines added and removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from agent_analytics_cli.git.diffs import FileCounts
from agent_analytics_cli.git.exclusions import excluded_by_attributes, is_excluded
from agent_analytics_cli.git.patches import Files, read_patches
from agent_analytics_cli.git.repository import Repository
from agent_analytics_collector.line_hashes import LineHasher

MOST_FILES = 2_000
"""Files of one commit that are told; the first commit of a tree may have more."""
MOST_HASHES = 20_000
"""Lines of one commit that are hashed; the others only count."""
MOST_PATH = 1024


@dataclass(slots=True)
class _Lines:
    """What the patch of one file says."""

    effective_added: int = 0
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def describe_files(
    repository: Repository,
    folder: Path,
    counts: Mapping[str, list[FileCounts] | None],
    hasher: LineHasher | None,
) -> dict[str, list[dict[str, Any]]]:
    """The `files` of commit payloads by hash; without those that git gave up.

    Without a hasher files have no hashes. Files that are nobody's work (exclusions.py) have counts
    alone. Of more than MOST_FILES the first are told.
    """
    known = {commit_hash: files for commit_hash, files in counts.items() if files is not None}
    paths = {_text(file.path) for files in known.values() for file in files}
    excluded = excluded_by_attributes(repository, folder, paths)
    patches: dict[str, list[_Lines]] = {}
    if hasher:
        patches = read_patches(repository, folder, known, partial(_of_commit, excluded, hasher))
    return {
        commit_hash: [
            _payload(file, excluded, lines)
            for file, lines in zip_longest(files[:MOST_FILES], patches.get(commit_hash, ()))
            if len(_text(file.path)) <= MOST_PATH
        ]
        for commit_hash, files in known.items()
    }


def _payload(file: FileCounts, excluded: frozenset[str], lines: _Lines | None) -> dict[str, Any]:
    path = _text(file.path)
    payload: dict[str, Any] = {
        "path": path,
        "old_path": _text(file.old_path)[:MOST_PATH] if file.old_path else None,
        "lines_added": file.added,
        "lines_deleted": file.deleted,
        "is_binary": file.added is None and not file.is_submodule,
        "is_excluded": is_excluded(path) or path in excluded,
    }
    if lines is not None:
        payload |= {
            "effective_lines_added": lines.effective_added,
            "added_line_hashes": lines.added,
            "removed_line_hashes": lines.removed,
        }
    return payload


def _of_commit(
    excluded: frozenset[str], hasher: LineHasher, _commit_hash: str, files: Files
) -> list[_Lines]:
    room = MOST_HASHES
    told = []
    for file, changed in islice(files, MOST_FILES):
        lines = _Lines()
        path = _text(file.path)
        skip = file.is_submodule or is_excluded(path) or path in excluded
        for number, line in () if skip else changed:
            if (digest := hasher.of(line)) is None:
                continue
            is_added = number is not None
            lines.effective_added += is_added
            if room:
                room -= 1
                (lines.added if is_added else lines.removed).append(digest)
        told.append(lines)
    return told


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
