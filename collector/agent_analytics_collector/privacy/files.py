"""The files of a home beside DuckDB and the spool: what of them names a person."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson

from agent_analytics_collector.access.key_file import Key, change_keys, read_keys
from agent_analytics_collector.backup.swap import SET_ASIDE
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.pseudonyms import Pseudonyms
from agent_analytics_collector.privacy.subject import Subject
from agent_analytics_collector.state import write_bytes

_SET_ASIDE = (*SET_ASIDE, "*.rewritten", ".restore-*")
_TEXT_FOLDERS = ("logs", "run", "access-log")
NOT_AFTER, NOT_BEFORE = r"(?<![\w@.+-])", r"(?![\w@+-]|\.\w)"
"""Around a name that is no part of a longer word or address; what is masked is what is found."""


def erase_seeds(seeds: Path, subject: Subject) -> int:
    """Take the rows out of the user's CSV files in which a cell is one of the names."""
    count = 0
    for path in sorted(seeds.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        kept = [row for row in rows if not any(map(subject.is_named, row))]
        if len(kept) < len(rows):
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows(kept)
            write_bytes(path, text.getvalue().encode(), durable=True)
            count += len(rows) - len(kept)
    return count


def erase_keys(home: Home, subject: Subject, pseudonyms: Pseudonyms) -> int:
    """Revoke the person's keys and put a hash in the place of the name; how many there were."""
    if not any(subject.is_named(key.developer_id) for key in read_keys(home)):
        return 0
    now = int(time.time())

    def change(keys: tuple[Key, ...]) -> tuple[tuple[Key, ...], int]:
        changed = tuple(
            msgspec.structs.replace(
                key,
                developer_id=pseudonyms.of(f"erased {key.developer_id}"),
                revoked_at=key.revoked_at or now,
            )
            if subject.is_named(key.developer_id)
            else key
            for key in keys
        )
        return changed, sum(one is not other for one, other in zip(keys, changed, strict=True))

    return change_keys(home, change)


def erase_outbox(home: Home, subject: Subject) -> int:
    """Take out records that still wait to be delivered, and lines that nobody could read."""
    count = 0
    (home.outbox / "damaged.jsonl").unlink(missing_ok=True)
    for path in sorted(home.outbox.rglob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not _line_is_about(line, subject)]
        if len(kept) < len(lines):
            write_bytes(path, b"".join(kept), durable=True)
            count += len(lines) - len(kept)
    return count


def remove_leftovers(home: Home) -> list[Path]:
    """Remove what cannot be cleaned row by row: damaged files, torn ends, dbt's own folder."""
    found = [path for pattern in _SET_ASIDE for path in home.data.glob(pattern)]
    found += [*home.spool.glob("*.torn"), *home.logs.glob("crash-*.log"), home.root / "dbt"]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return found


def mask_text_files(home: Home, subject: Subject) -> int:
    """Write `x` over the names in logs and state files; files changed."""
    return mask(_text_files(home), subject)


def mask(paths: Iterable[Path], subject: Subject) -> int:
    """Write `x` over the names, where they stand; files changed.

    As long as they were, because running processes go on appending.
    """
    pattern = words(subject.names)
    if pattern is None:
        return 0
    count = 0
    for path in paths:
        data = path.read_bytes()
        found = [match.span() for match in pattern.finditer(data)]
        if found:
            with path.open("r+b") as file:
                for start, end in found:
                    file.seek(start)
                    file.write(b"x" * (end - start))
                file.flush()
                os.fsync(file.fileno())
            count += 1
    return count


def words(names: Iterable[str]) -> re.Pattern[bytes] | None:
    """Finds each of the names where it is no part of a longer word; None of no names."""
    escaped = [re.escape(name) for name in sorted(names, key=len, reverse=True)]
    if not escaped:
        return None
    return re.compile(f"(?i){NOT_AFTER}(?:{'|'.join(escaped)}){NOT_BEFORE}".encode())


def _text_files(home: Home) -> Iterator[Path]:
    for folder in _TEXT_FOLDERS:
        yield from (path for path in sorted((home.root / folder).rglob("*")) if path.is_file())


def _line_is_about(line: bytes, subject: Subject) -> bool:
    try:
        return _holds(orjson.loads(line), subject)
    except orjson.JSONDecodeError:
        return True


def _holds(value: Any, subject: Subject) -> bool:
    if isinstance(value, str):
        return subject.is_named(value) or value in subject.sessions
    if isinstance(value, dict):
        return any(_holds(one, subject) for one in value.values())
    return isinstance(value, list) and any(_holds(one, subject) for one in value)
