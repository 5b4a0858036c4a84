"""Which rows of any table are about a person, told by the names of its columns.

So a table that a later version adds is found too. Temporary tables `subject_names` (lower case),
`subject_sessions` and `subject_commits` hold whom it is about (`subject.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

_NAMED = frozenset(
    ("developer_id", "author_email", "actor", "contributor", "account", "user_email", "reader",
     "named_developer_id")
)  # fmt: skip
_ARRIVED_AT = ("created_at", "archived_at", "changed_at")
"""Columns that say when a row came."""
_SESSIONS = frozenset(("session_id", "agent_session_id"))
_COMMITS = frozenset(("commit_hash", "old_hash", "new_hash"))
_JSON = {
    "attributes": ("user.email", "user.account_email", "enduser.id"),
    "resource_attributes": ("user.email",),
    "payload": ("user_email", "email", "actor_email"),
}
"""JSON columns, and the keys in them that name a person."""
_NAMES_NOBODY = """coalesce("developer_id" LIKE '%.id:%' OR "developer_id" = '', true)"""
_FACTS = "fact"
"""The column of an archived row: its own columns as JSON."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a DuckDB file."""

    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def quoted(self) -> str:
        return f'"{self.schema}"."{self.name}"'


def tables(
    connection: duckdb.DuckDBPyConnection, database: str | None = None, schema: str | None = None
) -> list[Table]:
    """The tables of a database (the current one), of all its schemas or of one."""
    rows = connection.execute(
        "SELECT schema_name, table_name, list(column_name ORDER BY column_index) "
        "FROM duckdb_columns() WHERE NOT internal "
        "AND database_name = coalesce(?, current_database()) "
        "AND schema_name = coalesce(?, schema_name) "
        "AND (schema_name, table_name) IN (SELECT (schema_name, table_name) FROM duckdb_tables() "
        "WHERE NOT temporary) GROUP BY ALL ORDER BY ALL",
        [database, schema],
    ).fetchall()
    return [Table(schema, name, tuple(columns)) for schema, name, columns in rows]


def arrived_at(table: Table) -> str | None:
    """SQL of when a row came; None where the table does not say."""
    found = [f'"{column}"' for column in _ARRIVED_AT if column in table.columns]
    return f"coalesce({', '.join(found)})" if found else None


def is_about(table: Table) -> str | None:
    """SQL that tells whether a row is about the person; None when the table names nobody."""
    if table.name == "raw_git_commits":
        # Who reports a commit need not be who made it: history is read by one for all.
        reported = f"{_in_names('developer_id')} AND author_email IS NULL"
        return f"({_in_names('author_email')} OR ({reported}))"
    conditions = [_in_names(column) for column in table.columns if column in _NAMED]
    conditions += [
        f'"{column}" IN (FROM subject_sessions)' for column in table.columns if column in _SESSIONS
    ]
    conditions += [
        f'"{column}" IN (FROM subject_commits)' for column in table.columns if column in _COMMITS
    ]
    # A row that names another developer is theirs, whose account it was that they used.
    unnamed = f" AND {_NAMES_NOBODY}" if "developer_id" in table.columns else ""
    conditions += [f"({_in_names_sql(value)}{unnamed})" for value, _, _ in _accounts(table)]
    if _FACTS in table.columns:
        conditions += [_in_names_sql(_text_at(_FACTS, key)) for key in sorted(_NAMED)]
        conditions += [
            f"{_text_at(_FACTS, key)} IN (FROM subject_sessions)" for key in sorted(_SESSIONS)
        ]
        conditions += [
            f"{_text_at(_FACTS, key)} IN (FROM subject_commits)" for key in sorted(_COMMITS)
        ]
    return f"({' OR '.join(conditions)})" if conditions else None


def without_accounts(table: Table) -> list[tuple[str, str]]:
    """Of each place in the JSON of rows that names an account: SQL that tells whether it is the
    person's, and SQL that sets the column to what it is without."""
    return [
        (
            _in_names_sql(value),
            f'"{column}" = json_merge_patch("{column}", \'{{"{key}": null}}\')',
        )
        for value, column, key in _accounts(table)
    ]


def count_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows about the person by `schema.table`, of tables that have any."""
    counts = {}
    for table in tables(connection):
        about = is_about(table)
        if about is not None:
            query = f"SELECT count(*) FROM {table.quoted} WHERE {about}"
            row = connection.execute(query).fetchone()
            if row and row[0]:
                counts[f"{table.schema}.{table.name}"] = int(row[0])
    return counts


def name_columns(table: Table) -> list[str]:
    """SQL of each value of a row that names a person."""
    found = [f'"{column}"' for column in table.columns if column in _NAMED]
    found += [value for value, _, _ in _accounts(table)]
    if _FACTS in table.columns:
        found += [_text_at(_FACTS, key) for key in sorted(_NAMED)]
    return found


def _accounts(table: Table) -> list[tuple[str, str, str]]:
    """SQL of each value in JSON that names an account, its column and its key."""
    return [
        (_text_at(column, key), column, key)
        for column, keys in _JSON.items()
        if column in table.columns
        for key in keys
    ]


def _in_names(column: str) -> str:
    return _in_names_sql(f'"{column}"')


def _in_names_sql(value: str) -> str:
    return f"lower(trim({value})) IN (FROM subject_names)"


def _text_at(column: str, key: str) -> str:
    return f'json_extract_string("{column}", \'$."{key}"\')'
