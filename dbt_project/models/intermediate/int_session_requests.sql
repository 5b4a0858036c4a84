{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

requests as (

    select * from {{ ref('int_agent_requests') }}
    where session_key is not null and {{ changed() }}

),

by_model as (

    select
        session_key,
        model,
        row_number() over (
            partition by session_key
            order by sum(output_tokens) desc nulls last, count(*) desc, model
        ) as main_first
    from requests
    group by session_key, model

),

last_requests as (

    select
        session_key,
        is_error,
        row_number() over (
            partition by session_key order by requested_at desc, request_key desc
        ) as newest_first
    from requests

),

totals as (

    select
        session_key,
        count(*) as requests,
        sum(case when is_error then 1 else 0 end) as errors,
        -- Claude Code 2.1.330 tells of those alone that failed for good.
        sum(case when attempt > 1 then attempt - 1 else 0 end) as retries,
        coalesce(sum(total_tokens), 0) as total_tokens,
        sum(cost_usd) as cost_usd,
        sum(case when cost_usd is null and not is_error then 1 else 0 end) as unpriced_requests
    from requests
    group by session_key

),

joined as (

    select
        totals.*,
        by_model.model as main_model,
        last_requests.is_error as last_request_failed
    from totals
    inner join by_model on totals.session_key = by_model.session_key and by_model.main_first = 1
    inner join last_requests
        on totals.session_key = last_requests.session_key and last_requests.newest_first = 1

)

select * from joined
