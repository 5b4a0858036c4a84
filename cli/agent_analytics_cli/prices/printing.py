"""What `agent-analytics prices` prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import rich_click as click

from agent_analytics_cli.output import Format, note, print_json, print_listing
from agent_analytics_cli.prices.known import CLASSES, Lines
from agent_analytics_cli.prices.lookup import Lookup
from agent_analytics_cli.prices.recompute import Difference
from agent_analytics_cli.prices.unpriced import COLUMNS, Unpriced
from agent_analytics_cli.tables import Column, Kind, as_text, print_table

_CHECK_HEADINGS = {
    "model_reported": "model as reported", "model": "counted as", "service_tier": "tier",
    "unpriced_requests": "without\nany cost", "total_tokens": "tokens", "first_day": "since",
    "last_day": "until", "nearest": "nearest name",
}  # fmt: skip
_COUNTS = ("requests", "unpriced_requests", "total_tokens")
_CHECK = tuple(
    Column(name, _CHECK_HEADINGS.get(name, name), Kind.COUNT if name in _COUNTS else Kind.TEXT)
    for name in COLUMNS
)
_SHOWN = (
    Column("service_tier", "tier"),
    Column("tier_from_tokens", "prompts\nabove", Kind.COUNT),
    *(Column(name, name.replace("_", "\n"), Kind.USD) for name in CLASSES),
    Column("valid_from", "from"),
    Column("valid_to", "until"),
    Column("price_version", "price of"),
)
_FACTS_ONLY = ("model", "provider", "origin", "known_at")
_DIFFERENCE = (
    Column("model", "model"),
    Column("requests", "requests", Kind.COUNT),
    Column("changed_requests", "changed", Kind.COUNT),
    Column("old_computed_usd", "computed\nbefore", Kind.USD, lower_bound_if="old_is_partial"),
    Column("new_computed_usd", "computed\nafter", Kind.USD, lower_bound_if="new_is_partial"),
    Column("difference_usd", "difference", Kind.USD),
    Column("unpriced_before", "unpriced\nbefore", Kind.COUNT, only_if_any=True),
    Column("unpriced_after", "unpriced\nafter", Kind.COUNT, only_if_any=True),
)
_DIFFERENCE_FACTS = (
    *(column.key for column in _DIFFERENCE), "reported_requests", "shown_difference_usd",
)  # fmt: skip


def print_unpriced(found: Sequence[Unpriced], output_format: Format) -> None:
    """The listing; in a table, the lines that would give each a price after it."""
    if output_format is Format.JSON:
        print_json([_unpriced_json(unpriced) for unpriced in found])
    elif output_format is Format.CSV:
        print_listing(_CHECK, [unpriced.facts for unpriced in found], output_format)
    elif found:
        print_table(_CHECK, [unpriced.facts for unpriced in found])
        _print_advice(found)


def print_lookup(found: Lookup, day: date, output_format: Format) -> None:
    """The rows that price a model; which model and day it is stands above a table."""
    if output_format is not Format.TABLE:
        columns = (*(Column(name, name) for name in _FACTS_ONLY), *_SHOWN)
        print_listing(columns, found.rows, output_format)
        return
    providers = {row["provider"] for row in found.rows} - {None}
    sold_by = f" ({as_text(sorted(providers))})" if providers else ""
    click.echo(f"{as_text(found.model)}{sold_by} on {day} UTC, USD per million tokens:\n")
    print_table(_SHOWN, found.rows)


def print_difference(planned: Difference, day: date) -> None:
    """The models that change, and in sentences what that means for reports."""
    total = planned.total
    if not planned.models:
        note(f"Of {total['requests']:,} requests since {day}, none would change.")
        return
    print_table(_DIFFERENCE, planned.models, {**total, "model": "all since then"})
    shown, reported = total["shown_difference_usd"], total["reported_requests"]
    note(f"{total['changed_requests']:,} of {total['requests']:,} requests since {day} change.")
    if reported:
        note(f"Of these, {reported:,} with a reported cost keep showing that one.")
    note(f"The cost in reports changes by {'-' if shown < 0 else '+'}${abs(shown):,.4f}.")


def difference_json(planned: Difference, day: date, *, is_recorded: bool) -> dict[str, Any]:
    return {
        "since": day,
        "since_at": planned.since,
        "known_from": planned.known_from,
        "models": [{name: row[name] for name in _DIFFERENCE_FACTS} for row in planned.models],
        "total": {name: planned.total[name] for name in _DIFFERENCE_FACTS if name != "model"},
        "is_recorded": is_recorded,
    }


def _print_advice(found: Sequence[Unpriced]) -> None:
    for unpriced in found:
        facts, override, alias = unpriced.facts, unpriced.override, unpriced.alias
        if override is None and not unpriced.needs_recompute:
            continue
        click.echo(f"\n{as_text(facts['model_reported'])}, {facts['problem']}:")
        if override:
            _print_lines("", override)
        if alias:
            _print_lines(f"or, if it is {facts['nearest']} by another name, ", alias)
        if unpriced.needs_recompute:
            since = facts["first_day"]
            before = "and then " if override else ""
            click.echo(f"  {before}`agent-analytics prices recompute --since {since}`")


def _print_lines(before: str, lines: Lines) -> None:
    click.echo(f"  {before}{'fill in, in' if lines.is_change else 'add to'} {lines.file}:")
    for line in (*filter(None, [lines.heading]), *lines.lines):
        click.echo(f"    {as_text(line)}")


def _unpriced_json(unpriced: Unpriced) -> dict[str, Any]:
    return {
        **unpriced.facts,
        "override": _lines_json(unpriced.override),
        "alias": _lines_json(unpriced.alias),
        "needs_recompute": unpriced.needs_recompute,
    }


def _lines_json(lines: Lines | None) -> dict[str, Any] | None:
    if lines is None:
        return None
    return {
        "file": str(lines.file),
        "heading": lines.heading,
        "lines": lines.lines,
        "is_change": lines.is_change,
    }
