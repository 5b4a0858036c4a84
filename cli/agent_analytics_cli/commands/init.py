"""`agent-analytics init`: have this machine's agents and commits reported."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import rich_click as click

from agent_analytics_cli.changes import FileChange, result_of
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.receipt import Receipt
from agent_analytics_cli.setup.answers import AGENTS, default_answers
from agent_analytics_cli.setup.apply import apply_setup
from agent_analytics_cli.setup.plan import SetupPlan, plan_setup
from agent_analytics_cli.setup.questions import answer, has_terminal, read_api_key
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

_PORT = click.IntRange(1, 65535)


@click.command("init", short_help="Have this machine's agents and commits reported.")
@click.option("--developer-id", help="Who you are in reports (git's user.email).")
@click.option("--project-id", help="Project of all your work (none).")
@click.option(
    "--agent", "agents", multiple=True, type=click.Choice([*AGENTS, "none"]),
    help="Agent to switch telemetry on for; may be repeated (claude_code).",
)  # fmt: skip
@click.option("--backend", metavar="URL", help="`local` is this machine, or the URL of a backend.")
@click.option("--endpoint", metavar="URL", help="Where agents send OTLP/gRPC, if not to this home.")
@click.option(
    "--api-key-file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="File with the backend's API key; AGENT_ANALYTICS_API_KEY works too.",
)  # fmt: skip
@click.option(
    "--tool-details/--no-tool-details", default=None,
    help="Send tool input to the collector, which keeps facts such as a commit's SHA.",
)  # fmt: skip
@click.option(
    "--repository-names/--no-repository-names", default=None,
    help="Put the repository's name beside metrics.",
)  # fmt: skip
@click.option(
    "--hooks", type=click.Choice(["here", "everywhere", "none"]),
    help="Git hook in this repository, in all under your home folder, or none.",
)  # fmt: skip
@click.option(
    "--shell-profile/--no-shell-profile", default=None,
    help="Set the variables in the shell's profile too (no).",
)  # fmt: skip
@click.option("--grpc-port", type=_PORT, help="Port of OTLP/gRPC (4317), kept in config.yaml.")
@click.option("--http-port", type=_PORT, help="Port of OTLP/HTTP (4318), kept in config.yaml.")
@click.option("--api-port", type=_PORT, help="Port of the API (8321), kept in config.yaml.")
@click.option("--yes", is_flag=True, help="Ask nothing; take the defaults, or what was before.")
@click.option("--dry-run", is_flag=True, help="Show the exact difference and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    agents: tuple[str, ...],
    api_key_file: Path | None,
    grpc_port: int | None,
    http_port: int | None,
    api_port: int | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Write config.yaml, switch on Claude Code's telemetry, and install the git hook.

    Asks what it needs to know, shows what it would change, and asks once more. Claude Code is
    told in its own settings.json; settings of yours that say otherwise are never overridden. What
    is changed is noted, and `agent-analytics uninstall` takes it out byte for byte. Exits 1 when
    something that was asked for had to be left out.

    \b
    Examples:
    $ agent-analytics init
    $ agent-analytics init --yes --dry-run
    $ agent-analytics init --yes --hooks everywhere --grpc-port 5317
    """
    if not (yes or dry_run or has_terminal()):
        raise click.UsageError("There is no terminal to ask on. Add --yes to take the defaults.")
    home, here = Home.from_environment(), Path.cwd()
    ports = {"grpc_port": grpc_port, "http_port": http_port, "api_port": api_port}
    flags |= {
        "agents": tuple(agent for agent in agents if agent != "none") if agents else None,
        "api_key": read_api_key(api_key_file),
        "ports": {name: port for name, port in ports.items() if port is not None},
    }
    defaults = default_answers(load_settings(home).settings, Receipt.load(home), here)
    answers = answer(defaults, flags, ask=not yes and has_terminal())
    make_plan = partial(_plan, home, answers, here)
    plan = make_plan(Receipt.load(home))
    if dry_run or not plan.changes:
        _report(plan, plan.changes, as_json=as_json, dry_run=dry_run)
        return
    agreed = None if yes else plan.diff()
    if agreed is not None:
        click.echo(agreed, err=True)
        _tell(plan)
        click.confirm("Make these changes?", default=True, abort=True, err=True)
    plan, made = apply_setup(home, make_plan, agreed)
    _report(plan, made, as_json=as_json, dry_run=False)


def _plan(home: Home, answers: Any, here: Path, receipt: Receipt) -> SetupPlan:
    return plan_setup(home, answers, receipt, here)


def _report(plan: SetupPlan, changes: list[FileChange], *, as_json: bool, dry_run: bool) -> None:
    """What was changed, what was left alone and why, and how to go on."""
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
        _tell(plan)
        if not dry_run:
            click.echo("\nNext:")
            for typed in following:
                click.echo(f"  {typed}")
    if plan.left_alone and not dry_run:
        raise SystemExit(1)


_NOTHING = "Nothing to change: everything is as it should be."
_NOT_ALL = "Nothing is changed."


def _tell(plan: SetupPlan) -> None:
    for sentence in plan.left_alone:
        note(f"left alone  {sentence}")
    for sentence in plan.notes:
        note(f"note        {sentence}")


def _next_commands(plan: SetupPlan) -> list[str]:
    up = [] if plan.settings.backend_url else ["agent-analytics up"]
    return [*up, "agent-analytics doctor", "agent-analytics report --by commit"]
