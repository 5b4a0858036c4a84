"""What `init` and `agents enable` print of a plan, before and after it is carried out."""

from __future__ import annotations

import rich_click as click

from agent_analytics_cli.changes import FileChange, result_of
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.setup.steps import SetupPlan

_NOTHING = "Nothing to change: everything is as it should be."
_NOT_ALL = "Nothing is changed."


def report(plan: SetupPlan, changes: list[FileChange], *, as_json: bool, dry_run: bool) -> None:
    """What was changed, what was left alone and why, and how to go on.

    Raises SystemExit(1) when something that was asked for had to be left out.
    """
    following = _next_commands(plan)
    if as_json:
        changed = [(change.path, change.why) for change in changes]
        print_json(
            result_of(changed, plan.left_alone, diff=plan.diff() if dry_run else None)
            | {
                "in_effect": plan.hooks.in_effect if plan.hooks else [],
                "notes": plan.notes,
                "next": following,
            }
        )
    else:
        if not changes:
            click.echo(_NOT_ALL if plan.left_alone else _NOTHING)
        elif dry_run:
            click.echo(plan.diff(), nl=False)
            note("This is what would be changed; nothing was.")
        for change in () if dry_run else changes:
            click.echo(f"changed     {change.path}: {change.why}")
        tell(plan)
        if not dry_run:
            click.echo("\nNext:")
            for typed in following:
                click.echo(f"  {typed}")
    if plan.left_alone and not dry_run:
        raise SystemExit(1)


def tell(plan: SetupPlan) -> None:
    """What is left alone, and what else there is to know."""
    for sentence in plan.left_alone:
        note(f"left alone  {sentence}")
    for sentence in plan.notes:
        note(f"note        {sentence}")


def _next_commands(plan: SetupPlan) -> list[str]:
    up = [] if plan.settings.backend_url else ["agent-analytics up"]
    return [*up, "agent-analytics doctor", "agent-analytics report --by commit"]
