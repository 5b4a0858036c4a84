"""Blame for people: a line of text per line of the file, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from agent_analytics_cli.reports.blame_report import UNCOMMITTED, UNRECORDED, WEAKER, LineOrigin
from agent_analytics_cli.shares import percent
from agent_analytics_cli.tables import as_text

_HASH_DIGITS = 10
_SESSION_LETTERS = 8
_TAB = 8
_WORDS = {
    UNRECORDED: "never imported",
    UNCOMMITTED: "not committed yet",
    WEAKER: "weaker evidence",
    "ambiguous": "ambiguous",
    "untracked": "untracked",
}


def printed_lines(found: Sequence[LineOrigin], names: Mapping[str, str]) -> Iterator[str]:
    """commit, date, agent or author, session, tier, number and text, in columns.

    A tier in parentheses is the commit's: nothing is known of its single lines. `names` are those
    of agents to show for their ids.
    """
    rows = [_cells(origin, names) for origin in found]
    widths = [max(map(cell_len, column), default=0) for column in zip(*rows, strict=True)]
    last = len(widths) - 2
    for row in rows:
        cells = [
            " " * (width - cell_len(cell)) + cell
            if index == last
            else cell + " " * (width - cell_len(cell))
            for index, (cell, width) in enumerate(zip(row[:-1], widths, strict=False))
        ]
        yield "  ".join((*cells, row[-1])).rstrip()


def _cells(origin: LineOrigin, names: Mapping[str, str]) -> tuple[str, ...]:
    line = origin.line
    is_anybodys = origin.counts or origin.agent is not None
    tier = origin.tier or ""
    return (
        (line.commit_hash or "")[:_HASH_DIGITS],
        f"{line.committed_at:%Y-%m-%d}" if line.committed_at else "",
        as_text(_named(origin.agent, names) or line.author) if is_anybodys else "",
        as_text(origin.session_id or "")[:_SESSION_LETTERS],
        f"({tier})" if origin.evidence == "commit" else tier,
        str(line.number),
        as_text(line.text.expandtabs(_TAB)),
    )


def summary_notes(totals: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """What the lines add up to, in whole sentences; `totals` are those of `summary`."""
    counted = totals["counted_lines"]
    if not counted:
        yield f"Of {_lines(totals['lines'])} none counts as a line of work."
        return
    yield (
        f"Agents wrote {percent(totals['agent_share'])} of {_lines(counted)} of work; "
        f"{percent(totals['coverage'])} are of commits with a tier. "
        f"{_by_origin(totals['shares'], names)}."
    )
    tiers = {part["tier"] for part in totals["shares"]}
    if any(part["evidence"] == "commit" for part in totals["shares"]):
        yield "A tier in parentheses is the commit's; which lines of it are the agent's is unknown."
    if "untracked" in tiers:
        yield "Untracked means that there is no evidence, not that a person wrote it."
    if UNRECORDED in tiers:
        yield "`agent-analytics import-git` imports the commits that are not recorded yet."


def _by_origin(shares: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    own: dict[str, list[str]] = {}
    for part in shares:
        if part["agent"] is not None:
            own.setdefault(part["agent"], []).append(f"{_tier(part)} {percent(part['share'])}")
    agents = [f"{as_text(_named(agent, names))}: {', '.join(own[agent])}" for agent in own]
    others = [
        f"{_WORDS[part['tier']]} {percent(part['share'])}"
        for part in shares
        if part["agent"] is None
    ]
    text = "; ".join((*agents, *others))
    return text if agents else text[:1].upper() + text[1:]


def _named(agent: str | None, names: Mapping[str, str]) -> str | None:
    return None if agent is None else names.get(agent, agent)


def _tier(part: Mapping[str, Any]) -> str:
    return f"({part['tier']})" if part["evidence"] == "commit" else str(part["tier"])


def _lines(count: int) -> str:
    return f"{count:,} line{'s'[: count != 1]}"
