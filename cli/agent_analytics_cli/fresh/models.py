"""Models made in memory from raw rows by their compiled SQL, and how they are shown to readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import msgspec

from agent_analytics_cli.fresh.rows import (
    DATABASE,
    LIVE,
    PUBLISHED,
    Connection,
    is_attached,
    quoted,
)
from agent_analytics_collector.compiled_sql import CompiledSql, Model

_AT_A_TIME = 2
"""Models that are made at a time."""
_OF_TOUCHED = {
    # A commit may be of any session, so commits stay as published.
    "intermediate.int_commit_sessions": Model(
        (), f"SELECT commit_key, session_key FROM {PUBLISHED}.fct_commit_sessions"
    ),
    "intermediate.int_commits_with_agent_context": Model(
        (), f"SELECT repository FROM {PUBLISHED}.fct_git_commits"
    ),
    # For the names of models, which need nobody who made commits or used a vendor's product.
    "intermediate.int_sightings": Model(
        ("marts.fct_agent_requests", "marts.fct_metric_remainders", "marts.fct_tool_calls"),
        """
        SELECT model, requested_at AS first_at, requested_at AS last_at
        FROM marts.fct_agent_requests
        UNION ALL SELECT model, booked_at, booked_at FROM marts.fct_metric_remainders
        UNION ALL SELECT model, called_at, called_at FROM marts.fct_tool_calls
        """,
    ),
}
"""Models that look beyond the touched sessions, and what stands for them."""

# What touched sessions claim is no longer the vendor's; what others claim never was published.
_HELD = f"""
vendor_usage_key IN (
    SELECT vendor_usage_key FROM {DATABASE}.intermediate.int_vendor_usage
    WHERE standing IN ('held', 'may_be_held')
)
"""
_NEW_MODELS = f"""
UNION ALL BY NAME FROM {DATABASE}.marts.dim_models
WHERE model NOT IN (SELECT model FROM {PUBLISHED}.dim_models)
"""


_CHANGED = "staging.stg_changed_units"
"""Which sessions a run of dbt makes anew; here it is always all that are at hand."""


def of_all(compiled: CompiledSql) -> CompiledSql:
    """The models without asking which sessions changed."""
    unfiltered = {
        name: Model((records,), f"SELECT * FROM {records}")
        for name, model in compiled.models.items()
        if _CHANGED in model.needs
        for records in model.needs
        if records != _CHANGED
    }
    return msgspec.structs.replace(compiled, models=compiled.models | unfiltered)


def of_touched(compiled: CompiledSql) -> CompiledSql:
    """The models as they can be made where only touched sessions are at hand."""
    whole = of_all(compiled)
    return msgspec.structs.replace(whole, models=whole.models | _OF_TOUCHED)


def raw_tables(compiled: CompiledSql, names: Iterable[str]) -> list[str]:
    """The raw tables that the models `names` are made from."""
    needed = compiled.needed_for(names)
    return [
        name.removeprefix("main.")
        for name in needed
        if name not in compiled.models and name not in compiled.seeds
    ]


def build(
    connection: Connection, compiled: CompiledSql, names: Iterable[str], dbt_project: Path
) -> None:
    """Make the models `names` (as `schema.name`), with all they need, from the raw rows."""
    needed = compiled.needed_for(names)
    for schema in sorted({name.partition(".")[0] for name in needed} - {"main"}):
        connection.execute(f"CREATE SCHEMA {schema}")
    # Tables throughout: what is a view to dbt would be planned anew by each that reads it, 35 s.
    waiting = {
        name: f"CREATE TABLE {name} AS {_query(compiled, name, dbt_project)}"
        for name in needed
        if name in compiled.models or name in compiled.seeds
    }
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        running: dict[Future[None], str] = {}
        unmade = set(waiting)
        while unmade:
            for name in [name for name in waiting if unmade.isdisjoint(_needs(compiled, name))]:
                running[pool.submit(_run, connection, waiting.pop(name))] = name
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                each.result()
                unmade.remove(running.pop(each))


def _needs(compiled: CompiledSql, name: str) -> tuple[str, ...]:
    return compiled.models[name].needs if name in compiled.models else ()


def _run(connection: Connection, sql: str) -> None:
    """Run a statement beside others."""
    with connection.cursor() as cursor:
        cursor.execute(f"USE {DATABASE}")
        cursor.execute("SET TimeZone = 'UTC'")  # as dbt's profile; not taken over from the other
        cursor.execute(sql)


def serve(connection: Connection, names: Iterable[str]) -> None:
    """Show the models `names` as tables of `main`, and let go of the DuckDB file."""
    _let_go(connection)
    for name in names:
        table = name.partition(".")[2]
        connection.execute(f'CREATE VIEW main."{table}" AS FROM {DATABASE}.{name}')


def serve_added(connection: Connection, keys: Mapping[str, str]) -> int:
    """Show the published marts in `main`, those in `keys` with the touched sessions made anew.

    `keys` names the key of each mart. Returns of how many days a vendor's report is left out,
    because touched sessions hold them. Raises duckdb.Error where columns differ.
    """
    _let_go(connection)
    marts = connection.execute(
        f"SELECT table_name FROM duckdb_tables() WHERE database_name = '{PUBLISHED}'"
    ).fetchall()
    for (mart,) in marts:
        if mart in keys:
            _add_touched(connection, mart, keys[mart])
        else:
            condition = f"WHERE NOT ({_HELD})" if mart == "fct_vendor_spend" else ""
            added = _NEW_MODELS if mart == "dim_models" else ""
            connection.execute(
                f'CREATE VIEW main."{mart}" AS FROM {PUBLISHED}."{mart}" {condition} {added}'
            )
    held = f"SELECT count(DISTINCT reported_on) FROM {PUBLISHED}.fct_vendor_spend WHERE {_HELD}"
    days = connection.execute(held).fetchone()
    assert days is not None
    return int(days[0])


def _add_touched(connection: Connection, mart: str, key: str) -> None:
    anew, published = f"{DATABASE}.marts.{mart}", f"{PUBLISHED}.{mart}"
    of_others = "session_id IS NOT NULL AND session_id NOT IN (FROM touched)"
    connection.execute(
        f"""
        CREATE TEMP TABLE anew_{mart} AS FROM {anew}
        WHERE {key} NOT IN (SELECT {key} FROM {published} WHERE {of_others})
        """
    )
    # What names no session may have found its own since.
    connection.execute(
        f"""
        CREATE VIEW main.{mart} AS
        FROM {published}
        WHERE ({of_others})
            OR (session_id IS NULL AND {key} NOT IN (SELECT {key} FROM anew_{mart}))
        UNION ALL BY NAME
        FROM anew_{mart}
        """
    )


def _let_go(connection: Connection) -> None:
    connection.execute("USE memory")
    if is_attached(connection, LIVE):
        connection.execute(f"DETACH {LIVE}")
    connection.execute("RESET TimeZone")
    connection.execute("RESET preserve_insertion_order")
    connection.execute("RESET threads")


def _query(compiled: CompiledSql, name: str, dbt_project: Path) -> str:
    if name in compiled.models:
        return compiled.models[name].sql
    seed = compiled.seeds[name]
    path = dbt_project / seed.file
    with path.open(encoding="utf-8-sig") as file:
        columns = [column.strip() for column in file.readline().split(",")]
    types = ", ".join(f"'{column}': '{seed.types.get(column, 'varchar')}'" for column in columns)
    return f"FROM read_csv('{quoted(path)}', header = true, columns = {{{types}}})"
