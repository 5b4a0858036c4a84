"""Three people, their agents and their repository: what the stories of a history share."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.history.checkout import Checkout
from benchmarks.history.code import CodeWriter
from benchmarks.history.editing import Editor
from benchmarks.history.sessions import Session
from benchmarks.history.truth import CommitTruth, Line, Person

PEOPLE = (
    Person("Ada Berg", "ada@acme.example"),
    Person("Jonas Weiß", "jonas@acme.example"),
    Person("Mei Tanaka", "mei@acme.example"),
)
_KINDS = ("Add", "Fix", "Handle", "Extend", "Tidy", "Speed up")


@dataclass(slots=True)
class Shelved:
    """Work that somebody keeps back, in files that nobody else touches meanwhile."""

    files: dict[str, list[Line]]
    due: datetime
    person: Person
    story: str


class Team:
    """The checkout, who works in it, and what was put aside."""

    def __init__(self, checkout: Checkout, chance: random.Random) -> None:
        self.checkout, self.chance = checkout, chance
        self.code = CodeWriter(chance)
        self.shelf: list[Shelved] = []
        self.branches = 0

    def person(self) -> Person:
        return self.chance.choice(PEOPLE)

    def editor(self, person: Person) -> Editor:
        return Editor(self.code, self.chance, person.name)

    def session(
        self,
        agent: str | None = None,
        *,
        has_file: bool = True,
        tells_edits: bool = True,
        folder: Path | None = None,
    ) -> Session:
        """An agent at work for one of the people."""
        return Session(
            self.checkout, self.code, self.chance, self.person(), agent,
            has_file=has_file, tells_edits=tells_edits, folder=folder,
        )  # fmt: skip

    def message(self) -> str:
        """A subject; one in four names a ticket."""
        ticket = f" (ACME-{self.chance.randint(100, 999)})" if self.chance.random() < 0.25 else ""
        words = self.code.statement("x.py", "").split("(")[0].replace("_", " ").replace("=", "as")
        return f"{self.chance.choice(_KINDS)} {words.strip(' .')}{ticket}"

    def files(self, *, except_for: frozenset[str] = frozenset()) -> list[str]:
        """Files with code that nobody keeps work in."""
        busy = {path for each in self.shelf for path in each.files}
        return [
            path
            for path, lines in self.checkout.files.items()
            if path not in busy | except_for and path.endswith((".py", ".ts")) and len(lines) > 8
        ]

    def pick(self, count: int, *, except_for: frozenset[str] = frozenset()) -> list[str]:
        """Some of them, the newest more often."""
        files = self.files(except_for=except_for)
        recent = files[-12:] * 3 + files
        found = dict.fromkeys(self.chance.choice(recent) for _ in range(count) if recent)
        return list(found)

    def work(self, session: Session, *, except_for: frozenset[str] = frozenset()) -> list[str]:
        """What an agent does for one task: the files that it wrote or changed."""
        touched = []
        for _ in range(self.chance.randint(1, 2)):
            path = self.new_path()
            session.write(path)
            touched.append(path)
        for path in self.pick(self.chance.randint(0, 2), except_for=except_for):
            session.work_on(path)
            touched.append(path)
        return list(dict.fromkeys(touched))

    def write(self, person: Person, *, except_for: frozenset[str] = frozenset()) -> list[str]:
        """What a person does for one task."""
        editor, touched = self.editor(person), []
        if self.chance.random() < 0.4 or len(self.files()) < 4:
            path = self.new_path()
            self.checkout.files[path] = editor.new_file(path)
            touched.append(path)
        for path in self.pick(self.chance.randint(1, 3), except_for=except_for):
            for _ in range(self.chance.randint(1, 2)):
                self.checkout.files[path] = editor.changed(path, self.checkout.files[path])
            touched.append(path)
        self.pause(600, 5400)
        return list(dict.fromkeys(touched))

    def new_path(self) -> str:
        busy = {path for each in self.shelf for path in each.files}
        return self.code.path(set(self.checkout.files) | busy)

    def pause(self, least_s: float, most_s: float) -> None:
        self.checkout.wait(least_s, most_s, self.chance.random())

    def shelve(self, person: Person, story: str, days: float) -> None:
        """Put aside all that is not committed, for some days."""
        tree = self.checkout.tree
        changed = {
            path: lines
            for path, lines in self.checkout.files.items()
            if tuple(lines) != tree.get(path)
        }
        self.shelf.append(Shelved(changed, self.checkout.now + timedelta(days=days), person, story))
        self.checkout.discard()

    def unshelve(self) -> None:
        """Commit what is due; nothing else may be uncommitted."""
        for each in [each for each in self.shelf if each.due <= self.checkout.now]:
            self.shelf.remove(each)
            self.checkout.files |= each.files
            self.checkout.commit(each.person, self.message(), each.story)
            self.pause(60, 600)

    def is_untouched(self, commit: CommitTruth) -> bool:
        """Whether the files of a commit of this branch are as it left them."""
        tree = self.checkout.history.trees[commit.commit_hash]
        busy = {path for each in self.shelf for path in each.files}
        return bool(commit.new) and all(
            self.checkout.tree.get(path) == tree.get(path) and path not in busy
            for path in commit.new
        )
