"""Erasing a person: everywhere in the home and its backups, and then proven by looking.

Told first to `erasures.json`, so that a kill in between, or an old copy restored years later, does
not bring anything back: done again, it goes on.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from agent_analytics_collector.backup.folder import (
    DATABASE,
    HOME_FILES,
    MANIFEST,
    Backup,
    alone_with_backups,
    list_backups,
)
from agent_analytics_collector.backup.verify import digest_of, table_rows
from agent_analytics_collector.errors import NotADatabase, NotErased, UnknownDeveloper
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy import files
from agent_analytics_collector.privacy.database import erase_database
from agent_analytics_collector.privacy.pseudonyms import Pseudonyms, pseudonyms
from agent_analytics_collector.privacy.requests import rest_of
from agent_analytics_collector.privacy.rows import count_rows
from agent_analytics_collector.privacy.search import Finding, search
from agent_analytics_collector.privacy.subject import Subject, find_subject
from agent_analytics_collector.privacy.tombstones import remember_erasure
from agent_analytics_collector.privacy.unfinished import begin, end, unfinished
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.erasing import erase_entries
from agent_analytics_collector.spool.reader import end_of_spool
from agent_analytics_collector.state import write_bytes
from agent_analytics_collector.transform import transform
from agent_analytics_collector.warehouse.flush import flush
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.migrations import known_migrations

log = structlog.get_logger()

LOAD_TIMEOUT_S = 300.0
_ROUNDS = 3
"""What arrives while it is being erased is erased in the next round."""


@dataclass(slots=True)
class Erased:
    """What was deleted where."""

    rows: dict[str, int] = field(default_factory=dict)
    """By table of the DuckDB file."""
    entries: int = 0
    """Of the spool."""
    backups: int = 0
    keys: int = 0
    others: int = 0
    """Lines of CSV files and of the outbox."""
    remains: list[Finding] = field(default_factory=list)
    """In files that are the user's to change, such as config.yaml."""

    @property
    def total_rows(self) -> int:
        return sum(self.rows.values())


_OWN_FILES = ("config.yaml", "installed.json")
"""What the user wrote, or was told that it will be undone."""


def look_up(home: Home, settings: Settings, name: str) -> Subject:
    """The person of that name, by all names. Raises UnknownDeveloper, FileLocked."""
    flush(home, settings, LOAD_TIMEOUT_S)
    begun = unfinished(home, name)
    with lease_when_free(home.database, LOAD_TIMEOUT_S) as connection:
        subject = find_subject(connection, begun.names if begun else [name], pseudonyms(home))
        if begun is None and not any(count_rows(connection).values()):
            raise UnknownDeveloper(name)
    return subject.joined(begun) if begun else subject


def erase(home: Home, settings: Settings, name: str, dbt_project: Path) -> Erased:
    """Erase the person of that name and prove it.

    Raises UnknownDeveloper, FileLocked, NotFlushed, TransformFailed, NotErased.
    """
    subject = look_up(home, settings, name)
    hashes = pseudonyms(home)
    begin(home, subject)
    remember_erasure(home, subject, datetime.now(UTC))
    erased = Erased(keys=files.erase_keys(home, subject, hashes))  # so that nothing new comes
    for _ in range(_ROUNDS):
        subject = _erase_once(home, settings, subject, hashes, erased)
        transform(home, settings, dbt_project, full_refresh=True)
        _remove_older_runs(home)
        files.mask_text_files(home, subject)
        found = search(home, settings, subject.needles, whole_words=True)
        found += search(home, settings, subject.sessions, decoded_only=True)
        erased.remains = [one for one in found if one.file in _OWN_FILES]
        found = [one for one in found if one.file not in (*_OWN_FILES, home.erasing.name)]
        if not found:
            end(home, subject)
            log.info("person_erased", rows=erased.total_rows, entries=erased.entries)
            return erased
    raise NotErased([f"{one.file} ({one.place})" for one in found])


def _erase_once(
    home: Home, settings: Settings, subject: Subject, hashes: Pseudonyms, erased: Erased
) -> Subject:
    """Returns the person with what was learned on the way."""
    flush(home, settings, LOAD_TIMEOUT_S)
    home.want.touch(mode=0o600)  # the loader makes way
    erased.others += files.erase_seeds(home.seeds, subject)
    erased.others += files.erase_outbox(home, subject)
    with alone_with_backups(home):
        for backup in list_backups(home, settings):
            try:
                subject = _erase_backup(backup, subject, hashes)
            except NotADatabase:  # damaged: nobody can tell whose data is in it, nor restore it
                log.warning("damaged_backup_removed", backup=backup.name)
                shutil.rmtree(backup.path)
            erased.backups += 1
    found, rows, position = erase_database(
        home.database, lambda connection: find_subject(connection, subject.names, hashes)
    )
    subject = subject.joined(found)
    for table, count in rows.items():
        erased.rows[table] = erased.rows.get(table, 0) + count
    loaded = min(position, end_of_spool(home.spool))
    erased.entries += erase_entries(home.spool, loaded, lambda one: rest_of(one, subject))
    files.remove_leftovers(home)
    home.want.unlink(missing_ok=True)
    return subject


def _erase_backup(backup: Backup, subject: Subject, hashes: Pseudonyms) -> Subject:
    """Erase the person from a backup, and say in its manifest what it is now."""
    found, _, _ = erase_database(
        backup.database, lambda connection: find_subject(connection, subject.names, hashes)
    )
    subject = subject.joined(found)
    kept = backup.path / HOME_FILES
    copy = Home(kept)
    files.erase_seeds(copy.seeds, subject)
    if copy.keys.exists():
        files.erase_keys(copy, subject, hashes)
        shutil.rmtree(copy.run, ignore_errors=True)  # of its lock
    if copy.config_file.exists():  # the home's own is the user's to change, this one nobody does
        files.mask([copy.config_file], subject)
    with lease_when_free(backup.database, LOAD_TIMEOUT_S) as connection:
        rows = table_rows(connection)
        connection.execute("CHECKPOINT")
    digests = {DATABASE: digest_of(backup.database)} | {
        str(path.relative_to(backup.path)): digest_of(path)
        for path in sorted(kept.rglob("*"))
        if path.is_file()
    }
    manifest = msgspec.structs.replace(
        backup.manifest,
        rows=rows,
        digests=digests,
        schema_version=known_migrations()[-1][0],
        size_bytes=backup.database.stat().st_size,
    )
    content = msgspec.json.format(msgspec.json.encode(manifest))
    write_bytes(backup.path / MANIFEST, content, durable=True)
    return subject


def _remove_older_runs(home: Home) -> None:
    current = (home.published / "current").resolve().name
    for path in home.published.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name != current:
            shutil.rmtree(path, ignore_errors=True)
