with

prices as (

    select * from {{ ref('int_prices_by_period') }}

),

final as (

    select
        model || ':' || service_tier || ':' || origin || ':' || cast(tier_from_tokens as varchar)
        || ':' || coalesce(cast(valid_from as varchar), '')
        || ':' || coalesce(cast(seen_from as varchar), '') as model_price_key,
        model,
        service_tier,
        origin,
        provider,
        price_version,
        cast(tier_from_tokens as bigint) as tier_from_tokens,
        {{ usd('input') }} as input_usd_per_million,
        {{ usd('cache_read') }} as cache_read_usd_per_million,
        {{ usd('cache_write_5m') }} as cache_write_5m_usd_per_million,
        {{ usd('cache_write_1h') }} as cache_write_1h_usd_per_million,
        {{ usd('output') }} as output_usd_per_million,
        seen_to is null as is_current,
        valid_from,
        valid_to,
        seen_from,
        seen_to
    from prices

)

select * from final
