"""Looking for texts in everything that a home holds, decoded: the proof of an erasure.

A search of the bytes alone proves nothing where files are compressed, so every column of every
table and every entry of the spool is decoded; the bytes of every file are searched as well, for
what lies in free blocks, logs and write-ahead logs.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import orjson

from agent_analytics_collector.backup.folder import backups_folder
from agent_analytics_collector.errors import FileLocked
from agent_analytics_collector.home import Home
from agent_analytics_collector.privacy.files import NOT_AFTER, NOT_BEFORE
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.spool.reader import read_entries
from agent_analytics_collector.spool.segments import Position

_AT_ONCE = 500
"""Texts in one expression."""
_STEP = 8 * 1024 * 1024
_LONGEST = 4096
"""Bytes by which two steps overlap."""
_WAIT_S = 30.0
_NO_TEXT = re.compile(
    r"(?:BIGINT|INTEGER|SMALLINT|TINYINT|UBIGINT|HUGEINT|DOUBLE|FLOAT|BOOLEAN|DATE|TIME|UUID"
    r"|TIMESTAMP.*|DECIMAL.*)"
)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Where a text was found."""

    file: str
    """Relative to the home where it is in there."""
    place: str
    """Table and column, `entry`, or `bytes`."""
    text: str
    """What was looked for, in lower case."""


def search(
    home: Home,
    settings: Settings,
    texts: Collection[str],
    *,
    whole_words: bool = False,
    decoded_only: bool = False,
) -> list[Finding]:
    """Where the texts are, whatever the case of their letters; in files of the home and backups.

    `whole_words` leaves out what is part of a longer word or address, `decoded_only` the bytes of
    files. Raises FileLocked.
    """
    wanted = sorted({text.lower() for text in texts if text})
    found: set[Finding] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        for path in _files(home, settings):
            found |= {
                Finding(_shown(home, path), place, text)
                for place, text in _in_file(path, some, whole_words, decoded_only)
            }
        found |= {
            Finding(_shown(home, home.spool), "entry", text)
            for text in _in_spool(home.spool, some, whole_words)
        }
    return sorted(found)


def _files(home: Home, settings: Settings) -> Iterator[Path]:
    backups = backups_folder(home, settings)
    roots = [home.root] if backups.is_relative_to(home.root) else [home.root, backups]
    for root in roots:
        for folder, folders, names in os.walk(root):
            if Path(folder) == home.root and home.demo.root.name in folders:
                folders.remove(home.demo.root.name)  # recordings that we ship: nobody's here
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    yield path


def _in_file(
    path: Path, texts: list[str], whole_words: bool, decoded_only: bool
) -> Iterator[tuple[str, str]]:
    if path.suffix == ".duckdb":
        yield from _in_database(path, texts, whole_words)
    if decoded_only:
        return
    pattern = re.compile(_expression(texts, whole_words, lookaround=True).encode())
    rest = b""
    try:
        with path.open("rb") as file:
            while step := file.read(_STEP):
                data = (rest + step).lower()
                yield from (("bytes", found.decode()) for found in set(pattern.findall(data)))
                rest = step[-_LONGEST:]
    except FileNotFoundError:  # removed meanwhile
        return


def _in_database(path: Path, texts: list[str], whole_words: bool) -> Iterator[tuple[str, str]]:
    pattern = f"(?i){_expression(texts, whole_words, lookaround=False)}"
    with duckdb.connect() as connection:
        if not _attach(connection, path):
            return
        columns = connection.execute(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = 'searched' AND (schema_name, table_name) IN "
            "(SELECT (schema_name, table_name) FROM duckdb_tables() "
            "WHERE database_name = 'searched')"
        ).fetchall()
        for schema, table, column, kind in columns:
            if _NO_TEXT.fullmatch(kind):
                continue
            rows = connection.execute(
                f'SELECT DISTINCT lower(unnest(regexp_extract_all(CAST("{column}" AS VARCHAR), '
                f'?, 1))) FROM searched."{schema}"."{table}"',
                [pattern],
            ).fetchall()
            yield from ((f"{schema}.{table}.{column}", text) for (text,) in rows if text)


def _attach(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether the file could be opened as a database; damaged ones are searched as bytes."""
    quoted = str(path).replace("'", "''")
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            connection.execute(f"ATTACH '{quoted}' AS searched (READ_ONLY)")
            return True
        except duckdb.IOException as error:
            if "lock" not in str(error):
                return False
            if time.monotonic() >= deadline:
                raise FileLocked(path, None) from error
            time.sleep(0.1)
        except duckdb.Error:
            return False


def _in_spool(folder: Path, texts: list[str], whole_words: bool) -> set[str]:
    pattern = re.compile(_expression(texts, whole_words, lookaround=True))
    found: set[str] = set()
    for entry in read_entries(folder, Position()):
        if entry.envelope is not None:
            headers = " ".join(entry.envelope.headers.values())
            found |= set(pattern.findall(f"{headers} {_decoded(entry.envelope.body)}".lower()))
    return found


def _decoded(body: bytes) -> str:
    try:
        return orjson.dumps(orjson.loads(body)).decode()  # without \u escapes
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")  # protobuf has texts as they are


def _expression(texts: list[str], whole_words: bool, *, lookaround: bool) -> str:
    """A regular expression whose first group is one of the texts; RE2 knows no looking around."""
    one_of = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    if not whole_words:
        return f"({one_of})"
    if lookaround:
        return f"{NOT_AFTER}({one_of}){NOT_BEFORE}"
    return rf"(?:^|[^\w@.+-])({one_of})(?:$|[^\w@+.-]|\.(?:$|\W))"


def _shown(home: Home, path: Path) -> str:
    return str(path.relative_to(home.root) if path.is_relative_to(home.root) else path)
