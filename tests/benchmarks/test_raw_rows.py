"""Raw rows that are copied for the measurements are such as the loader stores them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from benchmarks.raw_rows import TURNS, Rows, Turns
from benchmarks.raw_template import MODULE, SESSION, TABLES, TURN

from agent_analytics_collector.home import Home
from agent_analytics_collector.warehouse.lease import lease


def test_a_session_goes_on_under_its_id_with_records_of_its_own(home: Home) -> None:
    rows, begin = Rows(home), datetime(2026, 3, 1, tzinfo=UTC)
    first = rows.add(Turns(range(2), range(2), begin, timedelta(days=1)))
    later = rows.add(Turns(range(1, 3), range(TURNS, TURNS + 1), begin, timedelta(days=1)))
    assert (first.sessions, later.sessions) == (2 * rows.sessions, 2 * rows.sessions)
    git = ("raw_git_commits", "raw_git_commit_files")
    with lease(home.database) as connection:

        def number(sql: str) -> int:
            found = connection.execute(sql).fetchone()
            assert found is not None
            return int(found[0])

        stored = sum(number(f"SELECT count(*) FROM {table}") for table in (*TABLES, *git))
        assert stored == first.rows + later.rows == 6 * rows.rows
        for table in TABLES:
            twice = f"SELECT count(*) - count(DISTINCT record_key) FROM {table}"
            assert number(twice) == 0, table
            marks = " OR ".join(f"contains(told, '{mark}')" for mark in (SESSION, TURN, MODULE))
            told = f"SELECT to_json(r)::VARCHAR AS told FROM {table} AS r"
            assert number(f"SELECT count(*) FROM ({told}) WHERE {marks}") == 0, table
        sessions = "SELECT count(DISTINCT session_id) FROM raw_agent_session_records"
        assert number(sessions) == 3 * rows.sessions
        assert number("SELECT count(*) FROM raw_git_commits") == 6 * rows.commits
        assert number("SELECT max(batch_id) FROM raw_otel_logs") == 2
        assert number("SELECT next_log_id - max(id) FROM loader_position, raw_otel_logs "
                      "GROUP BY next_log_id") == 1  # fmt: skip
