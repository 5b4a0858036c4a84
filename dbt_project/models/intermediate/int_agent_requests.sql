-- A table: seven models read it.
{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

with

usage_rows as (

    select * from {{ ref('stg_agent_token_usage') }}
    where {{ changed() }}

),

names as (

    select * from {{ ref('int_model_names') }}

),

priced as (

    select * from {{ ref('int_requests_priced') }}
    where {{ changed() }}

),

joined as (

    select
        usage_rows.request_key,
        usage_rows.request_id,
        usage_rows.agent,
        sessions.session_key,
        usage_rows.session_id,
        usage_rows.prompt_id,
        {{ identified_developer('usage_rows') }} as developer_id,
        {{ project_of('usage_rows') }} as project_id,
        coalesce(usage_rows.git_branch, sessions.git_branch) as git_branch,
        coalesce(usage_rows.machine, sessions.machine) as machine,
        sessions.project_path as worktree,
        names.model,
        usage_rows.model_reported,
        usage_rows.model_requested,
        usage_rows.service_tier,
        usage_rows.query_source,
        usage_rows.subagent,
        usage_rows.effort,
        usage_rows.agent_version,
        usage_rows.billing_mode,
        priced.price_version,
        usage_rows.seen_in,
        usage_rows.input_tokens,
        usage_rows.cache_read_tokens,
        usage_rows.cache_write_5m_tokens,
        usage_rows.cache_write_1h_tokens,
        usage_rows.output_tokens,
        usage_rows.reasoning_tokens,
        -- NULL of one class is none of it, as long as another is known.
        case
            when coalesce(
                usage_rows.input_tokens,
                usage_rows.cache_read_tokens,
                usage_rows.cache_write_5m_tokens,
                usage_rows.cache_write_1h_tokens,
                usage_rows.output_tokens
            ) is not null then
                coalesce(usage_rows.input_tokens, 0)
                + coalesce(usage_rows.cache_read_tokens, 0)
                + coalesce(usage_rows.cache_write_5m_tokens, 0)
                + coalesce(usage_rows.cache_write_1h_tokens, 0)
                + coalesce(usage_rows.output_tokens, 0)
        end as total_tokens,
        usage_rows.duration_ms,
        usage_rows.ttft_ms,
        usage_rows.status_code,
        usage_rows.attempt,
        {{ usd('usage_rows.reported_cost_usd') }} as reported_cost_usd,
        priced.computed_cost_usd,
        priced.cache_savings_usd,
        usage_rows.is_subagent,
        usage_rows.is_error,
        usage_rows.requested_at,
        {{ usage_date('usage_rows.requested_at') }} as requested_date
    from usage_rows
    left join names on usage_rows.model_reported = names.model_reported
    left join priced on usage_rows.request_key = priced.request_key
    {{ with_context('usage_rows') }}

),

-- What was reported is never overwritten; what was computed stands beside it.
costed as (

    select
        *,
        coalesce(reported_cost_usd, computed_cost_usd) as cost_usd,
        case
            when reported_cost_usd is not null then 'agent_reported'
            when computed_cost_usd is not null then 'computed'
            else 'unpriced'
        end as cost_source,
        cast(null as decimal(18, 9)) as paid_usd
    from joined

)

select * from costed
