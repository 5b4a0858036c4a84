"""`agent-analytics survival`: how many lines of commits are alive weeks later."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

if TYPE_CHECKING:
    from agent_analytics_cli.git.repository import Repository
    from agent_analytics_cli.history.survival_import import Measured, Told

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(name="survival")
@click.argument("paths", nargs=-1, type=_FOLDER, metavar="[PATH]...")
@click.option("--tracked", is_flag=True, help="Every repository that is followed.")
@click.option(
    "--age", "ages", multiple=True, type=click.IntRange(1, 3650), metavar="DAYS",
    help="Measure at this age; may be repeated.  [default: 14, 30 and 90]",
)  # fmt: skip
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY",
    help="Measure commits from this UTC day on, also those measured before.",
)  # fmt: skip
@click.option("--again", is_flag=True, help="Also what was measured before.")
@click.option(
    "--budget", default=600.0, show_default=True, metavar="SECONDS",
    help="Begin no further day after this; the next run goes on there.",
)  # fmt: skip
@click.option(
    "--timeout", default=30.0, show_default=True, help="Seconds to wait for the collector."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    tracked: bool,
    ages: tuple[int, ...],
    since: datetime | None,
    again: bool,
    budget: float,
    timeout: float,
    as_json: bool,
) -> None:
    """Look by `git blame` how many lines of commits are alive 14, 30 and 90 days later.

    Without PATH the repository of this folder. The default branch as it stood that many days
    after the end of a commit's day is looked at; a renamed file is followed, and a line whose
    white space alone changed is alive. `up` does this daily for repositories that are followed.

    \b
    Examples:
    $ agent-analytics survival
    $ agent-analytics survival --tracked --budget 60
    """
    from agent_analytics_cli.git.repository import find_repository
    from agent_analytics_cli.git.tracked import Tracked
    from agent_analytics_cli.history.each_repository import in_each
    from agent_analytics_cli.history.survival import AGES
    from agent_analytics_cli.history.survival_import import measure_and_deliver
    from agent_analytics_cli.outbound.api_client import ApiClient
    from agent_analytics_collector.line_hashes import home_hasher

    home = Home.from_environment()
    home.create()
    settings = load_settings(home).settings
    known = Tracked.load(home, settings.backend_url)
    repositories = [*known.repositories()] if tracked else []
    repositories += [find_repository(path) for path in paths]
    if not tracked and not paths:
        repositories = [find_repository()]
    hasher = home_hasher(home, settings.git.line_key_file)
    until_s, now = time.monotonic() + budget, datetime.now(UTC)
    first: date | None = since.date() if since else None
    with ApiClient.connect(home, settings, timeout) as api, _told() as told:
        outcomes, failed = in_each(
            repositories,
            lambda each: measure_and_deliver(
                each, api, known, hasher, now, ages=ages or AGES, since=first, again=again,
                until_s=until_s, timeout_s=timeout, told=told,
            ),
        )  # fmt: skip
    for outcome in outcomes:
        for reason in outcome.reasons:
            note(as_text(f"{outcome.repository}: {reason}"))
    if as_json:
        print_json({"repositories": outcomes})
    elif outcomes or not failed:
        click.echo("\n".join(_lines(outcomes)))
    if failed or any(outcome.refused for outcome in outcomes):
        ctx.exit(1)


def _lines(outcomes: Sequence[Measured]) -> Iterator[str]:
    if not outcomes:
        yield "No repository is followed yet; `agent-analytics import-git PATH` names one."
    for outcome in outcomes:
        name = as_text(outcome.repository)
        for found in outcome.ages:
            yield (
                f"{name}: after {_counted(found.age_days, 'day')} {found.lines_alive:,} of "
                f"{_counted(found.lines_at_start, 'line')} of "
                f"{_counted(found.commits, 'commit')} are alive."
            )
        if not outcome.is_finished:
            yield f"{name}: time ran out; run it again to go on (--budget)."
        elif not outcome.ages:
            yield f"{name}: nothing is due."
    if any(outcome.commits for outcome in outcomes):
        yield "Next: `agent-analytics transform`."


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


@contextmanager
def _told() -> Iterator[Told | None]:
    """What to call after each day; None where there is no terminal to show it in."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("Measuring") as status:

        def show(repository: Repository, age: int, day: date) -> None:
            status.update(f"{as_text(repository.identity)}: commits of {day} after {age} days")

        yield show
