-- Which price row computed a request's cost: found by what the request itself says of it, its
-- `price_version`, and proven by arithmetic. `int_requests_priced` chooses; this looks it up again,
-- so that a cost can be shown as tokens times price.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

requests as (

    select
        *,
        coalesce(input_tokens, 0)
        + coalesce(cache_read_tokens, 0)
        + coalesce(cache_write_5m_tokens, 0)
        + coalesce(cache_write_1h_tokens, 0) as prompt_tokens,
        {{ utc_date('requested_at') }} as requested_on
    from {{ ref('int_agent_requests') }}
    where price_version is not null and {{ changed() }}

),

-- A dated model may have a price of its own. Two rows, because prices are found by equality: all
-- models of one release have one `price_version`.
names as (

    select
        model_reported,
        model
    from {{ ref('int_model_names') }}
    union
    select
        model_reported,
        dated_model as model
    from {{ ref('int_model_names') }}
    where dated_model is not null

),

-- A price counts in several periods of time; it is one row here.
prices as (

    select distinct
        model,
        service_tier,
        origin,
        price_version,
        provider,
        tier_from_tokens,
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        valid_from,
        valid_to,
        known_at
    from {{ ref('int_prices_by_period') }}

),

priced as (

    select
        requests.request_key,
        requests.session_id,
        requests.computed_cost_usd,
        prices.*,
        {{ usd(
            usd_for_tokens('requests.input_tokens', 'prices.input')
            ~ '\n+ ' ~ usd_for_tokens('requests.cache_read_tokens', 'prices.cache_read')
            ~ '\n+ ' ~ usd_for_tokens('requests.cache_write_5m_tokens', 'prices.cache_write_5m')
            ~ '\n+ ' ~ usd_for_tokens('requests.cache_write_1h_tokens', 'prices.cache_write_1h')
            ~ '\n+ ' ~ usd_for_tokens('requests.output_tokens', 'prices.output')
        ) }} as replayed_cost_usd
    from requests
    inner join names on requests.model_reported = names.model_reported
    inner join prices
        on
            names.model = prices.model
            and requests.price_version = prices.price_version
            and requests.service_tier = prices.service_tier
            and (requests.requested_on >= prices.valid_from or prices.valid_from is null)
            and (requests.requested_on < prices.valid_to or prices.valid_to is null)
            and (
                requests.prompt_tokens > prices.tier_from_tokens or prices.tier_from_tokens = 0
            )

),

proven as (

    select
        *,
        coalesce(replayed_cost_usd = computed_cost_usd, false) as is_proven
    from priced

),

-- The user's file may have changed twice in a day, which its version does not tell.
ranked as (

    select
        *,
        row_number() over (
            partition by request_key
            order by
                is_proven desc,
                tier_from_tokens desc,
                valid_from desc nulls last,
                known_at desc
        ) as best_first
    from proven

),

rows_used as (

    select * exclude (best_first)
    from ranked
    where best_first = 1

)

select * from rows_used
