"""Checks of what was received: the spool, the DuckDB file, dbt and the published marts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Verdict, fail, how_long, in_units, ok, warn
from agent_analytics_collector.envelope import Signal
from agent_analytics_collector.errors import NewerSchema, NotADatabase
from agent_analytics_collector.spool import frame
from agent_analytics_collector.spool.segments import list_segments, segment_path
from agent_analytics_collector.spool.writer import SHARE
from agent_analytics_collector.state import read_loader

LOADING_IS_LATE_S = 120.0
DBT_MARGIN_S = 120.0
"""What a dbt run may take beyond its interval before the marts count as stale."""
RECENT = timedelta(days=7)


def check_spool(situation: Situation) -> Verdict:
    facts = situation.overview()
    waiting, limit = facts["waiting"], situation.settings.spool.max_bytes
    torn = sum(1 for _ in situation.home.spool.glob("*.torn"))
    cut = (
        f" {torn} half-written tails were cut off; they had not been acknowledged." if torn else ""
    )
    if facts["problem"]:
        return fail(f"Loading stands still: {facts['problem']}.", f"See {situation.log('loader')}")
    if not waiting["requests"]:
        return ok(f"Nothing waits to be loaded.{cut}")
    age_s = _oldest_age_s(situation)
    share = waiting["bytes"] / limit
    detail = (
        f"{waiting['requests']:,} requests wait to be loaded, the oldest for {how_long(age_s)}: "
        f"{in_units(waiting['bytes'])}, {share:.0%} of the limit.{cut}"
    )
    next_step = "agent-analytics flush" if situation.service else "agent-analytics up"
    if holder := facts["loading_waits_for"]:
        next_step = f"Close {holder}: loading waits for it since {facts['loading_waits_since']}"
    if share >= SHARE[Signal.METRICS]:
        return fail(f"{detail} Metrics and traces are refused.", next_step)
    if share >= SHARE[Signal.TRACES]:
        return warn(f"{detail} Traces are refused.", next_step)
    if situation.service is None or age_s > LOADING_IS_LATE_S:
        return warn(detail, next_step)
    return ok(detail)


def _oldest_age_s(situation: Situation) -> float:
    """Age of the first waiting request, as its header says, else of its segment."""
    loader, folder = read_loader(situation.home), situation.home.spool
    for number in list_segments(folder):
        if number < loader.segment:
            continue
        with segment_path(folder, number).open("rb") as file:
            file.seek(loader.offset if number == loader.segment else 0)
            try:
                received_at_ns = frame.read_header(file.read(frame.HEADER_SIZE)).received_at_ns
            except frame.Incomplete:
                continue
            except (frame.Damaged, frame.Erased):
                received_at_ns = number * 1_000_000
        return time.time() - received_at_ns / 1e9
    return 0.0


def check_duckdb(situation: Situation) -> Verdict:
    """The DuckDB file; its content only while nobody else has it open."""
    import duckdb

    database = situation.home.database
    facts = situation.overview()
    if not database.exists():
        if facts["waiting"]["requests"]:
            return warn(f"{database} is not there yet.", "agent-analytics flush")
        return ok(f"{database} is not there yet; the first load makes it.")
    if holder := facts["lock_holder"]:
        said = f"{database} is open in {holder}; its content was not looked at"
        if facts["loading_waits_for"]:
            since = facts["loading_waits_since"]
            return warn(f"{said}. Loading waits since {since}.", f"Close {holder}")
        return ok(f"{said}.")
    if facts["dbt"]["running"] or situation.home.want.exists():
        # Between two connections of dbt the file is free, and dbt would fail at ours.
        return ok(f"{database} is wanted by dbt; its content was not looked at.")
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            schema = _value(connection, "SELECT max(version) FROM schema_migrations")
            rejected = _value(connection, "SELECT count(*) FROM raw_rejected")
            latest = _value(connection, "SELECT epoch(max(created_at)) FROM raw_rejected")
    except duckdb.Error as error:
        problem = str(error).splitlines()[0]
        if "Could not set lock" in problem:
            return ok(f"{database} was just opened by another process.")
        return fail(str(NotADatabase(database, problem)), "agent-analytics flush")
    return _content(situation, schema, rejected, latest)


def _content(situation: Situation, schema: int, rejected: int, latest: float | None) -> Verdict:
    from agent_analytics_collector.warehouse.migrations import known_migrations

    database, newest = situation.home.database, known_migrations()[-1][0]
    if schema > newest:
        return fail(str(NewerSchema(database, schema, newest)), "Upgrade agent-analytics")
    behind = f"; the next load brings it to {newest}" if schema < newest else ""
    detail = f"{database} is free, schema {schema}{behind}."
    if not rejected or latest is None:
        return ok(detail)
    age_s = time.time() - latest
    detail += f" {rejected:,} records could not be stored, the last {how_long(age_s)} ago."
    if age_s > RECENT.total_seconds():
        return ok(detail)
    return warn(
        detail,
        f'duckdb -readonly {database} "select created_at, signal, reason from raw_rejected"',
    )


def _value(connection: Any, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None


def check_dbt(situation: Situation) -> Verdict:
    facts = situation.overview()
    last, published = facts["dbt"]["last"], facts["published"]
    if facts["dbt"]["running"]:
        return ok("dbt is running.")
    if last is None:
        if facts["last_load_at"] is None:
            return ok("dbt has not run: nothing was loaded yet.")
        return warn("dbt has never run.", "agent-analytics transform")
    if last["status"] != "success":
        problem = last["problem"] or f"{last['errors']} errors"
        log = situation.log("transform")
        return fail(
            f"The last dbt run failed at {last['finished_at']}: {problem}",
            f"agent-analytics transform; its log is {log}",
        )
    if published is None:
        return warn("dbt ran, but no marts are published.", "agent-analytics transform")
    detail = f"Marts are published since {published['at']}."
    behind_s = _behind_s(facts, last["finished_at"])
    if behind_s > situation.settings.transform.interval_s + DBT_MARGIN_S:
        return warn(
            f"{detail} They are stale: records came {how_long(behind_s)} ago.",
            "agent-analytics transform",
        )
    return ok(detail)


def _behind_s(facts: dict[str, Any], finished_at: str) -> float:
    """Seconds since records were loaded that no dbt run has seen; 0 when there are none."""
    if facts["last_load_at"] is None or not facts["last_load_rows"]:
        return 0.0
    loaded_at = datetime.fromisoformat(facts["last_load_at"])
    if loaded_at <= datetime.fromisoformat(finished_at):
        return 0.0
    return (datetime.now(UTC) - loaded_at).total_seconds()
