"""Running the generator of the shipped prices; for whoever works on this project."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from agent_analytics_cli.assets import dbt_project
from agent_analytics_cli.prices.known import PRICES, shipped_rows
from agent_analytics_collector.errors import AgentAnalyticsError


class PricesComeWithReleases(AgentAnalyticsError):
    """This is no checkout, so there is nothing to generate."""

    def __init__(self, known_from: str, source: str) -> None:
        super().__init__(
            f"Prices come with a release of agent-analytics; this one has those of {source}, known "
            f"since {known_from}. Upgrade agent-analytics for newer ones, or add your own: "
            "`agent-analytics prices check` prints the lines for models without a price."
        )


class NeedsGenaiPrices(AgentAnalyticsError):
    """The generator reads a package that is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Prices are generated from genai-prices, which is not installed here. "
            "Install it with `pip install 'agent-analytics[prices]'`."
        )


def refresh(arguments: Sequence[str]) -> int:
    """Run the generator in this checkout; its exit code. It prints what it changed.

    Raises PricesComeWithReleases, NeedsGenaiPrices.
    """
    script = _generator()
    if importlib.util.find_spec("genai_prices") is None:
        raise NeedsGenaiPrices
    return subprocess.run([sys.executable, str(script), *arguments], check=False).returncode


def _generator() -> Path:
    script = dbt_project().parent / "scripts" / "generate_model_prices.py"
    if script.is_file():
        return script
    newest = max(shipped_rows(PRICES), key=lambda row: row["known_from"])
    source = f"{newest['source']} {newest['source_version']}"
    raise PricesComeWithReleases(newest["known_from"], source)
