"""Which lines of their files commits added, by number: what notes and records can be held to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from agent_analytics_cli.git.commit_facts import shallow_edge, work_folder
from agent_analytics_cli.git.diffs import count_files
from agent_analytics_cli.git.exclusions import excluded_by_attributes, is_excluded
from agent_analytics_cli.git.patches import Files, read_patches
from agent_analytics_cli.git.repository import Repository, run_git

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class AddedLines(Generic[T]):
    """Of one file of a commit."""

    is_excluded: bool
    """Whether the file is nobody's work: generated, vendored (exclusions.py)."""
    by_number: dict[int, T] = field(default_factory=dict)
    """Ascending, of the file as the commit has it."""


def read_added_lines(
    repository: Repository,
    paths: Mapping[str, Collection[str]],
    see: Callable[[str], T],
    use: Callable[[str, Mapping[str, AddedLines[T]]], R],
) -> dict[str, R]:
    """What `use` makes of each commit and its added lines by path; `see` is asked of each line.

    Only of `paths`, by commit, and one commit at a time, so that memory holds that alone. Left out
    are commits that are not here, merges, and those whose parent is not here. Raises GitFailed.
    """
    hashes = _with_one_parent(repository, paths)
    folder = work_folder(repository)
    counts = {
        name: files for name, files in count_files(repository, folder, hashes).items() if files
    }
    asked = {path for name in counts for path in paths[name]}
    excluded = excluded_by_attributes(repository, folder, asked)

    def read(commit_hash: str, files: Files) -> R:
        found: dict[str, AddedLines[T]] = {}
        for file, lines in files:
            path = file.path.decode("utf-8", "replace")
            if path in paths[commit_hash] and not file.is_submodule:
                added = AddedLines[T](is_excluded(path) or path in excluded)
                added.by_number = {n: see(line) for n, line in lines if n is not None}
                found[path] = added
        return use(commit_hash, found)

    return read_patches(repository, folder, counts, read)


def _with_one_parent(repository: Repository, hashes: Iterable[str]) -> Sequence[str]:
    said = run_git(
        "--no-replace-objects", "rev-list", "--no-walk=unsorted", "--ignore-missing",
        "--max-parents=1", "--stdin",
        git_dir=repository.common_dir, stdin="".join(f"{name}\n" for name in hashes).encode(),
    )  # fmt: skip
    edge = shallow_edge(repository)
    return [name for name in said.decode("ascii").split() if name not in edge]
