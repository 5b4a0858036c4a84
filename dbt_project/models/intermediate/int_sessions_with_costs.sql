-- A table: four models read it.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

sessions as (

    select * from {{ ref('stg_agent_sessions') }}
    where {{ changed() }}

),

identities as (

    select * from {{ ref('stg_developer_identities') }}

),

settings as (

    select * from {{ ref('stg_settings') }}

),

requests as (

    select * from {{ ref('int_session_requests') }}

),

tool_calls as (

    select * from {{ ref('int_session_tool_calls') }}

),

metrics as (

    select * from {{ ref('int_session_metrics') }}

),

prompts as (

    select
        session_key,
        count(*) as prompts
    from {{ ref('int_prompts') }}
    where {{ changed() }}
    group by session_key

),

remainders as (

    select
        session_key,
        sum(input_tokens + cache_read_tokens + cache_write_tokens + output_tokens) as total_tokens,
        sum(cost_usd) as cost_usd,
        max(case when cost_usd is null then 1 else 0 end) as has_unpriced
    from {{ ref('int_metric_remainders') }}
    group by session_key

),

joined as (

    select
        sessions.session_key,
        sessions.session_id,
        sessions.agent,
        sessions.agent_version,
        coalesce(identities.developer_id, sessions.developer_id) as developer_id,
        sessions.repository,
        coalesce(settings.project_id, sessions.repository, sessions.project_path) as project_id,
        sessions.git_branch,
        sessions.machine,
        sessions.project_path as worktree,
        requests.main_model,
        cast(coalesce(prompts.prompts, 0) as bigint) as prompts,
        cast(coalesce(requests.requests, 0) as bigint) as requests,
        cast(coalesce(tool_calls.tool_calls, 0) as bigint) as tool_calls,
        cast(coalesce(tool_calls.tool_failures, 0) as bigint) as tool_failures,
        -- Each is counted by the calls or by the metric, never by both.
        cast(
            coalesce(
                case when metrics.tells_edits then metrics.edits_accepted end,
                tool_calls.edits_accepted,
                0
            ) as bigint
        ) as edits_accepted,
        cast(
            coalesce(
                case when metrics.tells_edits then metrics.edits_rejected end,
                tool_calls.edits_rejected,
                0
            ) as bigint
        ) as edits_rejected,
        cast(
            coalesce(
                case when metrics.tells_lines then metrics.lines_added end,
                tool_calls.lines_added,
                metrics.lines_added
            ) as bigint
        ) as lines_added,
        cast(
            coalesce(
                case when metrics.tells_lines then metrics.lines_removed end,
                tool_calls.lines_removed,
                metrics.lines_removed
            ) as bigint
        ) as lines_removed,
        cast(coalesce(requests.errors, 0) as bigint) as errors,
        cast(coalesce(requests.retries, 0) as bigint) as retries,
        cast(
            coalesce(nullif(metrics.commits_reported, 0), tool_calls.commits_reported, 0) as bigint
        ) as commits_reported,
        cast(coalesce(requests.total_tokens, 0) + coalesce(remainders.total_tokens, 0) as bigint)
            as total_tokens,
        cast(metrics.active_seconds as decimal(18, 3)) as active_seconds,
        cast(
            coalesce(
                requests.cost_usd + remainders.cost_usd, requests.cost_usd, remainders.cost_usd
            ) as decimal(18, 9)
        ) as cost_usd,
        coalesce(requests.last_request_failed, false) as last_request_failed,
        coalesce(requests.unpriced_requests, 0) + coalesce(remainders.has_unpriced, 0) > 0
            as is_partly_unpriced,
        sessions.started_at,
        sessions.ended_at,
        {{ usage_date('sessions.started_at') }} as started_date
    from sessions
    cross join settings
    left join identities on lower(sessions.developer_id) = identities.identity
    left join requests on sessions.session_key = requests.session_key
    left join tool_calls on sessions.session_key = tool_calls.session_key
    left join metrics on sessions.session_key = metrics.session_key
    left join prompts on sessions.session_key = prompts.session_key
    left join remainders on sessions.session_key = remainders.session_key

)

select * from joined
