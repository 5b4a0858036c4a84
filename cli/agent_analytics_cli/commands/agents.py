"""`agent-analytics agents`: which agents are here, do they report, and have them start or stop."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import rich_click as click

from agent_analytics_cli.agent_rows import agent_rows, print_details
from agent_analytics_cli.changes import result_of
from agent_analytics_cli.output import Format, format_options, note, print_json, print_listing
from agent_analytics_cli.receipt import Receipt
from agent_analytics_cli.setup.agents import AGENTS
from agent_analytics_cli.setup.answers import default_answers
from agent_analytics_cli.setup.apply import apply_setup
from agent_analytics_cli.setup.disabling import disable, plan_disable
from agent_analytics_cli.setup.plan import plan_setup
from agent_analytics_cli.setup.questions import has_terminal
from agent_analytics_cli.setup.report import report, tell
from agent_analytics_cli.setup.steps import SetupPlan
from agent_analytics_cli.tables import Column
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

_NAME = click.Choice(list(AGENTS))
_COLUMNS = (
    Column("agent", "agent"), Column("found", "found"), Column("enabled", "enabled"),
    Column("telemetry", "telemetry"), Column("endpoint", "endpoint"),
    Column("last_heard_at", "last heard"),
)  # fmt: skip


@click.group(name="agents")
def command() -> None:
    """Show which agents report, and have one start or stop.

    \b
    Examples:
    $ agent-analytics agents list
    $ agent-analytics agents enable codex
    """


@command.command("list")
@format_options
def list_command(output_format: Format) -> None:
    """Show each agent: is it here, is it enabled, does it send, and when was it heard.

    \b
    Example:
    $ agent-analytics agents list --json
    """
    print_listing(_COLUMNS, agent_rows(Home.from_environment()), output_format)


@command.command("status")
@click.argument("name", required=False, type=_NAME)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status_command(name: str | None, as_json: bool) -> None:
    """Show where an agent's settings and session files are, and where it sends.

    \b
    Examples:
    $ agent-analytics agents status
    $ agent-analytics agents status codex --json
    """
    rows = [row for row in agent_rows(Home.from_environment()) if name in (None, row["agent"])]
    if as_json:
        print_json(rows)
    else:
        print_details(rows)


@command.command("enable")
@click.argument("name", type=_NAME)
@click.option(
    "--shell-profile/--no-shell-profile", default=None,
    help="Set variables in the shell's profile too: what Copilot CLI needs (no).",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show the exact difference and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def enable_command(
    name: str, shell_profile: bool | None, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Have an agent report, as init does; the other agents and the git hooks stay as they are.

    Exits 1 when something of the agent's had to be left alone.

    \b
    Examples:
    $ agent-analytics agents enable codex --dry-run
    $ agent-analytics agents enable copilot_cli --shell-profile --yes
    """
    _check_terminal(yes or dry_run)
    home, here = Home.from_environment(), Path.cwd()
    loaded = load_settings(home)
    answers = default_answers(loaded, Receipt.load(home), here)
    enabled = {*loaded.settings.enabled_agents, name}
    answers = replace(
        answers, agents=tuple(agent for agent in AGENTS if agent in enabled), hooks="none",
        shell_profile=answers.shell_profile if shell_profile is None else shell_profile,
    )  # fmt: skip

    def make_plan(receipt: Receipt) -> SetupPlan:
        return plan_setup(home, answers, receipt, here, only=name)

    plan = make_plan(Receipt.load(home))
    if dry_run or not plan.changes:
        report(plan, plan.changes, as_json=as_json, dry_run=dry_run)
        return
    agreed = None if yes else plan.diff()
    if agreed is not None:
        click.echo(agreed, err=True)
        tell(plan)
        click.confirm("Make these changes?", default=True, abort=True, err=True)
    plan, made = apply_setup(home, make_plan, agreed)
    report(plan, made, as_json=as_json, dry_run=False)


@command.command("disable")
@click.argument("name", type=_NAME)
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show the exact difference and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def disable_command(name: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Take out of an agent's settings what init put in, and read its session files no more.

    What you changed in those files since stays. Exits 1 when something could not be taken out.

    \b
    Example:
    $ agent-analytics agents disable gemini_cli --dry-run
    """
    _check_terminal(yes or dry_run)
    home = Home.from_environment()
    plan = plan_disable(home, name, Receipt.load(home))
    diff = plan.diff()
    say = partial(_report_disabled, as_json=as_json)
    if dry_run:
        say(plan.changed, plan.left, plan.removal.notes, diff)
        return
    if not yes and diff:
        click.echo(diff, err=True)
        click.confirm("Make these changes?", default=True, abort=True, err=True)
    changed, done = disable(home, name, None if yes else diff)
    say(changed, done.left, done.notes, None)
    if done.left:
        raise SystemExit(1)


def _check_terminal(asks_nothing: bool) -> None:
    if not (asks_nothing or has_terminal()):
        raise click.UsageError("There is no terminal to ask on. Add --yes to go ahead.")


def _report_disabled(
    changed: list[tuple[Path, str]], left: list[str], notes: list[str], diff: str | None,
    *, as_json: bool,
) -> None:  # fmt: skip
    if as_json:
        print_json(result_of(changed, left, diff=diff) | {"notes": notes})
        return
    if not changed and not left:
        click.echo("Nothing to change: the agent is not enabled.")
    elif diff is not None:
        click.echo(diff, nl=False)
        note("This is what would be changed; nothing was.")
    for path, what in changed if diff is None else ():
        click.echo(f"changed     {path}: {what}")
    for sentence in left:
        note(f"left        {sentence}")
    for sentence in notes:
        note(f"note        {sentence}")
