"""`agent-analytics init`: have this machine's agents and commits reported."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import rich_click as click

from agent_analytics_cli.receipt import Receipt
from agent_analytics_cli.setup.agents import AGENTS
from agent_analytics_cli.setup.answers import default_answers
from agent_analytics_cli.setup.apply import apply_setup
from agent_analytics_cli.setup.plan import plan_setup
from agent_analytics_cli.setup.questions import answer, has_terminal, read_api_key
from agent_analytics_cli.setup.recipes import GITHUB, GITLAB, Circumstances
from agent_analytics_cli.setup.recipes.choice import OPTIONS, print_recipe, recipe_named
from agent_analytics_cli.setup.report import report, tell
from agent_analytics_cli.setup.server_options import flags_for_server, server_options
from agent_analytics_cli.setup.steps import SetupPlan
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

_PORT = click.IntRange(1, 65535)


def _names(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> Any:
    """The agents named, in their usual order; None without the option."""
    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in (*AGENTS, "none")]
    if wrong:
        raise click.BadParameter(
            f"{wrong[0]!r} is none of {', '.join(AGENTS)} and none.", ctx, option
        )
    return tuple(name for name in AGENTS if name in names) if names else None


def _host(ctx: click.Context, option: click.Parameter, given: str | None) -> str | None:
    if given is not None and not re.fullmatch(r"[^\s/~-][^\s/~]*", given):
        raise click.BadParameter(f"{given!r} is no host as ssh takes it.", ctx, option)
    return given


@click.command("init", short_help="Have this machine's agents and commits reported.")
@click.option("--developer-id", help="Who you are in reports (git's user.email).")
@click.option("--project-id", help="Project of all your work (none).")
@click.option(
    "--agents", "--agent", "agents", multiple=True, callback=_names, metavar="NAME,…",
    help=f"Agents to have report, of {', '.join(AGENTS)}, or none (those found here).",
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
    "--status-line/--no-status-line", default=None,
    help="Show cost and limits in Claude Code's status line, if it has none (no).",
)  # fmt: skip
@click.option(
    "--hooks", type=click.Choice(["here", "everywhere", "none"]),
    help="Git hook in this repository, in all under your home folder, or none.",
)  # fmt: skip
@click.option("--global", "is_global", is_flag=True, help="The same as --hooks everywhere.")
@click.option(
    "--shell-profile/--no-shell-profile", default=None,
    help="Set the variables in the shell's profile too (no).",
)  # fmt: skip
@click.option("--devcontainer", is_flag=True, help="Print what agents in a devcontainer need.")
@click.option(
    "--wsl", is_flag=True, help="Print what agents on Windows need, with the collector in WSL."
)
@click.option(
    "--ci", type=click.Choice([GITHUB, GITLAB]), is_flag=False, flag_value=GITHUB,
    help="Print a CI job that keeps what its agent cost (github).",
)  # fmt: skip
@click.option(
    "--ssh", metavar="HOST", callback=_host, help="Print what agents on a host behind SSH need."
)
@click.option("--grpc-port", type=_PORT, help="Port of OTLP/gRPC (4317), kept in config.yaml.")
@click.option("--http-port", type=_PORT, help="Port of OTLP/HTTP (4318), kept in config.yaml.")
@click.option("--api-port", type=_PORT, help="Port of the API (8321), kept in config.yaml.")
@server_options
@click.option("--yes", is_flag=True, help="Ask nothing; take the defaults, or what was before.")
@click.option("--dry-run", is_flag=True, help="Show the exact difference and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    api_key_file: Path | None,
    grpc_port: int | None,
    http_port: int | None,
    api_port: int | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    is_global: bool,
    **flags: Any,
) -> None:
    """Write config.yaml, switch on the agents' telemetry, and install the git hook.

    Asks what it needs to know, shows what it would change, and asks once more. Claude Code, Codex
    and Gemini CLI are told in their own settings, Copilot CLI by a function in the shell profile;
    settings of yours that say otherwise are never overridden. What is changed is noted, and
    `agent-analytics uninstall` takes it out byte for byte. Exits 1 when something that was asked
    for had to be left out. --devcontainer, --wsl, --ci and --ssh change nothing: they print what
    agents that run there need. --server asks the server whether it takes the key, and has this
    machine's collector send on to it what it receives; what it cannot deliver waits in the spool.

    \b
    Examples:
    $ agent-analytics init
    $ agent-analytics init --yes --dry-run
    $ agent-analytics init --yes --agents claude_code,codex
    $ agent-analytics init --yes --global --grpc-port 5317
    $ agent-analytics init --server https://analytics.example.com --key-file key.txt
    $ agent-analytics init --ci gitlab
    """
    if is_global and flags["hooks"] not in (None, "everywhere"):
        raise click.UsageError(f"--global is --hooks everywhere, not {flags['hooks']}.")
    if is_global:
        flags["hooks"] = "everywhere"
    places = {name: value for name in OPTIONS if (value := flags.pop(name))}
    if len(places) > 1:
        raise click.UsageError(f"--{' and --'.join(places)} ask for one recipe each: give one.")
    if not (yes or dry_run or places or has_terminal()):
        raise click.UsageError("There is no terminal to ask on. Add --yes to take the defaults.")
    home, here = Home.from_environment(), Path.cwd()
    flags = flags_for_server(home, load_settings(home).settings, flags)
    ports = {"grpc_port": grpc_port, "http_port": http_port, "api_port": api_port}
    flags |= {
        "api_key": read_api_key(api_key_file) or flags.get("api_key"),
        "ports": {name: port for name, port in ports.items() if port is not None},
    }
    defaults = default_answers(load_settings(home), Receipt.load(home), here)
    answers = answer(defaults, flags, ask=not (yes or places) and has_terminal())
    for name, value in places.items():
        circumstances = Circumstances(answers, load_settings(home, answers.ports).settings)
        print_recipe(recipe_named(name, value, circumstances), as_json=as_json)
        return
    make_plan = partial(_plan, home, answers, here)
    plan = make_plan(Receipt.load(home))
    if plan.offers and not (yes or dry_run) and _wants_receivers_kept(plan):
        make_plan = partial(_plan, home, replace(answers, keep_receivers=True), here)
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


def _wants_receivers_kept(plan: SetupPlan) -> bool:
    """Asked of a person whose agents send elsewhere."""
    for name, kept in plan.offers.items():
        click.echo(f"\n{AGENTS[name].title} sends its telemetry to {kept.endpoint} now.", err=True)
    return click.confirm(
        "Have it sent here, and sent on to there by agent-analytics?", default=False, err=True
    )


def _plan(home: Home, answers: Any, here: Path, receipt: Receipt) -> SetupPlan:
    return plan_setup(home, answers, receipt, here)
