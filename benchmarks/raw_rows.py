"""A year of a team's raw rows, straight into the raw tables as the loader stores them.

Every recorded session is copied: a copy is a turn, some turns are a session. A turn has prompts,
requests, tool calls, edits and a commit of its own; sessions are spread over developers,
repositories and the year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from agent_analytics_collector.home import Home
from agent_analytics_collector.warehouse.lease import lease
from benchmarks.raw_template import MODULE, SESSION, TABLES, TURN, write_template

TURNS = 6
"""Turns of a session, ten minutes apart: some 300 rows."""
_MOST_TURNS = 1000
"""Of a session, however long it goes on: from there on numbers are another session's."""
AT_ONCE = 150
"""Turns of all recorded sessions that are inserted with one statement."""
_MODULES = 211
_REPOSITORIES = 30
_DEVELOPERS = 20
_IDS = {"raw_otel_logs": "log", "raw_otel_metrics": "metric", "raw_otel_spans": "span"}


@dataclass(frozen=True, slots=True)
class Grown:
    """What was added."""

    rows: int
    """Of telemetry, session files, commits and their files."""
    sessions: int
    commits: int


@dataclass(frozen=True, slots=True)
class Turns:
    """Some turns of some groups of sessions; a group has every recorded session once."""

    groups: range
    turns: range
    begin: datetime
    """When the first turn of the first group is."""
    step: timedelta
    """From a group to the next."""


class Rows:
    """Fills the DuckDB file of a home with copies of recorded sessions."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._template = home.root / "template.duckdb"
        write_template(self._template)
        with duckdb.connect(str(self._template), read_only=True) as connection:
            counts = [_number(connection, f"SELECT count(*) FROM {name}") for name in TABLES]
            self.edits = _number(connection, f"SELECT count(*) FROM ({_EDITS})")
            commits = f"SELECT count(DISTINCT session_id) FROM ({_EDITS})"
            self.commits = _number(connection, commits)
            sessions = "SELECT count(DISTINCT session_id) FROM raw_agent_session_records"
            self.sessions = _number(connection, sessions)
        self.rows = sum(counts) + self.edits + self.commits
        """Of one turn of every recorded session."""

    def groups(self, rows: int) -> range:
        """So many groups that all their turns are about as many `rows`."""
        return range(max(1, round(rows / (self.rows * TURNS))))

    def add(self, wanted: Turns) -> Grown:
        """Add the turns, in batches as a loader would."""
        numbers = [(group, turn) for group in wanted.groups for turn in wanted.turns]
        with lease(self.home.database) as connection:
            connection.execute(f"ATTACH '{self._template}' AS template (READ_ONLY)")
            connection.execute("SET TimeZone = 'UTC'")
            for first in range(0, len(numbers), AT_ONCE):
                self._add(connection, wanted, numbers[first : first + AT_ONCE])
            connection.execute("DETACH template")
        return Grown(
            len(numbers) * self.rows,
            len(wanted.groups) * self.sessions,
            len(numbers) * self.commits,
        )

    def _add(
        self, connection: duckdb.DuckDBPyConnection, wanted: Turns, numbers: list[tuple[int, int]]
    ) -> None:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE copies AS SELECT n[1] AS session_number, "
            "n[1] * $turns + n[2] AS number, $begin::timestamptz "
            "+ to_seconds($step * (n[1] - $first) + 600 * n[2]) AS begins_at "
            "FROM (SELECT unnest($numbers) AS n)",
            {
                "turns": _MOST_TURNS, "begin": wanted.begin, "step": wanted.step.total_seconds(),
                "first": wanted.groups.start, "numbers": [list(pair) for pair in numbers],
            },
        )  # fmt: skip
        connection.execute("BEGIN")
        for table in TABLES:
            connection.execute(_copy(connection, table))
        for sql in _GIT:
            connection.execute(sql)
        connection.execute(
            "INSERT INTO ingest_batches SELECT next_batch_id, 'spool', now(), now(), $1, 0, 0 "
            "FROM loader_position",
            [len(numbers) * self.rows],
        )
        connection.execute(_POSITION)
        connection.execute("COMMIT")


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = connection.execute(sql).fetchone()
    assert found is not None
    return int(found[0])


def _open(text: str) -> str:
    """SQL of a text with its marks filled in."""
    return (
        f"replace(replace(replace({text}, '{SESSION}', printf('%08x', session_number)), "
        f"'{TURN}', printf('%08x', number)), '{MODULE}', 'm' || (number % {_MODULES}))"
    )


def _at(time: str) -> str:
    return f"{time} - (SELECT min(timestamp) FROM template.raw_otel_logs) + begins_at"


def _among(what: str, many: int) -> str:
    """SQL of one of `many` by what a session is called."""
    return f"'{what}' || (hash(left(session_id, 28) || session_number) % {many})"


_REPOSITORY = _among("https://github.com/acme/p", _REPOSITORIES)
_DEVELOPER = _among("dev_", _DEVELOPERS)


def _copy(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    columns = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE table_name = ? AND database_name = 'template' ORDER BY column_index",
        [table],
    ).fetchall()
    made = {
        "id": f"(SELECT next_{_IDS.get(table)}_id FROM loader_position) + row_number() OVER () - 1",
        "record_key": "md5(record_key || '/' || number)::uuid",
        "batch_id": "(SELECT next_batch_id FROM loader_position)",
        "developer_id": _DEVELOPER,
        "created_at": f"{_at('timestamp')} + to_seconds(3)",
    }
    if table == "raw_agent_session_records":
        made["repository"] = _REPOSITORY
    chosen = []
    for name, kind in columns:
        if name in made:
            chosen.append(f"{made[name]} AS {name}")
        elif kind == "TIMESTAMP WITH TIME ZONE":
            chosen.append(f'{_at(name)} AS "{name}"')
        elif kind in ("VARCHAR", "JSON"):
            chosen.append(f'{_open(name)} AS "{name}"')
        else:
            chosen.append(f'"{name}"')
    return (
        f"INSERT INTO {table} BY NAME SELECT {', '.join(chosen)} "
        f"FROM template.{table} CROSS JOIN copies"
    )


_EDITS = """
SELECT
    session_id, payload->>'file_path' AS file_path, max("timestamp") AS timestamp,
    max_by(payload->>'added_line_hashes', "timestamp") AS added,
    max_by(payload->>'removed_line_hashes', "timestamp") AS removed
FROM raw_agent_session_records
WHERE kind = 'edit' AND (payload->>'file_path') <> ''
GROUP BY session_id, file_path
"""
_COMMIT = (
    "left(md5(left(session_id, 28)), 32) || printf('%08x', number)"  # 40 characters, one a turn
)
_HEAD = f"""
CREATE OR REPLACE TEMP TABLE edits AS
SELECT
    {_COMMIT} AS commit_hash, {_REPOSITORY} AS repository, {_DEVELOPER} AS developer_id,
    {_open(f"'{MODULE}/' || parse_filename(file_path)")} AS path,
    string_split({_open("added")}, ' ') AS added_line_hashes,
    {_at("timestamp")} + to_seconds(60) AS committed_at,
    number
FROM ({_EDITS.replace("FROM raw", "FROM template.raw")}) CROSS JOIN copies
"""
_FILES = """
INSERT INTO raw_git_commit_files BY NAME
SELECT
    repository, commit_hash, path, len(added_line_hashes) AS lines_added, 0 AS lines_deleted,
    false AS is_binary, false AS is_excluded, added_line_hashes,
    len(added_line_hashes) AS effective_lines_added, []::varchar[] AS removed_line_hashes,
    max(committed_at) OVER (PARTITION BY commit_hash) AS commit_timestamp,
    md5(commit_hash || path)::uuid AS record_key,
    (SELECT next_batch_id FROM loader_position) AS batch_id, committed_at AS created_at
FROM edits
"""
_COMMITS = """
INSERT INTO raw_git_commits BY NAME
SELECT
    (SELECT next_commit_id FROM loader_position) + row_number() OVER () - 1 AS id, commit_hash,
    'Change ' || count(*) || ' files' AS commit_message, developer_id AS author_name,
    developer_id || '@example.com' AS author_email, max(committed_at) AS commit_timestamp,
    count(*) AS files_changed, sum(len(added_line_hashes)) AS lines_added, 0 AS lines_deleted,
    developer_id, max(committed_at) + to_seconds(1) AS created_at,
    max(committed_at) AS authored_at, repository, 'main' AS branch, []::varchar[] AS parent_hashes,
    false AS is_merge, md5('patch' || commit_hash) || '00000000' AS patch_id, '[]' AS trailers,
    'hook' AS recorded_by, (SELECT next_batch_id FROM loader_position) AS batch_id,
    md5(commit_hash)::uuid AS record_key
FROM edits GROUP BY commit_hash, developer_id, repository
"""
_SURVIVAL = """
INSERT INTO raw_git_line_survival BY NAME
SELECT
    repository, commit_hash, age_days, 3 * len(lines) // 4 AS lines_alive,
    len(lines) AS lines_at_start, committed_at + to_days(age_days) AS measured_at,
    lines[:3 * len(lines) // 4] AS alive_line_hashes, true AS in_default_branch,
    (SELECT next_batch_id FROM loader_position) AS batch_id,
    committed_at + to_days(age_days) AS created_at
FROM (
    SELECT
        repository, commit_hash, max(committed_at) AS committed_at,
        flatten(list(added_line_hashes)) AS lines
    FROM edits GROUP BY ALL
), (SELECT unnest([14, 30, 90]) AS age_days)
WHERE committed_at + to_days(age_days) < now()
"""
_GIT = (_HEAD, _COMMITS, _FILES, _SURVIVAL)
_POSITION = """
UPDATE loader_position SET
    next_log_id = 1 + (SELECT coalesce(max(id), 0) FROM raw_otel_logs),
    next_metric_id = 1 + (SELECT coalesce(max(id), 0) FROM raw_otel_metrics),
    next_span_id = 1 + (SELECT coalesce(max(id), 0) FROM raw_otel_spans),
    next_commit_id = 1 + (SELECT coalesce(max(id), 0) FROM raw_git_commits),
    next_batch_id = next_batch_id + 1
"""
