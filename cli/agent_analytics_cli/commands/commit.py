"""`agent-analytics commit`: what made one commit, with which evidence, and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

if TYPE_CHECKING:
    import duckdb

    from agent_analytics_cli.git.repository import Repository

_NOTHING_PUBLISHED = (
    "No marts are published yet, so nothing is known of agents. `agent-analytics import-git` reads "
    "the history, `agent-analytics transform` publishes what was received."
)
_NO_REPOSITORY = (
    "Only files in which sessions wrote lines are shown: git's own counts are known inside the "
    "commit's repository."
)


@click.command(name="commit")
@click.argument("sha")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(sha: str, as_json: bool) -> None:
    """Show what made a commit, by which evidence, what it cost and what became of it.

    SHA is a hash or its beginning; inside the commit's repository any name that git knows, and
    then git's own counts of its files are shown beside the lines that sessions wrote.

    \b
    Examples:
    $ agent-analytics commit HEAD
    $ agent-analytics commit 2f1c8a9b --json
    """
    from agent_analytics_cli.display_names import read_display_names
    from agent_analytics_cli.marts import open_marts
    from agent_analytics_cli.reports.commit_evidence import UnknownCommit, read_evidence
    from agent_analytics_cli.reports.commit_view import (
        FILE_COLUMNS,
        SESSION_COLUMNS,
        sentences,
        shown_files,
        whole_commit,
    )
    from agent_analytics_cli.tables import print_table

    home = Home.from_environment()
    with open_marts(home) as marts:
        commit_hash, repository = _named(marts, sha)
        if commit_hash is None:
            raise UnknownCommit(sha)
        evidence = read_evidence(marts, commit_hash) if marts is not None else None
        is_published = marts is not None
        names = read_display_names(marts)
    payload = _read(home, repository, commit_hash) if repository else None
    whole = whole_commit(commit_hash, evidence, payload)
    if as_json:
        print_json(whole)
    else:
        found = list(sentences(names.shown(whole)))
        indent = max(len(heading) for heading, _ in found)
        for heading, text in found:
            click.echo(f"{heading:<{indent}}  {text}")
        for columns, rows in (
            (SESSION_COLUMNS, [names.shown(row) for row in whole["sessions"]]),
            (FILE_COLUMNS, shown_files(whole["files"])),
        ):
            if rows:
                click.echo()
                print_table(columns, rows)
    if not is_published:
        note(_NOTHING_PUBLISHED)
    elif payload is None and not as_json:
        note(_NO_REPOSITORY)


def _named(
    marts: duckdb.DuckDBPyConnection | None, name: str
) -> tuple[str | None, Repository | None]:
    """The commit's hash, and its repository where the current folder is in it.

    What git knows by that name here comes first, then what is recorded of any repository.
    """
    from agent_analytics_cli.git.commit_facts import NoSuchCommit
    from agent_analytics_cli.git.line_blame import resolve
    from agent_analytics_cli.git.repository import GitFailed, NotARepository, find_repository
    from agent_analytics_cli.reports.commit_evidence import find_hash

    try:
        repository = find_repository()
        return resolve(repository, name), repository
    except (NotARepository, NoSuchCommit, GitFailed):
        return (find_hash(marts, name) if marts is not None else None), None


def _read(home: Home, repository: Repository, commit_hash: str) -> dict[str, Any]:
    """The commit as git tells it, with the lines that count as work."""
    from agent_analytics_cli.git.commit_facts import read_commit
    from agent_analytics_collector.line_hashes import home_hasher

    hasher = home_hasher(home, load_settings(home).settings.git.line_key_file)
    return read_commit(repository, commit_hash, hasher=hasher)
