"""What the price seed says, computed in Decimal straight from the CSV files."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "dbt_project" / "seeds"
RECORDINGS = ROOT / "tests" / "fixtures" / "claude"
CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
FIRST_RELEASE = date(2026, 11, 22)
MILLION = 1_000_000

Row = dict[str, str]
Tokens = Mapping[str, int]


def read(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


PRICES = read("model_prices")
ALIASES = {row["alias"]: row["model"] for row in read("model_aliases")}
VERSIONS: dict[tuple[str, str], list[Row]] = {}
for _row in PRICES:
    VERSIONS.setdefault((_row["model"], _row["service_tier"]), []).append(_row)


def price_row(
    model: str, tokens: Tokens, day: date, tier: str = "standard", known: date = FIRST_RELEASE
) -> Row | None:
    """The row that prices a request: version, then validity, then size. None is unpriced."""
    rows = VERSIONS.get((model, tier), [])
    days = sorted({row["known_from"] for row in rows})
    known_from = max((d for d in days if d <= str(known)), default=days[0] if days else "")
    prompt = sum(tokens.values()) - tokens.get("output", 0)
    valid = [
        row
        for row in rows
        if row["known_from"] == known_from
        and row["valid_from"] <= str(day)
        and (not row["valid_to"] or str(day) < row["valid_to"])
        and (row["tier_from_tokens"] == "0" or prompt > int(row["tier_from_tokens"]))
    ]
    return max(valid, key=lambda row: int(row["tier_from_tokens"]), default=None)


def cost_usd(
    model: str, day: date, tier: str = "standard", known: date = FIRST_RELEASE, **tokens: int
) -> Decimal | None:
    row = price_row(model, tokens, day, tier, known)
    if row is None or any(count and not row[name] for name, count in tokens.items()):
        return None
    return sum(
        (Decimal(row[n]) * count / MILLION for n, count in tokens.items() if count), Decimal()
    )


def canonical(reported: str) -> str:
    name = re.sub(r"\[1m\]$", "", reported.lower())
    for spelling in (name, re.sub(r"[-@](20\d{6}|20\d\d-\d\d-\d\d)$", "", name)):
        if spelling in ALIASES or (spelling, "standard") in VERSIONS:
            return ALIASES.get(spelling, spelling)
    return name


def test_a_one_hour_cache_write_costs_more_than_a_five_minute_one() -> None:
    day = date(2026, 3, 14)
    assert cost_usd("claude-opus-4-6", day, cache_write_1h=MILLION) == Decimal("10.00")
    assert cost_usd("claude-opus-4-6", day, cache_write_5m=MILLION) == Decimal("6.25")


def test_the_long_context_tier_of_opus_4_6_ended_on_its_day() -> None:
    assert cost_usd("claude-opus-4-6", date(2026, 2, 20), input=300_000) == Decimal("3.00")
    assert cost_usd("claude-opus-4-6", date(2026, 3, 12), input=300_000) == Decimal("3.00")
    assert cost_usd("claude-opus-4-6", date(2026, 3, 13), input=300_000) == Decimal("1.50")
    assert cost_usd("claude-opus-4-6", date(2026, 4, 20), input=300_000) == Decimal("1.50")


def test_a_tier_starts_above_its_size_and_cache_tokens_count_towards_it() -> None:
    day = date(2026, 2, 20)
    assert cost_usd("claude-opus-4-6", day, input=200_000) == Decimal("1.00")
    assert cost_usd("claude-opus-4-6", day, input=1, cache_read=200_000) == Decimal("0.20001")
    assert cost_usd("claude-opus-4-6", day, input=1, output=200_000) == Decimal("5.000005")


def test_a_million_in_and_out_of_gpt_5_5_takes_the_long_context_price() -> None:
    assert cost_usd("gpt-5.5", FIRST_RELEASE, input=MILLION, output=MILLION) == 55


def test_opus_5_5_reads_its_cache_at_a_twentieth_of_input() -> None:
    row = price_row("claude-opus-5-5", {}, FIRST_RELEASE)
    assert row is not None
    assert Decimal(row["cache_read"]) == Decimal(row["input"]) * Decimal("0.05")


def test_an_unknown_model_tier_or_class_of_tokens_has_no_price() -> None:
    assert cost_usd("my-weird-model", FIRST_RELEASE, input=1) is None
    assert cost_usd("claude-opus-4-6", FIRST_RELEASE, "priority", input=1) is None
    assert cost_usd("gpt-5.5", FIRST_RELEASE, cache_write_1h=1) is None


def test_a_cache_write_that_its_vendor_does_not_bill_apart_costs_as_input() -> None:
    later = FIRST_RELEASE + timedelta(days=1)
    cost = partial(cost_usd, day=later, known=later)
    assert cost("gpt-5.5", cache_write_5m=100_000) == Decimal("0.5")
    assert cost("gpt-5.5", cache_write_5m=300_000) == Decimal("3")
    assert cost("gemini-2.5-pro", cache_write_5m=100_000) == Decimal("0.125")
    assert cost("glm-4-32b-0414-128k", cache_read=100_000) == Decimal("0.01")
    # A one-hour write is no five-minute one, whatever a calculator takes for it.
    assert cost("minimax-m2", cache_write_5m=100_000) == Decimal("0.0375")
    assert cost("minimax-m2", cache_write_1h=100_000) is None
    # Learned a day after the release: what was unpriced then stays so.
    assert cost_usd("gpt-5.5", later, cache_write_5m=100_000) is None


def test_each_request_finds_exactly_one_row() -> None:
    columns = ["model", "service_tier", "known_from", "valid_from", "tier_from_tokens"]
    keys = [tuple(row[column] for column in columns) for row in PRICES]
    assert len(keys) == len(set(keys))
    for model, tier in VERSIONS:
        rows = VERSIONS[model, tier]
        for known_from in {row["known_from"] for row in rows}:
            spans = {
                (r["valid_from"], r["valid_to"]) for r in rows if r["known_from"] == known_from
            }
            ends = [end for _, end in sorted(spans)]
            starts = [start for start, _ in sorted(spans)]
            assert ends == [*starts[1:], ""], f"{model} {tier} has a gap or an overlap"
            for span in spans:
                assert any(
                    (r["valid_from"], r["valid_to"]) == span and r["tier_from_tokens"] == "0"
                    for r in rows
                ), f"{model} {tier} has no base price"


@dataclass(frozen=True)
class GenaiPrices:
    """The real calculator, asked for one model in one service tier."""

    provider: Any
    model: Any
    context: Mapping[str, str]
    usage: Any

    def has_price(self, at: datetime) -> dict[str, bool]:
        """Class of tokens → whether its own price or that of input is charged at this instant."""
        prices = self.model.get_prices(at, self.context)
        return {
            "input": prices.input_mtok is not None,
            "cache_read": True,
            "cache_write_5m": True,
            "cache_write_1h": prices.cache_write_1h_mtok is not None
            or prices.cache_write_mtok is None,
            "output": prices.output_mtok is not None,
        }

    def cost_usd(self, at: datetime, tokens: Tokens) -> Decimal:
        usage = self.usage(
            input_tokens=sum(tokens.values()) - tokens["output"],
            cache_read_tokens=tokens["cache_read"],
            cache_write_tokens=tokens["cache_write_5m"] + tokens["cache_write_1h"],
            cache_write_1h_tokens=tokens["cache_write_1h"],
            output_tokens=tokens["output"],
        )
        answer = self.model.calc_price(
            usage, self.provider, genai_request_timestamp=at, price_context=self.context
        )
        total: Decimal = answer.total_price
        return total


def calculators() -> Iterator[tuple[str, str, GenaiPrices]]:
    """(model, service tier, calculator) for everything in the seed."""
    data = pytest.importorskip("genai_prices.data")
    usage = pytest.importorskip("genai_prices").Usage
    if version("genai-prices") != PRICES[-1]["source_version"]:
        pytest.skip("the seed was written from another genai-prices")
    contexts: dict[str, dict[str, str]] = {
        "standard": {},
        "fast": {"speed": "fast", "service_tier": "fast"},
        "batch": {"processing": "batch"},
        "priority": {"service_tier": "priority"},
        "flex": {"service_tier": "flex"},
    }
    for (model, tier), rows in VERSIONS.items():
        provider = next(p for p in data.providers if p.id == rows[0]["provider"])
        # codestral is an id of genai-prices that its own lookup does not find.
        by_id = {info.id.lower(): info for info in provider.models}
        info = provider.find_model(model) or by_id.get(model)
        assert info is not None, f"{model} is no model of {provider.id}"
        yield model, tier, GenaiPrices(provider, info, contexts[tier], usage)


def instants(rows: list[Row], rng: random.Random) -> list[datetime]:
    """Both sides of every day on which a price changes, and some days between."""
    edges = [date.fromisoformat(row["valid_from"]) for row in rows if row["valid_from"]]
    midnights = [datetime(d.year, d.month, d.day, tzinfo=UTC) for d in edges]
    second = timedelta(seconds=1)
    start = datetime(2025, 6, 1, tzinfo=UTC)
    return [
        *(midnight - second for midnight in midnights),
        *midnights,
        *(start + timedelta(seconds=rng.randrange(2 * 365 * 86_400)) for _ in range(3)),
    ]


def test_random_requests_cost_what_genai_prices_computes() -> None:
    rng = random.Random(20261122)
    compared = 0
    for model, tier, genai in calculators():
        rows = VERSIONS[model, tier]
        sizes = [int(row["tier_from_tokens"]) for row in rows]
        for at in instants(rows, rng):
            priced = genai.has_price(at)
            tokens = {name: rng.randrange(90_000) if priced[name] else 0 for name in CLASSES}
            others = sum(tokens.values()) - tokens["output"] - tokens["input"]
            # Exactly at a tier's edge, one token above it, or anywhere.
            edge = rng.choice(sizes) + rng.choice([0, 1, rng.randrange(500_000)]) - others
            tokens["input"] = max(edge, tokens["input"])
            row = price_row(model, tokens, at.date(), tier, known=date.max)
            if row is None:
                standard = genai.model.get_prices(at)
                assert genai.model.get_prices(at, genai.context) == standard, f"{model} {tier} {at}"
                continue
            assert priced == {name: row[name] != "" for name in CLASSES}, f"{model} {tier} {at}"
            ours = cost_usd(model, at.date(), tier, known=date.max, **tokens)
            assert ours == genai.cost_usd(at, tokens), f"{model} {tier} {at} {tokens}"
            compared += 1
    assert compared > 1_000


def test_every_alias_is_the_same_model_to_genai_prices_or_unknown_to_it() -> None:
    by_model = {model: genai for model, _, genai in calculators()}
    for alias, model in ALIASES.items():
        assert alias not in by_model, f"{alias} is a model of its own"
        genai = by_model[model]
        assert genai.provider.find_model(alias) in (genai.model, None), alias


@pytest.mark.parametrize(
    ("reported", "model"),
    [
        ("claude-4.6-opus", "claude-opus-4-6"),
        ("claude-opus-4.6", "claude-opus-4-6"),
        ("claude-4.5-sonnet", "claude-sonnet-4-5"),
        ("claude-opus-4-20250514", "claude-opus-4-0"),
        ("claude-3-7-sonnet-latest", "claude-3-7-sonnet"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-opus-4-6[1m]", "claude-opus-4-6"),
        ("gpt-5.5-codex", "gpt-5.5"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("my-weird-model", "my-weird-model"),
    ],
)
def test_names_that_agents_report_find_their_model(reported: str, model: str) -> None:
    assert canonical(reported) == model


def recorded_requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """(file, attributes) of every api_request event that Claude Code was recorded to send."""
    for path in sorted(RECORDINGS.glob("*/*-logs.*")):
        body = path.read_bytes()
        if path.suffix == ".pb":
            batch = MessageToDict(ExportLogsServiceRequest.FromString(body))
        else:
            batch = json.loads(body)
        for resource in batch["resourceLogs"]:
            for scope in resource["scopeLogs"]:
                for record in scope["logRecords"]:
                    attributes = {
                        a["key"]: next(iter(a["value"].values()), None)
                        for a in record["attributes"]
                    }
                    if attributes.get("event.name") == "api_request":
                        yield f"{path.parent.name}/{path.name}", attributes


def test_recorded_claude_requests_cost_what_claude_code_reported() -> None:
    priced, unpriced = 0, set()
    for file, event in recorded_requests():
        written_1h = int(event.get("cache_creation_1h_tokens", 0))
        # Claude Code 2.1.197 does not split cache writes; they were five-minute ones.
        written_5m = int(event["cache_creation_tokens"]) - written_1h
        cost = cost_usd(
            canonical(event["model"]),
            datetime.fromisoformat(event["event.timestamp"]).date(),
            "fast" if event["speed"] == "fast" else "standard",
            input=int(event["input_tokens"]),
            cache_read=int(event["cache_read_tokens"]),
            cache_write_5m=written_5m,
            cache_write_1h=written_1h,
            output=int(event["output_tokens"]),
        )
        if cost is None:
            unpriced.add(event["model"])
        else:
            assert cost * MILLION == int(event["cost_usd_micros"]), f"{file} {event['request_id']}"
            priced += 1
    assert unpriced == {"my-weird-model"}
    assert priced >= 70
