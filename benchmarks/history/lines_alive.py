"""How many lines of commits are alive, counted straight from git and again from the truth.

Not as the product counts: every file of every state of the main branch is blamed, by its path
there, and nothing is known of renames or of what a commit touched. Blame that ignores white space
may pair equal lines otherwise than the commit's own diff; more than were added are never alive.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agent_analytics_cli.git.repository import run_git
from benchmarks.history.truth import History

_NOBODYS = re.compile(r"(?:^|/)(?:package-lock\.json|\w+_pb2\.py)$")
_BLAMED = re.compile(rb"^([0-9a-f]{40}) \d+ \d+")
_SPACES = re.compile(r"\s+")


def counts(path: str, text: str) -> bool:
    """Whether a line is work, by the words of data-model.md."""
    bare = _SPACES.sub(" ", text).strip()
    return len(bare) > 3 and any(each.isalnum() or each == "_" for each in bare) and (
        len(text) <= 1000 and not _NOBODYS.search(path)
    )  # fmt: skip


@dataclass(slots=True)
class Alive:
    """Lines alive by (commit, age)."""

    by_blame: dict[tuple[str, int], int] = field(default_factory=dict)
    by_truth: dict[tuple[str, int], int] = field(default_factory=dict)


def count_alive(history: History, ages: tuple[int, ...], now: datetime) -> Alive:
    """Of all commits of main that are old enough: their day ended `age` days before `now`.

    A merge has no lines.
    """
    states = _States(history)
    inside = set(_git(history, "rev-list", "--no-merges", "main").split())
    added = _added(history)
    found = Alive()
    for commit_hash, commit in history.commits.items():
        if commit_hash not in inside:
            continue
        day = commit.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        keys = {line.key for lines in commit.new.values() for line in lines}
        for age in ages:
            if day.date() > (now - timedelta(days=age + 1)).date():
                continue
            state = states.at(day + timedelta(days=age + 1))
            blamed = states.lines(state)[commit_hash]
            found.by_blame[commit_hash, age] = min(blamed, added[commit_hash])
            found.by_truth[commit_hash, age] = sum(
                line.key in keys and counts(path, line.text)
                for path, lines in history.trees[state].items()
                for line in lines
            )
    return found


class _States:
    """The commits at which main stood, one after the other."""

    def __init__(self, history: History) -> None:
        self._history = history
        printed = _git(history, "log", "--first-parent", "--reverse", "--format=%ct %H", "main")
        rows = [line.split() for line in printed.splitlines()]
        self._times = [int(time) for time, _ in rows]
        self._hashes = [commit_hash for _, commit_hash in rows]
        self._blobs: dict[str, dict[str, str]] = {}
        self._blamed: dict[tuple[str, str], Counter[str]] = {}
        self._counted: dict[str, Counter[str]] = {}
        self._since: dict[tuple[str, str], str] = {}
        self._read_versions()

    def at(self, moment: datetime) -> str:
        """The last of them that was there at a moment."""
        return self._hashes[bisect_right(self._times, int(moment.timestamp())) - 1]

    def lines(self, state: str) -> Counter[str]:
        """Lines of work in all files of a state, by the commit that blame names."""
        if state not in self._counted:
            total: Counter[str] = Counter()
            for path in self._blobs[state]:
                total += self._blame(path, self._since[state, path])
            self._counted[state] = total
        return self._counted[state]

    def _read_versions(self) -> None:
        """Since which state each file is as it is: until then blame says the same."""
        before: dict[str, str] = {}
        last = ""
        for state in self._hashes:
            listing = _git(self._history, "ls-tree", "-r", "-z", state)
            blobs = {
                line.partition("\t")[2]: line.split()[2] for line in listing.split("\0") if line
            }
            for path, blob in blobs.items():
                is_same = before.get(path) == blob
                self._since[state, path] = self._since[last, path] if is_same else state
            self._blobs[state], before, last = blobs, blobs, state

    def _blame(self, path: str, state: str) -> Counter[str]:
        if (path, state) not in self._blamed:
            found: Counter[str] = Counter()
            commit_hash = ""
            repository = self._history.repository
            printed = run_git("blame", "--porcelain", "-w", state, "--", path, cwd=repository)
            for line in printed.split(b"\n"):
                if line.startswith(b"\t"):
                    found[commit_hash] += counts(path, line[1:].decode())
                elif header := _BLAMED.match(line):
                    commit_hash = header[1].decode()
            self._blamed[path, state] = found
        return self._blamed[path, state]


def _added(history: History) -> Counter[str]:
    """Lines of work that each commit's diff adds."""
    printed = _git(history, "log", "--no-merges", "-p", "-U0", "-M", "--format=commit %H", "main")
    found: Counter[str] = Counter()
    commit_hash = path = ""
    for line in printed.splitlines():
        if line.startswith("commit "):
            commit_hash = line[7:]
        elif line.startswith("+++ "):
            path = line[6:]
        elif line.startswith("+"):
            found[commit_hash] += counts(path, line[1:])
    return found


def _git(history: History, *arguments: str) -> str:
    return run_git(*arguments, cwd=history.repository).decode()
