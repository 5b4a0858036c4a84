"""The weekly report as Markdown, for a wiki, an issue or a message."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent_analytics_cli.tables import as_text
from agent_analytics_cli.weekly.sections import Section, WeeklyReport

_MARKS = re.compile(r"([\\`*\[\]<>|~]|(?<!\w)[_#@]|_(?!\w))")
_COMMAND = re.compile(r"`(agent-analytics [^`]*)`")


def to_markdown(report: WeeklyReport) -> str:
    """The whole report; ends with a line break."""
    return "\n".join(_lines(report)) + "\n"


def escape(text: str) -> str:
    """A text that Markdown shows as it is; names in telemetry are chosen by whoever sends it."""
    return _MARKS.sub(r"\\\1", as_text(text)).replace("&", "&amp;")


def _lines(report: WeeklyReport) -> Iterator[str]:
    yield f"# {report.title}"
    yield ""
    if report.is_demo:
        yield "This is the recorded demo, not your data."
        yield ""
    if report.week.is_running:
        yield (
            f"The week is not over: its days up to {report.week.until} are compared with the same "
            "days of the week before."
        )
        yield ""
    for section in report.sections:
        yield f"## {section.title}"
        yield ""
        if len(section.sentences) == 1:
            yield _sentence(section.sentences[0])
            yield ""
        elif section.sentences:
            yield from (f"- {_sentence(text)}" for text in section.sentences)
            yield ""
        if section.rows:
            yield from _table(section)
            yield ""


def _sentence(text: str) -> str:
    """Escaped but for commands, which are code."""
    parts = _COMMAND.split(text)
    return "".join(f"`{part}`" if number % 2 else escape(part) for number, part in enumerate(parts))


def _table(section: Section) -> Iterator[str]:
    yield f"| {' | '.join(section.headings())} |"
    rules = ("---:" if section.is_number(place) else "---" for place in range(len(section.columns)))
    yield f"| {' | '.join(rules)} |"
    for row in section.texts():
        yield f"| {' | '.join(map(escape, row))} |"
