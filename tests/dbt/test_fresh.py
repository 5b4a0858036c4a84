"""A fresh answer is what an import and a `transform` would have made."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from agent_analytics_cli.agents import READERS
from agent_analytics_cli.agents.session_file import Trouble
from agent_analytics_cli.days import Days
from agent_analytics_cli.display_names import read_display_names
from agent_analytics_cli.fresh import FreshMarts, open_fresh_marts
from agent_analytics_cli.fresh.marts import _KEYS
from agent_analytics_cli.fresh.news import as_accepted
from agent_analytics_cli.marts import open_marts
from agent_analytics_cli.reports.session_report import session_view
from agent_analytics_cli.sessions.delivery import deliver_files
from agent_analytics_cli.sessions.plan import plan_import
from agent_analytics_collector.api.payloads import SessionRecord
from agent_analytics_collector.compiled_sql import keep_compiled, project_digest, read_compiled
from agent_analytics_collector.envelope import Encoding, Envelope, Signal
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import SessionSettings, Settings
from agent_analytics_collector.spool.writer import Spool
from agent_analytics_collector.state import ServiceState, process_started_at, write_state
from agent_analytics_collector.transform import compile_sql
from agent_analytics_collector.warehouse.publish import publish_new_runs
from agent_analytics_collector.warehouse.user_input import write_user_input
from tests.conftest import FIXTURES
from tests.dbt.warehouse import DBT_PROJECT, Warehouse, recorded

pytestmark = pytest.mark.slow

SETTINGS = Settings(time_zone="Europe/Berlin")
SCENARIOS = [
    scenario
    for agent in ("claude", "codex", "gemini", "copilot")
    for scenario in sorted((FIXTURES / agent).iterdir())
]
CUT_IN_THE_MIDDLE = 0.6
VENDOR_DAYS = ("2026-03-03", "2026-03-04")
"""Of each a vendor reports 5 USD of ann and of bob with Claude Code, and of ann with Cursor."""


@dataclass
class Machine:
    """A developer's machine whose collector is this process."""

    warehouse: Warehouse
    user: Path
    whole: dict[Path, bytes] = field(default_factory=dict)
    """The session files as they are in the end."""
    thread: Path = Path()
    """A Codex session that does not go on, but is forked."""

    def post(self, path: str, records: list[Any]) -> dict[str, Any]:
        """The collector's API: it checks, and what it accepts is loaded at once."""
        accepted = [
            SessionRecord.model_validate_json(bytes(each)).model_dump(
                mode="json", exclude_none=True
            )
            for each in records
        ]
        body = orjson.dumps(accepted)
        now = time.time_ns()
        self.warehouse.load([Envelope(Signal.SESSION_RECORDS, Encoding.JSON, body, now)])
        return {"accepted": len(records), "duplicate": 0, "rejected": 0, "problems": []}

    def import_files(self) -> None:
        """What `agent-analytics import` does."""
        plan = plan_import(self.warehouse.home, SETTINGS)
        outcome = deliver_files(plan.waiting, self, 1.0, plan.imported.add)  # type: ignore[arg-type]
        assert not outcome.problems

    def transform(self) -> None:
        """What `agent-analytics transform` does, in this process."""
        home = self.warehouse.home
        with self.warehouse.open() as connection:
            write_user_input(connection, home, SETTINGS)
        first = not home.current_marts.exists()
        self.warehouse.build(*["--full-refresh"] * first)
        assert keep_compiled(home, DBT_PROJECT, home.dbt_target)
        with self.warehouse.open() as connection:
            assert publish_new_runs(connection, home, SETTINGS)

    def fresh(self) -> tuple[FreshMarts, dict[str, list[str]]]:
        """The fresh answer, and every row of its marts as text."""
        with open_fresh_marts(self.warehouse.home, SETTINGS) as fresh:
            assert fresh.connection is not None
            return fresh, rows_of(fresh.connection)

    def published(self) -> dict[str, list[str]]:
        with open_marts(self.warehouse.home) as marts:
            assert marts is not None
            return rows_of(marts)


def rows_of(marts: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Every row of every mart as text, in an order of its own."""
    marts.execute("SET TimeZone = 'UTC'")
    names = marts.execute(
        "SELECT DISTINCT table_name FROM information_schema.tables WHERE table_schema = 'main' "
        "AND table_catalog = current_database() AND table_type <> 'LOCAL TEMPORARY'"
    ).fetchall()
    return {
        name: sorted(map(str, marts.execute(f'SELECT * FROM main."{name}"').fetchall()))
        for (name,) in names
    }


def as_if_still_running(user: Path) -> dict[Path, bytes]:
    """Leave of each second file, as its agent wrote it, what was there some time before the end.

    The content of all in the end. Of files of one JSON document nothing was there.
    """
    whole = {}
    paths = sorted(path for path in user.rglob("*") if path.suffix in (".jsonl", ".json"))
    for path in paths[::2]:
        whole[path] = path.read_bytes()
        if path.suffix == ".json":
            path.unlink()
        else:
            path.write_bytes(whole[path][: int(len(whole[path]) * CUT_IN_THE_MIDDLE)])
    return whole


def forks(user: Path, running: dict[Path, bytes]) -> Iterator[tuple[Path, bytes]]:
    """Files of new sessions that begin with a copy of one that does not go on.

    Half of them say so, as `--fork-session` does (2.1.330), half do not.
    """
    others = sorted(set((user / ".claude" / "projects").glob("*/*.jsonl")) - set(running))
    for number, path in enumerate(others):
        session_id = str(uuid.UUID(int=number))
        copy = [json.loads(line) for line in path.read_bytes().splitlines()]
        answers = [line for line in copy if line.get("type") == "assistant" and line["requestId"]]
        new = [json.loads(json.dumps(line)) for line in answers[-1:]]
        for line in new:
            line["requestId"] = line["message"]["id"] = f"new_{number}"
        told: dict[str, Any] = {"sessionId": session_id}
        if number % 2:
            told["forkedFrom"] = {"sessionId": path.stem}
        lines = [line | told for line in copy if "sessionId" in line]
        lines += [line | {"sessionId": session_id} for line in new]
        yield path.with_name(f"{session_id}.jsonl"), b"\n".join(map(orjson.dumps, lines))


THREAD, FORK = "0bb20158-0000-7000-8000-000000000001", "0bb20158-0000-7000-8000-000000000002"


def older_thread(user: Path) -> Path:
    """A Codex thread of a version that tells of its sums alone, written beside the others."""
    recorded = min((FIXTURES / "codex" / "i-gpt55" / "home").rglob("rollout-*.jsonl"))
    own_id = recorded.stem[-36:]
    lines = [line for line in recorded.read_text().splitlines() if "token_usage_record" not in line]
    text = "\n".join(lines).replace(own_id, THREAD).replace(own_id[:8], THREAD[:8])
    text = text.replace(': "call_', ': "call_of_older_').replace(':"call_', ':"call_of_older_')
    path = user / ".codex" / "sessions" / "2026" / "11" / "22" / f"rollout-{THREAD}.jsonl"
    path.write_text(text)
    return path


def fork_of(thread: Path) -> tuple[Path, bytes]:
    """A thread that begins with a copy of another and then asks once more."""
    lines = [json.loads(line) for line in thread.read_text().splitlines()]
    meta = json.loads(json.dumps(lines[0]).replace(THREAD, FORK))
    meta["payload"]["forked_from_id"] = THREAD
    last = [line for line in lines if line["payload"].get("type") == "token_count"][-1]
    more = json.loads(json.dumps(last))
    more["timestamp"] = "2026-11-22T10:00:00Z"
    more["ordinal"] += 1000
    added = more["payload"]["info"]["last_token_usage"]
    for name, tokens in more["payload"]["info"]["total_token_usage"].items():
        more["payload"]["info"]["total_token_usage"][name] = tokens + added[name]
    told = [meta, *lines, more]
    return thread.with_name(f"rollout-{FORK}.jsonl"), b"\n".join(map(orjson.dumps, told))


def claude_lines(session_id: str, at: str, model: str) -> bytes:
    """A session that is asked something and answers once, in UTC."""
    told = {"sessionId": session_id, "timestamp": at, "cwd": "/src/app", "gitBranch": "topic"}
    usage = {"input_tokens": 1000, "output_tokens": 1000}
    answer = {"id": f"m_{session_id}", "role": "assistant", "model": model, "usage": usage}
    asked = {"role": "user", "content": "Go on."}
    lines = [
        {"type": "user", "uuid": f"u_{session_id}", "message": asked, **told},
        {"type": "assistant", "message": answer, "requestId": f"r_{session_id}", **told},
    ]
    return b"\n".join(map(orjson.dumps, lines))


def report_of_vendors(warehouse: Warehouse) -> None:
    """What a vendor reports of VENDOR_DAYS."""
    days = ", ".join(f"(DATE '{day}')" for day in VENDOR_DAYS)
    warehouse.execute(
        f"""
        INSERT INTO raw_vendor_usage BY NAME
        SELECT
            vendor, day AS usage_date, actor, 'claude-opus-4-5' AS model, 1000 AS input_tokens,
            1000 AS output_tokens, 5 AS cost_usd, '{{}}' AS payload,
            TIMESTAMPTZ '2026-03-10 00:00:00+00' AS created_at
        FROM (VALUES ('claude_code', 'ann@x.io'), ('claude_code', 'bob@x.io'),
                     ('cursor', 'ann@x.io')) AS reports (vendor, actor)
        CROSS JOIN (VALUES {days}) AS days (day)
        """
    )


def vendors_spend(marts: duckdb.DuckDBPyConnection | None, day: str) -> list[tuple[str, str]]:
    """(agent, developer) of what a day has from a vendor alone."""
    assert marts is not None
    return marts.execute(
        "SELECT agent, developer_id FROM main.fct_vendor_spend "
        "WHERE reported_on = CAST($1 AS DATE) ORDER BY ALL",
        [day],
    ).fetchall()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """All recordings of all agents, telemetry and files, transformed while the sessions ran."""
    user = tmp_path_factory.mktemp("user")
    for scenario in SCENARIOS:
        if (scenario / "home").is_dir():
            shutil.copytree(scenario / "home", user, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(user))
        machine = Machine(Warehouse(tmp_path_factory.mktemp("home")), user)
        machine.whole = as_if_still_running(user)
        machine.thread = older_thread(user)
        for scenario in SCENARIOS:
            machine.warehouse.load(recorded(scenario))
        machine.import_files()
        report_of_vendors(machine.warehouse)
        machine.transform()
        yield machine


@pytest.fixture(autouse=True)
def users_home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agents' folders are in the machine's home, not in the one that each test gets."""
    monkeypatch.setenv("HOME", str(machine.user))
    monkeypatch.setenv("TZ", "Asia/Kolkata")  # where the day is another than in the setting
    time.tzset()


def test_without_news_it_is_as_published(machine: Machine) -> None:
    fresh, rows = machine.fresh()
    assert (fresh.note, fresh.sessions) == (None, 0)
    assert rows == machine.published()


def test_what_sessions_went_on_to_do_is_as_after_import_and_transform(machine: Machine) -> None:
    before = machine.published()
    projects = machine.user / ".claude" / "projects"
    on_a_vendors_day = claude_lines("vday", f"{VENDOR_DAYS[0]}T12:00:00Z", "claude-opus-9-9")
    new_files = [*forks(machine.user, machine.whole), fork_of(machine.thread)]
    new_files.append((next(projects.iterdir()) / "vday.jsonl", on_a_vendors_day))
    for path, content in [*machine.whole.items(), *new_files]:
        path.write_bytes(content.rstrip(b"\n"))  # the last line is whole, its end not written yet
    fresh, rows = machine.fresh()
    assert fresh.sessions > 10
    assert f"{fresh.sessions} sessions that went on" in str(fresh.note)
    assert "What a vendor reported of 1 day is left out" in str(fresh.note)

    machine.import_files()
    loaded, loaded_rows = machine.fresh()
    assert loaded.sessions == fresh.sessions
    machine.transform()
    after = machine.published()
    for mart in (*_KEYS, "fct_vendor_spend"):
        assert rows[mart] == after[mart], mart
        assert loaded_rows[mart] == after[mart], f"{mart}, loaded and not transformed"
    assert len(rows["fct_vendor_spend"]) == len(before["fct_vendor_spend"]) - 2  # ann's and bob's
    as_published = before.keys() - {*_KEYS, "fct_vendor_spend", "dim_models"}
    assert all(rows[mart] == before[mart] for mart in as_published)
    assert set(before["dim_models"]) < set(rows["dim_models"])
    [new_model] = [row for row in rows["dim_models"] if "'claude-opus-9-9'" in row]
    assert "'Claude Opus 9.9'" in new_model
    assert len(rows["dim_models"]) == len(after["dim_models"])
    new = set(after["fct_agent_requests"]) - set(before["fct_agent_requests"])
    assert {agent for agent in READERS if any(f"'{agent}'" in row for row in new)} == set(READERS)
    assert sum("claude_code:new_" in row for row in new) > 3
    assert [FORK in row for row in new if THREAD[:8] in row] == [True]


def test_of_a_vendors_day_only_the_part_that_the_sessions_hold_is_left_out(
    machine: Machine,
) -> None:
    path = machine.user / ".claude" / "projects" / "anns" / "day.jsonl"
    path.parent.mkdir()
    path.write_bytes(claude_lines("day", f"{VENDOR_DAYS[1]}T12:00:00Z", "claude-opus-4-5"))
    everyone = [("claude_code", "ann@x.io"), ("claude_code", "bob@x.io"), ("cursor", "ann@x.io")]
    with open_marts(machine.warehouse.home) as marts:
        assert vendors_spend(marts, VENDOR_DAYS[1]) == everyone
    by_developer = {"ann@x.io": everyone[1:], "carl": everyone[2:]}
    for developer_id, remain in by_developer.items():
        settings = Settings(time_zone="Europe/Berlin", developer_id=developer_id)
        with open_fresh_marts(machine.warehouse.home, settings) as fresh:
            assert vendors_spend(fresh.connection, VENDOR_DAYS[1]) == remain, developer_id
    path.unlink()


def test_a_session_in_use_is_listed_first_with_all_it_did(machine: Machine) -> None:
    path = machine.user / ".claude" / "projects" / "now" / "now.jsonl"
    path.parent.mkdir()
    path.write_bytes(claude_lines("now", "2026-11-23T11:30:00Z", "claude-opus-8-8"))
    with open_fresh_marts(machine.warehouse.home, SETTINGS) as fresh:
        row = session_view(fresh.connection, None, None, Days("Pacific/Auckland")).rows[0]
        names = read_display_names(fresh.connection)
    assert (row["session"], row["prompts"], row["requests"]) == ("now", 1, 1)
    assert (row["branch"], row["last_at"]) == ("topic", "2026-11-23T11:30:00Z")
    assert row["machine"]
    assert names.models["claude-opus-8-8"] == "Claude Opus 8.8"
    path.unlink()


def test_a_request_that_waits_in_the_spool_is_there(machine: Machine) -> None:
    home = machine.warehouse.home
    payload = {"request_id": "req_spooled", "message_id": "m", "model": "claude-opus-4-5",
               "input_tokens": 7, "output_tokens": 5}  # fmt: skip
    record = {"agent": "claude_code", "session_id": "spooled", "kind": "request",
              "timestamp": "2026-11-22T09:00:00Z", "payload": payload}  # fmt: skip
    body = orjson.dumps([record])

    async def put() -> None:
        spool = Spool(home.spool, SETTINGS.spool)
        await spool.put(Envelope(Signal.SESSION_RECORDS, Encoding.JSON, body, time.time_ns()), 1)
        spool.close()

    asyncio.run(put())
    try:
        fresh, rows = machine.fresh()
    finally:
        for segment in home.spool.iterdir():
            segment.unlink()
    assert fresh.sessions == 1
    [row] = set(rows["fct_agent_requests"]) - set(machine.published()["fct_agent_requests"])
    assert "claude_code:req_spooled" in row
    assert "Decimal('0.000160000')" in row  # 7 x 5 USD and 5 x 25 USD a million


def new_line(machine: Machine) -> Path:
    """A session file that nobody knows of."""
    path = machine.user / ".claude" / "projects" / "new" / "one.jsonl"
    path.parent.mkdir(exist_ok=True)
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "m", "role": "assistant", "model": "claude-opus-4-5", "usage": usage}
    line = {"type": "assistant", "sessionId": "one", "timestamp": "2026-11-22T09:00:00Z",
            "message": message, "requestId": "r"}  # fmt: skip
    path.write_text(json.dumps(line))
    return path


@pytest.fixture
def with_news(machine: Machine) -> Iterator[Machine]:
    path = new_line(machine)
    assert machine.fresh()[0].sessions == 1
    yield machine
    path.unlink()


def test_while_another_process_has_the_file_it_is_as_published_and_says_so(
    with_news: Machine,
) -> None:
    home = with_news.warehouse.home
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held'); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-uc", hold, str(home.database)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        fresh, rows = with_news.fresh()
        holder.stdin.close()
    assert "another process has" in str(fresh.note)
    assert rows == with_news.published()


def test_a_running_collector_brings_the_news_itself(with_news: Machine) -> None:
    home = with_news.warehouse.home
    started_at = process_started_at(os.getpid())
    assert started_at is not None
    state = ServiceState(os.getpid(), started_at, "127.0.0.1", 1, 2, 3, "0", "2026-11-22T09:00:00Z")
    write_state(home.service_state, state)
    try:
        fresh, rows = with_news.fresh()
    finally:
        home.service_state.unlink()
    assert (fresh.note, rows) == (None, with_news.published())


def test_with_a_backend_elsewhere_the_news_go_there(with_news: Machine) -> None:
    settings = Settings(backend_url="https://team.example.com")
    with open_fresh_marts(with_news.warehouse.home, settings) as fresh:
        assert (fresh.note, fresh.sessions) == (None, 0)


def test_sql_of_another_version_is_not_run(with_news: Machine) -> None:
    home = with_news.warehouse.home
    kept = home.dbt_target.parent / "compiled.json"
    content = kept.read_bytes()
    kept.write_bytes(content.replace(project_digest(DBT_PROJECT).encode(), b"another"))
    fresh, rows = with_news.fresh()
    kept.write_bytes(content)
    assert "until `agent-analytics transform` has run with this version" in str(fresh.note)
    assert rows == with_news.published()


def test_without_watching_files_are_left_alone(with_news: Machine) -> None:
    settings = Settings(time_zone="Europe/Berlin", sessions=SessionSettings(watch=False))
    with open_fresh_marts(with_news.warehouse.home, settings) as fresh:
        assert (fresh.note, fresh.sessions) == (None, 0)


def test_compiling_alone_gives_the_same_sql_as_building(machine: Machine) -> None:
    home = machine.warehouse.home
    kept = read_compiled(home, DBT_PROJECT)
    assert kept is not None
    (home.dbt_target.parent / "compiled.json").unlink()
    assert compile_sql(home, DBT_PROJECT) == kept


def test_before_the_first_run_all_marts_are_made_from_what_is_there(machine: Machine) -> None:
    published = machine.published()
    current = machine.warehouse.home.published / "current"
    to = current.readlink()
    current.unlink()
    fresh, rows = machine.fresh()
    current.symlink_to(to)
    assert "Nothing was transformed yet" in str(fresh.note)
    assert rows == published


def test_before_anything_is_there_nothing_is_compiled(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home.root))
    with open_fresh_marts(home, SETTINGS) as fresh:
        assert (fresh.connection, fresh.note) == (None, None)
    assert not (home.root / "dbt").exists()


def test_readers_records_are_those_that_the_api_hands_on(machine: Machine) -> None:
    records = [
        record
        for agent, reader in READERS.items()
        for file in reader.find(reader.folder(machine.user), Trouble())
        for record in reader.read(file, Trouble(), None)
    ]
    times = ("T00:00:00Z", "T02:00:00.5+02:00", "T00:00:00.123456789Z", "T00:00:00-00:00")
    records += [records[0] | {"timestamp": f"2026-01-01{time}"} for time in times]
    assert len(records) > 400
    for record in records:
        accepted = SessionRecord.model_validate(record).model_dump(mode="json", exclude_none=True)
        assert as_accepted(record) == accepted
