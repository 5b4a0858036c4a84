"""A work tree of a real git repository, and beside it who wrote every line of every commit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta

from agent_analytics_cli.machine import environment_for_git
from benchmarks.history.truth import CommitTruth, History, Line, Person, Tree, new_lines, text_of

ORIGIN = "git@github.com:acme/widgets.git"
_HOOK = '#!/bin/sh\nwhile read -r old new _; do echo "$1 $old $new" >> {}; done\n'


class WorkTree:
    """The work tree at a moment of `now`, which only grows."""

    def __init__(self, history: History, now: datetime) -> None:
        self.history, self.now = history, now
        self.root = history.repository
        self.files: dict[str, list[Line]] = {}
        self.branch = "main"
        self._on_disk: dict[str, str] = {}
        self.root.mkdir(parents=True)
        self._pairs = self.root.parent / "pairs"
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", ORIGIN)
        for name, value in (
            ("gc.auto", "0"), ("core.autocrlf", "false"), ("user.name", "Nobody"),
            ("user.email", "nobody@acme.example"), ("commit.gpgSign", "false"),
            ("rebase.backend", "merge"), ("core.hooksPath", str(self.root.parent / "hooks")),
        ):  # fmt: skip
            self.git("config", name, value)
        hook = self.root.parent / "hooks" / "post-rewrite"
        hook.parent.mkdir()
        hook.write_text(_HOOK.format(self._pairs))
        hook.chmod(0o755)

    @property
    def head(self) -> str:
        """The hash of HEAD; empty before the first commit."""
        path = self.root / ".git" / "refs" / "heads" / self.branch
        return path.read_text().strip() if path.exists() else ""

    @property
    def tree(self) -> Tree:
        """The lines of HEAD."""
        return self.history.trees.get(self.head, {})

    def wait(self, least_s: float, most_s: float | None = None, chance: float = 0.0) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=least_s + (most_s - least_s if most_s else 0) * chance)

    def git(self, *arguments: str, by: Person | None = None) -> str:
        """What git prints. Raises CalledProcessError."""
        stamp = f"{int(self.now.timestamp())} +0000"
        environment = {**environment_for_git(), "GIT_COMMITTER_DATE": stamp, "GIT_EDITOR": "true",
                       "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}  # fmt: skip
        if by:
            environment |= {"GIT_COMMITTER_NAME": by.name, "GIT_COMMITTER_EMAIL": by.email}
            if arguments[0] not in ("cherry-pick", "rebase"):  # which keep the author
                environment |= {"GIT_AUTHOR_NAME": by.name, "GIT_AUTHOR_EMAIL": by.email}
                environment |= {"GIT_AUTHOR_DATE": stamp}
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environment, check=True, capture_output=True
        )
        return done.stdout.decode()

    def save(self) -> None:
        """Write what has changed to the disk."""
        for path in self._on_disk.keys() - self.files.keys():
            (self.root / path).unlink(missing_ok=True)
            del self._on_disk[path]
        for path, lines in self.files.items():
            text = text_of(lines)
            if self._on_disk.get(path) != text:
                place = self.root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text)
                self._on_disk[path] = text

    def commit(
        self,
        by: Person,
        message: str,
        story: str,
        *,
        paths: Sequence[str] | None = None,
        amend: bool = False,
        told: bool = True,
        made_by: str | None = None,
        marker: str | None = None,
        noted: dict[str, int] | None = None,
    ) -> CommitTruth:
        """Commit all that changed, or some paths of it. `told`: a hook sees the rewrite."""
        self.save()
        replaced = self.head if amend else ""
        before = self.parent_tree(replaced) if amend else self.tree
        after = {path: tuple(lines) for path, lines in self.files.items()}
        if paths is not None:
            inside = {path: after[path] for path in paths if path in after}
            after = {p: lines for p, lines in self.tree.items() if p not in paths} | inside
        flags = ["--allow-empty", *["--amend"] * amend]
        self.git("add", "--all", *(("--", *paths) if paths is not None else ()))
        self.git("commit", "--quiet", *flags, "--message", message, by=by)
        commit = self._record(story, before, after)
        self.files |= {
            path: list(lines)
            for path, lines in self.tree.items()
            if path in self.files and text_of(self.files[path]) == text_of(lines)
        }
        commit.made_by, commit.marker, commit.noted = made_by, marker, noted or {}
        if replaced:
            old = self.history.commits.pop(replaced)
            if told:
                commit.made_by = made_by or old.made_by
            self._take_pairs(told)
        return commit

    def discard(self) -> None:
        """Forget what was not committed."""
        self.files = {path: list(lines) for path, lines in self.tree.items()}
        self.save()

    def switch(self, branch: str, *, new: bool = False) -> None:
        """Go to a branch; nothing may be uncommitted."""
        self.git("checkout", "--quiet", *(["-b"] * new), branch)
        self.branch = branch
        self._take(self.tree)

    def delete(self, branch: str) -> None:
        """Remove a branch; commits that nothing else reaches are gone."""
        self.git("branch", "-D", "--quiet", branch)

    def _record(
        self, story: str, before: Tree, after: Tree, *, by_git: bool = False
    ) -> CommitTruth:
        """What HEAD is now; `by_git`: git changed the files, too."""
        after = _kept(before, after)
        made = self.head
        self.history.trees[made] = after
        commit = CommitTruth(made, story, self.now, new_lines(before, after))
        self.history.commits[made] = commit
        if by_git:
            self._take(after)
        return commit

    def _take(self, tree: Tree) -> None:
        """The work tree is this one, as git left it on the disk. Raises RuntimeError."""
        self.files = {path: list(lines) for path, lines in tree.items()}
        self._on_disk = {path: text_of(lines) for path, lines in tree.items()}
        for path, text in self._on_disk.items():
            if (self.root / path).read_text() != text:
                raise RuntimeError(f"{path} is not what the history says at {self.head}")

    def _take_pairs(self, told: bool) -> None:
        lines = self._pairs.read_text().splitlines() if self._pairs.exists() else []
        self._pairs.unlink(missing_ok=True)
        if told:
            for line in lines:
                kind, old, new = line.split()
                self.history.rewrites.append((kind, old, new))

    def parent_tree(self, commit_hash: str) -> Tree:
        """The lines of a commit's first parent; none of a root."""
        parents = self.git("rev-list", "--parents", "-1", commit_hash).split()[1:]
        return self.history.trees[parents[0]] if parents else {}


def _kept(before: Tree, after: Tree) -> Tree:
    """`after` with the lines of `before` where the text is the same: git sees no change there."""
    return {
        path: before[path] if path in before and text_of(before[path]) == text_of(lines) else lines
        for path, lines in after.items()
    }
