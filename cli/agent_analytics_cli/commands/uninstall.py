"""`agent-analytics uninstall`: take out everything that was put in."""

from __future__ import annotations

import rich_click as click

from agent_analytics_cli.changes import result_of
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.receipt import Receipt
from agent_analytics_cli.setup.questions import has_terminal
from agent_analytics_cli.setup.removal import (
    RemovalPlan,
    Removed,
    check_purge,
    done_by,
    plan_uninstall,
    remove_everything,
)  # fmt: skip
from agent_analytics_collector.home import Home


@click.command("uninstall", short_help="Take out everything that was put in.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show the exact difference and change nothing.")
@click.option("--purge", is_flag=True, help="Remove the state folder with all data too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(yes: bool, dry_run: bool, purge: bool, as_json: bool) -> None:
    """Restore every file that init and hooks have changed, byte for byte.

    What you changed in those files since stays. Nothing is sent to a server or on to another
    receiver any more, and the keys for that go. The state folder with your data stays, unless
    --purge is given. Exits 1 when something could not be taken out, and says how to.

    \b
    Examples:
    $ agent-analytics uninstall --dry-run
    $ agent-analytics uninstall --yes
    """
    if not (yes or dry_run or has_terminal()):
        raise click.UsageError("There is no terminal to ask on. Add --yes to go ahead.")
    home = Home.from_environment()
    if purge:
        check_purge(home)
    plan = plan_uninstall(home, Receipt.load(home))
    if dry_run:
        _show(home, plan, purge=purge, as_json=as_json)
        return
    if not yes:
        click.echo(plan.diff(), err=True)
        also = f" and delete {home.root} with all data" if purge else ""
        click.confirm(f"Take this out{also}?", default=False, abort=True, err=True)
    done = remove_everything(home, purge=purge)
    _report(home, done, as_json=as_json)
    if done.left:
        raise SystemExit(1)


def _show(home: Home, plan: RemovalPlan, *, purge: bool, as_json: bool) -> None:
    if as_json:
        changed = [(change.path, done_by(change)) for change in plan.changes]
        print_json(
            result_of(changed, plan.left, diff=plan.diff())
            | {"notes": plan.notes, "state_folder": None if purge else str(home.root)}
        )
        return
    click.echo(plan.diff(), nl=False)
    if purge:
        click.echo(f"delete {home.root}")
    _tell(plan.left, plan.notes)
    note("This is what would be changed; nothing was.")


def _report(home: Home, done: Removed, *, as_json: bool) -> None:
    stays = home.root.exists()
    if as_json:
        print_json(
            result_of(done.files, done.left, diff=None)
            | {"notes": done.notes, "state_folder": str(home.root) if stays else None}
        )
        return
    for path, what in done.files:
        click.echo(f"{what:<9} {path}")
    if not done.files:
        click.echo("Nothing was installed, so nothing was taken out.")
    _tell(done.left, done.notes)
    if stays and not done.left:
        click.echo(
            f"Your data and settings stay in {home.root}; "
            "`agent-analytics uninstall --purge` removes them."
        )
    elif done.purged:
        click.echo(f"deleted   {home.root}")


def _tell(left: list[str], notes: list[str]) -> None:
    for sentence in left:
        note(f"left      {sentence}")
    for sentence in notes:
        note(f"note      {sentence}")
