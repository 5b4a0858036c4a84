"""Which rows price a model on a day, as dbt has them in the DuckDB file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from agent_analytics_cli.prices.known import CLASSES
from agent_analytics_collector.errors import AgentAnalyticsError
from agent_analytics_collector.home import Home
from agent_analytics_collector.transform import WAIT_FOR_FILE_S
from agent_analytics_collector.warehouse.lease import lease_when_free

# The preferences are those of `int_requests_priced`: what was known before what was not, the dated
# name before the undated one, the user's price before the shipped one. A row counts for some size
# of request unless a preferred one begins at the same size or below.
_ROWS = f"""
with asked as (
    select
        coalesce(
            (select min(model) from intermediate.int_model_names
             where lower(trim(model_reported)) = $name),
            (select model from staging.stg_model_aliases where alias = $name),
            $name
        ) as model,
        coalesce(
            (select min(dated_model) from intermediate.int_model_names
             where lower(trim(model_reported)) = $name),
            $name
        ) as dated_model,
        least(now(), timezone('UTC', cast($day + 1 as timestamp))) as stored_at,
        (select max(priced_as_of) from staging.stg_price_epochs
         where requested_from < timezone('UTC', cast($day + 1 as timestamp))) as recomputed_as_of
),
ranked as (
    select
        prices.*,
        greatest(stored_at, coalesce(recomputed_as_of, stored_at)) as seen_at,
        dense_rank() over (
            partition by prices.service_tier
            order by
                case when known_at > seen_at then known_at end nulls first,
                prices.model = dated_model desc,
                origin = 'user' desc
        ) as preference
    from intermediate.int_prices_by_period as prices
    inner join asked on prices.model in (asked.model, asked.dated_model)
    where
        seen_at >= seen_from and (seen_at < seen_to or seen_to is null)
        and ($day >= valid_from or valid_from is null)
        and ($day < valid_to or valid_to is null)
),
latest as (
    select * from ranked
    qualify row_number() over (
        partition by service_tier, preference, tier_from_tokens
        order by valid_from desc nulls last
    ) = 1
)
select
    model, provider, service_tier, tier_from_tokens, {", ".join(CLASSES)},
    valid_from, valid_to, origin, price_version, known_at
from latest
where not exists (
    from latest as better
    where
        better.service_tier = latest.service_tier
        and better.preference < latest.preference
        and better.tier_from_tokens <= latest.tier_from_tokens
)
order by service_tier <> 'standard', service_tier, tier_from_tokens
"""


class NoPrices(AgentAnalyticsError):
    """No transform of this version has brought prices into the DuckDB file."""

    def __init__(self, home: Home) -> None:
        super().__init__(
            f"{home.database} has no prices yet. `agent-analytics transform` brings them."
        )


@dataclass(frozen=True, slots=True)
class Lookup:
    """The rows that price a model on a day; none when it has no price then."""

    model: str
    """The canonical name under which prices were found, else the name that was asked for."""
    rows: list[dict[str, Any]]


def look_up(home: Home, model: str, day: date) -> Lookup:
    """What a request of `day` (UTC) that was stored on that day is priced by.

    Of the rows of a service tier the one with the greatest `tier_from_tokens` that is 0 or less
    than the request's prompt prices all of it. `model` may be a name that an agent reported, an
    alias or the canonical name. Raises NoPrices, FileLocked.
    """
    if not home.database.exists():
        raise NoPrices(home)
    with lease_when_free(home.database, WAIT_FOR_FILE_S) as connection:
        try:
            result = connection.execute(_ROWS, {"name": model.strip().lower(), "day": day})
        except duckdb.CatalogException as error:
            raise NoPrices(home) from error
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return Lookup(rows[0]["model"] if rows else model, rows)
