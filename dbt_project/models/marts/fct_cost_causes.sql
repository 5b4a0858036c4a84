{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

{% set facts = [
    'request_key', 'session_key', 'session_id', 'agent', 'developer_id', 'project_id', 'git_branch',
    'model', 'requested_at', 'requested_date',
] %}

with

costs as (

    select * from {{ ref('int_request_cause_costs') }}
    where {{ changed() }}

),

of_caches as (

    select
        {{ facts | join(',\n        ') }},
        cache_cause as cause,
        previous_model,
        cast(pause_seconds as bigint) as pause_seconds,
        wasted_tokens,
        cache_usd as cause_cost_usd,
        cache_avoidable_usd as avoidable_usd
    from costs
    where cache_cause is not null

),

of_tiers as (

    select
        {{ facts | join(',\n        ') }},
        'long_context' as cause,
        null as previous_model,
        null as pause_seconds,
        null as wasted_tokens,
        long_context_usd as cause_cost_usd,
        long_context_usd as avoidable_usd
    from costs
    where is_long_context

),

-- What a rejected edit, a failed command or a sub-agent would have saved nobody knows; a failed
-- request is not billed, so that sending it again costs what it would have cost at once.
of_requests as (

    select
        {{ facts | join(',\n        ') }},
        request_cause as cause,
        null as previous_model,
        null as pause_seconds,
        null as wasted_tokens,
        rest_usd as cause_cost_usd,
        case
            when is_avoidable then rest_usd
            when request_cause = 'retry' then 0
        end as avoidable_usd
    from costs
    where request_cause is not null

),

unioned as (

    select * from of_caches
    union all
    select * from of_tiers
    union all
    select * from of_requests

),

final as (

    select
        request_key || ':' || cause as cause_key,
        {{ facts[:-2] | join(',\n        ') }},
        cause,
        previous_model,
        pause_seconds,
        cast(wasted_tokens as bigint) as wasted_tokens,
        {{ usd('cause_cost_usd') }} as cause_cost_usd,
        {{ usd('avoidable_usd') }} as avoidable_usd,
        requested_at,
        requested_date
    from unioned

)

select * from final
