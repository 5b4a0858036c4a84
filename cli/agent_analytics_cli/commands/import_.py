"""`agent-analytics import`: read the session files that agents left on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

if TYPE_CHECKING:
    from agent_analytics_cli.sessions.importing import Summary
    from agent_analytics_cli.sessions.plan import Plan


def _machine(ctx: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """The name without blanks around it."""
    name = given and given.strip()
    if given is not None and not (name and name.isprintable()):
        raise click.BadParameter(f"{given!r} is no name.", ctx, option)
    return name


@click.command("import", short_help="Read the session files that agents left on this machine.")
@click.option(
    "--home",
    "user_homes",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    metavar="DIR",
    help="Home folder whose agents' session files are read; default: yours. Repeatable.",
)
@click.option(
    "--machine",
    callback=_machine,
    metavar="NAME",
    help="Where the sessions ran, if that was not here; default: this machine's name.",
)
@click.option("--again", is_flag=True, help="All of every file, imported or not.")
@click.option("--dry-run", is_flag=True, help="Show what would be imported; deliver nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to send again what the collector asks to send later.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    user_homes: tuple[Path, ...],
    machine: str | None,
    again: bool,
    dry_run: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Read the session files that agents left on this machine.

    The running collector gets the requests, tool calls, commits and prompts of the sessions that
    Claude Code, Codex, Gemini CLI and Copilot CLI kept, where each of them looks itself: token
    counts, names, ids, paths and line counts, no text. The next import reads only what is new. A
    session that lies in several homes counts once, for the machine whose copy was imported first.
    Exits 1 when something is left or was rejected.

    \b
    Examples:
    $ agent-analytics import
    $ agent-analytics import --dry-run --json
    $ agent-analytics import --home . --home .. --machine devcontainer
    """
    from agent_analytics_cli.sessions.importing import deliver, look
    from agent_analytics_cli.sessions.plan import plan_import

    home = Home.from_environment()
    home.create()
    settings = load_settings(home).settings
    homes = [each.absolute() for each in user_homes]
    plan = plan_import(home, settings, homes, again=again, machine=machine)
    with _progress() as progress:
        if dry_run or not plan.waiting:
            summary = look(plan, home, settings, progress)
        else:
            summary = deliver(plan, home, settings, timeout, progress)
    for problem in (*summary.unreadable, *summary.problems):
        note(as_text(problem))
    if as_json:
        print_json({"dry_run": dry_run} | msgspec.structs.asdict(summary))
    else:
        click.echo("\n".join(_lines(plan, summary, dry_run=dry_run)))
    if summary.rejected or summary.files_left:
        ctx.exit(1)


def _lines(plan: Plan, summary: Summary, *, dry_run: bool) -> Iterator[str]:
    where = f"of {', '.join(plan.titles)} in {as_text(summary.folders)}"
    if not plan.titles:
        yield "No agent whose session files can be read is in `enabled_agents`."
        return
    if not plan.waiting:
        yield (
            f"Nothing new: {_number(plan.unchanged, 'session file')} {where} were imported before "
            "and are unchanged. --again imports them again."
            if plan.unchanged
            else f"There are no session files {where}. --home DIR reads another home folder."
        )
        return
    skipped = f"; {plan.unchanged:,} unchanged ones were skipped" if plan.unchanged else ""
    yield f"Read {_number(summary.files_read, 'session file')} {where}{skipped}."
    span = f", {summary.first_at:%Y-%m-%d} to {summary.last_at:%Y-%m-%d}" if summary.records else ""
    yield f"{_number(summary.sessions, 'session')}{span}."
    if dry_run:
        yield f"{_number(summary.records, 'record')} would be delivered."
    else:
        yield (
            f"{_number(summary.records, 'record')}: {summary.accepted:,} accepted, "
            f"{summary.duplicate:,} duplicate, {summary.rejected:,} rejected."
        )
    if summary.damaged_lines:
        yield (
            f"{_number(summary.damaged_lines, 'damaged or unfinished line')} left out; "
            "a running session's last line comes with the next import."
        )
    if summary.files_left:
        yield (
            f"{_number(summary.files_left, 'session file')} left: the collector did not take more. "
            "`agent-analytics import` goes on there."
        )
    elif not dry_run:
        yield "Next: `agent-analytics transform`, then `agent-analytics report`."


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """What to call after each file; None where there is no terminal to show it in."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Reading", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
