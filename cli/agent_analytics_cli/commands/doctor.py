"""`agent-analytics doctor`: is everything in order, and what to do where it is not."""

from __future__ import annotations

import rich_click as click

from agent_analytics_cli.doctor.checkup import Finding, run_checks
from agent_analytics_cli.doctor.situation import Situation
from agent_analytics_cli.doctor.verdict import Status
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import as_text
from agent_analytics_collector.home import Home

_MARKS = {Status.OK: "✓", Status.WARN: "!", Status.FAIL: "✗"}


@click.command("doctor", short_help="Check everything and say what to do.")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check the whole way from agent and git hook to the published marts.

    Each check is ok, a warning or a failure, with what to do next. It looks and changes nothing,
    works with nothing installed and nothing running, and takes seconds at most. Run it inside a
    repository to have its hook checked too.

    Exits 1 when a check fails; warnings alone exit 0.

    \b
    Examples:
    $ agent-analytics doctor
    $ agent-analytics doctor --json
    """
    findings = run_checks(Situation.of(Home.from_environment()))
    if as_json:
        print_json(
            [
                {"check": found.check, "status": found.status.value,
                 "detail": found.detail, "next_step": found.next_step}
                for found in findings
            ]
        )  # fmt: skip
    else:
        _print(findings)
    failed = sum(found.status is Status.FAIL for found in findings)
    if failed:
        ctx.exit(1)


def _print(findings: list[Finding]) -> None:
    width = max(len(found.check) for found in findings)
    for found in findings:
        name = found.check.replace("_", " ")
        start = f"{_MARKS[found.status]} {found.status.value:<4}  {name:<{width}}  "
        click.echo(start + as_text(found.detail))
        if found.next_step:
            click.echo(" " * len(start) + f"→ {as_text(found.next_step)}")
    counts = {status: sum(found.status is status for found in findings) for status in Status}
    note(f"{counts[Status.OK]} ok, {counts[Status.WARN]} to look at, {counts[Status.FAIL]} failed.")
