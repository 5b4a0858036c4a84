"""Which session files the collector has already, and up to where: `data/imported.json`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from agent_analytics_cli.agents.session_file import Reading, SessionFile
from agent_analytics_collector.errors import HomeUnusable
from agent_analytics_collector.home import Home

_TOLD = 1
"""Goes up when readers tell more than before: then every file is read again, once."""
_LOOKED_AT = 4096
"""Bytes of a file's beginning, and of those before its offset, by which it is known again."""


class Delivered(msgspec.Struct, frozen=True, array_like=True):
    """A session file as it was when all its whole lines had arrived."""

    size: int
    """Bytes."""
    mtime_ns: int
    offset: int = 0
    """Where the next reading begins; 0 of a file that is read only as a whole."""
    mark: str = ""
    """Digest of some bytes before the offset."""
    context: dict[str, Any] | None = None
    """What the reader knew there."""

    @classmethod
    def of(cls, file: SessionFile, reading: Reading) -> Delivered:
        """The file after `reading`. One that cannot be looked at again will be read anew."""
        mark = _mark(file.path, reading.offset)
        if not mark:
            return cls(file.size, file.mtime_ns)
        return cls(file.size, file.mtime_ns, reading.offset, mark, reading.context)


class _Content(msgspec.Struct):
    backend_url: str | None = None
    """Who has them; None is this home's own collector."""
    told: int = 0
    """What readers told when these were read; 1 is with edits."""
    files: dict[str, Delivered] = {}
    """By path."""


class Imported:
    """Session files that were delivered whole."""

    def __init__(self, home: Home, content: _Content) -> None:
        self._home, self._content = home, content

    @classmethod
    def load(cls, home: Home, backend_url: str | None) -> Imported:
        """What `backend_url` (None: this home's collector) has of all that readers tell now.

        Nothing when that is unknown. A file that is not ours or damaged counts as missing:
        delivering again stores nothing twice.
        """
        try:
            content = msgspec.json.decode(_path(home).read_bytes(), type=_Content)
        except (OSError, msgspec.DecodeError):
            content = _Content()
        is_ours = (content.backend_url, content.told) == (backend_url, _TOLD)
        return cls(home, content if is_ours else _Content(backend_url, _TOLD))

    def has(self, file: SessionFile) -> bool:
        """Whether the file was delivered and is still the same."""
        known = self._content.files.get(_key(file))
        return known is not None and (known.size, known.mtime_ns) == (file.size, file.mtime_ns)

    def reading(self, file: SessionFile) -> Reading:
        """Where to go on: behind what was delivered, if the file has only grown since."""
        known = self._content.files.get(_key(file))
        if known and known.mark and _mark(file.path, known.offset) == known.mark:
            return Reading(known.offset, known.context)
        return Reading()

    def forget_missing(self, folder: Path, found: Iterable[SessionFile]) -> None:
        """Forget the files under `folder` that are gone; agents delete theirs after a while."""
        keys, root = {_key(file) for file in found}, os.path.join(_text(folder), "")
        self._content.files = {
            key: as_was
            for key, as_was in self._content.files.items()
            if key in keys or not key.startswith(root)
        }

    def add(self, files: Iterable[tuple[SessionFile, Delivered]]) -> None:
        """Remember files for good. Raises HomeUnusable."""
        self._content.files |= {_key(file): delivered for file, delivered in files}
        path = _path(self._home)
        try:
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(msgspec.json.encode(self._content))
            os.replace(temporary, path)
        except OSError as error:
            raise HomeUnusable(self._home.root, error.strerror or str(error)) from error


def _mark(path: Path, offset: int) -> str:
    """Digest of the file's first bytes and of the last ones before `offset`.

    Empty when there are none, or the file does not reach that far.
    """
    looked_at = min(offset, _LOOKED_AT)
    try:
        with open(path, "rb") as opened:
            head = opened.read(looked_at)
            opened.seek(offset - looked_at)
            tail = opened.read(looked_at)
    except OSError:
        return ""
    if not looked_at or len(tail) < looked_at:
        return ""
    return blake2b(head + tail, digest_size=16).hexdigest()


def _path(home: Home) -> Path:
    return home.data / "imported.json"


def _key(file: SessionFile) -> str:
    return _text(file.path)


def _text(path: Path) -> str:
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
