"""The folder of backups: what one is made of, and which there are.

`<folder>/20261122T031500Z/` holds `agent_analytics.duckdb`, `manifest.json` and, in `home/`, what
cannot be made again: configuration, seeds and keys. A folder that is being written begins with a
dot, so that what is listed is whole.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import belong_to_owner
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.segments import Position

DATABASE = "agent_analytics.duckdb"
MANIFEST = "manifest.json"
HOME_FILES = "home"
NAME_FORMAT = "%Y%m%dT%H%M%SZ"
_WAIT_S = 60.0


class NoSuchBackup(AgentAnalyticsError):
    """A backup was named that is not there."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        super().__init__(
            f"There is no backup {name!r} in {folder}. `agent-analytics backup list` shows what "
            "there is; `latest` names the newest."
        )


class BackupsBusy(AgentAnalyticsError):
    """Another process is at the backups of this home."""

    def __init__(self) -> None:
        super().__init__(
            "Another backup or restore of this home is under way. Try again when it is done."
        )


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself."""

    made_at: str
    """UTC, ISO 8601."""
    version: str
    """Of agent-analytics."""
    schema_version: int
    segment: int
    offset: int
    """Spool position up to which everything is in the copied file."""
    rows: dict[str, int]
    """Raw table → rows."""
    digests: dict[str, str]
    """File, relative to the backup → SHA-256."""
    size_bytes: int
    retired: dict[str, int] = {}
    """Raw table → rows that retention had removed from it by then, ever."""

    @property
    def position(self) -> Position:
        return Position(self.segment, self.offset)


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup."""

    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    @property
    def made_at(self) -> datetime:
        return datetime.fromisoformat(self.manifest.made_at)

    @property
    def installation(self) -> str | None:
        """The id of the home that it was made of; None when it had none yet."""
        return _text_of(self.path / HOME_FILES / "installation.id")


class Needed(msgspec.Struct, frozen=True):
    """`run/backup.json`: where in the spool the newest backup ends."""

    segment: int
    offset: int


def backups_folder(home: Home, settings: Settings) -> Path:
    return home.root / Path(settings.backup.folder).expanduser()


@contextmanager
def alone_with_backups(home: Home) -> Iterator[None]:
    """Nobody else makes, removes or restores a backup meanwhile. Raises BackupsBusy."""
    deadline = time.monotonic() + _WAIT_S
    with (home.run / "backup.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise BackupsBusy from error
                time.sleep(0.1)
        yield


def list_backups(home: Home, settings: Settings) -> list[Backup]:
    """The backups there are, oldest first; one without a readable manifest is none."""
    folder = backups_folder(home, settings)
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_dir():
            continue
        try:
            content = (path / MANIFEST).read_bytes()
            found.append(Backup(path, msgspec.json.decode(content, type=Manifest)))
        except (OSError, msgspec.DecodeError):
            continue
    return found


def own_backups(home: Home, settings: Settings) -> list[Backup]:
    """Those that were made of this home: a folder on a server may be shared by several."""
    own = _text_of(home.installation)
    found = list_backups(home, settings)
    return [one for one in found if own is None or one.installation in (None, own)]


def find_backup(home: Home, settings: Settings, name: str) -> Backup:
    """The backup of that name, also of another home, or the `latest` of this one.

    Raises NoSuchBackup.
    """
    if name == "latest" and (own := own_backups(home, settings)):
        return own[-1]
    for backup in list_backups(home, settings):
        if backup.name == name:
            return backup
    raise NoSuchBackup(name, backups_folder(home, settings))


def oldest_needed(home: Home) -> Position | None:
    """The spool position from which a restore of the newest backup would go on.

    None when there is no backup. Read from `run/backup.json`, which each backup writes.
    """
    try:
        needed = msgspec.json.decode((home.run / "backup.json").read_bytes(), type=Needed)
    except (OSError, msgspec.DecodeError):
        return None
    return Position(needed.segment, needed.offset)


def copy_file(source: Path, target: Path) -> None:
    """Copy durably to a file that is not there yet, for the owner alone."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as original, os.fdopen(descriptor, "wb") as copy:
        belong_to_owner(descriptor, target.parent)
        shutil.copyfileobj(original, copy, 4 * 1024 * 1024)
        copy.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
