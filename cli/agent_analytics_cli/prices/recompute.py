"""Pricing what is past anew: first what it would change, then the row that makes dbt do it.

The difference is dbt's own: `int_requests_priced_anew` is a view over tables of the last run and
over `raw_price_epochs`, so the row is put in, the view is read beside the mart, and all is rolled
back.
Nothing is copied, no rule is written twice, and the file is leased for as long as one read takes.
It is let go of while the user thinks; what he then agrees to is recorded with the moment the
difference was made for, so a price that comes meanwhile is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from agent_analytics_collector.home import Home
from agent_analytics_collector.transform import WAIT_FOR_FILE_S
from agent_analytics_collector.warehouse.lease import lease_when_free

# `shown` is what reports show as cost: a cost that the agent or vendor reported stays.
_DIFFERENCE = """
with requests as (
    select
        requests.model,
        requests.computed_cost_usd as old_usd,
        priced.computed_cost_usd as new_usd,
        old_usd is distinct from new_usd as is_changed,
        requests.cost_source in ('computed', 'unpriced') as is_shown
    from marts.fct_agent_requests as requests
    left join intermediate.int_requests_priced_anew as priced
        on requests.request_key = priced.request_key
    where requests.requested_at >= $since and not requests.is_error
)
select
    model,
    count(*) as requests,
    count(*) filter (where is_changed) as changed_requests,
    sum(old_usd) as old_computed_usd,
    sum(new_usd) as new_computed_usd,
    sum(new_usd) - sum(old_usd) as difference_usd,
    count(*) filter (where old_usd is null) as unpriced_before,
    count(*) filter (where new_usd is null) as unpriced_after,
    count(*) filter (where is_changed and not is_shown) as reported_requests,
    coalesce(
        sum(coalesce(new_usd, 0) - coalesce(old_usd, 0)) filter (where is_changed and is_shown), 0
    ) as shown_difference_usd,
    unpriced_before > 0 as old_is_partial,
    unpriced_after > 0 as new_is_partial,
    grouping(model) = 1 as is_total
from requests
group by grouping sets ((model), ())
order by is_total, changed_requests desc, model
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """What pricing the requests since a moment anew would change."""

    since: datetime
    known_from: datetime
    """Prices known until then count."""
    models: list[dict[str, Any]]
    """Models with a changed request, the most changed first. A sum leaves unpriced requests out,
    which `unpriced_before` and `unpriced_after` count; it is None when there are no others."""
    total: dict[str, Any]
    """The same of all requests since then, of unchanged models too."""


def difference(home: Home, since: datetime) -> Difference:
    """What a recomputation would change now; nothing is recorded. Raises FileLocked."""
    with lease_when_free(home.database, WAIT_FOR_FILE_S) as connection:
        return _difference(connection, since)


def record(home: Home, planned: Difference) -> None:
    """Have the next dbt run price the requests anew, as `planned` says. Raises FileLocked."""
    with lease_when_free(home.database, WAIT_FOR_FILE_S) as connection:
        _add_epoch(connection, planned.since, planned.known_from)


def _difference(connection: duckdb.DuckDBPyConnection, since: datetime) -> Difference:
    connection.execute("BEGIN")
    try:
        known_from = connection.execute("SELECT now()").fetchall()[0][0]
        _add_epoch(connection, since, known_from)
        result = connection.execute(_DIFFERENCE, {"since": since})
        names = [column[0] for column in result.description]
        *models, total = (dict(zip(names, row, strict=True)) for row in result.fetchall())
    finally:
        connection.execute("ROLLBACK")
    changed = [row for row in models if row["changed_requests"]]
    return Difference(since, known_from, changed, total)


def _add_epoch(
    connection: duckdb.DuckDBPyConnection, since: datetime, known_from: datetime
) -> None:
    connection.execute(
        "INSERT INTO raw_price_epochs (since, known_from, created_at, reason) "
        "VALUES (?, ?, now(), 'agent-analytics prices recompute')",
        [since, known_from],
    )
