-- A table: range joins against it are made for every request.
{{ config(materialized='table') }}

with

periods as (

    select * from {{ ref('int_price_periods') }}

),

prices as (

    select * from {{ ref('stg_model_prices') }}

),

joined as (

    select
        periods.model,
        periods.service_tier,
        periods.origin,
        periods.known_at,
        prices.price_version,
        prices.provider,
        prices.tier_from_tokens,
        prices.input,
        prices.cache_read,
        prices.cache_write_5m,
        prices.cache_write_1h,
        prices.output,
        prices.valid_from,
        prices.valid_to,
        periods.seen_from,
        periods.seen_to
    from periods
    inner join prices
        on
            periods.model = prices.model
            and periods.service_tier = prices.service_tier
            and periods.origin = prices.origin
            and periods.known_at = prices.known_at

)

select * from joined
