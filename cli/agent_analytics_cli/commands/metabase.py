"""`agent-analytics metabase`: the five views as dashboards of Metabase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import Column, print_table

if TYPE_CHECKING:
    from agent_analytics_cli.metabase.client import MetabaseClient
    from agent_analytics_cli.metabase.login import Instance
    from agent_analytics_cli.metabase.provision import Provisioned

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS = (
    Column("kind", "kind"), Column("name", "name"), Column("action", "action"),
    Column("reason", "about", only_if_any=True),
)  # fmt: skip


@click.group(name="metabase", short_help="Set up Metabase: connection, questions, dashboards.")
def command() -> None:
    """Put the five views into Metabase: the database, its questions, filters and dashboards.

    Metabase needs the DuckDB driver, which its own image cannot load; docs/metabase.md and
    docker/metabase/Dockerfile have one that can.

    \b
    Example:
    $ agent-analytics metabase provision --url http://127.0.0.1:3000 --user ada@example.com
    """


def _options(command: F) -> F:
    """What every sub-command is told: which Metabase, and as whom."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option(
            "--collection", default="agent-analytics", show_default=True, metavar="NAME",
            help="The collection that holds them; the database has the same name.",
        ),
        click.option(
            "--password-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
            help="Where the password is, in a file that you alone may read; - is the standard "
            "input.  [default: ask]",
        ),
        click.option("--user", required=True, metavar="EMAIL", help="An administrator."),
        click.option(
            "--url", default="http://127.0.0.1:3000", show_default=True, callback=_check_url,
            help="Metabase's address.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def _check_url(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError as error:  # `http://[::1`
        raise click.BadParameter(f"{error}.") from error
    if parts.query or parts.fragment:
        raise click.BadParameter("an address has no ? and no # in it.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter("an address begins with http:// or https://.")
    if parts.username or parts.password:
        raise click.BadParameter("an address has no user and no password in it.")
    return value


_database_option = click.option(
    "--database", metavar="PATH",
    help="The published bi.duckdb as Metabase sees it.  [default: what Metabase has, else this "
    "home's]",
)  # fmt: skip


@command.command()
@_options
@_database_option
@click.option("--force", is_flag=True, help="Undo what was changed or thrown away by hand.")
@click.option("--dry-run", is_flag=True, help="Show what would be done and change nothing.")
def provision(database: str | None, force: bool, dry_run: bool, **common: Any) -> None:
    """Make the database, questions and dashboards, or bring them up to date.

    A Metabase that is new gets the user as its administrator. Done again, it changes nothing
    unless a view has changed; what somebody changed in Metabase is reported and stays.

    \b
    Examples:
    $ agent-analytics metabase provision --user ada@example.com
    $ agent-analytics metabase provision --user ada@example.com --password-file pw --dry-run
    """
    _provision(database, force=force, dry_run=dry_run, **common)


@command.command()
@_options
@_database_option
def status(database: str | None, **common: Any) -> None:
    """Show what is in Metabase, and what `provision` would do to it.

    \b
    Example:
    $ agent-analytics metabase status --user ada@example.com --json
    """
    _provision(database, force=False, dry_run=True, **common)


@command.command()
@_options
@click.option("--dry-run", is_flag=True, help="Show what would be done and change nothing.")
def remove(
    url: str, user: str, password_file: Path | None, collection: str, as_json: bool, dry_run: bool
) -> None:
    """Move the collection to Metabase's trash; the database stays.

    \b
    Example:
    $ agent-analytics metabase remove --user ada@example.com
    """
    from agent_analytics_cli.metabase.login import NotSetUp
    from agent_analytics_cli.metabase.provision import Provisioner

    with _connected(url, user, password_file, may_set_up=False) as (client, instance):
        if instance.is_new:
            raise NotSetUp(url)
        done = Provisioner(client, collection, dry_run=dry_run).remove()
    if not done.steps and not as_json:
        click.echo(f"{url} has no collection {collection}. Nothing is to be removed.")
        return
    _show(done, instance, dry_run=dry_run, as_json=as_json)
    if not as_json:
        note("The database's connection stays; Metabase's administrators can delete it.")


def _provision(
    database: str | None,
    *,
    url: str,
    user: str,
    password_file: Path | None,
    collection: str,
    as_json: bool,
    force: bool,
    dry_run: bool,
) -> None:
    from agent_analytics_cli import assets
    from agent_analytics_cli.metabase.provision import Provisioner
    from agent_analytics_collector.dashboards import load_dashboards
    from agent_analytics_collector.home import Home

    views = load_dashboards(assets.dashboards())
    home = Home.from_environment()
    with _connected(url, user, password_file, may_set_up=not dry_run) as (client, instance):
        if instance.is_new and dry_run:
            note("This Metabase has no user yet; `provision` makes the one that you name.")
        made = Provisioner(
            client, collection, dry_run=dry_run, force=force,
            is_new=instance.is_new and dry_run,
        ).provision(views, database, str(home.bi_database))  # fmt: skip
    _show(made, instance, dry_run=dry_run, as_json=as_json)


@contextmanager
def _connected(
    url: str, user: str, password_file: Path | None, *, may_set_up: bool
) -> Iterator[tuple[MetabaseClient, Instance]]:
    """The client, asking as the user; of a new Metabase that may not be set up, as nobody."""
    from agent_analytics_cli.metabase import METABASE_VERSION
    from agent_analytics_cli.metabase.client import MetabaseClient
    from agent_analytics_cli.metabase.login import logged_in, look_at
    from agent_analytics_cli.metabase.password import read_password
    from agent_analytics_collector.addresses import is_loopback

    with MetabaseClient(url) as client:
        instance = look_at(client)
        if not instance.is_known_version:
            note(f"This is Metabase {instance.version}; this was tried with {METABASE_VERSION}.")
        if instance.is_new and not may_set_up:
            yield client, instance
            return
        if urlsplit(url).scheme == "http" and not is_loopback(url):
            note(f"{url} is not encrypted: the password can be read on its way.")
        with logged_in(client, instance, user, read_password(password_file, user)):
            yield client, instance


def _show(done: Provisioned, instance: Instance, *, dry_run: bool, as_json: bool) -> None:
    base = instance.url
    rows = [
        {"kind": step.kind, "name": step.name, "action": step.action.value,
         "id": step.id or None, "reason": step.reason}
        for step in done.steps
    ]  # fmt: skip
    boards = [{"name": name, "url": base + path} for name, path in done.dashboard_paths()]
    if as_json:
        print_json(
            {
                "url": base, "metabase_version": instance.version, "dry_run": dry_run,
                "dashboards": boards, "steps": rows,
            }
        )  # fmt: skip
    else:
        told = [row for row in rows if row["action"] != "unchanged"]
        if told:
            print_table(_COLUMNS, told)
        unchanged = len(rows) - len(told)
        if unchanged:
            click.echo(f"{unchanged} of {len(rows)} are as they should be.")
        for board in boards:
            click.echo(f"{board['name']}: {board['url']}")
    by_hand = [step for step in done.kept if step.reason == "changed by hand"]
    if by_hand:
        note(f"Left alone, changed by hand: {len(by_hand)}. `provision --force` undoes that.")
