"""Write the dbt seeds `model_prices.csv` and `model_aliases.csv` from genai-prices.

    python scripts/generate_model_prices.py --known-from 2026-12-01
    python scripts/generate_model_prices.py --check

Prices are bitemporal. `valid_from`/`valid_to` say when the vendor charged a price, by UTC day
(`valid_to` is the first day it no longer holds; empty is always). `known_from` says when this
project learned of it: the rows of a (model, service_tier) that share one `known_from` are a
complete version. A run appends a version where genai-prices now says something else and touches
no older line, so that a changed price moves no cost of the past. Aliases are only ever added.

A tier holds for the whole request: genai-prices 0.2.3 (`types.calc_unit_price`) charges *every*
token the price of the highest tier whose start is *below* the request's input tokens, cache reads
and cache writes included. So of the valid rows the one with the greatest `tier_from_tokens` that
is 0 or < prompt tokens prices everything, output too.

A class of tokens without a price of its own is billed as input where genai-prices' own calculator
bills it so: OpenAI does not bill cache writes apart. Where the calculator would take the price of
another class (a one-hour write at that of five minutes), it is empty and the tokens stay unpriced.

A vendor that charges by the hour of the day (DeepSeek's peak hours) has no price by day: such a
model is left out and said so, because either of its two prices would be wrong by half. Hosts of
others' open weights (Groq, Together, OpenRouter, ...) are left out too: the model's id does not
say who sold it, and their prices differ.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from genai_prices import Usage
from genai_prices.data import providers as all_providers
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    Provider,
    TieredPrices,
    TimeOfDateConstraint,
)

SEEDS = Path(__file__).resolve().parent.parent / "dbt_project" / "seeds"

PROVIDERS = (
    "anthropic",
    "openai",
    "google",
    "x-ai",
    "deepseek",
    "mistral",
    "moonshotai",
    "zai",
    "minimax",
    "cursor",
    "github-copilot",
)
"""Who coding agents talk to. The first to sell a name keeps it: makers stand before resellers."""

CONTEXTS: Mapping[str, tuple[dict[str, str], ...]] = {
    "standard": ({},),
    "fast": ({"speed": "fast"}, {"service_tier": "fast"}),
    "batch": ({"processing": "batch"},),
    "priority": ({"service_tier": "priority"},),
    "flex": ({"service_tier": "flex"},),
}
"""Our service tier → the request context by which genai-prices picks its price variant."""

PRICES = {
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok",),
    # 0.2.3 has a unit for five-minute writes, but prices them all under the general one.
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok",),
    "output": ("output_mtok",),
}
"""Column → the price keys of genai-prices; the first that is given counts."""

INPUT_CLASSES = {
    "cache_read": ("cache_read_tokens",),
    "cache_write_5m": ("cache_write_tokens", "cache_write_5m_tokens"),
    "cache_write_1h": ("cache_write_tokens", "cache_write_1h_tokens"),
}
"""Column → how a usage of genai-prices tells such tokens beside its input tokens."""

NOT_TEXT = re.compile(r"output_(audio|video)|image|audio_hours|kpages")

PRICE_COLUMNS = (
    *("model", "provider", "service_tier", "tier_from_tokens"),
    *("valid_from", "valid_to", "known_from"),
    *PRICES,
    *("source", "source_version"),
)
ALIAS_COLUMNS = ("alias", "model", "source")
NOT_PRICE = {"known_from", "source", "source_version"}

Row = dict[str, str]
Key = tuple[str, str]


@dataclass
class Catalogue:
    """What the installed genai-prices says: rows without `known_from`, alias → (model, source)."""

    versions: dict[Key, list[Row]] = field(default_factory=dict)
    aliases: dict[str, tuple[str, str]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


class PricedByTheHour(Exception):
    """The price depends on the time of day, which a dated row cannot say."""


def canonical_name(provider: Provider, model: ModelInfo) -> str:
    """The id in lower case, without `-latest` or a date where the vendor takes both as the same.

    `gpt-4o-2024-05-13` keeps its date: `gpt-4o` has another price.
    """
    name = model.id.lower()
    short = without_date(name.removesuffix("-latest"))
    return short if provider.find_model(short) is model else name


def without_date(name: str) -> str:
    return re.sub(r"[-@](20\d{6}|20\d\d-\d\d-\d\d)$", "", name)


def periods(
    model: ModelInfo, context: dict[str, str]
) -> Iterator[tuple[date | None, date | None, ModelPrice]]:
    """(valid_from, valid_to, prices), in order of time; nothing before the variant's own start.

    genai-prices charges a batch of an earlier day at the standard price; that only says that it
    did not know the batch price yet. Raises PricedByTheHour.
    """
    conditions = [] if isinstance(model.prices, ModelPrice) else model.prices
    variants = [v for v in model.price_variants or () if context and v.when == context]
    if context and not variants:
        return
    days = set()
    for constraint in [c.constraint for c in conditions] + [v.constraint for v in variants]:
        if isinstance(constraint, TimeOfDateConstraint):
            raise PricedByTheHour
        if constraint is not None:
            days.add(constraint.start_date)
    for since, until in pairwise([None, *sorted(days), None]):
        noon = datetime(*(since or date.min).timetuple()[:3], 12, tzinfo=UTC)
        if variants and not any(
            v.constraint is None or v.constraint.active(noon) for v in variants
        ):
            continue
        yield since, until, model.get_prices(noon, context)


def tier_rows(prices: ModelPrice) -> Iterator[Row]:
    """One row for the base price and one for each size at which any class of tokens changes."""
    by_column = {
        column: next((p for key in keys if (p := getattr(prices, key)) is not None), None)
        for column, keys in PRICES.items()
    }
    tiered = [price for price in by_column.values() if isinstance(price, TieredPrices)]
    for start in sorted({0, *(tier.start for price in tiered for tier in price.tiers)}):
        row = {"tier_from_tokens": str(start)}
        for column, price in by_column.items():
            if isinstance(price, TieredPrices):
                price = [price.base, *(t.price for t in price.tiers if t.start <= start)][-1]
            row[column] = text(price)
        for column in INPUT_CLASSES:
            if not row[column] and billed(prices, column, start) == row["input"]:
                row[column] = row["input"]
        yield row


def billed(prices: ModelPrice, column: str, start: int) -> str:
    """What the calculator takes for a million of such tokens, in the tier from `start`."""
    count = start + 1
    usage = Usage(input_tokens=count, **dict.fromkeys(INPUT_CLASSES[column], count))
    return text(prices.calc_price(usage)["total_price"] * 1_000_000 / count)


def text(price: Decimal | None) -> str:
    return "" if price is None else f"{price.normalize():f}"


def price_rows(model: ModelInfo, context: dict[str, str]) -> list[Row]:
    """All dated rows of a model in one context; neighbouring periods with equal prices are one.

    They differ in genai-prices where only a price changed that the seed does not carry (web
    searches of gemini-3-flash-preview).
    """
    merged: list[tuple[date | None, date | None, list[Row]]] = []
    for since, until, prices in periods(model, context):
        rows = list(tier_rows(prices))
        if merged and merged[-1][1] == since and merged[-1][2] == rows:
            since = merged.pop()[0]
        merged.append((since, until, rows))
    return [
        row | {"valid_from": str(since or ""), "valid_to": str(until or "")}
        for since, until, rows in merged
        for row in rows
    ]


def is_text_model(model: ModelInfo) -> bool:
    """A model with a price for input and output tokens and none for sound, pictures or pages."""
    dated = [] if isinstance(model.prices, ModelPrice) else [c.prices for c in model.prices]
    return all(
        prices.input_mtok is not None
        and prices.output_mtok is not None
        and not any(
            NOT_TEXT.search(key) for key, price in vars(prices).items() if price is not None
        )
        for prices in dated or [model.get_prices(datetime.now(tz=UTC))]
    )


def words(name: str) -> list[str]:
    """The parts of a name in no order, so that claude-4.0-opus equals claude-opus-4."""
    return sorted(part for part in re.split(r"[-.]", name) if part != "0")


def spellings(match: MatchLogic, name: str) -> Iterator[tuple[str, str]]:
    """(other spelling, source): names genai-prices lists, and its prefixes that only reorder."""
    if isinstance(match, ClauseOr):
        for clause in match.or_:
            yield from spellings(clause, name)
    elif isinstance(match, ClauseEquals):
        yield match.equals.lower().rpartition("/")[2], "genai-prices equals"
    elif isinstance(match, ClauseStartsWith) and words(match.starts_with) == words(name):
        yield match.starts_with.lower(), "genai-prices starts_with"


def respellings(name: str) -> Iterator[tuple[str, str]]:
    """Dots for dashes and, in Claude's names, the version before or after the family.

    Cursor says claude-4.5-sonnet and Copilot claude-sonnet-4.5 for claude-sonnet-4-5.
    """
    claude = re.fullmatch(r"claude-(?:(\d(?:-\d)?)-)?([a-z]+)(?:-(\d(?:-\d)?))?", name)
    if claude and (release := claude[1] or claude[3]):
        for number in (release, release.replace("-", ".")):
            yield f"claude-{claude[2]}-{number}", "respelling"
            yield f"claude-{number}-{claude[2]}", "respelling"
    yield re.sub(r"(?<=\d)\.(?=\d)", "-", name), "respelling"


def read_catalogue() -> Catalogue:
    """Prices and aliases of the installed genai-prices, for the providers above."""
    catalogue = Catalogue()
    by_id = {provider.id: provider for provider in all_providers}
    taken: set[str] = set()
    for provider in map(by_id.__getitem__, PROVIDERS):
        own: list[tuple[str, ModelInfo]] = []
        for model in provider.models:
            name = canonical_name(provider, model)
            # Fine-tunes (ft:…), free routes (…:free) and prefixes (…-) are nobody's model id.
            usable = re.fullmatch(r"[a-z0-9.-]*[a-z0-9]", name) and is_text_model(model)
            if usable and name not in taken and name not in catalogue.aliases:
                own.append((name, model))
                add_prices(catalogue, provider, name, model)
        taken |= {name for name, _ in own}
        for name, model in own:
            if name not in catalogue.left_out:
                add_aliases(catalogue, provider, name, model, taken)
    return catalogue


def add_prices(catalogue: Catalogue, provider: Provider, name: str, model: ModelInfo) -> None:
    source = {"source": "genai-prices", "source_version": version("genai-prices")}
    versions: dict[Key, list[Row]] = {}
    try:
        for tier, contexts in CONTEXTS.items():
            ids = {"model": name, "provider": provider.id, "service_tier": tier}
            for rows in filter(None, (price_rows(model, context) for context in contexts)):
                versions[name, tier] = [ids | row | source for row in rows]
    except PricedByTheHour:
        catalogue.left_out.add(name)
    else:
        catalogue.versions |= versions


def add_aliases(
    catalogue: Catalogue, provider: Provider, name: str, model: ModelInfo, taken: set[str]
) -> None:
    """Aliases that genai-prices itself takes as this model, or as none at all."""
    for spelling, source in (
        (model.id.lower(), "genai-prices id"),
        *spellings(model.match, name),
        *respellings(name),
    ):
        # SQL looks a name up whole, then without its date: the short form serves for both.
        short = without_date(spelling)
        alias = short if provider.find_model(short) in (model, None) else spelling
        if alias not in taken and provider.find_model(alias) in (model, None):
            catalogue.aliases.setdefault(alias, (name, source))


def read_rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def newest_versions(rows: list[Row]) -> dict[Key, list[Row]]:
    """The rows of each (model, service_tier) that were known last."""
    newest: dict[Key, list[Row]] = {}
    for row in rows:
        version_so_far = newest.setdefault((row["model"], row["service_tier"]), [])
        if version_so_far and row["known_from"] > version_so_far[0]["known_from"]:
            version_so_far.clear()
        if not version_so_far or row["known_from"] == version_so_far[0]["known_from"]:
            version_so_far.append(row)
    return newest


def without_provenance(rows: list[Row]) -> list[tuple[tuple[str, str], ...]]:
    return sorted(tuple(sorted((k, v) for k, v in r.items() if k not in NOT_PRICE)) for r in rows)


def as_csv(columns: tuple[str, ...], rows: list[Row], header: bool) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def update_prices(path: Path, catalogue: Catalogue, known_from: date, check: bool) -> list[str]:
    """What differs, one line each; appended to the file unless `check`.

    Raises SystemExit when a version as young as `known_from` stands already: it may be in use.
    """
    stored = newest_versions(read_rows(path))
    changed = {
        key: rows
        for key, rows in catalogue.versions.items()
        if without_provenance(stored.get(key, [])) != without_provenance(rows)
    }
    if not check:
        for key in changed:
            if key in stored and stored[key][0]["known_from"] >= str(known_from):
                raise SystemExit(
                    f"Error: {' '.join(key)} already has a version known from "
                    f"{stored[key][0]['known_from']}. Pass a later --known-from."
                )
        block = [
            r | {"known_from": str(known_from)} for key in sorted(changed) for r in changed[key]
        ]
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(as_csv(PRICE_COLUMNS, block, header=path.stat().st_size == 0))
    return [
        f"{' '.join(key)}: {'changed price' if key in stored else 'new'}" for key in sorted(changed)
    ]


def update_aliases(path: Path, catalogue: Catalogue, check: bool) -> list[str]:
    """What differs, one line each. New aliases are added unless `check`; none is ever moved.

    An alias has no date, so to move it would move costs of the past: that is for a person.
    """
    stored = {row["alias"]: row for row in read_rows(path)}
    new = {alias: to for alias, to in catalogue.aliases.items() if alias not in stored}
    for alias, (model, _) in sorted(catalogue.aliases.items()):
        if alias in stored and stored[alias]["model"] != model:
            print(
                f"note: {alias} is {model} now; it stays {stored[alias]['model']}", file=sys.stderr
            )
    if new and not check:
        added = [
            {"alias": a, "model": model, "source": source} for a, (model, source) in new.items()
        ]
        rows = sorted([*stored.values(), *added], key=lambda row: row["alias"])
        path.write_text(as_csv(ALIAS_COLUMNS, rows, header=True), encoding="utf-8")
    return [f"alias {alias} -> {new[alias][0]}: new" for alias in sorted(new)]


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the price seeds from genai-prices.")
    parser.add_argument(
        "--known-from",
        type=date.fromisoformat,
        default=datetime.now(tz=UTC).date(),
        help="the day this project learned of new prices (default: today, UTC)",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if any differ")
    parser.add_argument("--seeds", type=Path, default=SEEDS, help="folder of the seeds")
    options = parser.parse_args()

    catalogue = read_catalogue()
    for name in sorted(catalogue.left_out):
        print(f"note: {name} is left out: priced by the time of day", file=sys.stderr)
    differences = [
        *update_prices(
            options.seeds / "model_prices.csv", catalogue, options.known_from, options.check
        ),
        *update_aliases(options.seeds / "model_aliases.csv", catalogue, options.check),
    ]
    print("\n".join(differences) or "The seeds are what genai-prices says.")
    return 1 if differences and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
