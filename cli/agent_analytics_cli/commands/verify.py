"""`agent-analytics verify`: the invariants of all numbers, replayed on the user's own data."""

from __future__ import annotations

import rich_click as click

from agent_analytics_cli.audit.source import open_numbers
from agent_analytics_cli.output import note, print_json
from agent_analytics_cli.tables import Column, as_text, print_table
from agent_analytics_cli.verify import Outcome, Verified, compared_sources, verify
from agent_analytics_collector.home import Home

_MARKS = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.NOT_CHECKED: "·"}


@click.command("verify", short_help="Replay the invariants of all numbers on your data.")
@click.option(
    "--rows", default=5, show_default=True, metavar="N", type=click.IntRange(min=0),
    help="Show at most N of the rows that break an invariant.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_context
def command(ctx: click.Context, rows: int, as_json: bool) -> None:
    """Check your numbers against what must be true of them.

    No request twice, parts that are their total, costs that are tokens times price, days and
    sessions that are their requests, published marts that are the DuckDB file's, and more. Shows
    the rows that break one. It reads and changes nothing; while another program has the DuckDB
    file open it checks the published marts and says what it could not check.

    Exits 1 when an invariant is broken.

    \b
    Examples:
    $ agent-analytics verify
    $ agent-analytics verify --rows 50 --json
    """
    with open_numbers(Home.from_environment()) as numbers:
        found = list(verify(numbers, rows))
        sources = compared_sources(numbers)
    if as_json:
        print_json(
            {
                "read": "live" if numbers.is_live else "published",
                "not_live": numbers.not_live,
                "checks": [_as_json(each) for each in found],
                "compared_sources": sources,
            }
        )
    else:
        _print(found)
        _note(found, sources, numbers.not_live)
    if any(each.outcome is Outcome.FAIL for each in found):
        ctx.exit(1)


def _as_json(found: Verified) -> dict[str, object]:
    return {
        "check": found.check.name,
        "says": found.check.says,
        "outcome": found.outcome.value,
        "examined": found.examined,
        "failures": found.failures,
        "rows": found.rows,
        "reason": found.reason,
        "next_step": found.check.next_step if found.outcome is Outcome.FAIL else None,
    }


def _print(found: list[Verified]) -> None:
    width = max(len(each.check.says) for each in found)
    for each in found:
        facts = each.examined if each.outcome is Outcome.PASS else _trouble(each)
        outcome = each.outcome.value.replace("_", " ")
        click.echo(
            f"{_MARKS[each.outcome]} {outcome:<11}  {each.check.says:<{width}}  {facts}".rstrip()
        )
        if each.rows:
            click.echo()
            print_table([Column(name, name) for name in each.rows[0]], each.rows)
        if each.outcome is Outcome.FAIL:
            click.echo(f"  → {each.check.next_step}.")


def _trouble(found: Verified) -> str:
    if found.outcome is Outcome.NOT_CHECKED:
        return ""
    shown = f", the first {len(found.rows):,}:" if found.failures > len(found.rows) else ":"
    return f"{found.failures:,} of {found.examined}{shown if found.rows else ''}"


def _note(found: list[Verified], sources: dict[str, int], not_live: str | None) -> None:
    count = {outcome: sum(each.outcome is outcome for each in found) for outcome in Outcome}
    note(
        f"{count[Outcome.PASS]} pass, {count[Outcome.FAIL]} fail, "
        f"{count[Outcome.NOT_CHECKED]} not checked."
    )
    if not_live:
        note(f"Only the published marts were read: {as_text(not_live)}.")
    for reason in dict.fromkeys(e.reason for e in found if e.reason and e.reason != not_live):
        note(f"Not checked: {as_text(reason)}.")
    gaps = {why: pairs for why, pairs in sources.items() if why != "equal"}
    if sources:
        told = "; ".join(f"{why}: {pairs:,}" for why, pairs in gaps.items())
        note(
            f"Sources side by side (fct_reconciliation): {sources.get('equal', 0):,} of "
            f"{sum(sources.values()):,} pairs are equal{'. ' if told else '.'}{as_text(told)}"
            if told
            else f"Sources side by side (fct_reconciliation): all {sum(sources.values()):,} "
            "pairs are equal."
        )
