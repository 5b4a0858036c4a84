"""What `agent-analytics explain` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import rich_click as click

from agent_analytics_cli.display_names import DisplayNames
from agent_analytics_cli.explain.query import DAYS_BEFORE, Explanation
from agent_analytics_cli.explain.target import Target
from agent_analytics_cli.reports.report_view import cost_notes
from agent_analytics_cli.shares import usd
from agent_analytics_cli.tables import Column, Kind, as_text, print_table

CAUSES = {
    "cache_expired": "cache expired in a pause",
    "model_switch": "cache lost by a change of model",
    "cache_rewritten": "cache written again",
    "long_context": "price of long prompts",
    "rejected_edit": "after a rejected edit",
    "failed_tool": "after a failed tool call",
    "retry": "after a failed request",
    "subagent": "by sub-agents",
}
"""How causes of `fct_cost_causes` read."""
_ROWS_SHOWN = 5
_COST = (
    Column("requests", "requests", Kind.COUNT),
    Column("cost_usd", "cost", Kind.USD, lower_bound_if="cost_is_partial"),
    Column("share", "share", Kind.SHARE),
)
_CAUSES = (
    Column("cause", "cause"),
    Column("requests", "requests", Kind.COUNT),
    Column("wasted_tokens", "tokens\nsent again", Kind.COUNT, only_if_any=True),
    Column("cause_cost_usd", "cost", Kind.USD, lower_bound_if="is_partial"),
    Column("share", "share", Kind.SHARE),
    Column("avoidable_usd", "avoidable", Kind.USD, lower_bound_if="is_bound"),
)
_ROWS = (
    Column("request_key", "request"),
    Column("at", "at"),
    Column("model", "model"),
    Column("previous_model", "before", only_if_any=True),
    Column("pause", "pause", Kind.MS, only_if_any=True),
    Column("cause_cost_usd", "cost", Kind.USD),
    Column("avoidable_usd", "avoidable", Kind.USD, only_if_any=True),
)
_TOOLS = (
    Column("tool_name", "tool"),
    Column("calls", "calls", Kind.COUNT),
    Column("failures", "failed", Kind.COUNT, only_if_any=True),
    Column("rejections", "rejected", Kind.COUNT, only_if_any=True),
)
_PARTS = {"agent": "agent", "model": "model", "subagent": "conversation"}
_USUAL = {
    "day": "the median of {} days with usage among the " + f"{DAYS_BEFORE} before",
    "session": "the median of {} other sessions of its project",
    "branch": "the median of {} other branches of its project",
}


def for_programs(explained: Explanation) -> dict[str, Any]:
    """The whole as JSON has it."""
    target = explained.target
    return {
        "kind": target.kind,
        "name": target.name,
        "agent": target.agent,
        "project": target.project_id,
        "time_zone": target.days.time_zone,
        "total": explained.total,
        "usual": asdict(explained.usual),
        "by": explained.parts,
        "tools": explained.tools,
        "causes": explained.causes,
        "explained_usd": explained.explained_usd,
        "unexplained_usd": explained.unexplained_usd,
        "avoidable_usd": explained.avoidable_usd,
    }


def print_explanation(explained: Explanation, names: DisplayNames) -> None:
    """The total beside what is usual, its parts, then each cause with its requests."""
    total = explained.total
    cost = usd(total["cost_usd"], is_partial=total["cost_is_partial"])
    click.echo(f"{_title(explained.target)} cost {cost} in {total['requests']:,} requests.")
    click.echo(_compared(explained))
    for key, heading in _PARTS.items():
        if len(rows := explained.parts[key]) > 1 or key == "model":
            told = [{**row, "subagent": row.get("subagent") or "main"} for row in rows]
            _print_table((Column(key, heading), *_COST), [names.shown(row) for row in told])
    _print_table(_TOOLS, explained.tools)
    if not explained.causes:
        click.echo("\nNo cause explains any of it but the work itself.")
        return
    _print_table(_CAUSES, [_cause_shown(row) for row in explained.causes], _rest(explained))
    for cause in explained.causes:
        more = cause["requests"] - _ROWS_SHOWN
        rest = f", {_ROWS_SHOWN} of {cause['requests']:,}" if more > 0 else ""
        click.echo(f"\n{_cause(cause['cause'])}{rest}")
        _print_table(_ROWS, [
            names.shown(_row_shown(row, explained.target)) for row in cause["rows"][:_ROWS_SHOWN]
        ])  # fmt: skip


def notes_of(explained: Explanation) -> Iterator[str]:
    """What to know about it, in whole sentences."""
    yield from cost_notes(explained.total)
    if explained.causes:
        yield (
            f"Avoiding all that can be told would have saved {usd(explained.avoidable_usd)}; no "
            f"cause explains {usd(explained.unexplained_usd)}. `agent-analytics audit REQUEST` "
            "shows a request down to what was received."
        )
    if any(row["unknowable_requests"] for row in explained.causes):
        yield (
            "`—` and `≥` under avoidable: nobody can know what a rejected edit, a failed command "
            "or a sub-agent would have saved."
        )


def _title(target: Target) -> str:
    if target.kind == "day":
        return f"{target.name} ({target.days.time_zone})"
    return f"{target.kind.capitalize()} {as_text(target.name)}"


def _compared(explained: Explanation) -> str:
    cost, usual = explained.total["cost_usd"], explained.usual
    if usual.cost_usd is None:
        return "There is nothing to compare it with yet."
    of = _USUAL[explained.target.kind].format(f"{usual.count:,}")
    if cost is None or not usual.cost_usd:
        return f"{usd(usual.cost_usd)} is usual, {of}."
    times = f"{cost / usual.cost_usd:.1f} times"
    return f"That is {times} the usual {usd(usual.cost_usd)}, {of}."


def _cause(cause: str) -> str:
    return CAUSES.get(cause, cause)


def _cause_shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "cause": _cause(row["cause"]),
        "is_partial": row["unknown_requests"] > 0,
        "is_bound": row["unknowable_requests"] > 0,
    }


def _row_shown(row: Mapping[str, Any], target: Target) -> dict[str, Any]:
    seconds = row["pause_seconds"]
    return {
        **row,
        "at": f"{target.days.local(row['requested_at']):%Y-%m-%d %H:%M:%S}",
        "pause": None if seconds is None else seconds * 1000,
    }


def _rest(explained: Explanation) -> dict[str, Any]:
    cost, rest = explained.total["cost_usd"], explained.unexplained_usd
    return {
        "cause": "no cause",
        "requests": None,
        "wasted_tokens": None,
        "cause_cost_usd": rest,
        "is_partial": explained.total["cost_is_partial"],
        "share": rest / cost if cost and rest is not None else None,
        "avoidable_usd": None,
        "is_bound": False,
    }


def _print_table(
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    last_line: Mapping[str, Any] | None = None,
) -> None:
    if rows:
        click.echo()
        print_table(columns, rows, last_line)
