"""Where git looks for a repository's hook files, and whose that folder is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.git.repository import GitFailed, Repository, run_git


@dataclass(frozen=True, slots=True)
class HooksFolder:
    """The folder of hook files that is in effect for one repository."""

    path: Path
    """Where a hook file is written; links are resolved."""
    run_from: Path
    """Where git runs hooks from: another folder than `path` with husky 9 alone."""
    setting: str | None
    """`core.hooksPath in <file>`; None where git's default is in effect."""
    others: str | None
    """Who else is concerned, as the end of "it …"; None when it is this repository's own."""

    @property
    def is_usable(self) -> bool:
        """Whether it is a folder, or can become one."""
        return self.path.is_dir() or not os.path.lexists(self.path)


def find_hooks_folder(repository: Repository) -> HooksFolder:
    """As git finds it: `core.hooksPath`, else the folder that all work trees share.

    Raises GitFailed.
    """
    here = repository.top_level or repository.git_dir
    said = os.fsdecode(run_git("rev-parse", "--git-path", "hooks", cwd=here)).removesuffix("\n")
    run_from = (here / said).resolve()
    # husky 9 points git at .husky/_, which it writes anew, and runs .husky/<event> from there.
    is_husky = run_from.name == "_" and run_from.parent.name == ".husky"
    path = run_from.parent if is_husky else run_from
    return HooksFolder(path, run_from, _setting(here), _others(repository, path))


def _setting(here: Path) -> str | None:
    try:
        said = run_git("config", "--show-origin", "--null", "--get", "core.hooksPath", cwd=here)
    except GitFailed:
        return None
    origin = os.fsdecode(said).split("\0")[0].removeprefix("file:")
    return f"core.hooksPath in {here / origin}"


def _others(repository: Repository, path: Path) -> str | None:
    own = {repository.git_dir.resolve(), repository.common_dir.resolve()}
    if any(path.is_relative_to(folder) for folder in own):
        return None
    if repository.top_level and path.is_relative_to(repository.top_level.resolve()):
        return "is part of the work tree, so its files are your team's"
    return "lies outside of this repository, so other repositories may use it too"
