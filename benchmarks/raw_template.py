"""Recorded telemetry and session files as raw rows whose ids are left open.

Decoded, checked and stored by the loader's own code, then each id has a mark where a copy of the
row gets a number of its own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import duckdb
import orjson

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.agents.session_file import Trouble
from agent_analytics_cli.outbound.recordings import find_recordings
from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.line_hashes import LineHasher
from agent_analytics_collector.spool.segments import Position
from agent_analytics_collector.warehouse.batch import RawBatch
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.load import Batch, store

RECORDINGS = Path(__file__).parents[1] / "tests" / "fixtures"
SESSION = "@session"
"""Stands where an id of a session has its number, eight hexadecimal digits."""
TURN = "@@@turn@"
"""The same of all other ids: of prompts, requests, tool calls, messages, spans, commits, lines."""
MODULE = "@module@"
"""The same of the folder of an edited file."""
TABLES = {
    "raw_otel_logs": "timestamp",
    "raw_otel_metrics": "timestamp",
    "raw_otel_spans": "timestamp",
    "raw_agent_session_records": "timestamp",
}
"""The raw tables of sessions, each with its time."""
LINES = 20
"""Of an edit; those that were recorded have three."""
_FOLDERS = {"claude": "claude_code", "codex": "codex", "copilot": "copilot_cli",
            "gemini": "gemini_cli"}  # fmt: skip
_ARRIVED_AT = datetime(2026, 11, 22, 4, tzinfo=UTC)
_READ_BY_NO_MODEL = "metric_name like 'codex.%' or service_name = 'github-copilot'"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ID = re.compile(
    rf"{_UUID}"
    r"|\b(?:req_|msg_|toolu_|call_|resp_|chatcmpl-)[0-9A-Za-z]{10,}"
    r"|(?<=__fc-)[0-9a-f]{8}"
    r"|\ba[0-9a-f]{16}\b"
    r"|\b[0-9a-f]{40}\b|\b[0-9a-f]{32}\b"
)


def write_template(database: Path) -> None:
    """Make a DuckDB file that has the raw tables with one row of each recorded record.

    Metrics that no model reads are left out, so that every row of a copy is work.
    """
    envelopes = [*_telemetry(), *_session_files()]
    raw = RawBatch(hasher=LineHasher(b"benchmark" * 4))
    for envelope in envelopes:
        raw.add(envelope)
    with lease(database) as connection:
        begin, end = Position(0, 0), Position(0, 1)
        batch = Batch(begin, end, len(envelopes), raw.tables(), None, raw.records, _ARRIVED_AT)
        assert store(connection, batch) is not None
        connection.execute(f"DELETE FROM raw_otel_metrics WHERE {_READ_BY_NO_MODEL}")
        sessions = connection.execute(
            " UNION ".join(f"SELECT session_id FROM {table} WHERE session_id <> ''"
                           for table in TABLES)
        ).fetchall()  # fmt: skip
        for table in TABLES:
            _leave_open(connection, table, {session for (session,) in sessions})


def _telemetry() -> list[Envelope]:
    return [
        Envelope(
            each.request.signal,
            Encoding.JSON if each.body_file.suffix == ".json" else Encoding.PROTOBUF,
            each.body_file.read_bytes(),
            0,
            {},
        )
        for each in find_recordings(RECORDINGS)
    ]


def _session_files() -> list[Envelope]:
    hasher, trouble = LineHasher(b"benchmark" * 4), Trouble()
    made = []
    for folder, agent in _FOLDERS.items():
        reader = READERS[agent]
        for home in sorted((RECORDINGS / folder).glob(f"*/home/.{folder}")):
            records = [
                {name: value for name, value in record.items() if value is not None}
                for file in reader.find(home, trouble)
                for record in reader.read(file, trouble, None, hasher)
            ]
            body = orjson.dumps(records)
            made.append(Envelope(Signal.SESSION_RECORDS, Encoding.JSON, body, 0, {}))
    return made


def _leave_open(connection: duckdb.DuckDBPyConnection, table: str, sessions: set[str]) -> None:
    """Put the marks into every column of text."""
    columns = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = ? "
        "AND data_type IN ('VARCHAR', 'JSON')",
        [table],
    ).fetchall()

    def marked(text: str) -> str:
        return _with_more_lines(_ID.sub(lambda found: _marked(found.group(), sessions), text))

    connection.create_function("marked", marked, ["VARCHAR"], "VARCHAR")
    changes = ", ".join(f'"{name}" = marked("{name}")' for (name,) in columns)
    connection.execute(f"UPDATE {table} SET {changes}")
    connection.remove_function("marked")


def _marked(name: str, sessions: set[str]) -> str:
    return name[:-8] + (SESSION if name in sessions else TURN)


def _with_more_lines(text: str) -> str:
    """An edit with LINES lines of its own, in a file of its session's repository."""
    if 'added_line_hashes":"' not in text:
        return text
    told = orjson.loads(text)
    prefix = next(name for name in told if name.endswith("added_line_hashes")).partition("added")[0]
    path = f"{prefix}file_path"
    if told.get(path):
        folder, _, name = told[path].rpartition("/")
        told[path] = f"{folder}/{MODULE}/{name}"
    if told[f"{prefix}added_line_hashes"]:
        common = told[f"{prefix}added_line_hashes"].split()[:1]
        call = told.get("tool_use_id") or told.get("call_id") or told[path]
        own = [f"{crc32(f'{call} {number}'.encode()):08x}{TURN}" for number in range(1, LINES)]
        told[f"{prefix}added_line_hashes"] = " ".join(common + own)
        told[f"{prefix}lines_added"] = LINES
    return orjson.dumps(told).decode()
