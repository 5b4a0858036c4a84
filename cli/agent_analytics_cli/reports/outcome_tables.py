"""Outcomes for people: what agents made, what of it stands, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from agent_analytics_cli.reports.outcome_query import AGES, SHARES, YIELDS
from agent_analytics_cli.shares import percent, share
from agent_analytics_cli.tables import Column, Kind

Row = Mapping[str, Any]

_KEYS = (Column("month", "month"), Column("short_repository", "repository"))
_MADE = (
    *_KEYS,
    Column("commits", "commits", Kind.COUNT),
    Column("assisted_commit_share", "by\nagents"),
    Column("effective_lines", "lines", Kind.COUNT),
    Column("coverage", "coverage"),
    Column("ai_lines", "AI\nlines", Kind.COUNT),
    Column("ai_code_share", "AI\nshare"),
    Column("landing_rate", "landed", only_if_any=True),
    Column("revert_rate", "reverted", only_if_any=True),
    Column("fix_follow_rate", "fixed\nlater", only_if_any=True),
    Column("rework_ratio", "rework", only_if_any=True),
    Column("time_to_commit", "time to\ncommit", only_if_any=True),
)
_STANDS = (
    *_KEYS,
    *(
        column
        for age in AGES
        for column in (
            Column(f"survival_{age}d", f"alive\n{age} d", only_if_any=True),
            Column(f"ai_survival_{age}d", f"AI alive\n{age} d", only_if_any=True),
            Column(
                f"linked_cost_per_surviving_line_{age}d_usd",
                f"linked $\nper line\n{age} d",
                Kind.USD,
                only_if_any=True,
            ),
            Column(
                f"loaded_cost_per_surviving_line_{age}d_usd",
                f"loaded $\nper line\n{age} d",
                Kind.USD,
                only_if_any=True,
            ),
        )
    ),
)
_COST = (
    *_KEYS,
    Column("spend_usd", "spend", Kind.USD),
    Column("linked_cost_usd", "linked", Kind.USD),
    *(Column(f"{name}_usd", name.replace("_", " "), Kind.USD, only_if_any=True) for name in YIELDS),
    Column("cost_per_commit_usd", "per\ncommit", Kind.USD),
    Column("cost_per_merged_ai_line_usd", "per merged\nAI line", Kind.USD, only_if_any=True),
)
TABLES = (("What agents made", _MADE), ("What stands", _STANDS), ("What it cost", _COST))
"""(heading, columns), of rows that `for_people` made."""
_PERCENT = (
    *SHARES,
    *(f"{kind}_{age}d" for age in AGES for kind in ("survival", "ai_survival")),
)
_WIDTH = len("100.0%")


def for_people(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows with shares as percent and short texts."""
    return [
        {
            **row,
            "short_repository": _short(row["repository"]),
            "time_to_commit": _duration(row["median_seconds_to_commit"]),
            **{name: _percent(row[name]) for name in _PERCENT},
        }
        for row in rows
    ]


def has_content(columns: Sequence[Column], rows: Sequence[Row]) -> bool:
    """Whether a table would show more than its keys."""
    return any(row[column.key] is not None for row in rows for column in columns[len(_KEYS) :])


def outcome_notes(rows: Sequence[Row], tier: str | None) -> Iterator[str]:
    """What these figures are worth, in whole sentences."""
    lines = sum(row["effective_lines"] or 0 for row in rows)
    covered = sum(row["covered_lines"] or 0 for row in rows)
    which = f"evidence as strong as {tier}" if tier else "any evidence"
    rest = "has weaker evidence or none" if tier else "is untracked"
    yield (
        f"Coverage: {percent(share(covered, lines))} of {lines:,} lines have {which}. The rest "
        f"{rest}, which does not mean that people wrote it."
    )
    if tier:
        yield "With --tier only what commits and their sessions tell is known; spend is all spend."
        return
    if not any(row[f"cohort_commits_{AGES[0]}d"] for row in rows):
        yield "Survival is not measured yet: `agent-analytics survival` does, as `up` does daily."
    elif not any(
        row[f"{kind}_cost_per_surviving_line_{age}d_usd"] is not None
        for row in rows
        for age in AGES
        for kind in ("linked", "loaded")
    ):
        yield (
            "Cost per surviving line needs 20 measured commits and a month that is old enough as "
            "a whole."
        )


def _short(repository: str | None) -> str | None:
    if repository is None:
        return None
    path = urlsplit(repository).path if "://" in repository else repository
    return "/".join(path.strip("/").split("/")[-2:])


def _percent(value: Decimal | float | None) -> str | None:
    """All as wide as the widest, so that they line up."""
    return None if value is None else percent(value).rjust(_WIDTH)


def _duration(seconds: float | None) -> str | None:
    """`1:02:03`."""
    return None if seconds is None else str(timedelta(seconds=round(seconds)))
