"""`agent-analytics blame`: which lines of a file agents wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tiers import at_least, tier_option
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import load_settings

if TYPE_CHECKING:
    from agent_analytics_cli.git.repository import Repository
    from agent_analytics_cli.reports.blame_report import LineOrigin

_NOTHING_PUBLISHED = (
    "No marts are published yet, so nothing is known of agents. `agent-analytics import-git` reads "
    "the history, `agent-analytics transform` publishes what was received."
)
_EXCLUDED = (
    "This file is generated, vendored, a lock file or the like: its lines are nobody's work and "
    "are not counted."
)


@click.command(name="blame")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("revision", required=False, metavar="[REV]")
@tier_option
@click.option("--agent-only", is_flag=True, help="Show only lines that agents wrote.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, without the lines' text.")
def command(
    file: Path, revision: str | None, tier: str | None, agent_only: bool, as_json: bool
) -> None:
    """Show which lines of a file agents wrote, by git's blame and what is known of its commits.

    Lines of the work tree, or of the commit REV. Who is the agent, with its session and the tier
    of the evidence, else the commit's author. A tier in parentheses is the commit's, where nothing
    is known of its lines. Lines of brackets alone and the like are not counted.

    \b
    Examples:
    $ agent-analytics blame src/app.py
    $ agent-analytics blame src/app.py HEAD~20 --tier lines --agent-only
    """
    from agent_analytics_cli.display_names import read_display_names
    from agent_analytics_cli.git.exclusions import excluded_by_attributes, is_excluded
    from agent_analytics_cli.git.line_blame import blame_lines
    from agent_analytics_cli.marts import open_marts
    from agent_analytics_cli.reports.blame_print import printed_lines, summary_notes
    from agent_analytics_cli.reports.blame_report import Evidence, origins, summary
    from agent_analytics_collector.line_hashes import home_hasher

    home = Home.from_environment()
    repository, path = _locate(file)
    lines = list(blame_lines(repository, path, revision))
    folder = repository.top_level or repository.git_dir
    left_out = is_excluded(path) or bool(excluded_by_attributes(repository, folder, [path]))
    hasher = None if left_out else home_hasher(home, load_settings(home).settings.git.line_key_file)
    with open_marts(home) as marts:
        names = read_display_names(marts).agents
        evidence = None if marts is None else Evidence(marts, lines, at_least(tier))
    found = list(origins(lines, evidence, hasher))
    totals = summary(found)
    shown = [origin for origin in found if origin.agent] if agent_only else found
    if as_json:
        about = {"repository": repository.identity, "path": path, "revision": revision}
        known = {"is_published": evidence is not None, "is_excluded": left_out, "tier": tier}
        print_json({**about, **known, "lines": [_json(each) for each in shown], "summary": totals})
        return
    for text in printed_lines(shown, names):
        click.echo(text)
    if left_out:
        note(_EXCLUDED)
    elif evidence is None:
        note(_NOTHING_PUBLISHED)
    else:
        for sentence in summary_notes(totals, names):
            note(sentence)


def _locate(file: Path) -> tuple[Repository, str]:
    """The repository around the file, which may be gone, and its path from the root with `/`."""
    from agent_analytics_cli.git.line_blame import NoSuchFile
    from agent_analytics_cli.git.repository import find_repository

    absolute = file.absolute()
    folder = next((each for each in absolute.parents if each.is_dir()), absolute.parent)
    repository = find_repository(folder)
    if repository.top_level is None:
        return repository, file.as_posix()
    real = folder.resolve() / absolute.relative_to(folder)
    try:
        return repository, real.relative_to(repository.top_level.resolve()).as_posix()
    except ValueError:
        raise NoSuchFile(str(file), str(repository.top_level)) from None


def _json(origin: LineOrigin) -> dict[str, Any]:
    line = origin.line
    return {
        "line": line.number,
        "commit_hash": line.commit_hash,
        "committed_at": f"{line.committed_at:%Y-%m-%dT%H:%M:%SZ}" if line.committed_at else None,
        "author": line.author if line.commit_hash else None,
        "path_then": line.path_then,
        "line_then": line.number_then,
        "counts": origin.counts,
        "tier": origin.tier,
        "evidence": origin.evidence,
        "agent": origin.agent,
        "session_id": origin.session_id,
    }
