"""Who is meant: all names of one person, the sessions and the commits that are theirs alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from agent_analytics_collector.privacy.email_addresses import is_email, is_of_a_program
from agent_analytics_collector.privacy.pseudonyms import Pseudonyms

SHORTEST_NEEDLE = 5
_MOST_ROUNDS = 20
_SIGHTED_IN = (
    ("raw_otel_logs", True), ("raw_otel_metrics", True), ("raw_otel_spans", True),
    ("raw_agent_session_records", False), ("raw_rate_limits", False),
)  # fmt: skip
"""Tables that tell a developer with a session, and whether they have attributes."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A person.

    Names are in lower case: developer names, e-mails, their hashes, agents' own ids.
    """

    names: frozenset[str]
    sessions: frozenset[str]
    commits: frozenset[str]

    def is_named(self, name: object) -> bool:
        return isinstance(name, str) and name.strip().lower() in self.names

    @property
    def needles(self) -> frozenset[str]:
        """Names that can be looked for in any text: shorter ones are parts of words."""
        return frozenset(name for name in self.names if len(name) >= SHORTEST_NEEDLE)

    def is_found_in(self, content: bytes) -> bool:
        """Whether bytes that cannot be decoded hold one of the names."""
        lower = content.lower()
        return any(needle.encode() in lower for needle in self.needles)

    def joined(self, other: Subject) -> Subject:
        """Both together, as several files tell of one person."""
        return Subject(
            self.names | other.names, self.sessions | other.sessions, self.commits | other.commits
        )


def find_subject(
    connection: duckdb.DuckDBPyConnection, named: Iterable[str], pseudonyms: Pseudonyms
) -> Subject:
    """The person by all that this file knows of them, beginning with the names given.

    A session is theirs when every developer it names is; an agent's own id when all its sessions
    are. Leaves the temporary tables that `rows.is_about` asks.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE subject_names (name VARCHAR);"
        "CREATE OR REPLACE TEMP TABLE subject_sessions (session_id VARCHAR);"
        "CREATE OR REPLACE TEMP TABLE subject_commits (commit_hash VARCHAR);"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE sightings AS {_sightings()}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE identities AS {_IDENTITIES}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE commit_emails AS {_COMMIT_EMAILS}")
    names = {name.strip().lower() for name in named if name.strip()}
    for _ in range(_MOST_ROUNDS):
        names |= {pseudonyms.of(name) for name in names if is_email(name)}
        _put(connection, "subject_names", names)
        found = names | _more_names(connection)
        if found == names:
            break
        names = found
    connection.execute(f"INSERT INTO subject_sessions {_OWN_SESSIONS}")
    connection.execute(f"INSERT INTO subject_commits {_OWN_COMMITS}")
    return Subject(
        frozenset(names),
        frozenset(_texts(connection, "FROM subject_sessions")),
        frozenset(_texts(connection, "FROM subject_commits")),
    )


def use_subject(connection: duckdb.DuckDBPyConnection, subject: Subject) -> None:
    """Make the temporary tables of a person that was found in another file."""
    for table, values in (
        ("subject_names", subject.names),
        ("subject_sessions", subject.sessions),
        ("subject_commits", subject.commits),
    ):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} (value VARCHAR)")
        _put(connection, table, values)


def _put(connection: duckdb.DuckDBPyConnection, table: str, values: Iterable[str]) -> None:
    connection.execute(f"DELETE FROM {table}")
    connection.execute(f"INSERT INTO {table} SELECT unnest(?::VARCHAR[])", [sorted(values)])


def _more_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Names that are the same person's as those found so far; never a program's address."""
    found = _texts(
        connection,
        f"""
        WITH own_sessions AS ({_OWN_SESSIONS})
        SELECT identity FROM identities WHERE developer IN (FROM subject_names)
        UNION
        SELECT developer FROM identities WHERE identity IN (FROM subject_names)
        UNION
        SELECT coalesce(own_id, developer) AS own FROM sightings
        WHERE own_id IS NOT NULL OR developer LIKE '%.id:%'
        GROUP BY own
        HAVING count(session_id) > 0
            AND bool_and(session_id IS NULL OR session_id IN (FROM own_sessions))
        UNION
        SELECT min(named.developer) FROM sightings AS own
        INNER JOIN sightings AS named
            ON own.session_id = named.session_id AND named.developer NOT LIKE '%.id:%'
        WHERE coalesce(own.own_id, own.developer) IN (FROM subject_names)
        GROUP BY coalesce(own.own_id, own.developer)
        HAVING count(DISTINCT named.developer) = 1
        UNION
        SELECT email FROM sightings
        WHERE email IS NOT NULL
        GROUP BY email
        HAVING bool_or(session_id IN (FROM own_sessions) OR developer IN (FROM subject_names))
            AND bool_and(
                coalesce(developer LIKE '%.id:%', true)
                OR developer IN (FROM subject_names) OR developer = email
            )
        UNION
        SELECT email FROM commit_emails WHERE developer IN (FROM subject_names)
        UNION
        SELECT developer FROM commit_emails WHERE email IN (FROM subject_names)
        """,
    )
    claimed = _texts(
        connection,
        "SELECT identity FROM identities WHERE developer NOT IN (FROM subject_names) "
        "AND identity NOT IN (FROM subject_names)",
    )
    return {name for name in found - claimed if not is_of_a_program(name)}


def _sightings() -> str:
    parts = [
        f"SELECT DISTINCT nullif(lower(trim(developer_id)), '') AS developer, session_id, "
        f"{_EMAIL if has_attributes else 'NULL'} AS email, "
        f"{_OWN_ID if has_attributes else 'NULL'} AS own_id FROM {table}"
        for table, has_attributes in _SIGHTED_IN
    ]
    return " UNION ".join([*parts, _ARCHIVED])


_ARCHIVED = """
SELECT DISTINCT
    nullif(lower(trim(json_extract_string(fact, '$.developer_id'))), '') AS developer,
    coalesce(session_id, json_extract_string(fact, '$.session_id')) AS session_id,
    NULL AS email,
    lower('user.id:' || json_extract_string(fact, '$.user_id')) AS own_id
FROM raw_fact_archive
"""
"""What is left of rows that retention took."""
_EMAIL = (
    "nullif(lower(coalesce(json_extract_string(attributes, '$.\"user.email\"'), "
    "json_extract_string(resource_attributes, '$.\"user.email\"'))), '')"
)
_OWN_ID = (
    "lower(coalesce('user.id:' || json_extract_string(attributes, '$.\"user.id\"'), "
    "'user.id:' || json_extract_string(resource_attributes, '$.\"user.id\"'), "
    "'installation.id:' || json_extract_string(attributes, '$.\"installation.id\"')))"
)
"""As `otlp/origin.py` marks it where nothing else names the developer."""
_IDENTITIES = """
SELECT
    lower(trim(json_extract_string("row", '$.identity'))) AS identity,
    lower(trim(json_extract_string("row", '$.developer_id'))) AS developer
FROM raw_user_overrides
WHERE kind = 'developer_identities'
    AND json_extract_string("row", '$.identity') IS NOT NULL
    AND json_extract_string("row", '$.developer_id') IS NOT NULL
"""
_COMMIT_EMAILS = """
WITH made AS (
    SELECT lower(trim(developer_id)) AS developer, lower(trim(author_email)) AS email
    FROM raw_git_commits
    WHERE recorded_by = 'hook' AND developer_id IS NOT NULL AND author_email IS NOT NULL
)
SELECT developer, mode(email) AS email FROM made
GROUP BY developer
HAVING mode(email) NOT IN (
    SELECT email FROM made GROUP BY email HAVING count(DISTINCT developer) > 1
)
"""
"""A developer's own address, told by the hook on his machine: most of his commits have it and
nobody else's. Others stand in commits that he picked from colleagues."""
_OWN_SESSIONS = """
SELECT session_id FROM sightings
WHERE session_id IS NOT NULL
GROUP BY session_id
HAVING bool_or(
    developer IN (FROM subject_names) OR email IN (FROM subject_names)
    OR own_id IN (FROM subject_names)
)
    AND bool_and(
        coalesce(developer LIKE '%.id:%', true) OR developer IN (FROM subject_names)
    )
"""
_OWN_COMMITS = """
SELECT DISTINCT commit_hash FROM raw_git_commits
WHERE lower(author_email) IN (FROM subject_names)
    OR (author_email IS NULL AND lower(developer_id) IN (FROM subject_names))
"""


def _texts(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    return {row[0] for row in connection.execute(query).fetchall() if row[0]}
