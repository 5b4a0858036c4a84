"""Whether dbt has seen the prices as they are now."""

from __future__ import annotations

from agent_analytics_cli.prices.known import ALIASES, OVERRIDES, PRICES, shipped_rows
from agent_analytics_collector.home import Home
from agent_analytics_collector.settings import Settings
from agent_analytics_collector.transform import WAIT_FOR_FILE_S
from agent_analytics_collector.warehouse.lease import lease_when_free
from agent_analytics_collector.warehouse.user_input import write_user_input


def dbt_has_seen_the_prices(home: Home, settings: Settings) -> bool:
    """Whether the last good dbt run had the shipped prices and the user's files as they are now.

    Changes of the user's files have a time; the shipped ones only grow, so their length tells.
    Raises FileLocked.
    """
    with lease_when_free(home.database, WAIT_FOR_FILE_S) as connection:
        write_user_input(connection, home, settings)
        started, changed = connection.execute(
            "SELECT (SELECT max(started_at) FROM dbt_runs WHERE status = 'success'), "
            "(SELECT max(changed_at) FROM raw_user_overrides WHERE kind IN (?, ?))",
            [OVERRIDES, ALIASES],
        ).fetchall()[0]
        if started is None or (changed is not None and changed >= started):
            return False
        stored = {
            seed: connection.execute(f"SELECT count(*) FROM seeds.{seed}").fetchall()[0][0]
            for seed in (PRICES, ALIASES)
        }
    return stored == {seed: len(shipped_rows(seed)) for seed in stored}
