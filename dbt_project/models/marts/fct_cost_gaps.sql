with

-- Where both are known the two can be compared; where one is not, nothing is a gap.
requests as (

    select
        requested_date as usage_date,
        agent,
        model,
        reported_cost_usd,
        computed_cost_usd,
        case when computed_cost_usd is not null then reported_cost_usd end as compared_reported_usd,
        case when reported_cost_usd is not null then computed_cost_usd end as compared_computed_usd
    from {{ ref('int_agent_requests') }}
    where not is_error

),

final as (

    select
        agent,
        model,
        count(*) as requests,
        {{ sum_bigint('case when compared_reported_usd is not null then 1 else 0 end') }}
            as compared_requests,
        -- A cost sent as micro-dollars alone is rounded.
        {{ sum_bigint(
            'case when abs(compared_reported_usd - compared_computed_usd) > 0.000001 '
            ~ 'then 1 else 0 end'
        ) }} as differing_requests,
        {{ sum_bigint(
            'case when reported_cost_usd is not null and computed_cost_usd is null '
            ~ 'then 1 else 0 end'
        ) }} as reported_only_requests,
        {{ sum_bigint(
            'case when computed_cost_usd is not null and reported_cost_usd is null '
            ~ 'then 1 else 0 end'
        ) }} as computed_only_requests,
        {{ usd('sum(compared_reported_usd)') }} as reported_cost_usd,
        {{ usd('sum(compared_computed_usd)') }} as computed_cost_usd,
        {{ usd('sum(compared_reported_usd) - sum(compared_computed_usd)') }} as gap_usd,
        usage_date
    from requests
    group by agent, model, usage_date

)

select * from final
