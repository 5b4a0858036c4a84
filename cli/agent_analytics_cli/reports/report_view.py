"""A report ready to print: as a table for people, as JSON or as CSV, with what to know about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agent_analytics_cli.output import Format, print_csv, print_json
from agent_analytics_cli.tables import Column, Row, print_table

NOTHING_PUBLISHED = (
    "No marts are published yet. `agent-analytics up` receives data and publishes it; "
    "`agent-analytics transform` publishes what was received already."
)
NO_USAGE = (
    "No usage is recorded yet. Point an agent's telemetry at the collector that "
    "`agent-analytics up` starts; what it has received shows in `agent-analytics status`."
)


@dataclass(frozen=True, slots=True)
class View:
    """Rows from `since` to `until`, both included, in the time zone's days."""

    by: tuple[str, ...]
    since: date | None
    until: date | None
    time_zone: str
    rows: Sequence[Row]
    """Exact, for JSON and CSV."""
    facts: Sequence[str]
    """Keys of a row in JSON and CSV, in order."""
    columns: Sequence[Column]
    shown: Sequence[Row]
    """The rows as the table shows them."""
    last_line: Row | None = None
    """Of the table, under a rule; not in CSV, where it would be added up again."""
    beside_rows: Mapping[str, Any] = field(default_factory=dict)
    """What JSON has after the rows."""
    recorded: Sequence[date] = ()
    """Every day that has data, whether in the range or not."""
    missing: str = "is no usage"
    """Reads on after "There" where the range has none."""
    nothing: str = NO_USAGE
    """What to say where no day has data."""
    notes: Sequence[str] = ()
    """What to know about the rows, in whole sentences."""


def print_view(view: View, output_format: Format) -> None:
    if output_format is Format.JSON:
        rows = [{key: row[key] for key in view.facts} for row in view.rows]
        about = {name: getattr(view, name) for name in ("by", "since", "until", "time_zone")}
        print_json({**about, "rows": rows, **view.beside_rows})
    elif output_format is Format.CSV:
        print_csv([Column(name, name) for name in view.facts], view.rows)
    elif view.shown:
        print_table(view.columns, view.shown, view.last_line)


def notes_of(view: View, *, is_published: bool, is_chosen: bool) -> Iterator[str]:
    """What to know about the result, in whole sentences; `is_chosen`: --since was given."""
    if not is_published:
        yield NOTHING_PUBLISHED
    elif not view.recorded:
        yield view.nothing
    else:
        yield from _range_notes(view, is_chosen=is_chosen)
    yield from view.notes


def cost_notes(measures: Mapping[str, Any]) -> Iterable[str]:
    """What an unknown cost means, if there is any; `measures` are those of all rows."""
    unpriced = measures["unpriced_requests"]
    if unpriced or measures["cost_is_partial"]:
        what = f"{unpriced:,} request{'s'[: unpriced != 1]}" if unpriced else "some usage"
        yield (
            f"The cost of {what} is unknown: `—` where no cost is known, `≥` where a sum leaves "
            "unknown ones out."
        )


def _range_notes(view: View, *, is_chosen: bool) -> Iterator[str]:
    """Which days are shown, or which could be."""
    if not view.rows:
        asked = f"from {view.since} to" if view.since else "up to"
        are = view.missing.partition(" ")[0]
        yield (
            f"There {view.missing} {asked} {view.until} ({view.time_zone}); "
            f"there {are} from {view.recorded[0]} to {view.recorded[-1]}."
        )
    elif not is_chosen and view.since and view.until:
        count = sum(view.since <= day <= view.until for day in view.recorded)
        yield (
            f"{view.since} to {view.until} ({view.time_zone}) has the last {count} days "
            "with data; --since chooses others."
            if count > 1
            else f"{view.since} ({view.time_zone}) is the last day with data; "
            "--since chooses others."
        )
