{{ config(
    materialized='incremental', incremental_strategy='by_session', on_schema_change='fail',
    pre_hook='{{ change_all_if_new() }}'
) }}

{% set measures = {
    'active_seconds': "metric_name = 'claude_code.active_time.total'",
    'lines_added': "metric_name like '%lines_of_code.count' and type = 'added'",
    'lines_removed': "metric_name like '%lines_of_code.count' and type = 'removed'",
    'edits_accepted': "metric_name like '%edit_tool.decision' and decision = 'accept'",
    'edits_rejected': "metric_name like '%edit_tool.decision' and decision = 'reject'",
    'commits_reported': "metric_name = 'claude_code.commit.count'",
} %}

with

increments as (

    select * from {{ ref('int_metric_increments') }}
    where
        session_key is not null
        and metric_name like 'claude_code.%'
        and {{ changed_key() }}

),

decided as (

    select distinct agent || ':' || session_id as session_key
    from {{ ref('stg_agent_tool_calls') }}
    where decision is not null and session_id is not null and {{ changed() }}

),

-- A counter that never counted is not sent: of a session with any metric, none is 0.
totals as (

    select
        {% for name, condition in measures.items() %}
        sum(case when {{ condition }} then increment else 0 end) as {{ name }},
        {% endfor %}
        session_key
    from increments
    group by session_key

),

-- Decisions say call by call what the metric counts.
flagged as (

    select
        totals.*,
        totals.lines_added > 0 or totals.lines_removed > 0 as tells_lines,
        decided.session_key is null and (totals.edits_accepted > 0 or totals.edits_rejected > 0)
            as tells_edits
    from totals
    left join decided on totals.session_key = decided.session_key

)

select * from flagged
