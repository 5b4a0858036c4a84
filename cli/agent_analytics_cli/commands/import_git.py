"""`agent-analytics import-git`: the history of repositories."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

if TYPE_CHECKING:
    from agent_analytics_cli.git.repository import Repository
    from agent_analytics_cli.git.tracked import Tracked
    from agent_analytics_cli.history.commit_import import Imported
    from agent_analytics_collector.settings import Settings

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(name="import-git")
@click.argument("paths", nargs=-1, type=_FOLDER, metavar="[PATH]...")
@click.option("--tracked", is_flag=True, help="Every repository that is followed already.")
@click.option("--since", metavar="DAY", help="Only commits from this day on: 2026-03-14, 7d or 2w.")
@click.option("--again", is_flag=True, help="Also what was imported before.")
@click.option(
    "--timeout", default=30.0, show_default=True, help="Seconds to wait for the collector."
)
@click.option("--dry-run", is_flag=True, help="Count what is new and deliver nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    tracked: bool,
    since: str | None,
    again: bool,
    timeout: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Read the history of git repositories: commits, files, keyed hashes of lines, never code.

    Without PATH the repository of this folder. git-ai notes (refs/notes/ai) are read as well.
    Only what is new since the last import is read;
    `up` does that daily for every repository that was named here or whose hook noted a commit.

    \b
    Examples:
    $ agent-analytics import-git
    $ agent-analytics import-git ~/src/widgets ~/src/gadgets --since 2026-01-01
    """
    from agent_analytics_cli.git.tracked import Tracked
    from agent_analytics_cli.history.commit_import import import_history, look
    from agent_analytics_cli.history.each_repository import in_each
    from agent_analytics_cli.outbound.api_client import ApiClient
    from agent_analytics_collector.line_hashes import home_hasher

    home = Home.from_environment()
    home.create()
    settings = load_settings(home).settings
    first = _first_day(since, settings)
    known = Tracked.load(home, settings.backend_url)
    repositories = _repositories(paths, known, tracked=tracked)
    if dry_run:
        outcomes, failed = in_each(repositories, lambda each: look(each, known, first, again=again))
    else:
        hasher = home_hasher(home, settings.git.line_key_file)
        with ApiClient.connect(home, settings, timeout) as api, _progress() as progress:
            outcomes, failed = in_each(
                repositories,
                lambda each: import_history(
                    each, api, known, hasher, project_id=settings.project_id, since=first,
                    again=again, timeout_s=timeout, progress=progress,
                ),
            )  # fmt: skip
    for outcome in outcomes:
        for reason in (*outcome.reasons, *(outcome.notes.reasons if outcome.notes else ())):
            note(as_text(f"{outcome.repository}: {reason}"))
    if as_json:
        print_json({"dry_run": dry_run, "repositories": outcomes})
    elif outcomes or not failed:
        click.echo("\n".join(_lines(outcomes, dry_run=dry_run)))
    if failed or any(
        outcome.refused or (outcome.notes and outcome.notes.refused) for outcome in outcomes
    ):
        ctx.exit(1)


def _first_day(since: str | None, settings: Settings) -> date | None:
    from agent_analytics_cli.days import Days, machine_time_zone

    if since is None:
        return None
    days = Days(settings.time_zone or machine_time_zone() or "UTC", settings.day_rollover_hour)
    try:
        return days.parse(since)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None


def _repositories(paths: Sequence[Path], known: Tracked, *, tracked: bool) -> list[Repository]:
    """Raises NotARepository."""
    from agent_analytics_cli.git.repository import find_repository

    if tracked:
        return [*known.repositories(), *(find_repository(path) for path in paths)]
    return [find_repository(path) for path in paths] or [find_repository()]


def _lines(outcomes: Sequence[Imported], *, dry_run: bool) -> Iterator[str]:
    if not outcomes:
        yield (
            "No repository is followed yet. `agent-analytics import-git PATH` names one, and "
            "`agent-analytics hooks install` has its commits noted."
        )
        return
    for outcome in outcomes:
        count = f"{outcome.commits:,} new commit{'' if outcome.commits == 1 else 's'}"
        if dry_run or not outcome.commits:
            yield f"{as_text(outcome.repository)}: {count}{_notes(outcome)}."
            continue
        told = f"{outcome.accepted:,} accepted, {outcome.duplicate:,} duplicate"
        if left := outcome.refused + outcome.unreadable:
            told += f", {left:,} left out"
        yield f"{as_text(outcome.repository)}: {count}, {told}{_notes(outcome)}."
    if not dry_run and any(
        outcome.accepted or (outcome.notes and outcome.notes.accepted) for outcome in outcomes
    ):
        yield "Next: `agent-analytics transform`, then `agent-analytics report --by commit`."


def _notes(outcome: Imported) -> str:
    """`; 3 git-ai notes, 1 damaged`, where there are new ones."""
    notes = outcome.notes
    if notes is None or not notes.notes + notes.damaged:
        return ""
    told = f"; {notes.notes:,} git-ai note{'' if notes.notes == 1 else 's'}"
    for count, what in (
        (notes.damaged, "damaged"),
        (notes.foreign, "parts about lines that their commit did not add"),
        (notes.refused, "refused"),
    ):
        told += f", {count:,} {what}" if count else ""
    return told


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """What to call after each group of commits; None where there is no terminal to show it in."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Commits", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
