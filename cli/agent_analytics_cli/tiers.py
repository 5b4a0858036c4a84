"""The tiers of evidence that an agent made a commit, as commands name and explain them.

dbt decides which one a commit has; this is what they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

R = TypeVar("R")

MEANINGS = {
    "note": "a git-ai note or an Agent Trace record names the session",
    "tool_call": "the agent's own tool call names the commit",
    "lines": "a session wrote the same lines into the same files",
    "marker": "a trailer or the author names the agent",
    "window": "exactly one session was active in the repository",
    "ambiguous": "several sessions were active; none of them gets the commit",
    "untracked": "there is no evidence, which does not mean that a person wrote it",
}
"""By tier, the strongest first, and the two that are none."""
TIERS = ("note", "tool_call", "lines", "marker", "window")
"""The strongest first."""


def at_least(tier: str | None) -> tuple[str, ...]:
    """That tier and the stronger ones; all where none is asked for."""
    return TIERS if tier is None else TIERS[: TIERS.index(tier) + 1]


def tier_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command `--tier`; it gets `tier`, one of TIERS, or None when it was not given."""
    option: Callable[[Callable[..., Any]], Callable[..., R]] = click.option(
        "--tier",
        type=click.Choice(TIERS),
        help=f"Count only evidence as strong as this: {' > '.join(TIERS)}.",
    )
    return option(command)
