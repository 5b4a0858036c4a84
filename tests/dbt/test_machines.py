"""Whose machine a session ran on: several homes, copies of one home, and telemetry's own word."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from agent_analytics_cli.sessions.plan import of_machine
from agent_analytics_collector.envelope import Signal
from tests.conftest import FIXTURES
from tests.dbt.agents import AGENTS, scenario_of
from tests.dbt.records import Record, delivered, session_records
from tests.dbt.telemetry import api_request
from tests.dbt.warehouse import RECEIVED_AT, Warehouse

pytestmark = pytest.mark.slow

HOMES = {
    "codex": "b-tools-grpc",
    "gemini_cli": "b-tools-grpc",
    "copilot_cli": "b-tools-protobuf",
}
TOLD = "told by telemetry"


def _home() -> list[Record]:
    """All records of a home in which every agent has worked."""
    records = session_records(FIXTURES / "claude" / "c-commit")
    for agent, scenario in HOMES.items():
        records += AGENTS[agent].session_records(scenario_of(agent, scenario))
    return records


def _of(machine: str, records: list[Record]) -> list[Record]:
    copies = [record | {"payload": dict(record["payload"])} for record in records]
    return [of_machine(record, machine) for record in copies]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A home and its copy, imported from two machines, the later name first in the alphabet."""
    warehouse = Warehouse(tmp_path_factory.mktemp("twice"))
    records = _home()
    [*_, last] = (r for r in records if r["agent"] == "claude_code" and r["kind"] == "request")
    grown = last | {
        "timestamp": "2026-11-22T03:59:00Z",
        "payload": last["payload"] | {"request_id": "req_grown", "message_id": "msg_grown"},
    }
    other = last | {"session_id": TOLD, "payload": last["payload"] | {"request_id": "req_told"}}
    later = RECEIVED_AT + timedelta(minutes=5)
    warehouse.load([delivered(Signal.SESSION_RECORDS, _of("workstation", records))])
    warehouse.load([
        delivered(Signal.SESSION_RECORDS, _of("container", [*records, grown, other]), later),
        api_request("req_host", "claude-opus-5-5", "2026-11-22 03:40:00", session=TOLD,
                    **{"host.name": "build-7"}),
    ])  # fmt: skip
    warehouse.build()
    return warehouse


@pytest.mark.parametrize(
    ("kind", "name", "mart"),
    [
        ("request", "request_id", "fct_agent_requests"),
        ("tool_call", "tool_use_id", "fct_tool_calls"),
    ],
)
def test_a_session_in_two_homes_counts_once_for_the_machine_that_delivered_it_first(
    twice: Warehouse, kind: str, name: str, mart: str
) -> None:
    own = {(r["agent"], r["payload"][name]) for r in _home() if r["kind"] == kind}
    counted = Counter(agent for agent, _ in own)
    if kind == "request":
        counted["claude_code"] += 1  # that of the grown copy
    assert sorted(counted) == ["claude_code", *sorted(HOMES)]
    assert twice.rows(
        f"SELECT agent, machine, count(*) FROM marts.{mart} "
        f"WHERE session_id <> '{TOLD}' GROUP BY ALL ORDER BY 1"
    ) == [(agent, "workstation", count) for agent, count in sorted(counted.items())]


def test_a_session_in_two_homes_is_one_session(twice: Warehouse) -> None:
    assert twice.rows(
        "SELECT agent, machine, count(*) FROM marts.fct_agent_sessions "
        f"WHERE session_id <> '{TOLD}' GROUP BY ALL ORDER BY 1"
    ) == [(agent, "workstation", 1) for agent in ("claude_code", *sorted(HOMES))]


def test_what_a_session_did_after_the_copy_is_the_sessions_machine_still(twice: Warehouse) -> None:
    assert twice.rows(
        "SELECT machine FROM marts.fct_agent_requests WHERE request_key LIKE '%req_grown'"
    ) == [("workstation",)]


def test_telemetrys_own_word_goes_before_the_file(twice: Warehouse) -> None:
    assert twice.rows(
        f"SELECT seen_in, machine FROM marts.fct_agent_requests WHERE session_id = '{TOLD}' "
        "ORDER BY 1"
    ) == [("event", "build-7"), ("session_file", "build-7")]
    assert twice.rows(
        f"SELECT machine FROM marts.fct_agent_sessions WHERE session_id = '{TOLD}'"
    ) == [("build-7",)]
