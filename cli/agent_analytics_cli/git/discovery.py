"""Finding the git repositories under a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent_analytics_cli.git.repository import NotARepository, Repository, find_repository

DEPTH = 6
"""Levels of folders that are searched; `~/src/host/owner/name` has its work tree on the fourth."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "venv"})


def find_repositories(folders: Iterable[Path]) -> Iterator[Repository]:
    """The repositories in and under the folders, by path, none twice.

    Hidden folders are skipped; a repository is searched for further ones only if it has
    submodules. What git does not accept as a repository is left out.
    """
    seen: set[Path] = set()
    for folder in folders:
        for work_tree in _work_trees(folder.absolute(), DEPTH):
            try:
                repository = find_repository(work_tree)
            except NotARepository:
                continue
            if repository.git_dir not in seen:
                seen.add(repository.git_dir)
                yield repository


def _work_trees(folder: Path, levels: int) -> Iterator[Path]:
    is_work_tree = (folder / ".git").exists()
    if is_work_tree:
        yield folder
    if levels == 0 or (is_work_tree and not (folder / ".gitmodules").exists()):
        return
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".")
                and entry.name not in _SKIPPED
                and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return
    for name in names:
        yield from _work_trees(folder / name, levels - 1)
