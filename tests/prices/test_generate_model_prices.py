"""The generator of the price seeds, run as a person runs it, on copies of the seeds."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "dbt_project" / "seeds"
KEY = ("claude-opus-4-6", "standard")

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def installed() -> str | None:
    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return None


pytestmark = pytest.mark.skipif(
    installed() != read(SEEDS / "model_prices.csv")[-1]["source_version"],
    reason="the seed was written from another genai-prices",
)


def generate(seeds: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "generate_model_prices.py"
    command = [sys.executable, str(script), "--seeds", str(seeds), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    for name in ("model_prices.csv", "model_aliases.csv"):
        shutil.copy(SEEDS / name, tmp_path)
    return tmp_path


def change_a_price(prices: Path) -> str:
    """The seed as if opus-4-6 had cost $26 a million tokens of output when it was written."""
    text = prices.read_text(encoding="utf-8")
    line = "claude-opus-4-6,anthropic,standard,0,2026-03-13,,2026-11-22,5,0.5,6.25,10,25,"
    assert line in text
    text = text.replace(line, line.removesuffix("25,") + "26,")
    prices.write_text(text, encoding="utf-8")
    return text


def test_the_seeds_are_what_genai_prices_says() -> None:
    check = generate(SEEDS, "--check")
    assert check.returncode == 0, check.stdout


def test_a_run_with_nothing_new_changes_no_byte(seeds: Path) -> None:
    run = generate(seeds, "--known-from", "2026-12-01")
    assert run.returncode == 0, run.stderr
    for name in ("model_prices.csv", "model_aliases.csv"):
        assert (seeds / name).read_bytes() == (SEEDS / name).read_bytes()


def test_the_first_run_writes_the_newest_versions_of_the_seeds(tmp_path: Path) -> None:
    run = generate(tmp_path, "--known-from", "2026-12-01")
    assert run.returncode == 0, run.stderr
    newest: dict[tuple[str, str], list[Row]] = {}
    for row in read(SEEDS / "model_prices.csv"):
        version_so_far = newest.setdefault((row["model"], row["service_tier"]), [])
        if version_so_far and row["known_from"] > version_so_far[0]["known_from"]:
            version_so_far.clear()
        version_so_far.append(row)
    assert read(tmp_path / "model_prices.csv") == [
        row | {"known_from": "2026-12-01"} for key in sorted(newest) for row in newest[key]
    ]
    aliases = "model_aliases.csv"
    assert (tmp_path / aliases).read_bytes() == (SEEDS / aliases).read_bytes()


def test_a_changed_price_appends_a_whole_version_and_moves_nothing(seeds: Path) -> None:
    prices = seeds / "model_prices.csv"
    before = change_a_price(prices)

    assert generate(seeds, "--known-from", "2026-12-01").returncode == 0
    after = prices.read_text(encoding="utf-8")
    assert after.startswith(before)
    added = read(prices)[before.count("\n") - 1 :]
    released = [
        row
        for row in read(SEEDS / "model_prices.csv")
        if (row["model"], row["service_tier"]) == KEY
    ]
    assert len(released) == 3
    assert added == [row | {"known_from": "2026-12-01"} for row in released]

    assert generate(seeds, "--known-from", "2026-12-02").returncode == 0
    assert prices.read_text(encoding="utf-8") == after


def test_check_says_what_differs_and_writes_nothing(seeds: Path) -> None:
    prices = seeds / "model_prices.csv"
    before = change_a_price(prices)
    aliases = (seeds / "model_aliases.csv").read_text(encoding="utf-8")
    fewer = aliases.replace("gpt-5.5-codex,gpt-5.5,genai-prices equals\n", "")
    (seeds / "model_aliases.csv").write_text(fewer, encoding="utf-8")

    check = generate(seeds, "--check")
    assert check.returncode == 1
    assert check.stdout.splitlines() == [
        "claude-opus-4-6 standard: changed price",
        "alias gpt-5.5-codex -> gpt-5.5: new",
    ]
    assert prices.read_text(encoding="utf-8") == before
    assert (seeds / "model_aliases.csv").read_text(encoding="utf-8") == fewer

    generate(seeds, "--known-from", "2026-12-01")
    assert (seeds / "model_aliases.csv").read_text(encoding="utf-8") == aliases


def test_a_version_that_may_be_in_use_is_not_replaced(seeds: Path) -> None:
    before = change_a_price(seeds / "model_prices.csv")
    run = generate(seeds, "--known-from", "2026-11-22")
    assert run.returncode == 1
    assert "claude-opus-4-6 standard already has a version known from 2026-11-22" in run.stderr
    assert (seeds / "model_prices.csv").read_text(encoding="utf-8") == before


def test_prices_that_genai_prices_dropped_stay(seeds: Path) -> None:
    prices = seeds / "model_prices.csv"
    line = "gone-1,openai,standard,0,,,2026-11-22,1,,,,2,genai-prices,0.2.3\n"
    with prices.open("a", encoding="utf-8") as file:
        file.write(line)
    assert generate(seeds, "--known-from", "2026-12-01").returncode == 0
    assert prices.read_text(encoding="utf-8").endswith(line)


def test_a_stored_alias_is_not_moved_and_the_difference_is_said(seeds: Path) -> None:
    aliases = seeds / "model_aliases.csv"
    text = aliases.read_text(encoding="utf-8").replace(
        "gpt-5.6,gpt-5.6-sol,genai-prices equals\n", "gpt-5.6,gpt-5.5,genai-prices equals\n"
    )
    aliases.write_text(text, encoding="utf-8")
    run = generate(seeds)
    assert run.returncode == 0
    assert "note: gpt-5.6 is gpt-5.6-sol now; it stays gpt-5.5" in run.stderr
    assert aliases.read_text(encoding="utf-8") == text


def test_a_model_priced_by_the_time_of_day_is_left_out_and_named(seeds: Path) -> None:
    run = generate(seeds, "--check")
    assert "note: deepseek-v4-pro is left out: priced by the time of day" in run.stderr
    assert not [r for r in read(seeds / "model_prices.csv") if r["model"] == "deepseek-v4-pro"]


def test_every_price_variant_of_the_chosen_providers_has_a_service_tier() -> None:
    data = pytest.importorskip("genai_prices.data")
    known = [
        *({"speed": "fast"}, {"processing": "batch"}),
        *({"service_tier": tier} for tier in ("default", "fast", "flex", "priority")),
    ]
    chosen = {row["provider"] for row in read(SEEDS / "model_prices.csv")}
    for provider in data.providers:
        for model in provider.models if provider.id in chosen else ():
            for variant in model.price_variants or ():
                assert variant.when in known, f"{model.id} {variant.when}"
