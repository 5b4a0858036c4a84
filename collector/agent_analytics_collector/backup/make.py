"""Making a backup: one lease, a checkpoint, a copy by a child process, a manifest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import duckdb
import msgspec
import structlog

from agent_analytics_collector.backup.folder import (
    DATABASE,
    HOME_FILES,
    MANIFEST,
    NAME_FORMAT,
    Backup,
    Manifest,
    Needed,
    alone_with_backups,
    backups_folder,
    copy_file,
    own_backups,
    sync_folder,
)
from agent_analytics_collector.backup.verify import damage_of, digest_of, table_rows
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.home_secrets import installation_id
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.state import write_bytes
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.load import stored_position
from agent_analytics_collector.warehouse.recovery import is_damage
from agent_analytics_collector.warehouse.recovery_state import read_retired

log = structlog.get_logger()

LEASE_TIMEOUT_S = 60.0
_KEPT = ("config.yaml", "keys.json", "signing.key", "installation.id", "line.key", "pepper.key",
         "erasures.json", "token", "seeds", "forward")  # fmt: skip
"""What of a home cannot be made again; the outbox and the spool are still to be delivered."""
_MAKE_ROOM = "Make room, or set backup.folder in config.yaml to a folder elsewhere"


class BackupFailed(AgentAnalyticsError):
    """No backup could be made."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(f"The backup failed: {problem}. {next_step}.")


class DamagedDatabase(BackupFailed):
    """The DuckDB file itself cannot be read to its end."""

    def __init__(self, database: Path, problem: str) -> None:
        super().__init__(
            f"{database} is damaged: {problem.splitlines()[0]}",
            "Bring the newest sound one back with `agent-analytics restore latest`",
        )


def make_backup(home: Home, settings: Settings, now: datetime) -> Backup:
    """Copy the home as of one instant and remove what is too old.

    Nobody can write meanwhile; what is received waits in the spool. Raises BackupFailed,
    BackupsBusy, FileLocked, NotADatabase, NewerSchema; DamagedDatabase when the copy shows that
    the file is broken somewhere.
    """
    try:
        with alone_with_backups(home):
            backup = _make(home, settings, now)
            prune(home, settings)
            remember_needed(home, settings)
    except OSError as error:
        raise BackupFailed(str(error), _MAKE_ROOM) from error
    manifest = backup.manifest
    log.info(
        "backed_up", backup=backup.name, bytes=manifest.size_bytes, rows=sum(manifest.rows.values())
    )
    return backup


def _make(home: Home, settings: Settings, now: datetime) -> Backup:
    folder = backups_folder(home, settings)
    name = now.astimezone(UTC).strftime(NAME_FORMAT)
    if (folder / name).exists():
        raise BackupFailed(f"{folder / name} exists", "Try again in a second")
    writing = folder / f".{name}.{installation_id(home)}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(writing, ignore_errors=True)
        writing.mkdir(mode=0o700)
        manifest = _copy(home, writing, now)
        for path in _copy_home_files(home, writing / HOME_FILES):
            manifest.digests[str(path.relative_to(writing))] = digest_of(path)
        content = msgspec.json.format(msgspec.json.encode(manifest))
        write_bytes(writing / MANIFEST, content, durable=True)
        sync_folder(writing)
        os.rename(writing, folder / name)
        sync_folder(folder)
    except duckdb.Error as error:
        shutil.rmtree(writing, ignore_errors=True)
        if is_damage(str(error)):
            raise DamagedDatabase(home.database, str(error)) from error
        raise BackupFailed(str(error).splitlines()[0], _MAKE_ROOM) from error
    except BaseException:
        shutil.rmtree(writing, ignore_errors=True)
        raise
    return Backup(folder / name, manifest)


def _copy(home: Home, folder: Path, now: datetime) -> Manifest:
    target = folder / DATABASE
    with lease_when_free(home.database, LEASE_TIMEOUT_S) as connection:
        connection.execute("CHECKPOINT")
        position, rows = stored_position(connection), table_rows(connection)
        schema_version = _schema_version(connection)
        copying = [sys.executable, "-m", "agent_analytics_collector.backup.copy_process"]
        copied = subprocess.run(
            [*copying, str(home.database), str(target)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if copied.returncode:
            raise OSError(copied.stderr.strip() or f"copying ended with {copied.returncode}")
    if problem := damage_of(target):
        raise DamagedDatabase(home.database, problem)
    return Manifest(
        made_at=now.astimezone(UTC).isoformat(timespec="milliseconds"),
        version=version("agent-analytics"),
        schema_version=schema_version,
        segment=position.segment,
        offset=position.offset,
        rows=rows,
        digests={DATABASE: digest_of(target)},
        size_bytes=target.stat().st_size,
        retired=read_retired(home),
    )


def _copy_home_files(home: Home, folder: Path) -> list[Path]:
    copied: list[Path] = []
    for name in _KEPT:
        source = home.root / name
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file():
                target = folder / path.relative_to(home.root)
                copy_file(path, target)
                copied.append(target)
    return copied


def prune(home: Home, settings: Settings) -> list[Backup]:
    """Remove all but the newest `backup.keep`, and what a killed backup left; what is gone."""
    folder = backups_folder(home, settings)
    for left in folder.glob(f".2*.{installation_id(home)}"):
        shutil.rmtree(left, ignore_errors=True)
    gone = own_backups(home, settings)[: -settings.backup.keep]
    for backup in gone:
        shutil.rmtree(backup.path, ignore_errors=True)
    return gone


def remember_needed(home: Home, settings: Settings) -> None:
    """Tell the spool what the newest backup lacks."""
    found = own_backups(home, settings)
    position = found[-1].manifest.position if found else Position()
    write_bytes(home.run / "backup.json", msgspec.json.encode(Needed(*position)))


def _schema_version(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT max(version) FROM schema_migrations").fetchone()
    return int(row[0]) if row else 0
