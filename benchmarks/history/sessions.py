"""A session of an agent at work in the checkout, told in its own file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from benchmarks.history.checkout import Checkout
from benchmarks.history.claude_code import ClaudeCode
from benchmarks.history.code import CodeWriter
from benchmarks.history.codex import Codex
from benchmarks.history.editing import Editor
from benchmarks.history.truth import CommitTruth, Line, Person, SessionTruth


class _File(Protocol):
    agent: str
    session_id: str

    def prompt(self, at: datetime, text: str) -> None: ...
    def edit(
        self, at: datetime, path: str, old: Sequence[str] | None, new: Sequence[str]
    ) -> None: ...
    def shell(self, at: datetime, command: str, output: str, commit: str | None = None) -> None: ...
    def save(self, user_home: Path) -> None: ...


_FILES: dict[str, Callable[[random.Random, Path, datetime], _File]] = {
    "claude_code": ClaudeCode,
    "codex": Codex,
}


class Session:
    """Begins with a prompt; every step takes its time."""

    def __init__(
        self,
        checkout: Checkout,
        code: CodeWriter,
        chance: random.Random,
        developer: Person,
        agent: str | None = None,
        *,
        has_file: bool = True,
        tells_edits: bool = True,
        folder: Path | None = None,
    ) -> None:
        """`folder`: another work tree of the repository, as the agent names its files."""
        self.checkout, self.developer = checkout, developer
        self._chance = chance
        agent = agent or chance.choice(("claude_code", "claude_code", "codex"))
        place = folder or checkout.root
        self._file: _File = _FILES[agent](chance, place, checkout.now)
        self.session_id, self.agent = self._file.session_id, self._file.agent
        self.truth = SessionTruth(self.session_id, self.agent, has_file, tells_edits)
        checkout.history.sessions[self.session_id] = self.truth
        self.editor = Editor(code, chance, self.session_id)
        self._file.prompt(checkout.now, f"Please {code.statement('x.py', '')}")
        self._pass()

    def write(self, path: str, functions: int = 0) -> None:
        """A new file."""
        self._edit(path, self.editor.new_file(path, functions))

    def work_on(self, path: str) -> None:
        """One to three edits of a file that is there."""
        for _ in range(self._chance.randint(1, 3)):
            self._edit(path, self.editor.changed(path, self.checkout.files[path]))

    def rewrite(self, path: str, lines: list[Line]) -> None:
        """Make the file this one."""
        self._edit(path, lines)

    def run(self, command: str, output: str = "") -> None:
        """A shell's command, which did its work before."""
        self._file.shell(self.checkout.now, command, output)
        self._pass()

    def commit(
        self, message: str, story: str, paths: Sequence[str] | None = None, **more: bool
    ) -> CommitTruth:
        """The agent commits by itself, and its tool's output tells the short hash."""
        trailer = "Claude <noreply@anthropic.com>" if self.agent == "claude_code" else ""
        marker = self.agent if trailer and self._chance.random() < 0.5 else None
        if marker:
            message = f"{message}\n\nCo-Authored-By: {trailer}"
        made = self.checkout.commit(
            self.developer, message, story, paths=paths, made_by=self.session_id, marker=marker,
            amend=more.get("amend", False), told=more.get("told", True),
        )  # fmt: skip
        short = made.commit_hash[:7]
        output = f"[{self.checkout.branch} {short}] {message.splitlines()[0]}\n 1 file changed\n"
        self.checkout.wait(1)
        command = f"git add -A && git commit -m '{message.splitlines()[0]}'"
        self._file.shell(self.checkout.now, command, output, made.commit_hash)
        self._pass()
        return made

    def end(self) -> None:
        """Write the file, if this session has one."""
        if self.truth.has_file:
            self._file.save(self.checkout.history.user_home)

    def _edit(self, path: str, new: list[Line]) -> None:
        old = self.checkout.files.get(path)
        self.checkout.files[path] = new
        known = {line.key for line in old or ()}
        self.truth.written += sum(line.key not in known for line in new)
        if self.truth.tells_edits:
            texts = [line.text for line in old] if old is not None else None
            self._file.edit(self.checkout.now, path, texts, [line.text for line in new])
        else:
            self._file.shell(self.checkout.now, f"python tools/generate.py {path}", "")
        self._pass()

    def _pass(self) -> None:
        self.truth.last_at = self.checkout.now
        self.checkout.wait(15, 180, self._chance.random())
