"""Which session files the collector has already, as they were then: `data/imported.json`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent_analytics_cli.agents.session_file import SessionFile
from agent_analytics_collector.errors import HomeUnusable
from agent_analytics_collector.home import Home


class _Content(msgspec.Struct):
    backend_url: str | None = None
    """Who has them; None is this home's own collector."""
    files: dict[str, tuple[int, int]] = {}
    """Path → size in bytes and modification time in ns."""


class Imported:
    """Session files that were delivered whole."""

    def __init__(self, home: Home, content: _Content) -> None:
        self._home, self._content = home, content

    @classmethod
    def load(cls, home: Home, backend_url: str | None) -> Imported:
        """What `backend_url` (None: this home's collector) has; nothing when that is unknown.

        A file that is not ours or damaged counts as missing: delivering again stores nothing twice.
        """
        try:
            content = msgspec.json.decode(_path(home).read_bytes(), type=_Content)
        except (OSError, msgspec.DecodeError):
            content = _Content(backend_url)
        return cls(home, content if content.backend_url == backend_url else _Content(backend_url))

    def has(self, file: SessionFile) -> bool:
        """Whether the file was delivered and is still the same."""
        return self._content.files.get(_key(file)) == (file.size, file.mtime_ns)

    def forget_missing(self, folder: Path, found: Iterable[SessionFile]) -> None:
        """Forget the files under `folder` that are gone; agents delete theirs after a while."""
        keys, root = {_key(file) for file in found}, os.path.join(_text(folder), "")
        self._content.files = {
            key: as_was
            for key, as_was in self._content.files.items()
            if key in keys or not key.startswith(root)
        }

    def add(self, files: Iterable[SessionFile]) -> None:
        """Remember files for good. Raises HomeUnusable."""
        self._content.files |= {_key(file): (file.size, file.mtime_ns) for file in files}
        path = _path(self._home)
        try:
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(msgspec.json.encode(self._content))
            os.replace(temporary, path)
        except OSError as error:
            raise HomeUnusable(self._home.root, error.strerror or str(error)) from error


def _path(home: Home) -> Path:
    return home.data / "imported.json"


def _key(file: SessionFile) -> str:
    return _text(file.path)


def _text(path: Path) -> str:
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
