"""`agent-analytics audit`: where a number comes from, down to the records received."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import rich_click as click

from agent_analytics_cli.audit.lookup import find
from agent_analytics_cli.audit.printing import Audit, print_audit
from agent_analytics_cli.audit.request import read_request
from agent_analytics_cli.audit.session import read_commit, read_session
from agent_analytics_cli.audit.source import Numbers, open_numbers
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.home import Home

_READERS: dict[str, Callable[[Numbers, str], Audit]] = {
    "request": read_request,
    "session": read_session,
    "commit": read_commit,
}


@click.command("audit", short_help="Show where a number comes from, down to the raw rows.")
@click.argument("named", metavar="REQUEST|SESSION|COMMIT")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(named: str, as_json: bool) -> None:
    """Follow a request, a session or a commit from its number to what was received.

    A request shows how it was priced, tokens times price, and the rows that tell of it, down to
    the record, the batch and the session file; never any text. A session shows its requests and
    sums, and what each source tells of it; a commit its sessions and their shares. The start of an
    id is enough where only one begins so.

    \b
    Examples:
    $ agent-analytics audit req_011CSHoEeqs5C35K2UUqR7Fy
    $ agent-analytics audit 4f0a3562 --json
    """
    if not named.strip():
        raise click.BadParameter("is empty", param_hint="REQUEST|SESSION|COMMIT")
    with open_numbers(Home.from_environment()) as numbers:
        match = find(numbers, named)
        audit = _READERS[match.kind](numbers, match.key)
    if as_json:
        print_json({"kind": match.kind, "key": match.key, "not_live": numbers.not_live,
                    **asdict(audit)})  # fmt: skip
    else:
        print_audit(audit)
    if numbers.not_live:
        note(
            f"Only the published marts were read, so prices and raw rows are not shown: "
            f"{as_text(numbers.not_live)}."
        )
