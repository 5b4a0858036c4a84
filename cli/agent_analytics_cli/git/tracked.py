"""Repositories whose history is followed: `data/repositories.json`.

Those in which a hook noted a commit, and those named to `import-git`.
"""

from __future__ import annotations

import copy
import fcntl
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import unquote_to_bytes

import msgspec

from agent_analytics_cli.git.repository import NotARepository, Repository, find_repository
from agent_analytics_cli.private_files import open_private
from agent_analytics_collector.errors import HomeUnusable
from agent_analytics_collector.home import Home


class Followed(msgspec.Struct):
    """A repository, by the folder that its work trees share."""

    git_dir: str
    """As a file URI, for a folder's name may be no UTF-8."""
    tips: list[str] = []
    """Of which all history was delivered."""
    measured: dict[int, date] = {}
    """By age in days the last day whose commits were looked for at that age (survival.py)."""
    notes_tip: str | None = None
    """The commit of `refs/notes/ai` up to which notes were delivered."""


class _Content(msgspec.Struct):
    backend_url: str | None = None
    """Who has the history; None is this home's own collector."""
    repositories: dict[str, Followed] = {}
    """By folder: clones of one origin are followed each."""


class Tracked:
    """The repositories of one home."""

    def __init__(self, home: Home, content: _Content) -> None:
        self._home, self._content = home, content

    @classmethod
    def load(cls, home: Home, backend_url: str | None) -> Tracked:
        """What is followed; nothing counts as delivered to another `backend_url` than this one.

        A file that is damaged counts as missing: delivering again stores nothing twice.
        """
        try:
            content = msgspec.json.decode(_path(home).read_bytes(), type=_Content)
        except (OSError, msgspec.DecodeError):
            content = _Content(backend_url)
        if content.backend_url != backend_url:
            folders = content.repositories
            content = _Content(backend_url, {name: Followed(name) for name in folders})
        return cls(home, content)

    def of(self, repository: Repository) -> Followed:
        """What is known of a repository."""
        return copy.deepcopy(self._known(repository.common_dir.as_uri()))

    def keep(self, repository: Repository, followed: Followed | None = None) -> None:
        """Follow a repository, for good; with `followed` what is known of it now.

        What other processes kept in the meantime stays. Raises HomeUnusable.
        """
        name = repository.common_dir.as_uri()
        if followed is None and name in self._content.repositories:
            return
        before = self._known(name)
        now = copy.deepcopy(followed) if followed else before
        self._content.repositories[name] = now
        try:
            with open(_path(self._home).with_suffix(".lock"), "ab", opener=open_private) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                stored = Tracked.load(self._home, self._content.backend_url)
                merged = _merged(before, now, stored._known(name))
                stored._content.repositories = (
                    self._content.repositories | stored._content.repositories | {name: merged}
                )
                stored._save()
        except OSError as error:
            raise HomeUnusable(self._home.root, error.strerror or str(error)) from error

    @property
    def is_empty(self) -> bool:
        """Whether no repository is followed."""
        return not self._content.repositories

    def repositories(self) -> Iterator[Repository]:
        """Those that are still there."""
        for name in list(self._content.repositories):
            try:
                yield find_repository(git_dir=_folder(name))
            except NotARepository:
                continue

    def _known(self, name: str) -> Followed:
        return self._content.repositories.get(name) or Followed(name)

    def _save(self) -> None:
        path = _path(self._home)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with open(temporary, "wb", opener=open_private) as file:
            file.write(msgspec.json.encode(self._content))
        os.replace(temporary, path)


def _merged(before: Followed, now: Followed, stored: Followed) -> Followed:
    """`stored` with what became of `before`; of the days measured at an age the last."""
    return Followed(
        stored.git_dir,
        stored.tips if now.tips == before.tips else now.tips,
        {
            age: max(known.measured.get(age, date.min) for known in (stored, now))
            for age in stored.measured | now.measured
        },
        stored.notes_tip if now.notes_tip == before.notes_tip else now.notes_tip,
    )


def _folder(uri: str) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))


def _path(home: Home) -> Path:
    return home.data / "repositories.json"
