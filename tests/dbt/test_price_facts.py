"""What data-model.md says of cost, one fact a test, beside those in test_costs.py.

Prices are the shipped ones; days are counted in Berlin, which must not matter to any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent_analytics_collector.envelope import Envelope
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.user_input import write_user_input
from tests.dbt.telemetry import api_request
from tests.dbt.warehouse import Warehouse

pytestmark = pytest.mark.slow

NewWarehouse = Callable[[], Warehouse]
MILLION = 1_000_000
SPELLINGS = {
    "claude-opus-4-6[1m]": "claude-opus-4-6",
    "us.anthropic.claude-opus-4-6-v1:0": "claude-opus-4-6",
    "anthropic/claude-opus-4.6": "claude-opus-4-6",
    "claude-4.6-opus": "claude-opus-4-6",
    "claude-haiku-4-5@20251001": "claude-haiku-4-5",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4-5",
    "gpt-5.5-2026-04-23": "gpt-5.5",
    "publishers/google/models/gemini-3-pro-preview": "gemini-3-pro-preview",
}
REQUESTS = [
    api_request("half", "gpt-5.5", input_tokens=200_000, session="two halves"),
    api_request("other half", "gpt-5.5", input_tokens=200_000, session="two halves"),
    api_request("whole", "gpt-5.5", input_tokens=400_000),
    api_request("at the bound", "gpt-5.5", input_tokens=272_000),
    api_request("cache counts", "gpt-5.5", input_tokens=1, cache_read_tokens=272_000),
    api_request("output does not", "gpt-5.5", input_tokens=1, output_tokens=300_000),
    api_request("last second", "claude-opus-4-6", "2026-03-12 23:59:59", input_tokens=300_000),
    api_request("first second", "claude-opus-4-6", "2026-03-13 00:00:00", input_tokens=300_000),
    api_request("reported", "claude-opus-5-5", input_tokens=MILLION,
                cost_usd=3.25, cost_usd_micros=3_250_000),
    api_request("reported nothing", "claude-opus-5-5", input_tokens=MILLION,
                cost_usd=0, cost_usd_micros=0),
    api_request("reported alone", "nobody-knows", input_tokens=1,
                cost_usd=0.25, cost_usd_micros=250_000),
    api_request("unpriced", "nobody-knows", input_tokens=1),
    api_request("cache write", "gpt-5.5", cache_creation_tokens=1),
    api_request("no such tier", "claude-haiku-4-5", input_tokens=1, speed="fast"),
    *(api_request(name, name, input_tokens=1000) for name in SPELLINGS),
    *(api_request(f"plain {name}", name, input_tokens=1000) for name in set(SPELLINGS.values())),
]  # fmt: skip


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("facts"))
    warehouse.load(REQUESTS)
    warehouse.execute("INSERT INTO raw_settings VALUES ('time_zone', 'Europe/Berlin', now())")
    warehouse.build()
    return warehouse


def request(warehouse: Warehouse, name: str, columns: str) -> tuple[object, ...]:
    (row,) = warehouse.rows(
        f"SELECT {columns} FROM marts.fct_agent_requests WHERE request_key = 'claude_code:{name}'"
    )
    return row


def computed(warehouse: Warehouse, name: str) -> object:
    return request(warehouse, name, "computed_cost_usd")[0]


def test_each_request_is_priced_and_never_a_sum_of_requests(priced: Warehouse) -> None:
    assert computed(priced, "half") == Decimal(1)
    assert computed(priced, "whole") == Decimal(4)
    assert priced.rows(
        "SELECT requests, cost_usd FROM marts.fct_agent_sessions WHERE session_id = 'two halves'"
    ) == [(2, Decimal(2))]


def test_a_tier_begins_above_its_bound_and_counts_the_cache_but_not_the_output(
    priced: Warehouse,
) -> None:
    assert computed(priced, "at the bound") == Decimal("1.36")
    assert computed(priced, "cache counts") == Decimal("0.27201")
    assert computed(priced, "output does not") == Decimal("9.000005")


def test_a_price_is_valid_by_the_day_of_utc_wherever_its_user_lives(priced: Warehouse) -> None:
    assert request(priced, "last second", "computed_cost_usd, requested_date::varchar") == (
        Decimal(3), "2026-03-13",
    )  # fmt: skip
    assert computed(priced, "first second") == Decimal("1.5")


@pytest.mark.parametrize(
    ("name", "usd", "computed_usd", "source"),
    [
        ("reported", "3.25", "4", "agent_reported"),
        ("reported nothing", "0", "4", "agent_reported"),
        ("reported alone", "0.25", None, "agent_reported"),
        ("half", "1", "1", "computed"),
        ("unpriced", None, None, "unpriced"),
    ],
)
def test_a_reported_cost_is_never_overwritten_and_the_computed_one_stands_beside_it(
    priced: Warehouse, name: str, usd: str | None, computed_usd: str | None, source: str
) -> None:
    assert request(priced, name, "cost_usd, computed_cost_usd, cost_source") == (
        Decimal(usd) if usd else None, Decimal(computed_usd) if computed_usd else None, source,
    )  # fmt: skip


def test_a_cache_price_is_never_derived_from_another(priced: Warehouse) -> None:
    found = request(
        priced, "cache write", "computed_cost_usd, cost_source, price_version is not null"
    )
    assert found == (None, "unpriced", True)


def test_a_service_tier_without_a_price_does_not_take_the_standard_one(priced: Warehouse) -> None:
    assert request(priced, "no such tier", "computed_cost_usd, cost_source, price_version") == (
        None, "unpriced", None,
    )  # fmt: skip


def test_what_has_no_price_is_counted_and_leaves_sums_unknown(priced: Warehouse) -> None:
    rows = priced.rows(
        "SELECT model, sum(unpriced_requests) FROM marts.fct_daily_agent_usage "
        "WHERE unpriced_requests > 0 GROUP BY model"
    )
    assert dict(rows) == {"claude-haiku-4-5": 1, "gpt-5.5": 1, "nobody-knows": 1}
    assert priced.rows(
        "SELECT requests, cost_usd FROM marts.fct_agent_costs WHERE cost_source = 'unpriced' "
        "AND model = 'nobody-knows'"
    ) == [(1, None)]


@pytest.mark.parametrize(("reported", "model"), SPELLINGS.items())
def test_every_spelling_of_a_name_has_the_price_of_the_name(
    priced: Warehouse, reported: str, model: str
) -> None:
    found = request(priced, reported, "model, model_reported, computed_cost_usd")
    plain = computed(priced, f"plain {model}")
    assert plain is not None
    assert found == (model, reported, plain)


def use_prices(warehouse: Warehouse, *rows: str) -> None:
    """What the loader does when the user's file of prices has changed."""
    text = "\n".join(["model,input,output", *rows])
    (warehouse.home.seeds / "model_price_overrides.csv").write_text(text + "\n")
    with warehouse.open() as connection:
        write_user_input(connection, warehouse.home, load_settings(warehouse.home).settings)


def now(name: str, model: str) -> Envelope:
    """A request that is made and stored in this moment."""
    moment = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
    return api_request(name, model, moment, input_tokens=MILLION, received_at=moment)


def test_a_price_that_changes_or_goes_never_moves_the_past(new_warehouse: NewWarehouse) -> None:
    """Only what had no price yet takes the one that became known first."""
    warehouse = new_warehouse()
    warehouse.load([now("before all", "house-1"), now("shipped", "claude-opus-5-5")])
    use_prices(warehouse, "house-1,1,1", "claude-opus-5-5,7,7")
    warehouse.load([now("first", "house-1"), now("own", "claude-opus-5-5")])
    use_prices(warehouse, "house-1,2,2", "claude-opus-5-5,7,7")
    warehouse.load([now("second", "house-1"), now("own, still", "claude-opus-5-5")])
    use_prices(warehouse)
    warehouse.load([now("taken back", "house-1"), now("shipped again", "claude-opus-5-5")])
    query = "SELECT request_id, computed_cost_usd FROM intermediate.int_agent_requests"
    warehouse.build()
    once = dict(warehouse.rows(query))
    shipped = once["shipped"]
    assert shipped not in (None, 7)
    assert once == {
        "before all": 1, "first": 1, "second": 2, "taken back": None,
        "shipped": shipped, "own": 7, "own, still": 7, "shipped again": shipped,
    }  # fmt: skip
    warehouse.build("--full-refresh")
    assert dict(warehouse.rows(query)) == once
