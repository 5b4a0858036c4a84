with

increments as (

    select * from {{ ref('int_metric_increments') }}
    where
        session_key is not null
        and metric_name in ('claude_code.token.usage', 'claude_code.cost.usage')

),

-- The metric does not split cache writes by lifetime (2.1.330): they count as five-minute ones.
totals as (

    select
        session_key,
        model,
        cast(sum(case when type = 'input' then increment else 0 end) as bigint) as input_tokens,
        cast(sum(case when type = 'cacheRead' then increment else 0 end) as bigint)
            as cache_read_tokens,
        cast(sum(case when type = 'cacheCreation' then increment else 0 end) as bigint)
            as cache_write_tokens,
        cast(sum(case when type = 'output' then increment else 0 end) as bigint) as output_tokens,
        cast(sum(
            case when metric_name = 'claude_code.cost.usage' then increment else 0 end
        ) as decimal(18, 9)) as cost_usd,
        min(coalesce(started_at, measured_at)) as measured_from,
        max(measured_at) as measured_at
    from increments
    group by session_key, model

)

select * from totals
