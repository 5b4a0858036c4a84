"""What `agent-analytics audit` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import rich_click as click

from agent_analytics_cli.audit.request import RequestAudit
from agent_analytics_cli.audit.session import CommitAudit, SessionAudit
from agent_analytics_cli.audit.source import Row
from agent_analytics_cli.tables import Column, Kind, as_text, print_table

_REQUEST_FACTS = ("session_id", "developer_id", "project_id", "model", "model_reported",
                  "service_tier", "query_source", "requested_at", "seen_in", "is_error",
                  "total_tokens", "cost_source")  # fmt: skip
_SESSION_FACTS = ("developer_id", "project_id", "started_at", "ended_at", "outcome", "prompts",
                  "requests", "tool_calls", "errors", "total_tokens")  # fmt: skip
_COMMIT_FACTS = ("repository", "branch", "developer_id", "committed_at", "agent",
                 "attribution_tier", "attribution_confidence", "lines_added",
                 "lines_deleted")  # fmt: skip
_SESSION_REQUEST = ("request_key", "requested_at", "model", "query_source", "total_tokens",
                    "cost_usd", "cost_source", "seen_in")  # fmt: skip

Audit = RequestAudit | SessionAudit | CommitAudit


def print_audit(audit: Audit) -> None:
    """The number, then what it is made of, down to what was received."""
    if isinstance(audit, RequestAudit):
        _print_request(audit)
    elif isinstance(audit, SessionAudit):
        _print_session(audit)
    else:
        _print_commit(audit)


def _print_request(audit: RequestAudit) -> None:
    request = audit.request
    click.echo(f"request {as_text(request['request_key'])}\n")
    _print_facts(request, _REQUEST_FACTS)
    click.echo(f"\ncost {_usd(request['cost_usd'])} ({request['cost_source']})")
    if audit.reported_cost_usd is not None:
        click.echo(f"  The agent reported {_usd(audit.reported_cost_usd)}.")
    if audit.price:
        _print_price(audit, audit.price)
    elif request["price_version"] is None and not request["is_error"]:
        click.echo("  No known price fits; `agent-analytics prices check` says what is missing.")
    _print_rows("rows of staging", audit.staging)
    _print_rows("received", audit.raw)
    _print_rows("in batches", audit.batches)


def _print_session(audit: SessionAudit) -> None:
    session = audit.session
    click.echo(f"session {as_text(session['session_key'])}\n")
    _print_facts(session, _SESSION_FACTS)
    _print_rows(
        "requests", [{name: row[name] for name in _SESSION_REQUEST} for row in audit.requests]
    )
    total = {
        "model": "all requests",
        **{name: _sum(audit.models, name) for name in audit.models[0] if name != "model"},
    } if audit.models else None  # fmt: skip
    _print_rows("by model", audit.models, total)
    _print_rows("seen by metrics alone", audit.remainders)
    parts = [_sum(audit.requests, "cost_usd"), _sum(audit.remainders, "cost_usd")]
    click.echo(
        f"\ncost {_usd(session['cost_usd'])} = {_usd(parts[0])} of requests"
        f" + {_usd(parts[1]) if audit.remainders else '$0'} that only metrics saw"
    )
    _print_rows("sources side by side", audit.sources)
    _print_rows("commits", audit.commits)


def _print_commit(audit: CommitAudit) -> None:
    commit = audit.commit
    click.echo(f"commit {as_text(commit['commit_hash'])}\n")
    _print_facts(commit, _COMMIT_FACTS)
    click.echo(f"\ncost {_usd(commit['cost_usd'])}, the sum of its shares of sessions")
    _print_rows("sessions", audit.sessions)
    _print_rows("received", audit.raw)


def _print_price(audit: RequestAudit, price: Row) -> None:
    total = {"class": "computed", "tokens": None, "usd_per_million": None,
             "usd": audit.request["computed_cost_usd"]}  # fmt: skip
    click.echo()
    columns = (
        Column("class", "class"),
        Column("tokens", "tokens", Kind.COUNT),
        Column("usd_per_million", "at USD\nper million"),
        Column("usd", "USD"),
    )
    print_table(columns, [_exact(part) for part in audit.parts], _exact(total))
    click.echo(
        f"\n  Price of {as_text(price['model'])}, {price['service_tier']} tier, prompts above "
        f"{price['tier_from_tokens']:,} tokens, valid from {as_text(price['valid_from'])} until "
        f"{as_text(price['valid_to'])}: {as_text(price['price_version'])} ({price['origin']})."
    )
    if not price["is_proven"]:
        click.echo("  These do not multiply to the computed cost. Run `agent-analytics verify`.")


def _print_facts(row: Row, names: Iterable[str]) -> None:
    width = max(map(len, names := tuple(names)))
    for name, value in _exact({name: row[name] for name in names}).items():
        click.echo(f"  {name:<{width}}  {f'{value:,}' if _is_count(value) else as_text(value)}")


def _print_rows(heading: str, rows: Sequence[Row], total: Row | None = None) -> None:
    """A table of what the rows have; columns that are unknown in all of them are left out."""
    if not rows:
        return
    click.echo(f"\n{heading}\n")
    shown = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    columns = [
        Column(name, name, Kind.COUNT if _has_counts(name, rows) else Kind.TEXT) for name in shown
    ]
    print_table(columns, [_exact(row) for row in rows], _exact(total) if total else None)


def _has_counts(name: str, rows: Sequence[Row]) -> bool:
    """Whether the column is of numbers of something, not of ids."""
    return not name.endswith("id") and all(
        row[name] is None or _is_count(row[name]) for row in rows
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _exact(row: Row) -> Row:
    """Amounts to their last digit, times to the millisecond, as text."""
    return {name: _exact_text(value) for name, value in row.items()}


def _exact_text(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
    return value


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"${amount.normalize():f}"


def _sum(rows: Sequence[Row], name: str) -> Decimal | None:
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None
