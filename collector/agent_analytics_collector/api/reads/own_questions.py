"""Questions of our own SQL, which no view shows: usage by the hour, and what is one's own."""

from __future__ import annotations

from pathlib import Path

from agent_analytics_collector.dashboards import Chart, Question

_FOLDER = Path(__file__).with_name("sql")


def own_question(name: str) -> Question:
    """The question in `sql/<name>.sql`, with filters as in `dashboards/`."""
    sql = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").rstrip()
    return Question(name, name.replace("_", " "), "", sql, Chart("table"), width=24)
