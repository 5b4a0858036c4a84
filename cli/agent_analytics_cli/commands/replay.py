"""`agent-analytics replay`: send recorded requests to the running collector."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import Progress

from agent_analytics_cli.outbound.api_client import read_token
from agent_analytics_cli.outbound.replay import replay
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.access.keys import has_keys
from agent_analytics_collector.errors import NotRunning
from agent_analytics_collector.home import Home
from agent_analytics_collector.state import read_service


@click.command(name="replay")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
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
def command(ctx: click.Context, folder: Path, timeout: float, as_json: bool) -> None:
    """Send recorded requests to the running collector.

    DIR has a requests.json that lists the requests, or folders that have. Each goes over the
    transport it was recorded from (gRPC, HTTP with protobuf or JSON) with its recorded `x-*`
    headers. Exits 1 unless everything was accepted whole.

    \b
    Examples:
    $ agent-analytics replay tests/fixtures/claude/a-simple
    $ agent-analytics replay tests/fixtures --timeout 60 --json
    """
    home = Home.from_environment()
    service = read_service(home)
    if service is None:
        raise NotRunning(home.root)
    key = read_token(home) if has_keys(home) else None
    with _progress() as sent:
        summary = replay(folder, service, timeout, sent, key)
    for failure in summary.failed:
        note(as_text(f"{failure.file}: {failure.reason}"))
    if as_json:
        print_json(msgspec.to_builtins(summary))
    else:
        click.echo(f"{summary.accepted:,} of {summary.requests:,} requests were accepted.")
    if summary.failed:
        ctx.exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """What to call after each request; None where there is no terminal to show it in."""
    if not sys.stderr.isatty():
        yield None
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Sending", total=None)
        yield lambda settled, total: progress.update(task, completed=settled, total=total)
