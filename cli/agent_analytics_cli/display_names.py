"""Agents and models as users know them, for tables; JSON and CSV keep the ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb


@dataclass(frozen=True, slots=True)
class DisplayNames:
    """What to show for an id; an id without a name is shown as it is."""

    agents: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)

    def shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row with names for the ids in `agent`, `model` and (a list) `models`."""
        changed = dict(row)
        for key, names in (("agent", self.agents), ("model", self.models)):
            if key in row:
                changed[key] = names.get(row[key], row[key])
        if "models" in row:
            changed["models"] = [self.models.get(model, model) for model in row["models"]]
        return changed

    def of(self, key: str, identity: str) -> str:
        """The name of one `agent` or `model`; of any other key the id."""
        return str(self.shown({key: identity})[key])


def read_display_names(marts: duckdb.DuckDBPyConnection | None) -> DisplayNames:
    """The names in the published dimensions; none where an older release published them."""
    if marts is None:
        return DisplayNames()
    named = marts.execute(
        "select distinct table_name from duckdb_columns() "
        "where column_name = 'display_name' and table_name in ('dim_agents', 'dim_models')"
    ).fetchall()
    names: dict[str, dict[str, str]] = {"dim_agents": {}, "dim_models": {}}
    for (table,) in named:
        key = table.removeprefix("dim_").removesuffix("s")
        names[table] = dict(
            marts.execute(f"select {key}, display_name from main.{table}").fetchall()
        )
    return DisplayNames(names["dim_agents"], names["dim_models"])
