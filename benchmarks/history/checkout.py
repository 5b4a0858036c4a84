"""What git does with commits, done to the lines of the truth as well.

The two are compared each time: a history of which the truth is not known is not made.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.history.truth import CommitTruth, Line, Person, Tree, text_of
from benchmarks.history.work_tree import WorkTree


class Checkout(WorkTree):
    """Branches come together, and commits are carried over and undone."""

    def merge(self, branch: str, by: Person, message: str, merged: Tree) -> None:
        self.git("merge", "--quiet", "--no-ff", "--message", message, branch, by=by)
        commit = self._record("merge", {}, merged, by_git=True)
        commit.new, commit.is_merge = {}, True

    def squash(self, branch: str, by: Person, message: str, merged: Tree) -> CommitTruth:
        """Bring a branch's work into this one as one commit."""
        before = self.tree
        self.git("merge", "--quiet", "--squash", branch)
        self.git("commit", "--quiet", "--message", message, by=by)
        return self._record("squash", before, merged, by_git=True)

    def rebase(self, upstream: str, by: Person, hashes: Sequence[str], *, told: bool) -> list[str]:
        """Put this branch's commits, the oldest first, upon another; their new hashes."""
        self.git("rebase", "--quiet", upstream, by=by)
        made = self.git("rev-list", "--reverse", f"{upstream}..HEAD").split()
        if len(made) != len(hashes):
            raise RuntimeError(f"rebase made {len(made)} commits of {len(hashes)}")
        tree = self.history.trees[self._hash(upstream)]
        for old_hash, new_hash in zip(hashes, made, strict=True):
            old = self.history.commits.pop(old_hash)
            tree = _moved(tree, self.parent_tree(old_hash), self.history.trees[old_hash])
            self.history.trees[new_hash] = tree
            commit = CommitTruth(new_hash, "rebase", self.now, old.new, marker=old.marker)
            commit.made_by = old.made_by if told else None
            self.history.commits[new_hash] = commit
        self._take_pairs(told)
        self._take(tree)
        return made

    def fast_forward(self, branch: str) -> None:
        self.git("merge", "--quiet", "--ff-only", branch)
        self._take(self.tree)

    def cherry_pick(self, commit: CommitTruth, by: Person) -> CommitTruth:
        """Bring one commit into this branch; its files must be here as its parent had them."""
        source, before = commit.commit_hash, self.tree
        after = _moved(before, self.parent_tree(source), self.history.trees[source])
        self.git("cherry-pick", source, by=by)
        picked = self._record("cherry-pick", before, after, by_git=True)
        picked.made_by, picked.marker = commit.made_by, commit.marker
        return picked

    def revert(self, commit: CommitTruth, by: Person) -> CommitTruth:
        """Undo a commit whose files nobody touched since. What comes back is the reverter's."""
        return self._undo(commit, by, "revert", by.name)

    def reapply(self, revert: CommitTruth, reverted: CommitTruth, by: Person) -> CommitTruth:
        """Undo a revert, at once. What comes back is whose it was, as with a cherry-pick."""
        again = self._undo(revert, by, "reapplied")
        again.made_by = reverted.made_by
        return again

    def _undo(
        self, commit: CommitTruth, by: Person, story: str, author: str | None = None
    ) -> CommitTruth:
        """`author`: of the lines that come back, else whose they were."""
        before = self.tree
        parent = self.parent_tree(commit.commit_hash)
        here = {line.key for lines in before.values() for line in lines}
        back = {
            path: tuple(
                line if line.key in here else Line(line.text, author or line.author)
                for line in parent.get(path, ())
            )
            for path in sorted(_changed(parent, self.history.trees[commit.commit_hash]))
        }
        after = {path: lines for path, lines in before.items() if path not in back}
        after |= {path: lines for path, lines in back.items() if path in parent}
        self.git("revert", "--no-edit", commit.commit_hash, by=by)
        return self._record(story, before, after, by_git=True)

    def _hash(self, name: str) -> str:
        return self.git("rev-parse", name).strip()


def _changed(before: Tree, after: Tree) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def _moved(base: Tree, before: Tree, after: Tree) -> Tree:
    """`base` with what changed between the two. Raises RuntimeError where that differs."""
    changed = _changed(before, after)
    for path in changed:
        if text_of(base.get(path, ())) != text_of(before.get(path, ())):
            raise RuntimeError(f"{path} was changed on both sides")
    kept = {path: lines for path, lines in base.items() if path not in changed}
    return kept | {path: lines for path, lines in after.items() if path in changed}
