"""`agent-analytics keys`: who may send to this server, and who may read from it."""

from __future__ import annotations

import time
from typing import Any

import rich_click as click

from agent_analytics_cli.output import Format, format_options, note, print_json, print_listing
from agent_analytics_cli.setup.questions import has_terminal
from agent_analytics_cli.tables import Column
from agent_analytics_cli.value_types import parse_name
from agent_analytics_collector.access import keys as key_store
from agent_analytics_collector.access.expiry import expiring_keys, utc, what_to_do
from agent_analytics_collector.access.key_use import read_key_use
from agent_analytics_collector.access.principal import Role, Scope
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

_TABLE = (
    Column("key_id", "key"),
    Column("developer_id", "developer"),
    Column("role", "role"),
    Column("scopes", "may"),
    Column("teams", "teams", only_if_any=True),
    Column("ends", "ends"),
    Column("last_used", "last used"),
    Column("status", "status"),
)
_FACTS = (
    "key_id", "developer_id", "organisation", "role", "scopes", "teams", "created_at",
    "expires_at", "revoked_at", "replaced_by", "last_used_at", "status",
)  # fmt: skip
_SCOPES = {
    Role.DEVELOPER: (Scope.INGEST, Scope.READ),
    Role.LEAD: (Scope.INGEST, Scope.READ),
    Role.ADMIN: tuple(Scope),
}


@click.group(name="keys")
def command() -> None:
    """Make, show, revoke and rotate the keys of this server.

    With the first key this home becomes a team's server: agents, collectors and the API's users
    all need one. A key is of one developer, and whatever comes with it is stored as theirs.

    \b
    Examples:
    $ agent-analytics keys create --developer ada@example.com
    $ agent-analytics keys list
    $ agent-analytics keys revoke key_3f9a5c21b7de
    """


@command.command("create")
@click.option("--developer", callback=parse_name, help="Whose key it is.")
@click.option(
    "--gateway",
    is_flag=True,
    help="Make it nobody's own: its senders, such as an OpenTelemetry Collector or CI, say with "
    "x-developer-id who they are. It can only send.",
)
@click.option("--organisation", callback=parse_name, help="[default: the setting `organisation`]")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.DEVELOPER.value,
    show_default=True,
    help="Whose figures it reads: their own, their teams' sums, everybody's.",
)
@click.option("--team", "teams", multiple=True, help="A team that a lead leads; may be repeated.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may; may be repeated.  [default: ingest and read; all for an admin]",
)
@click.option("--days", type=click.IntRange(1, key_store.MOST_DAYS), default=365, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the key and its facts as JSON.")
def create_command(
    developer: str | None,
    gateway: bool,
    organisation: str | None,
    role: str,
    teams: tuple[str, ...],
    scopes: tuple[str, ...],
    days: int,
    as_json: bool,
) -> None:
    """Make a key and print it, this once: only a digest of it is kept.

    \b
    Examples:
    $ (umask 077; agent-analytics keys create --developer ada@example.com > ada.key)
    $ agent-analytics keys create --developer grace --role lead --team compilers
    $ agent-analytics keys create --gateway --days 730
    """
    if gateway == bool(developer):
        raise click.UsageError("Say whose key it is with --developer, or --gateway for nobody's.")
    home = Home.from_environment()
    settings = load_settings(home).settings
    home.create()
    is_first = not key_store.has_keys(home)
    wanted = tuple(map(Scope, scopes)) or ((Scope.INGEST,) if gateway else _SCOPES[Role(role)])
    token, key = key_store.create_key(
        home, settings, developer_id=developer, organisation=organisation, scopes=wanted,
        role=Role(role), teams=teams, days=days,
    )  # fmt: skip
    _print_made(token, key, as_json=as_json)
    if is_first:
        note(
            "This is the first key. From now on this collector turns away whoever sends without "
            "one, the agents on this machine too."
        )


@command.command("list")
@format_options
def list_command(output_format: Format) -> None:
    """Show all keys ever made, when they end and when they were used last (to the minute).

    \b
    Examples:
    $ agent-analytics keys list
    $ agent-analytics keys list --json
    """
    home = Home.from_environment()
    rows = _rows(home)
    if output_format is not Format.TABLE:
        print_listing([Column(name, name) for name in _FACTS], rows, output_format)
    elif rows:
        print_listing(_TABLE, [row | _short(row) for row in rows], output_format)
    else:
        note(
            "There are no keys: this collector takes OTLP from this machine alone. "
            "`agent-analytics keys create --developer NAME` makes one."
        )
    for key in expiring_keys(home):
        note(f"Key {key.key_id} ends on {utc(key.expires_at)[:10]}. {what_to_do(key)}")


@command.command("revoke")
@click.argument("key_id")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def revoke_command(key_id: str, yes: bool, as_json: bool) -> None:
    """Have a key turned away, within two seconds and for ever.

    \b
    Example:
    $ agent-analytics keys revoke key_3f9a5c21b7de --yes
    """
    if not (yes or has_terminal()):
        raise click.UsageError("There is no terminal to ask on. Add --yes to go ahead.")
    home = Home.from_environment()
    if not yes:
        question = f"Revoke {key_id}? Agents that use it lose what they send from then on."
        click.confirm(question, default=False, abort=True, err=True)
    revoked = key_store.revoke_key(home, key_id)
    if as_json:
        print_json(_row(revoked, read_key_use(home), "revoked"))
    else:
        click.echo(f"Revoked {key_id} of {revoked.developer_id or 'a gateway'}.")


@command.command("rotate")
@click.argument("key_id")
@click.option(
    "--overlap-days",
    type=click.IntRange(0, key_store.MOST_OVERLAP_DAYS),
    default=7,
    show_default=True,
    help="How long the old key still holds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the key and its facts as JSON.")
def rotate_command(key_id: str, overlap_days: int, as_json: bool) -> None:
    """Make and print a key for the same purpose; the old one ends after the overlap.

    \b
    Example:
    $ (umask 077; agent-analytics keys rotate key_3f9a5c21b7de --overlap-days 14 > ada.key)
    """
    home = Home.from_environment()
    token, key = key_store.rotate_key(home, key_id, overlap_days)
    _print_made(token, key, as_json=as_json)
    (old,) = (old for old in key_store.list_keys(home) if old.key_id == key_id)
    note(f"Key {key_id} holds until {utc(old.expires_at)}.")


def _print_made(token: str, key: key_store.Key, *, as_json: bool) -> None:
    if as_json:
        print_json({"token": token} | _row(key, {}, "holds"))
        return
    click.echo(token)
    note(
        f"{key.key_id} of {key.developer_id or 'a gateway'} may {' and '.join(key.scopes)} until "
        f"{utc(key.expires_at)[:10]}. It is shown this once; it goes along as `x-api-key` or "
        "`Authorization: Bearer`."
    )


def _rows(home: Home) -> list[dict[str, Any]]:
    now = time.time()
    used = read_key_use(home)
    ending = {key.key_id for key in expiring_keys(home, now)}

    def status(key: key_store.Key) -> str:
        if key.holds(now):
            return "ends soon" if key.key_id in ending else "holds"
        return "ended" if key.revoked_at is None else "revoked"

    return [_row(key, used, status(key)) for key in key_store.list_keys(home)]


def _row(key: key_store.Key, used: dict[str, int], status: str) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "developer_id": key.developer_id,
        "organisation": key.organisation,
        "role": key.role.value,
        "scopes": [scope.value for scope in key.scopes],
        "teams": list(key.teams),
        "created_at": utc(key.created_at),
        "expires_at": utc(key.expires_at),
        "revoked_at": None if key.revoked_at is None else utc(key.revoked_at),
        "replaced_by": key.replaced_by,
        "last_used_at": utc(used[key.key_id]) if key.key_id in used else None,
        "status": status,
    }


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """How a table tells it."""
    last_used = row["last_used_at"]
    return {
        "developer_id": row["developer_id"] or "(gateway)",
        "scopes": " ".join(row["scopes"]),
        "teams": ", ".join(row["teams"]) or None,
        "ends": row["expires_at"][:10],
        "last_used": last_used and last_used[:16].replace("T", " "),
    }
