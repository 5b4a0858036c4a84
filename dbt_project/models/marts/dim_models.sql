with

sightings as (

    select
        model,
        min(first_at) as first_seen_at,
        max(last_at) as last_seen_at
    from {{ ref('int_sightings') }}
    where model is not null
    group by model

),

prices as (

    select * from {{ ref('int_prices_by_period') }}
    where
        service_tier = 'standard'
        and tier_from_tokens = 0
        and seen_to is null
        and (valid_from <= {{ utc_date(now_utc()) }} or valid_from is null)
        and (valid_to > {{ utc_date(now_utc()) }} or valid_to is null)

),

ranked as (

    select
        *,
        row_number() over (
            partition by model
            order by case when origin = 'user' then 0 else 1 end, valid_from desc nulls last
        ) as best_first
    from prices

),

final as (

    select
        sightings.model,
        {{ model_display_name('sightings.model') }} as display_name,
        ranked.provider,
        ranked.input as input_usd_per_million,
        ranked.cache_read as cache_read_usd_per_million,
        ranked.cache_write_5m as cache_write_5m_usd_per_million,
        ranked.cache_write_1h as cache_write_1h_usd_per_million,
        ranked.output as output_usd_per_million,
        ranked.price_version,
        ranked.model is not null as is_priced,
        sightings.first_seen_at,
        sightings.last_seen_at
    from sightings
    left join ranked on sightings.model = ranked.model and ranked.best_first = 1

)

select * from final
