"""Changes to files as somebody makes them: by a person or by an agent, the same kinds."""

from __future__ import annotations

import random

from benchmarks.history.code import CodeWriter, functions
from benchmarks.history.truth import Line


class Editor:
    """Edits in the name of one author; files that are given stay as they are."""

    def __init__(self, code: CodeWriter, chance: random.Random, author: str) -> None:
        self.code, self.chance, self.author = code, chance, author

    def lines(self, texts: list[str]) -> list[Line]:
        return [Line(text, self.author) for text in texts]

    def new_file(self, path: str, more: int = 0) -> list[Line]:
        """A file of a few functions, and `more`."""
        texts = self.code.file(path)
        for _ in range(more):
            texts += ["", *self.code.function(path)]
        return self.lines(texts)

    def changed(self, path: str, file: list[Line]) -> list[Line]:
        """One edit: mostly a function more, or some lines of one; sometimes one less."""
        roll = self.chance.random()
        if roll < 0.5 or len(file) < 8:
            return self.with_function(path, file)
        if roll < 0.9:
            return self.with_lines(path, file)
        return self.without_function(path, file)

    def with_function(self, path: str, file: list[Line]) -> list[Line]:
        """A function more, somewhere; now and then with an import."""
        added = self.lines(["", *self.code.function(path)])
        places = [first for first, _ in functions([line.text for line in file])]
        at = self.chance.choice([*places, len(file)])
        new = [*file[:at], *added, *file[at:]]
        if self.chance.random() < 0.25:
            new.insert(3, Line(self.code.import_line(path), self.author))
        return new

    def with_lines(self, path: str, file: list[Line], share: float = 0.4) -> list[Line]:
        """Lines of one function replaced, and one more."""
        inside = self._function(file)
        if inside is None:
            return self.with_function(path, file)
        first, last = inside
        new = list(file)
        at = self.chance.randrange(first + 1, max(first + 2, last - 1))
        indent = "  " if path.endswith("ts") else "    "
        for place in range(first + 1, last):
            if file[place].text.strip() and self.chance.random() < share:
                new[place] = Line(self.code.statement(path, indent), self.author)
        new.insert(at, Line(self.code.statement(path, indent), self.author))
        return new

    def without_function(self, path: str, file: list[Line]) -> list[Line]:
        """A function less if two stay, else one more."""
        found = functions([line.text for line in file])
        if len(found) < 3:
            return self.with_function(path, file)
        first, last = self.chance.choice(found)
        return [*file[:first], *file[last:]]

    def touched(self, path: str, file: list[Line], authors: set[str], share: float) -> list[Line]:
        """With about that share of the lines of some authors written anew."""
        indent = "  " if path.endswith("ts") else "    "
        return [
            Line(self.code.statement(path, indent), self.author)
            if line.author in authors and line.text.strip() and self.chance.random() < share
            else line
            for line in file
        ]

    def copied(self, file: list[Line]) -> list[Line]:
        """The file with a function of it once more, under another name and a bit different."""
        inside = self._function(file)
        if inside is None:
            return list(file)
        first, last = inside
        again = [line.text for line in file[first:last]]
        again[0] = again[0].replace("(", f"_{self.chance.randint(2, 99)}(", 1)
        for at in range(1, len(again)):
            if again[at].strip() and self.chance.random() < 0.35:
                again[at] = again[at].replace("each", "entry").replace("_", "_my_", 1)
        return [*file[:last], *self.lines(again), *file[last:]]

    def formatted(self, file: list[Line]) -> list[Line]:
        """As a formatter leaves it: other quotes, spaces, and long lines broken."""
        new: list[Line] = []
        for line in file:
            text = line.text.replace("'", '"')
            head, mark, rest = text.partition("(")
            if len(text) > 60 and mark and rest.endswith(")") and "def " not in text:
                indent = " " * (len(text) - len(text.lstrip()))
                broken = [f"{head}(", f"{indent}    {rest[:-1]}", f"{indent})"]
                new += self.lines(broken)
            elif text != line.text:
                new.append(Line(text, self.author))
            elif text.startswith("  ") and not text.startswith("    "):
                new.append(line.respaced("  " + text))
            else:
                new.append(line)
        return new

    def _function(self, file: list[Line]) -> tuple[int, int] | None:
        found = functions([line.text for line in file])
        return self.chance.choice(found) if found else None
