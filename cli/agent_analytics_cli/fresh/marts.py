"""The published marts with the rows of those sessions made anew that went on since.

The rest stays as published, commits among it. A request is told apart by its key: where a session
that did not go on has it, its published row counts. A vendor's days go where the sessions hold
them now, and models that are new are in `dim_models`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from agent_analytics_cli.assets import dbt_project
from agent_analytics_cli.marts import MartsUnreadable, open_marts
from agent_analytics_collector.compiled_sql import read_compiled
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.state import read_service

if TYPE_CHECKING:
    from agent_analytics_cli.fresh.news import News

_KEYS = {
    "fct_agent_requests": "request_key",
    "fct_metric_remainders": "remainder_key",
    "fct_tool_calls": "tool_call_key",
    "fct_agent_sessions": "session_key",
}
"""The marts whose rows are made anew for sessions that went on."""
_BESIDE = ("intermediate.int_vendor_usage", "marts.dim_models")
"""What else is made: which of a vendor's days the sessions hold, and the models they used."""
_MOST_BYTES = 256_000_000
"""Of news beside published marts; more takes longer than an answer may, and wants an import."""
_LEFT_OUT = "What came since the last `transform` is left out"


@dataclass(frozen=True, slots=True)
class FreshMarts:
    """Marts to be read from the schema `main` of a connection."""

    connection: duckdb.DuckDBPyConnection | None
    """None when nothing is published and there is nothing to make marts from."""
    note: str | None = None
    """A sentence for people: what was added, or why what came since is missing."""
    sessions: int = 0
    """How many sessions there is something new of."""


class _AsPublished(Exception):
    """Nothing can be added; the text says why and what to do, and is empty without news."""


@contextmanager
def open_fresh_marts(
    home: Home, settings: Settings, tell: Callable[[str], None] = lambda sentence: None
) -> Iterator[FreshMarts]:
    """The marts as they would be after an import and a `transform` now.

    Of sessions that went on since the last run: themselves, their requests, tool calls and metric
    remainders, and without the vendor's days that they hold; all else is as published. A running
    collector brings the news itself, and with a backend elsewhere they go there: then everything
    is as published, as it is, with a note, where something is in the way. Where nothing is
    published yet, all marts are made from all there is, which takes longer; `tell` hears what is
    being done. Raises MartsUnreadable, and TransformFailed where dbt cannot compile its project.
    """
    note: str | None = None
    if settings.backend_url is None and read_service(home) is None:
        try:
            fresh = _made(home, settings, tell)
        except _AsPublished as reason:
            note = str(reason) or None
        except duckdb.Error as error:
            problem = str(error).splitlines()[0]
            note = f"{_LEFT_OUT}: {problem} `agent-analytics transform` makes the marts anew."
        else:
            with _used(home, fresh):
                yield fresh
            return
    with open_marts(home) as marts:
        yield FreshMarts(marts, note)


@contextmanager
def _used(home: Home, fresh: FreshMarts) -> Iterator[None]:
    assert fresh.connection is not None
    try:
        yield
    except (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException) as error:
        raise MartsUnreadable(home.current_marts, str(error).splitlines()[0]) from error
    finally:
        fresh.connection.close()


def _made(home: Home, settings: Settings, tell: Callable[[str], None]) -> FreshMarts:
    """Raises _AsPublished; duckdb.Error where the file or the marts are of another version."""
    # Not at the top: where a collector runs nothing of it is needed.
    from agent_analytics_cli.fresh import rows
    from agent_analytics_cli.fresh.news import look_for_news

    news = look_for_news(home, settings)
    try:
        published: Path | None = home.current_marts.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        published = None
    live = home.database if home.database.exists() else None
    if live is None and (published or not news):
        raise _AsPublished
    try:
        connection = rows.open_memory(live)
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        raise _AsPublished(
            f"{_LEFT_OUT}, because another process has {live} open. Ask again when it is done."
            if news
            else ""
        ) from error
    try:
        if published is None:
            return _first(connection, home, settings, news, tell)
        return _added(connection, home, news, published)
    except BaseException:
        connection.close()
        raise


def _added(
    connection: duckdb.DuckDBPyConnection, home: Home, news: News, published: Path
) -> FreshMarts:
    """The published marts with the sessions that went on. Raises _AsPublished, duckdb.Error."""
    from agent_analytics_cli.fresh import models, rows

    if news.size > _MOST_BYTES:
        raise _AsPublished(
            f"{_LEFT_OUT}: {news.size / 1e6:,.0f} MB take a while. With `agent-analytics up` "
            "running, `agent-analytics import` reads them."
        )
    newer = rows.newer_batches(connection)
    if not news and not newer:
        raise _AsPublished
    project = dbt_project()
    whole = read_compiled(home, project)
    if whole is None:
        raise _AsPublished(
            f"{_LEFT_OUT} until `agent-analytics transform` has run with this version."
        )
    compiled = models.of_touched(whole)
    names = [*(f"marts.{mart}" for mart in _KEYS), *_BESIDE]
    tables = models.raw_tables(compiled, names)
    rows.attach_published(connection, published)
    rows.take_others(connection, tables)
    _add(connection, news)
    sessions = rows.touch(connection, tables, newer)
    if not sessions:
        raise _AsPublished
    rows.take_touched(connection, tables)
    models.build(connection, compiled, names, project)
    vendor_days = models.serve_added(connection, _KEYS)
    went = "1 session that went" if sessions == 1 else f"{sessions:,} sessions that went"
    be = "is" if sessions == 1 else "are"
    note = f"{went} on since the last `transform` {be} included as of now."
    if vendor_days:
        days = "1 day" if vendor_days == 1 else f"{vendor_days:,} days"
        note += f" What a vendor reported of {days} is left out, for such sessions hold it now."
    return FreshMarts(connection, note, sessions)


def _add(connection: duckdb.DuckDBPyConnection, news: News) -> None:
    from agent_analytics_cli.fresh import rows

    for table, waiting in news.waiting_tables():
        rows.add_table(connection, table, waiting)
    rows.add_session_rows(connection, news.session_rows())


def _first(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    news: News,
    tell: Callable[[str], None],
) -> FreshMarts:
    """All marts of all there is. Raises _AsPublished, TransformFailed, duckdb.Error."""
    from agent_analytics_cli.fresh import models, rows
    from agent_analytics_collector.transform import compile_sql
    from agent_analytics_collector.warehouse.user_input import write_user_input

    if not news and rows.is_empty(connection):
        raise _AsPublished
    project = dbt_project()
    compiled = read_compiled(home, project)
    if compiled is None:
        tell("The models are being compiled, which takes some 10 s, this first time only.")
        home.create()
        compiled = compile_sql(home, project)
    compiled = models.of_all(compiled)
    names = [name for name in compiled.models if name.startswith("marts.")]
    rows.take_all(connection)
    write_user_input(connection, home, settings)
    _add(connection, news)
    sessions = rows.touch(connection, models.raw_tables(compiled, names), ())
    models.build(connection, compiled, names, project)
    models.serve(connection, names)
    note = "Nothing was transformed yet: these are numbers of what is there now."
    return FreshMarts(connection, note, sessions)
