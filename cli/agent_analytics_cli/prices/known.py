"""The price files: those shipped, those of the user, and lines to add to the latter.

For names and for lines to copy only. What a request costs, dbt alone says.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_analytics_cli.assets import dbt_project
from agent_analytics_collector.home import Home

PRICES = "model_prices"
ALIASES = "model_aliases"
OVERRIDES = "model_price_overrides"
CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
"""Columns of prices, USD per million tokens."""

_OVERRIDE_COLUMNS = (
    *("model", "service_tier", "tier_from_tokens", "valid_from", "valid_to"),
    *CLASSES,
)
_ALIAS_COLUMNS = ("alias", "model")

CsvRow = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lines:
    """What to append to one CSV file of the user's."""

    file: Path
    heading: str | None
    """The first line, where the file is not there yet."""
    lines: tuple[str, ...]
    """As the file's own heading orders them; `<input>` and the like are for the user to fill in."""
    is_change: bool = False
    """The file has these lines already, with what is to be filled in left empty."""


@dataclass(frozen=True, slots=True)
class KnownPrices:
    """The shipped price files and the user's own, as they are on disk."""

    shipped: Sequence[CsvRow]
    overrides: Sequence[CsvRow]
    models: Mapping[str, str]
    """Known name, an alias too → the model that has the price."""
    home: Home

    @classmethod
    def read(cls, home: Home) -> KnownPrices:
        shipped = shipped_rows(PRICES)
        overrides = _rows(home.seeds / f"{OVERRIDES}.csv")
        priced = {row["model"].strip().lower() for row in (*shipped, *overrides) if row["model"]}
        aliases = (*shipped_rows(ALIASES), *_rows(home.seeds / f"{ALIASES}.csv"))
        named = {row["alias"].strip().lower(): row["model"] for row in aliases if row["alias"]}
        models = named | {model: model for model in priced}
        return cls(shipped, overrides, models, home)

    def nearest(self, name: str) -> str | None:
        """The model whose name is most like this one; None when none is like it."""
        near = difflib.get_close_matches(name.lower(), self.models, n=1, cutoff=0.7)
        return self.models[near[0]] if near else None

    def has(self, model: str) -> bool:
        return self.models.get(model) == model

    def classes_without_price(self, model: str, service_tier: str) -> set[str]:
        """Classes of tokens for which the rows that count now name no price."""
        rows = self._current(model, service_tier)
        return {name for name in CLASSES if any(not row.get(name) for row in rows)}

    def override_lines(self, model: str, service_tier: str, missing: Sequence[str]) -> Lines:
        """Lines that give the model a price, or its price what is `missing`.

        The user's rows stand before all shipped ones, so where only some classes are missing the
        lines repeat every size of request and every price that there is.
        """
        path = self.home.seeds / f"{OVERRIDES}.csv"
        rows = [
            {**row, **{name: f"<{name}>" for name in missing if not row.get(name)}}
            for row in (self._current(model, service_tier) if missing else ())
        ]
        blank = {"model": model, "service_tier": service_tier, "tier_from_tokens": "0"}
        rows = rows or [blank | {name: f"<{name}>" for name in CLASSES}]
        is_change = bool(missing and self._own(model, service_tier))
        return _lines(path, _OVERRIDE_COLUMNS, rows, is_change=is_change)

    def alias_line(self, alias: str, model: str) -> Lines:
        """The line that makes `alias` another name of `model`."""
        row = {"alias": alias, "model": model}
        return _lines(self.home.seeds / f"{ALIASES}.csv", _ALIAS_COLUMNS, [row])

    def _current(self, model: str, service_tier: str) -> list[CsvRow]:
        """The user's rows of a model; else the shipped ones known last that are still valid."""
        if own := self._own(model, service_tier):
            return own
        shipped = [row for row in self.shipped if _is_of(row, model, service_tier)]
        newest = max((row["known_from"] for row in shipped), default=None)
        return [row for row in shipped if row["known_from"] == newest and not row["valid_to"]]

    def _own(self, model: str, service_tier: str) -> list[CsvRow]:
        return [row for row in self.overrides if _is_of(row, model, service_tier)]


def shipped_rows(name: str) -> list[CsvRow]:
    """The rows of a seed as this installation ships it."""
    return _rows(dbt_project() / "seeds" / f"{name}.csv")


def _is_of(row: CsvRow, model: str, service_tier: str) -> bool:
    tier = row.get("service_tier") or "standard"
    return (row["model"].strip().lower(), tier) == (model, service_tier)


def _rows(path: Path) -> list[CsvRow]:
    """The file's rows, a missing cell empty; none where it cannot be read (`doctor` says why)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            wanted = {"alias", "model"} if path.stem == ALIASES else {"model"}
            return list(reader) if wanted <= set(reader.fieldnames or ()) else []
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _lines(
    path: Path, columns: Sequence[str], rows: Iterable[CsvRow], *, is_change: bool = False
) -> Lines:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        heading = []
    order = heading or columns
    lines = tuple(_csv_line(row.get(name) or "" for name in order) for row in rows)
    return Lines(path, None if heading else _csv_line(columns), lines, is_change)


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
