-- What counters tell of a session's spend, and the sums that Copilot CLI writes at its end.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

increments as (

    select * from {{ ref('int_metric_increments') }}
    where session_key is not null and {{ changed_key() }}

),

-- The metric does not split cache writes by lifetime (2.1.330): they count as five-minute ones.
claude_code as (

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
        true as tells_cost,
        min(coalesce(started_at, measured_at)) as measured_from,
        max(measured_at) as measured_at
    from increments
    where metric_name in ('claude_code.token.usage', 'claude_code.cost.usage')
    group by session_key, model

),

-- Cache is in input, thoughts beside output and the prompts of tools beside input (0.61.0).
gemini_cli as (

    select
        session_key,
        model,
        cast(sum(
            case
                when type in ('input', 'tool') then increment
                when type = 'cache' then -increment
                else 0
            end
        ) as bigint) as input_tokens,
        cast(sum(case when type = 'cache' then increment else 0 end) as bigint)
            as cache_read_tokens,
        cast(0 as bigint) as cache_write_tokens,
        cast(sum(case when type in ('output', 'thought') then increment else 0 end) as bigint)
            as output_tokens,
        cast(0 as decimal(18, 9)) as cost_usd,
        false as tells_cost,
        min(coalesce(started_at, measured_at)) as measured_from,
        max(measured_at) as measured_at
    from increments
    where metric_name = 'gemini_cli.token.usage'
    group by session_key, model

),

copilot_cli as (

    select
        sessions.session_key,
        names.model,
        cast(sum(totals.input_tokens) as bigint) as input_tokens,
        cast(sum(totals.cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(totals.cache_write_tokens) as bigint) as cache_write_tokens,
        cast(sum(totals.output_tokens) as bigint) as output_tokens,
        cast(0 as decimal(18, 9)) as cost_usd,
        false as tells_cost,
        min(totals.started_at) as measured_from,
        max(totals.measured_at) as measured_at
    from {{ ref('stg_copilot_cli__session_totals') }} as totals
    inner join {{ ref('stg_agent_sessions') }} as sessions
        on sessions.agent = 'copilot_cli' and totals.session_id = sessions.session_id
    left join {{ ref('int_model_names') }} as names on totals.model_reported = names.model_reported
    where {{ changed_key('sessions.session_key') }}
    group by sessions.session_key, names.model

),

unioned as (

    select * from claude_code
    union all
    select * from gemini_cli
    union all
    select * from copilot_cli

)

select * from unioned
