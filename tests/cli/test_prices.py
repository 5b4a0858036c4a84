"""`agent-analytics prices`, over marts that the real dbt project built from real telemetry."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import click.testing
import duckdb
import pytest
from click.testing import CliRunner

from agent_analytics_cli.commands.prices import command
from agent_analytics_cli.days import Days
from agent_analytics_cli.main import COMMANDS, cli
from agent_analytics_cli.output import Format
from agent_analytics_cli.prices import refresh
from agent_analytics_cli.prices.known import CLASSES, KnownPrices
from agent_analytics_cli.prices.lookup import look_up
from agent_analytics_cli.prices.printing import print_unpriced
from agent_analytics_cli.prices.unpriced import read_unpriced
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings
from agent_analytics_collector.warehouse.lease import lease
from agent_analytics_collector.warehouse.publish import publish_new_runs
from tests.cli.conftest import StartCollector
from tests.dbt.telemetry import api_request
from tests.dbt.warehouse import Warehouse

MILLION = 1_000_000
HOSTILE = "evil\x1b[2J,model"
REQUESTS = [
    api_request("opus", "claude-opus-5-5[1m]", input_tokens=MILLION),
    api_request("opus before", "claude-opus-5-5", "2026-11-20 03:00:00", input_tokens=MILLION),
    api_request("opus reported", "claude-opus-5-5", input_tokens=MILLION,
                cost_usd=3.5, cost_usd_micros=3_500_000),
    api_request("long before", "claude-opus-4-6", "2026-03-12 12:00:00", input_tokens=300_000),
    api_request("long after", "claude-opus-4-6", "2026-03-13 12:00:00", input_tokens=300_000,
                cache_read_tokens=1000, output_tokens=77),
    api_request("long", "gpt-5.5", input_tokens=MILLION, output_tokens=MILLION),
    api_request("nickname", "claude-4.5-sonnet", input_tokens=5, cache_creation_tokens=10),
    api_request("fast", "claude-opus-5-5", input_tokens=MILLION, speed="fast"),
    api_request("typo", "claude-opus-5-7", "2026-11-21 23:30:00", input_tokens=7),
    api_request("typo again", "claude-opus-5-7-20261120", input_tokens=7, cost_usd=0.5,
                cost_usd_micros=500_000),
    api_request("no class", "minimax-m2", cache_creation_tokens=1000, cache_creation_1h_tokens=1000,
                output_tokens=10),
    api_request("no tier", "claude-haiku-4-5", input_tokens=10, speed="fast"),
    api_request("hostile", HOSTILE, input_tokens=1),
]  # fmt: skip
OVERRIDES = "model,input,cache_read,cache_write_5m,output\nclaude-opus-5-5,1,0.1,1.25,5\n"


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "prices", ("agent_analytics_cli.commands.prices", "Prices."))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """REQUESTS, built and published once; tests take copies."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built"))
    warehouse.load(REQUESTS)
    warehouse.build()
    publish(warehouse)
    return warehouse


@pytest.fixture
def warehouse(built: Warehouse, home: Home) -> Warehouse:
    """The test's own copy, in the home that commands use."""
    shutil.copytree(built.home.root, home.root, dirs_exist_ok=True, symlinks=True)
    return Warehouse(home.root)


def publish(warehouse: Warehouse) -> None:
    with warehouse.open() as connection:
        publish_new_runs(connection, warehouse.home, load_settings(warehouse.home).settings)


def prices(*arguments: str, answer: str = "") -> click.testing.Result:
    return CliRunner().invoke(
        cli, ["prices", *arguments], input=answer, prog_name="agent-analytics"
    )


def printed(*arguments: str) -> Any:
    result = prices(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_float=Decimal)


def epochs(home: Home) -> list[tuple[datetime, datetime]]:
    with lease(home.database) as connection:
        return connection.execute("SELECT since, known_from FROM raw_price_epochs").fetchall()


def costs(warehouse: Warehouse) -> dict[str, tuple[Decimal, Decimal]]:
    rows = warehouse.rows("SELECT request_id, computed_cost_usd, cost_usd FROM "
                          "intermediate.int_agent_requests")  # fmt: skip
    return {name: (computed, shown) for name, computed, shown in rows}


@pytest.mark.slow
def test_check_names_what_has_no_price_and_since_when(warehouse: Warehouse) -> None:
    found = {(row["model_reported"], row["problem"]): row for row in printed("check")}
    assert {
        key: (row["model"], row["requests"], row["unpriced_requests"], row["nearest"])
        for key, row in found.items()
    } == {
        ("claude-opus-5-7", "unknown model"): ("claude-opus-5-7", 1, 1, "claude-opus-5-5"),
        ("claude-opus-5-7-20261120", "unknown model"): ("claude-opus-5-7", 1, 0, "claude-opus-5-5"),
        ("minimax-m2", "no price for cache_write_1h"): ("minimax-m2", 1, 1, None),
        ("claude-haiku-4-5", "no price for service tier fast"): ("claude-haiku-4-5", 1, 1, None),
        (HOSTILE, "unknown model"): (HOSTILE.lower(), 1, 1, None),
    }
    typo = found["claude-opus-5-7", "unknown model"]
    assert (typo["total_tokens"], typo["first_day"]) == (7, "2026-11-21")


@pytest.mark.slow
def test_days_of_check_are_the_users(warehouse: Warehouse) -> None:
    warehouse.home.config_file.write_text("time_zone: Europe/Berlin\n")
    (typo,) = (row for row in printed("check") if row["model_reported"] == "claude-opus-5-7")
    assert typo["first_day"] == "2026-11-22"


@pytest.mark.slow
def test_check_fails_only_when_strict(warehouse: Warehouse) -> None:
    assert prices("check").exit_code == 0
    for output in ([], ["--json"], ["--csv"]):
        assert prices("check", "--strict", *output).exit_code == 1
    rows = list(csv.DictReader(io.StringIO(prices("check", "--csv").stdout)))
    assert [row["model_reported"] for row in rows] == [
        row["model_reported"] for row in printed("check")
    ]


@pytest.mark.slow
def test_check_shows_names_from_telemetry_without_obeying_them(warehouse: Warehouse) -> None:
    shown = prices("check").stdout
    assert "\x1b" not in shown
    assert '"evil\\x1b[2j,model",standard,0,,,<input>' in shown


@pytest.mark.slow
def test_whoever_follows_the_advice_of_check_has_a_price_for_everything(
    warehouse: Warehouse,
) -> None:
    for row in printed("check"):
        advice = row["alias"] or row["override"]
        file = Path(advice["file"])
        lines = [*([] if file.exists() else [advice["heading"]]), *advice["lines"]]
        text = re.sub(r"<\w+>", "2", "\r\n".join(lines))
        with file.open("a", newline="") as seed:
            seed.write(text + "\r\n")
    transformed = CliRunner().invoke(cli, ["transform"])
    assert transformed.exit_code == 0, transformed.output
    (left,) = printed("check")
    assert (left["model"], left["needs_recompute"]) == ("minimax-m2", True)
    assert prices("recompute", "--since", left["first_day"], "--yes").exit_code == 0
    warehouse.build()
    publish(warehouse)
    result = prices("check", "--strict")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Every model that was used has a price.\n"
    now = {name: computed for name, (computed, _) in costs(warehouse).items()}
    assert now["no class"] == Decimal("0.002012")  # the shipped price of output is still in it
    assert now["typo"] == Decimal("0.000028")
    assert now["hostile"] == Decimal("0.000002")
    assert now["long"] == 55


def test_check_says_of_what_became_known_later_that_it_is_to_be_priced_anew(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    marts = duckdb.connect()
    marts.execute(
        "create table fct_agent_requests as select 'gpt-5.5' as model_reported, model_reported as "
        "model, 'standard' as service_tier, 'v1' as price_version, null::decimal as cost_usd, null "
        "as computed_cost_usd, false as is_error, timestamptz '2026-11-22 10:00:00Z' as "
        "requested_at, 7 as total_tokens, 0 as input_tokens, 0 as cache_read_tokens, 7 as "
        "cache_write_5m_tokens, 0 as cache_write_1h_tokens, 0 as output_tokens"
    )
    (found,) = read_unpriced(marts, KnownPrices.read(home), Days("UTC"))
    assert (found.facts["problem"], found.override) == ("its price is known only now", None)
    print_unpriced([found], Format.TABLE)
    assert capsys.readouterr().out.endswith(
        "\ngpt-5.5, its price is known only now:\n"
        "  `agent-analytics prices recompute --since 2026-11-22`\n"
    )


def test_check_before_anything_is_published_says_so(home: Home) -> None:
    result = prices("check", "--strict")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "`agent-analytics transform`" in result.stderr


def test_a_line_follows_the_heading_of_the_users_own_file(home: Home) -> None:
    file = home.seeds / "model_price_overrides.csv"
    file.write_text("note,output,input,model\nmine,2,1,other\n")
    lines = KnownPrices.read(home).override_lines("m", "standard", [])
    assert (lines.heading, lines.lines, lines.is_change) == (None, (",<output>,<input>,m",), False)


def test_a_row_of_the_users_that_lacks_a_class_is_to_be_filled_in(home: Home) -> None:
    (home.seeds / "model_price_overrides.csv").write_text("model,input,output\nm,1,\n")
    known = KnownPrices.read(home)
    assert "output" in known.classes_without_price("m", "standard")
    lines = known.override_lines("m", "standard", ["output"])
    assert (lines.lines, lines.is_change) == (("m,1,<output>",), True)


@pytest.mark.slow
def test_the_rows_shown_are_those_that_dbt_prices_by(warehouse: Warehouse) -> None:
    requests = warehouse.rows(
        "SELECT model_reported, service_tier, requested_at, input_tokens, cache_read_tokens, "
        "cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, computed_cost_usd, "
        "price_version FROM marts.fct_agent_requests WHERE computed_cost_usd IS NOT NULL"
    )
    assert len(requests) == 8
    for model, tier, at, *classes, cost, version in requests:
        tokens = [count or 0 for count in classes]
        rows = [
            row
            for row in look_up(warehouse.home, model, at.astimezone(UTC).date()).rows
            if row["service_tier"] == tier and row["tier_from_tokens"] < max(sum(tokens[:4]), 1)
        ]
        row = max(rows, key=lambda row: int(row["tier_from_tokens"]))
        used = zip(tokens, (row[name] for name in CLASSES), strict=True)
        assert sum(count * usd for count, usd in used if count) / MILLION == cost
        assert row["price_version"] == version


@pytest.mark.slow
def test_show_says_where_a_price_comes_from_and_until_when(warehouse: Warehouse) -> None:
    result = prices("show", "claude-opus-4-6", "--at", "2026-03-12")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()[-2:]] == [
        ["standard", "0", "$5.00", "$0.50", "$6.25", "$10.00", "$25.00", "—", "2026-03-13",
         "2026-11-22", "genai-prices", "0.2.3"],
        ["standard", "200,000", "$10.00", "$1.00", "$12.50", "$20.00", "$37.50", "—", "2026-03-13",
         "2026-11-22", "genai-prices", "0.2.3"],
    ]  # fmt: skip
    assert {row["tier_from_tokens"] for row in printed("show", "claude-opus-4-6")} == {0}


@pytest.mark.slow
def test_show_of_an_unknown_model_names_the_nearest(warehouse: Warehouse) -> None:
    result = prices("show", "claude-opus-5-8", "--at", "2026-11-22")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: claude-opus-5-8 has no price on 2026-11-22. The nearest name is claude-opus-5-5.\n"
    )
    assert printed("show", "claude-opus-5-8") == []


def test_show_before_the_first_transform_names_it(home: Home) -> None:
    for _ in ("without a file", "with one"):
        result = prices("show", "gpt-5.5")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "`agent-analytics transform` brings them" in result.stderr
        with lease(home.database):
            pass


@pytest.mark.parametrize(
    "arguments", [["show", "gpt-5.5", "--at", "soon"], ["recompute", "--since", "2026-02-30"]]
)
def test_what_is_no_day_is_wrong_usage(home: Home, arguments: list[str]) -> None:
    result = prices(*arguments)
    assert result.exit_code == 2
    assert "is no day" in result.stderr


@pytest.mark.slow
def test_nothing_is_recorded_where_no_price_has_changed(warehouse: Warehouse) -> None:
    result = prices("recompute", "--since", "2026-01-01", "--yes")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Of 13 requests since 2026-01-01, none would change.\n"
    assert epochs(warehouse.home) == []


@pytest.fixture(scope="module")
def repriced(
    built: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, click.testing.Result]]:
    """A price of the user's, and what `recompute --dry-run` says of it before dbt has seen it."""
    root = tmp_path_factory.mktemp("repriced") / "home"
    shutil.copytree(built.home.root, root, symlinks=True)
    Home(root).seeds.joinpath("model_price_overrides.csv").write_text(OVERRIDES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENT_ANALYTICS_HOME", str(root))
        patch.setenv("TZ", "UTC")
        patch.setitem(COMMANDS, "prices", ("agent_analytics_cli.commands.prices", "Prices."))
        yield root, prices("recompute", "--since", "2026-11-22", "--dry-run")


@pytest.fixture
def changed(repriced: tuple[Path, click.testing.Result], home: Home) -> Warehouse:
    """The test's own copy of it."""
    shutil.copytree(repriced[0], home.root, dirs_exist_ok=True, symlinks=True)
    return Warehouse(home.root)


@pytest.mark.slow
def test_a_dry_run_shows_the_difference_and_records_nothing(
    repriced: tuple[Path, click.testing.Result], changed: Warehouse
) -> None:
    result = repriced[1]
    assert result.exit_code == 0, result.output
    model, _, total = result.stdout.splitlines()[-3:]
    # 4 + 4 USD by the shipped price become 1 + 1; the third request, in tier fast, stays at 8.
    assert model.split() == [
        "claude-opus-5-5", "3", "2", "$16.0000", "$10.0000", "-$6.00", "0", "0",
    ]  # fmt: skip
    assert total.split() == [
        "all", "since", "then", "9", "2", "≥", "$71.0001", "≥", "$65.0001", "-$6.00", "4", "4",
    ]  # fmt: skip
    assert result.stderr.splitlines() == [
        "There are prices or names that dbt has not seen yet, so a transform runs first.",
        "2 of 9 requests since 2026-11-22 change.",
        "Of these, 1 with a reported cost keep showing that one.",
        "The cost in reports changes by -$3.0000.",
    ]
    assert epochs(changed.home) == []
    assert {costs(changed)[name][0] for name in ("opus", "opus before", "opus reported")} == {4}


@pytest.mark.slow
def test_a_recomputation_is_asked_for_and_may_be_declined(changed: Warehouse) -> None:
    result = prices("recompute", "--since", "2026-11-22", answer="n\n")
    assert result.exit_code == 130
    assert "claude-opus-5-5" in result.stdout
    assert "Price them anew?" in result.stderr
    assert epochs(changed.home) == []
    agreed = prices("recompute", "--since", "2026-11-22", answer="y\n")
    assert agreed.exit_code == 0
    assert "`agent-analytics transform`" in agreed.stderr
    assert len(epochs(changed.home)) == 1


@pytest.mark.slow
def test_the_next_run_of_dbt_makes_exactly_the_difference_that_was_shown(
    changed: Warehouse,
) -> None:
    before = costs(changed)
    shown = printed("recompute", "--since", "2026-11-22", "--yes")
    assert shown["is_recorded"] is True
    ((since, known_from),) = epochs(changed.home)
    assert since == datetime(2026, 11, 22, tzinfo=UTC)
    assert known_from == datetime.fromisoformat(shown["known_from"])

    changed.build()
    after = costs(changed)
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {"opus", "opus reported"}
    assert after["opus"] == (Decimal(1), Decimal(1))
    assert after["opus reported"] == (Decimal(1), Decimal("3.5"))
    assert after["opus before"] == (Decimal(4), Decimal(4))
    assert (
        sum(after[name][0] - before[name][0] for name in moved)
        == (shown["total"]["difference_usd"])
    )
    assert (
        sum(after[name][1] - before[name][1] for name in moved)
        == (shown["total"]["shown_difference_usd"])
    )
    again = prices("recompute", "--since", "2026-11-22", "--yes")
    assert "none would change" in again.stderr
    assert len(epochs(changed.home)) == 1


@pytest.mark.slow
def test_a_recomputation_begins_with_the_users_day(changed: Warehouse) -> None:
    changed.home.config_file.write_text("time_zone: Asia/Tokyo\nday_rollover_hour: 4\n")
    shown = printed("recompute", "--since", "2026-11-22", "--dry-run")
    assert shown["since_at"] == "2026-11-21T19:00:00Z"
    assert shown["is_recorded"] is False


@pytest.mark.slow
def test_a_recomputation_works_beside_a_running_collector(
    changed: Warehouse, start_collector: StartCollector
) -> None:
    start_collector()
    assert printed("recompute", "--since", "2026-11-22", "--yes")["is_recorded"] is True
    assert len(epochs(changed.home)) == 1


@pytest.mark.slow
def test_show_tells_prices_of_the_users_and_those_that_wait_for_dbt(changed: Warehouse) -> None:
    result = prices("show", "claude-opus-5-5")
    standard = next(line for line in result.stdout.splitlines() if line.startswith("standard"))
    assert standard.split()[2:7] == ["$1.00", "$0.10", "$1.25", "—", "$5.00"]
    assert standard.endswith("override")
    overrides = changed.home.seeds / "model_price_overrides.csv"
    assert result.stderr == f"Overrides are from {overrides}.\n"
    overrides.write_text(OVERRIDES.replace(",5\n", ",6\n"))
    assert "count from the next transform on" in prices("show", "claude-opus-5-5").stderr
    # What a request cost that was stored before the user's price was known.
    day_before = look_up(changed.home, "claude-opus-5-5", date(2026, 11, 21)).rows
    assert {row["origin"] for row in day_before} == {"seed"}


def test_refresh_compares_the_shipped_prices_with_the_installed_package(
    capfd: pytest.CaptureFixture[str],
) -> None:
    package = pytest.importorskip("importlib.metadata").version("genai-prices")
    if package != "0.2.3":
        pytest.skip("the seed was written from genai-prices 0.2.3")
    assert prices("refresh", "--check", "--known-from", "2026-12-01").exit_code == 0
    assert capfd.readouterr().out == "The seeds are what genai-prices says.\n"


def test_refresh_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    result = prices("refresh")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "pip install 'agent-analytics[prices]'" in result.stderr


def test_outside_of_a_checkout_prices_come_with_a_release(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(refresh, "dbt_project", lambda: tmp_path / "_bundle" / "dbt_project")
    result = prices("refresh")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Prices come with a release of agent-analytics" in result.stderr
    assert "genai-prices 0.2.3" in result.stderr
    assert issubclass(refresh.PricesComeWithReleases, AgentAnalyticsError)


def test_every_prices_command_has_an_example() -> None:
    assert isinstance(command, click.Group)
    for name, sub in command.commands.items():
        assert f"agent-analytics prices {name}" in (sub.help or "")
