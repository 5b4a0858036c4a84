"""`agent-analytics status`: is it running, what came, what waits, who holds the file."""

from __future__ import annotations

import json
from typing import Any

import rich_click as click

from agent_analytics_collector.home import Home
from agent_analytics_collector.overview import overview


@click.command("status", short_help="What runs, what came, what waits, who holds the file.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(as_json: bool) -> None:
    """Show the collector, its records, the spool, the DuckDB lock and the last dbt run.

    Example: agent-analytics status --json
    """
    facts = overview(Home.from_environment())
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    width = max(len(name) for name, _ in _lines(facts))
    for name, text in _lines(facts):
        click.echo(f"{name:<{width}}  {text}")


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, text) of every line."""
    lines = [("home", facts["home"]), ("collector", _collector(facts["service"]))]
    records = facts["records"]
    total = ", ".join(
        f"{count:,} {signal.replace('_', ' ')}"
        for signal, count in records.items()
        if count or signal in ("logs", "metrics", "traces")
    )
    lines.append(("records", total))
    if facts["rejected"]:
        lines.append(("rejected", f"{facts['rejected']:,} (table raw_rejected says why)"))
    lines.append(("waiting", _waiting(facts)))
    lines.append(("last load", _last_load(facts)))
    lines.append(("DuckDB file", _lock(facts)))
    if facts["problem"]:
        lines.append(("problem", facts["problem"]))
    lines.append(("dbt", _dbt(facts["dbt"])))
    lines.append(("published", _published(facts["published"])))
    lines += [("forward", _forward(one)) for one in facts["forward"]]
    lines += _server(facts["server"])
    lines.append(("backups", _backups(facts["backups"])))
    if facts["recovery"]:
        lines.append(("recovery", f"{facts['recovery']['at']}: {facts['recovery']['summary']}"))
    return lines


def _collector(service: dict[str, Any] | None) -> str:
    if service is None:
        return "not running; start it with `agent-analytics up`"
    text = (
        f"running since {service['started_at']} (process {service['pid']}), "
        f"grpc {service['host']}:{service['grpc_port']}, "
        f"http {service['host']}:{service['http_port']}, "
        f"api {service['host']}:{service['api_port']}"
    )
    if service["torn_bytes"]:
        text += f"; {service['torn_bytes']:,} torn bytes were cut from the spool at its start"
    return text


def _forward(told: dict[str, Any]) -> str:
    """How far one destination is; `doctor` says what to do."""
    waiting = told["waiting"]
    text = f"{told['endpoint']}: "
    if waiting["requests"]:
        text += f"{waiting['records']:,} records in {waiting['requests']:,} requests wait"
    else:
        text += "nothing waits"
    if told["last_delivery_at"]:
        text += f", the last delivery was at {told['last_delivery_at']}"
    if told["problem"]:
        text += f"; since {told['problem_since']}: {told['problem']}"
    return text


def _server(server: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to tell of a team's server; nothing for a single user."""
    lines = []
    tls, keys, traffic = server["tls"], server["keys"], server["traffic"] or {}
    if tls and tls["certificate"]:
        names = ", ".join(tls["names"])
        lines.append(("TLS", f"{tls['certificate']} for {names}, until {tls['expires_at']}"))
    elif tls and tls["behind_proxy"]:
        lines.append(("TLS", "a proxy in front ends it (tls.behind_proxy)"))
    if keys and keys["made"]:
        text = f"{keys['valid']:,} of {keys['made']:,} that were made are valid"
        if keys["expiring"]:
            text += f"; {keys['expiring']:,} end within 30 days: `agent-analytics keys list`"
        lines.append(("keys", text))
    refused = [f"{count:,} {status}" for status, count in traffic.get("refused", {}).items()]
    if traffic.get("rate_limited"):
        refused.append(f"{traffic['rate_limited']:,} over the API's rate")
    cut = sum(traffic.get("connections_cut", {}).values())
    if cut:
        refused.append(f"{cut:,} connections of slow or too many clients")
    if refused:
        lines.append(("refused", "since its start: " + ", ".join(refused)))
    if server["problem"]:
        lines.append(("problem", server["problem"]))
    return lines


def _backups(backups: dict[str, Any] | None) -> str:
    if backups is None:
        return "unknown: the settings or their folder cannot be read"
    if not backups["count"]:
        return "none yet; `agent-analytics backup now` makes one"
    return f"{backups['count']:,}, the newest of {backups['newest_at']}"


def _waiting(facts: dict[str, Any]) -> str:
    waiting = facts["waiting"]
    if not waiting["requests"]:
        return "nothing"
    count = sum(waiting["records"].values())
    text = f"{count:,} records in {waiting['requests']:,} requests, {waiting['bytes']:,} bytes"
    if facts["loading_waits_for"]:
        text += f"; loading waits for {facts['loading_waits_for']}"
    return text + ", safe in the spool"


def _last_load(facts: dict[str, Any]) -> str:
    if facts["last_load_at"] is None:
        return "never"
    return f"{facts['last_load_at']}, {facts['last_load_rows']:,} rows"


def _lock(facts: dict[str, Any]) -> str:
    return f"open in {facts['lock_holder']}" if facts["lock_holder"] else "free"


def _dbt(dbt: dict[str, Any]) -> str:
    if dbt["running"]:
        return "running"
    last = dbt["last"]
    if last is None:
        return "never ran; `agent-analytics transform` runs it"
    text = f"{last['status']} at {last['finished_at']}"
    return f"{text}: {last['problem']}" if last["problem"] else text


def _published(published: dict[str, Any] | None) -> str:
    if published is None:
        return "nothing yet"
    return (
        f"{published['run']} at {published['at']}; bi.duckdb last replaced "
        f"{published['bi_replaced_at']} (readers connected before then should reconnect)"
    )
