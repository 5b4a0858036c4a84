"""Grafana's part in a panel: what it puts into the SQL, and the dashboards as it reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from .files import ROOT

DASHBOARDS = ROOT / "grafana" / "dashboards"
PROVISIONING = ROOT / "grafana" / "provisioning"

ALL = None
"""All of a variable is chosen."""
Chosen = Mapping[str, Sequence[str] | None]

_VARIABLE = re.compile(r"\$\{(\w+):(\w+)\}")
_MACRO = re.compile(r"\$__(\w+)\(\)")


def dashboards() -> dict[str, dict[str, Any]]:
    """The provisioned dashboards by the name of their file."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """("view/number", panel, its dashboard) of every panel."""
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            yield f"{name}/{panel['id']}", panel, dashboard


def datasource() -> dict[str, Any]:
    """The provisioned data source."""
    content = yaml.safe_load((PROVISIONING / "datasources" / "agent-analytics.yaml").read_text())
    (only,) = content["datasources"]
    return dict(only)


def interpolated(
    sql: str, dashboard: Mapping[str, Any], chosen: Chosen, since: str, until: str
) -> str:
    """SQL as it reaches DuckDB: variables by the browser, then macros by the plugin.

    `chosen` has values by variable; what is not in it is all. Fails on anything left over.
    """
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}

    def value(found: re.Match[str]) -> str:
        name, form = found[1], found[2]
        assert form == "sqlstring"
        values = chosen.get(name)
        if values is ALL:
            return str(variables[name]["allValue"])  # Grafana formats every value but this one
        return ",".join("'" + each.replace("'", "''") + "'" for each in values)

    times = {"timeFrom": f"'{since}'", "timeTo": f"'{until}'"}
    # One pass each: what a value holds is not looked into again.
    asked = _MACRO.sub(lambda found: times[found[1]], _VARIABLE.sub(value, sql))
    return asked
