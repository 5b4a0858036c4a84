"""Write grafana/dashboards/*.json, a dashboard for each view of dashboards/.

    python scripts/generate_grafana_dashboards.py
    python scripts/generate_grafana_dashboards.py --check

The types of a question's columns are those that DuckDB finds over empty tables of the marts'
contracts, so that nothing needs to be built.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import yaml
from grafana_panels import Columns, panel, places, variable

from agent_analytics_collector.dashboards import CHOICES, Dashboard, Question, load_dashboards

ROOT = Path(__file__).resolve().parent.parent
MARTS = ROOT / "dbt_project" / "models" / "marts"
VIEWS = ROOT / "dashboards"
TARGET = ROOT / "grafana" / "dashboards"
TAG = "agent-analytics"

FROM, TO = "now-6M/M", "now+14h"
"""Whole months, and today wherever it has already begun: days are compared with times in UTC."""


def empty_marts() -> duckdb.DuckDBPyConnection:
    """A database in memory with every mart as its contract says, without rows."""
    connection = duckdb.connect()
    for path in sorted(MARTS.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for model in content.get("models", ()):
            columns = ", ".join(f'"{it["name"]}" {it["data_type"]}' for it in model["columns"])
            connection.execute(f'create table "{model["name"]}" ({columns})')
    return connection


def columns_of(connection: duckdb.DuckDBPyConnection, question: Question) -> Columns:
    """Names and types of what the question answers."""
    described = connection.execute(f"describe {question.sql}").fetchall()
    return {name: kind for name, kind, *_ in described}


def dashboard(connection: duckdb.DuckDBPyConnection, view: Dashboard) -> dict[str, Any]:
    """The dashboard of a view, as Grafana provisions it."""
    used = {name for question in view.questions for name in question.filters}
    links = {"type": "dashboards", "tags": [TAG], "title": "Views", "asDropdown": False}
    return {
        "uid": f"{TAG}-{view.id.replace('_', '-')}",
        "title": view.title,
        "description": view.description,
        "tags": [TAG],
        "links": [{**links, "keepTime": True, "includeVars": True}],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "5m",
        # A day of the marts has no zone: in another one Grafana would show the day before.
        "timezone": "utc",
        "time": {"from": FROM, "to": TO},
        "templating": {
            "list": [variable(name, sql) for name, sql in CHOICES.items() if name in used]
        },
        "annotations": {"list": []},
        "panels": [
            panel(number, question, columns_of(connection, question), place)
            for number, (question, place) in enumerate(
                zip(view.questions, places(view.questions), strict=True), start=1
            )
        ],
    }


def generated() -> dict[str, str]:
    """File name → content, of every view."""
    connection = empty_marts()
    return {
        f"{view.id}.json": json.dumps(dashboard(connection, view), indent=2, ensure_ascii=False)
        + "\n"
        for view in load_dashboards(VIEWS)
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if any differ")
    options = parser.parse_args()
    wanted = generated()
    found = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.json")}
    differing = sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )
    if not options.check:
        TARGET.mkdir(parents=True, exist_ok=True)
        for name in differing:
            if name in wanted:
                (TARGET / name).write_text(wanted[name], encoding="utf-8")
            else:
                (TARGET / name).unlink()
    print("\n".join(differing) or "The dashboards are what dashboards/ says.")
    return 1 if differing and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
