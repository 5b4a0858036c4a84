"""The weekly report as one HTML file that asks no other host for anything.

Tables hold every number, so it reads without JavaScript; ECharts draws beside them. The policy in
its head allows exactly the two scripts that are in it, by their hashes, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

from agent_analytics_cli.tables import as_text
from agent_analytics_cli.weekly.sections import Section, WeeklyReport
from agent_analytics_collector.web.charts import chart_height, chart_option
from agent_analytics_collector.web.static_files import CHARTS, ECHARTS

_STYLE = Path(__file__).with_name("page.css")


def to_html(report: WeeklyReport) -> str:
    """The whole file."""
    scripts = [path.read_text(encoding="utf-8") for path in (ECHARTS, CHARTS)]
    return "\n".join(_page(report, scripts))


def _page(report: WeeklyReport, scripts: list[str]) -> Iterator[str]:
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>{escape(report.title)}</title>"
    yield f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style></head><body><main>"
    yield f"<h1>{escape(report.title)}</h1>"
    if report.is_demo:
        yield '<p class="note">This is the recorded demo, not your data.</p>'
    if report.week.is_running:
        yield (
            f'<p class="note">The week is not over: its days up to {report.week.until} are '
            "compared with the same days of the week before.</p>"
        )
    for section in report.sections:
        yield from _section(section)
    yield "</main>"
    yield from (f"<script>{script}</script>" for script in scripts)
    yield "</body></html>\n"


def _section(section: Section) -> Iterator[str]:
    yield f'<section id="{section.id}"><h2>{escape(section.title)}</h2>'
    yield from (f"<p>{_sentence(text)}</p>" for text in section.sentences)
    if section.rows:
        yield '<div class="beside">'
        yield from _chart(section)
        yield from _table(section)
        yield "</div>"
    yield "</section>"


def _chart(section: Section) -> Iterator[str]:
    option = section.chart and chart_option(
        section.chart, section.columns, section.drawn or section.rows
    )
    if not section.chart or not option:
        return
    data = f"{section.id}-data"
    yield (
        f'<div class="chart" style="height: {chart_height(option)}px" data-chart="{data}" '
        f'data-unit="{section.chart.unit or ""}" role="img" '
        f'aria-label="{escape(section.title)}; the table has its numbers"></div>'
    )
    yield f'<script type="application/json" id="{data}">{_json(option)}</script>'


def _table(section: Section) -> Iterator[str]:
    kinds = [" class=n" if section.is_number(n) else "" for n in range(len(section.columns))]
    yield "<table><thead><tr>"
    yield "".join(
        f'<th scope="col"{kind}>{escape(heading)}</th>'
        for kind, heading in zip(kinds, section.headings(), strict=True)
    )
    yield "</tr></thead><tbody>"
    for row in section.texts():
        cells = zip(kinds, row, strict=True)
        yield f"<tr>{''.join(f'<td{kind}>{escape(text)}</td>' for kind, text in cells)}</tr>"
    yield "</tbody></table>"


def _sentence(text: str) -> str:
    """Escaped; what stands in backticks is code."""
    parts = escape(as_text(text)).split("`")
    return "".join(
        f"<code>{part}</code>" if number % 2 and number < len(parts) - 1 else part
        for number, part in enumerate(parts)
    )


def _json(value: object) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
