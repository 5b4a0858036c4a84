"""`agent-analytics hooks`: the git hooks that note commits."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from agent_analytics_cli.changes import masked, result_of
from agent_analytics_cli.doctor.commits import latest_trouble, waiting_notes
from agent_analytics_cli.git.config_hooks import SINCE
from agent_analytics_cli.git.hook_status import State
from agent_analytics_cli.git.hooks import (
    HooksPlan,
    Removal,
    hook_status,
    install,
    plan_install,
    plan_install_everywhere,
    remove,
)  # fmt: skip
from agent_analytics_cli.git.repository import find_repository, git_version
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.receipt import Receipt
from agent_analytics_collector.home import Home

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(name="hooks")
def command() -> None:
    """Install, show and remove the git hooks that note commits.

    A hook appends one line to a file of the state folder and never fails or delays a commit.

    \b
    Examples:
    $ agent-analytics hooks install
    $ agent-analytics hooks status
    """


@command.command("install")
@click.argument("path", required=False, type=_FOLDER)
@click.option("--shared", is_flag=True, help="Write to a hooks folder that others use too.")
@click.option(
    "--everywhere", multiple=True, type=_FOLDER, metavar="DIR",
    help="Install in every repository under this folder.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show the exact difference and change nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def install_command(
    ctx: click.Context,
    path: Path | None,
    shared: bool,
    everywhere: tuple[Path, ...],
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Have this repository's commits noted, or those of all repositories under a folder.

    Hooks that are there keep running. Exits 1 when something had to be left alone.

    \b
    Examples:
    $ agent-analytics hooks install
    $ agent-analytics hooks install --everywhere ~/src --dry-run
    """
    if path and everywhere:
        raise click.UsageError("Name a repository or --everywhere, not both.")
    home = Home.from_environment()
    plan = _plan(home, path, everywhere, shared)
    asks = sys.stdin.isatty() and not (yes or dry_run or as_json)
    if asks and plan.needs_shared:
        for sentence in plan.needs_shared:
            note(sentence)
        if click.confirm("Write there?", default=False, err=True):
            plan = _plan(home, path, everywhere, True)
    if asks and everywhere and plan.changes:
        for change in plan.changes:
            note(f"{change.path}: {change.why}")
        click.confirm("Change these files?", default=True, abort=True, err=True)
    if not dry_run:
        install(plan, home, Receipt.load(home))
    _print_plan(plan, dry_run=dry_run, as_json=as_json)
    if everywhere and git_version() < SINCE:
        note("Repositories that you clone later are not covered; run this again then.")
    elif everywhere:
        note("Your git takes this for every repository of yours, in these folders or not.")
    if plan.refusals:
        ctx.exit(1)


@command.command("status")
@click.argument("path", required=False, type=_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def status_command(path: Path | None, as_json: bool) -> None:
    """Show whether commits of this repository are noted, and why or why not.

    Example: agent-analytics hooks status
    """
    home = Home.from_environment()
    statuses = hook_status(find_repository(path), home)
    log = home.logs / "hooks.log"
    trouble = latest_trouble(log, waiting_notes(home.outbox), queues=["commits"])
    if as_json:
        rows = [
            {
                "event": status.event,
                "state": status.state.value,
                "file": str(status.where) if status.where else None,
                "why": status.why,
            }
            for status in statuses
        ]
        print_json({"hooks": rows, "last_trouble": trouble})
        return
    for status in statuses:
        where = f"  {status.where}" if status.where else ""
        click.echo(f"{status.event:<15}  {status.state.value}{where}")
        if status.why:
            click.echo(f"{'':<15}  {status.why}")
    if trouble:
        note(f"The last trouble with handing commits over: {trouble}")


@command.command("remove")
@click.argument("path", required=False, type=_FOLDER)
@click.option("--everywhere", is_flag=True, help="Remove them from all repositories.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def remove_command(ctx: click.Context, path: Path | None, everywhere: bool, as_json: bool) -> None:
    """Take the hooks out again; every file is left as it was found, byte for byte.

    What you wrote into a hook meanwhile stays. Exits 1 when something had to be left alone.

    \b
    Examples:
    $ agent-analytics hooks remove
    $ agent-analytics hooks remove --everywhere
    """
    if path and everywhere:
        raise click.UsageError("Name a repository or --everywhere, not both.")
    home = Home.from_environment()
    repository = None if everywhere else find_repository(path)
    removals = remove(home, Receipt.load(home), repository)
    _print_removals(removals, as_json=as_json)
    if repository and not as_json:
        for status in hook_status(repository, home):
            if status.state is State.IN_EFFECT:
                note(f"{status.event} is still in effect through {status.where}.")
    if any(removal.problem for removal in removals):
        ctx.exit(1)


def _plan(home: Home, path: Path | None, everywhere: tuple[Path, ...], shared: bool) -> HooksPlan:
    if everywhere:
        return plan_install_everywhere(home, everywhere, shared=shared)
    return plan_install(find_repository(path), home, shared=shared)


def _print_plan(plan: HooksPlan, *, dry_run: bool, as_json: bool) -> None:
    changes = [*plan.stubs, *plan.changes]
    diff = masked("".join(change.diff() for change in changes)) if dry_run else None
    if as_json:
        changed = [(change.path, change.why) for change in changes]
        print_json(result_of(changed, plan.refusals, diff=diff) | {"in_effect": plan.in_effect})
        return
    if diff is not None:
        click.echo(diff, nl=False)
    for change in () if dry_run else plan.changes:
        verb = "Created" if change.before is None else "Added to"
        click.echo(f"{verb} {change.path}")
    for sentence in plan.in_effect:
        click.echo(f"Already in effect: {sentence}")
    for sentence in plan.refusals:
        note(sentence)
    if not (changes or plan.in_effect or plan.refusals):
        note("There is no repository.")


def _print_removals(removals: list[Removal], *, as_json: bool) -> None:
    if as_json:
        changed = [(one.path, one.done) for one in removals if not one.problem]
        left_alone = [one.problem for one in removals if one.problem]
        print_json(result_of(changed, left_alone, diff=None))
        return
    words = {"restored": "Restored", "deleted": "Deleted", "gone": "No longer there:"}
    for removal in removals:
        if removal.problem:
            note(removal.problem)
        else:
            click.echo(f"{words[removal.done]} {removal.path}")
    if not removals:
        note("There was nothing to remove.")
