"""`agent-analytics attribution`: who wrote which lines, from other tools and for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings, load_settings

if TYPE_CHECKING:
    from agent_analytics_cli.days import Days
    from agent_analytics_cli.git.repository import Repository
    from agent_analytics_cli.history.attribution_export import Commit, Export

_FILE = click.Path(dir_okay=False, path_type=Path)
_GIT_AI, _AGENT_TRACE = "git-ai", "agent-trace"


@click.group(name="attribution")
def command() -> None:
    """Read who wrote which lines from other tools' records, and write it for them.

    \b
    Examples:
    $ agent-analytics attribution import traces.jsonl
    $ agent-analytics attribution export --since 30d
    $ agent-analytics attribution export --write-notes
    """


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option(
    "--timeout", default=30.0, show_default=True, help="Seconds to wait for the collector."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def import_command(
    ctx: click.Context, files: tuple[Path, ...], timeout: float, as_json: bool
) -> None:
    """Read Agent Trace records (0.1.0): a JSON object, an array of them, or JSON Lines.

    Run it in the repository whose commits they name: only lines that a commit added count.
    git-ai notes are read by `agent-analytics import-git`.

    Example: agent-analytics attribution import traces.jsonl
    """
    from agent_analytics_cli.history.trace_import import import_file
    from agent_analytics_cli.outbound.api_client import ApiClient

    home = Home.from_environment()
    settings = load_settings(home).settings
    repository = _repository_here()
    if repository is None:
        note("This folder is in no git repository: how many lines count is not known.")
    with ApiClient.connect(home, settings, timeout) as api:
        outcomes = [import_file(path, repository, api, timeout) for path in files]
    for outcome in outcomes:
        for reason in outcome.reasons:
            note(as_text(f"{outcome.file}: {reason}"))
    if as_json:
        print_json({"files": outcomes})
    else:
        for outcome in outcomes:
            told = f"{outcome.accepted:,} accepted, {outcome.duplicate:,} duplicate"
            if left := outcome.left_out + outcome.foreign + outcome.refused:
                told += f", {left:,} left out"
            click.echo(as_text(f"{outcome.file}: {_count(outcome.records, 'record')}, {told}."))
        if any(outcome.accepted for outcome in outcomes):
            click.echo("Next: `agent-analytics transform`.")
    if any(outcome.refused for outcome in outcomes):
        ctx.exit(1)


@command.command("export")
@click.option(
    "--format", "form", type=click.Choice([_GIT_AI, _AGENT_TRACE]), default=_GIT_AI,
    show_default=True, help="Notes of git-ai (authorship/3.0.0), or Agent Trace records (0.1.0).",
)  # fmt: skip
@click.option("--since", metavar="DAY", help="Only commits from this day on: 2026-03-14 or 30d.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write there instead of to the terminal.",
)  # fmt: skip
@click.option(
    "--write-notes", is_flag=True, help="Add the notes to refs/notes/ai; none is replaced."
)
def export_command(form: str, since: str | None, output: Path | None, write_notes: bool) -> None:
    """Show which lines of this repository's commits agents wrote, as other tools read it.

    From the published marts, by evidence that proves it: notes, tool calls and lines. Nothing in
    the repository is changed without --write-notes.

    \b
    Examples:
    $ agent-analytics attribution export --since 30d
    $ agent-analytics attribution export --format agent-trace --output traces.jsonl
    $ agent-analytics attribution export --write-notes
    """
    from agent_analytics_cli.git.repository import find_repository
    from agent_analytics_cli.history.attribution_export import export
    from agent_analytics_cli.marts import open_marts
    from agent_analytics_collector.line_hashes import home_hasher

    if write_notes and (form != _GIT_AI or output):
        raise click.UsageError("--write-notes goes with the git-ai format alone, without --output.")
    home = Home.from_environment()
    home.create()
    settings = load_settings(home).settings
    repository = find_repository()
    days = _days(settings)
    with open_marts(home) as marts:
        if marts is None:
            note("No marts are published yet; `agent-analytics transform` publishes them.")
            return
        hasher = home_hasher(home, settings.git.line_key_file)
        found = export(marts, repository, hasher, _day(since, days), days)
    for sentence in _about(found):
        note(sentence)
    if form == _AGENT_TRACE:
        _print("".join(_records(found.commits)), output)
    else:
        _notes(repository, found.commits, output, write=write_notes)


def _notes(
    repository: Repository, commits: Sequence[Commit], output: Path | None, *, write: bool
) -> None:
    from agent_analytics_cli.git.ai_notes import format_note
    from agent_analytics_cli.git.notes import NOTES_REF, add_note, changed_notes, notes_tip
    from agent_analytics_cli.history.attributions import Unreadable

    tip = notes_tip(repository)
    annotated = changed_notes(repository, tip) if tip else {}
    texts: dict[str, str] = {}
    for commit in commits:
        if commit.commit_hash in annotated:
            continue
        try:
            texts[commit.commit_hash] = format_note(commit.commit_hash, commit.lines, commit.parent)
        except Unreadable as error:
            note(f"{commit.commit_hash[:10]}: {error}; left out.")
    if kept := sum(commit.commit_hash in annotated for commit in commits):
        note(f"{_count(kept, 'commit')} with a note of their own: left as they are.")
    if not write:
        _print("".join(f"commit {name}\n{text}\n\n" for name, text in texts.items()), output)
        if texts:
            note(f"--write-notes adds {_count(len(texts), 'note')} to {NOTES_REF}.")
        return
    for name, text in texts.items():
        add_note(repository, name, text)
    click.echo(f"{_count(len(texts), 'note')} added to {NOTES_REF}.")
    if texts:
        click.echo(f"Next: `git push origin {NOTES_REF}` shares them.")


def _records(commits: Sequence[Commit]) -> Iterator[str]:
    """Agent Trace records as JSON Lines, one for each commit and session."""
    from agent_analytics_cli.history.agent_trace import record_of

    for commit in commits:
        for author in dict.fromkeys(each.author for each in commit.lines):
            own = [each for each in commit.lines if each.author == author]
            record = record_of(commit.commit_hash, author, own, commit.committed_at)
            yield json.dumps(record, ensure_ascii=False) + "\n"


def _about(found: Export) -> Iterator[str]:
    if found.without_lines:
        yield (
            f"{_count(found.without_lines, 'commit')} with a session of which it is not known "
            "which lines it wrote: left out."
        )
    if found.lost_lines:
        yield (
            f"{_count(found.lost_lines, 'line')} could not be found in their commits: they were "
            "hashed with another key (setting git.line_key_file)."
        )
    if not found.commits:
        yield "No line of a commit of this repository is known to be an agent's."


def _print(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror or error}") from error
    note(f"Written to {output}.")


def _repository_here() -> Repository | None:
    from agent_analytics_cli.git.repository import NotARepository, find_repository

    try:
        return find_repository()
    except NotARepository:
        return None


def _days(settings: Settings) -> Days:
    from agent_analytics_cli.days import Days, machine_time_zone

    return Days(settings.time_zone or machine_time_zone() or "UTC", settings.day_rollover_hour)


def _day(since: str | None, days: Days) -> date | None:
    try:
        return None if since is None else days.parse(since)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s'[: count != 1]}"
