"""`agent-analytics log-commit`: tell the collector of a commit."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from agent_analytics_collector.errors import AgentAnalyticsError, NotRunning
from agent_analytics_collector.home import Home

if TYPE_CHECKING:
    from agent_analytics_collector.line_hashes import LineHasher
    from agent_analytics_collector.settings import Settings

TIMEOUT_S = 2.0
MAX_INHERITED = 1024
"""Descriptors from 3 on below this one are looked at."""

_FULL_HASH = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")


def _number(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A whole number from 0; empty, as `awk` in a shell may leave it, is not given."""
    text = (value or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise click.BadParameter(f"{text!r} is no whole number from 0.")
    return int(text)


@click.command("log-commit", short_help="Record a commit.")
@click.option("--hash", "commit_hash", metavar="COMMIT", help="The commit.  [default: HEAD]")
@click.option("--message", "commit_message", metavar="TEXT", help="Its message.")
@click.option("--author", "author_name", metavar="NAME", help="Its author's name.")
@click.option("--email", "author_email", metavar="ADDRESS", help="Its author's address.")
@click.option("--timestamp", callback=_number, metavar="SECONDS", help="Its time, Unix seconds.")
@click.option("--files-changed", callback=_number, metavar="N", help="Files that it changes.")
@click.option("--lines-added", callback=_number, metavar="N", help="Lines that it adds.")
@click.option("--lines-deleted", callback=_number, metavar="N", help="Lines that it deletes.")
@click.option(
    "--repository",
    "folder",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A folder of the repository.  [default: the current folder]",
)
@click.option("--queued", is_flag=True, help="Deliver what waits in the outbox instead.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of it as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    commit_hash: str | None,
    folder: Path | None,
    queued: bool,
    as_json: bool,
    **given: str | int | None,
) -> None:
    """Tell the collector of a commit; installed git hooks do it by themselves.

    What is not given is read from git; with everything given no repository is needed. Without a
    collector the commit waits in the outbox until one runs. Exits 1 when it is refused.

    \b
    Examples:
    $ agent-analytics log-commit
    $ agent-analytics log-commit --hash HEAD~1 --repository ~/src/widgets --json
    """
    home = Home.from_environment()
    if queued:
        # A lock or a pipe of whoever ran git, inherited through the hook: it outlives git in us.
        os.closerange(3, MAX_INHERITED)
        from agent_analytics_cli.outbound.flusher import flush_outbox

        flush_outbox(home)
        return

    from agent_analytics_cli.output import note, print_json
    from agent_analytics_collector.line_hashes import home_hasher
    from agent_analytics_collector.settings import load_settings

    settings = load_settings(home).settings
    if not settings.git.track_commits:
        note("Nothing is recorded: git.track_commits is off. `agent-analytics config show` "
             "says where.")  # fmt: skip
        if as_json:
            print_json({"commit_hash": None, "outcome": "off", "reason": None})
        return
    flags = {name: _clean(value) for name, value in given.items() if value is not None}
    home.create()
    hasher = home_hasher(home, settings.git.line_key_file)
    payload = _payload(_clean(commit_hash), folder, flags, len(given), settings.project_id, hasher)
    outcome, reason = _send(home, settings, payload)
    short = payload["commit_hash"][:10]
    if as_json:
        print_json({"commit_hash": payload["commit_hash"], "outcome": outcome, "reason": reason})
    elif outcome in ("accepted", "duplicate"):
        click.echo(f"Commit {short} is recorded{' already' * (outcome == 'duplicate')}.")
    if outcome == "waiting":
        note(f"Commit {short} waits in {home.outbox} until a running `agent-analytics up`, or "
             f"the next commit's hook, delivers it. {reason}")  # fmt: skip
    elif outcome == "kept":
        note(f"Error: {reason} Commit {short} is kept in {home.outbox} until that is mended.")
        ctx.exit(1)
    elif outcome == "refused":
        note(f"Error: Commit {short} is refused: {reason}")
        ctx.exit(1)


def _payload(
    commit_hash: str | None,
    folder: Path | None,
    flags: dict[str, Any],
    all_flags: int,
    project_id: str | None,
    hasher: LineHasher,
) -> dict[str, Any]:
    """The flags over what git knows. Raises NotARepository, NoSuchCommit, GitFailed."""
    from agent_analytics_cli.git.commit_facts import MAX_NAME, NoSuchCommit, bounded, read_commit
    from agent_analytics_cli.git.repository import NotARepository, find_repository

    for name in ("author_name", "author_email"):
        if name in flags:
            flags[name] = flags[name][:MAX_NAME]
    if "commit_message" in flags:
        flags["commit_message"] = bounded(flags["commit_message"])
    try:
        name = commit_hash or "HEAD"
        repository = find_repository(folder)
        return read_commit(repository, name, project_id=project_id, hasher=hasher) | flags
    except (NotARepository, NoSuchCommit):
        if not commit_hash or len(flags) < all_flags:
            raise
    if not _FULL_HASH.match(commit_hash.lower()):
        raise click.BadParameter(
            f"{commit_hash!r} is no full hash, and there is no repository to look it up in.",
            param_hint="--hash",
        )
    return {
        "commit_hash": commit_hash.lower(), **flags,
        "project_id": project_id, "recorded_by": "hook",
    }  # fmt: skip


def _send(home: Home, settings: Settings, payload: dict[str, Any]) -> tuple[str, str | None]:
    """What became of it, and why: accepted, duplicate, refused, waiting (for a collector) or kept
    (for a setting to be mended). Raises BadSetting, OutboxUnusable.
    """
    from agent_analytics_cli.outbound.outbox import COMMITS, Entry, Outbox
    from agent_analytics_collector.state import read_service

    if not settings.backend_url and read_service(home) is None:
        Outbox(home).append([Entry(COMMITS, payload)])
        return "waiting", str(NotRunning(home.root))
    from agent_analytics_cli.outbound.api_client import ApiClient, ApiUnreachable
    from agent_analytics_cli.outbound.delivery import deliver

    try:
        with ApiClient.connect(home, settings, TIMEOUT_S) as api:
            delivered = deliver(api, COMMITS, [payload])
    except AgentAnalyticsError as error:
        Outbox(home).append([Entry(COMMITS, payload)])
        later = isinstance(error, ApiUnreachable | NotRunning)
        return "waiting" if later else "kept", str(error)
    for _, reason in delivered.refused:
        return "refused", reason
    return "accepted" if delivered.accepted else "duplicate", None


def _clean(value: Any) -> Any:
    """Arguments that are no UTF-8 become text that can be sent."""
    return os.fsencode(value).decode(errors="replace") if isinstance(value, str) else value
