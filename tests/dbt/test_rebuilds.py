"""The same records give the same marts, however they came and however often they are built."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from agent_analytics_collector.envelope import OTLP_SIGNALS, Encoding, Envelope, Signal
from agent_analytics_collector.otlp.messages import REQUESTS, parse
from tests.dbt.conftest import SCENARIOS
from tests.dbt.telemetry import api_request
from tests.dbt.warehouse import DBT_PROJECT, RECEIVED_AT, Warehouse, problems

pytestmark = pytest.mark.slow

DATED = "claude-sonnet-4-5-20250929"

NewWarehouse = Callable[[], Warehouse]
Recordings = dict[str, list[Envelope]]

ADDED_BY_A_COLLECTOR = {
    "host.name": "collector-7", "k8s.pod.name": "otel-0", "cloud.region": "eu-west-1",
    "deployment.environment": "prod",
}  # fmt: skip


def through_a_collector(envelopes: list[Envelope], chance: random.Random) -> list[Envelope]:
    """The same records in requests of other sizes and another order, with a host added."""
    parts = [part for envelope in envelopes for part in records(envelope)]
    chance.shuffle(parts)
    passed_on = []
    for signal in OTLP_SIGNALS:
        of_signal = [message for kind, message in parts if kind is signal]
        while of_signal:
            size = chance.randint(1, 20)
            merged = REQUESTS[signal]()
            for message in of_signal[:size]:
                merged.MergeFrom(message)
            del of_signal[:size]
            body = merged.SerializeToString()
            passed_on.append(
                Envelope(
                    signal,
                    Encoding.PROTOBUF,
                    body,
                    int(RECEIVED_AT.timestamp()) * 10**9,
                    {"x-developer-id": "dev_abc"},
                )
            )
    chance.shuffle(passed_on)
    return passed_on


def records(envelope: Envelope) -> Iterator[tuple[Signal, Any]]:
    """One message a record (of metrics: a metric), its resource described anew."""
    message: Any = parse(envelope.signal, envelope.encoding, envelope.body).message
    outer, inner, leaf = {
        Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
        Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
        Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    }[envelope.signal]
    for resource in getattr(message, outer):
        for scope in getattr(resource, inner):
            for record in getattr(scope, leaf):
                single = REQUESTS[envelope.signal]()
                group = getattr(single, outer).add()
                group.resource.CopyFrom(resource.resource)
                known = {pair.key for pair in group.resource.attributes}
                group.resource.attributes.extend(
                    KeyValue(key=key, value=AnyValue(string_value=value))
                    for key, value in ADDED_BY_A_COLLECTOR.items()
                    if key not in known
                )
                part = getattr(group, inner).add()
                part.scope.CopyFrom(scope.scope)
                getattr(part, leaf).append(record)
                yield envelope.signal, single


def all_of(recordings: Recordings) -> list[Envelope]:
    return [envelope for name in SCENARIOS for envelope in recordings[name]]


def test_an_incremental_build_equals_a_full_refresh(
    built: Warehouse, recordings: Recordings, new_warehouse: NewWarehouse
) -> None:
    """The halves are dealt out in turn, so that the second brings late and missing records."""
    warehouse = new_warehouse()
    envelopes = all_of(recordings)
    warehouse.load(envelopes[::2])
    warehouse.build()
    half = warehouse.marts()
    warehouse.load(envelopes[1::2])
    warehouse.build()
    incremental = warehouse.marts()
    warehouse.build("--full-refresh")
    assert half != incremental
    assert incremental == warehouse.marts()
    assert incremental == built.marts()


# telemetry.md 2, 9 and 21
def test_three_times_shuffled_split_and_through_a_collector_changes_nothing(
    built: Warehouse, recordings: Recordings, new_warehouse: NewWarehouse
) -> None:
    warehouse = new_warehouse()
    chance = random.Random(20261122)
    envelopes = all_of(recordings)
    for _ in range(2):
        for envelope in through_a_collector(envelopes, chance):
            warehouse.load([envelope])
    warehouse.load(chance.sample(envelopes, len(envelopes)))
    warehouse.build()
    assert warehouse.marts() == built.marts()


def test_a_newer_price_seed_moves_no_cent_of_the_past(
    recordings: Recordings, new_warehouse: NewWarehouse, tmp_path: Path
) -> None:
    """Nor does a price that a dated name gets of its own rename what came before."""
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("logs", "target"))
    with (project / "seeds" / "model_prices.csv").open("a") as prices:
        for model in ("claude-opus-5-5", "claude-sonnet-4-5", DATED, "my-weird-model"):
            prices.write(
                f"{model},anthropic,standard,0,,,{date(2026, 12, 1)},99,9,99,99,99,newer,2\n"
            )
    warehouse = new_warehouse()
    warehouse.load([*all_of(recordings), api_request("dated", DATED, input_tokens=1000)])
    today = {"dim_models", "dim_model_prices"}  # the prices themselves
    priced = (
        "SELECT request_key, model, cost_usd, computed_cost_usd, price_version, cache_savings_usd "
        "FROM marts.fct_agent_requests WHERE model <> 'my-weird-model' ORDER BY 1"
    )
    warehouse.build()
    before, priced_before = warehouse.marts(without=today), warehouse.rows(priced)
    warehouse.build("--full-refresh", project=project)
    after = warehouse.marts(without=today)
    # A model without a price until then takes the one that became known first.
    filled_in = {"fct_agent_requests", "fct_agent_costs", "fct_cost_gaps"}
    assert {name for name in before if before[name] != after[name]} <= filled_in
    assert warehouse.rows(priced) == priced_before
    assert {row[1] for row in priced_before if row[0] == "claude_code:dated"} == {
        "claude-sonnet-4-5"
    }
    assert warehouse.rows(
        "SELECT cost_source, computed_cost_usd IS NULL FROM marts.fct_agent_requests "
        "WHERE model = 'my-weird-model'"
    ) == [("agent_reported", False)]


def test_an_empty_store_builds_with_all_tests_and_gives_typed_empty_marts(
    new_warehouse: NewWarehouse,
) -> None:
    warehouse = new_warehouse()
    with warehouse.open():
        pass
    first = warehouse.dbt("build")  # unit tests too, which need what the build makes
    assert first.success, problems(first)
    warehouse.build()
    filled = {name for name, rows in warehouse.marts().items() if rows}
    assert filled == {"dim_agents", "dim_model_prices", "dim_plans"}  # what seeds know
    types = dict(
        warehouse.rows(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = 'marts' AND table_name = 'fct_agent_costs'"
        )
    )
    assert types["cost_usd"] == "DECIMAL(18,9)"
    assert types["requests"] == "BIGINT"
    assert types["usage_date"] == "DATE"
